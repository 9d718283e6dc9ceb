"""The site's allow-list of builder images: who pinned which, why, and what a change would move (`/policy/`).

Entries are added and ended, never changed or deleted. What is in force at a moment is one JSON document, the same that
`kettle_web.verification.policy` reads; its SHA-256 is the version that each report cites, and every cited document is kept.
"""
