"""Joins provenance and evidence into one report of checks and a verdict. Never imports Django."""
