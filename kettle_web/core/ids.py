"""Identifiers for addresses."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no letter that reads like a digit."""
LENGTH = 16


def uid_new() -> str:
    """Give a fresh random identifier: 16 characters, 80 bits. It names a thing; it does not open it."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
