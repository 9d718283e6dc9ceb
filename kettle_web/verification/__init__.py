"""Joins provenance and evidence into one report of checks and a verdict. Never imports Django.

`run.run_checks` is the only place that catches: what a step raises becomes an outcome, never a pass. Fast to import:
what needs cryptography is imported when it is used.
"""
