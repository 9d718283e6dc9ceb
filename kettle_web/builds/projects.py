"""Which project a request belongs to: the repository that was asked for by its URL.

Only what we asked for counts (threats.md, «Attribution»): an upload or an imported bundle may claim any repository, and belongs to none.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

KEY_LENGTH: Final = 20
"""Hex digits: 80 bits. Only who asks for both addresses could make two of them share a key."""
SLUG_NAME_LENGTH: Final = 40
_KEY_AT_END = re.compile(rf"(?:^|-)([0-9a-f]{{{KEY_LENGTH}}})$")


def address_normal(url: str) -> str:
    """Give the address by which two spellings are the same repository: without `git+`, a slash or `.git` at its end, host in lower case."""
    scheme, separator, rest = url.removeprefix("git+").partition("://")
    if not separator:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path.rstrip('/').removesuffix('.git')}"


def project_key(url: str) -> str:
    """Give the key of a repository's address: the beginning of the SHA-256 of its normal form, hex."""
    return hashlib.sha256(address_normal(url).encode()).hexdigest()[:KEY_LENGTH]


def project_name(url: str) -> str:
    """Give the address without scheme, as people say it: `github.com/owner/name`."""
    return address_normal(url).partition("://")[2] or url


def slug_make(url: str, key: str) -> str:
    """Give the last part of a project's address: something readable and the key, which alone decides."""
    readable = re.sub(r"[^a-z0-9]+", "-", project_name(url).rpartition("/")[2].lower()).strip("-")[:SLUG_NAME_LENGTH].strip("-")
    return f"{readable}-{key}" if readable else key


def slug_key(slug: str) -> str:
    """Give the key in a slug, or in a key alone; empty: there is none."""
    found = _KEY_AT_END.search(slug)
    return found[1] if found else ""
