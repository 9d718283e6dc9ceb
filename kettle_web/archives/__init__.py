"""Hostile ZIP and tar archives: reading them within limits, and what a source archive contains. Never imports Django."""
