"""Alarms between builds of one project and between judgements of one build: found, listed, acknowledged, fed and mailed."""
