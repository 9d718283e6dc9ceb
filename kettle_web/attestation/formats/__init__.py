"""Bytes to frozen values and back. A parser raises `checks.Malformed` and nothing else; what a value means is judged in `platforms`."""
