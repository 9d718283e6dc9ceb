"""Addresses of repositories as people write them."""

from __future__ import annotations

import re
from typing import Final

_SCP: Final = re.compile(r"[\w.-]+@(?P<host>[\w.-]+):(?P<path>[^\s:]+)", re.ASCII)
"""What git clones by SSH: `git@host:owner/name.git`."""


def address_title(url: str) -> str:
    """Give an address without scheme and `.git`; one of no known form stays as it is."""
    return url.removeprefix("git+").partition("://")[2].removesuffix("/").removesuffix(".git") or url


def address_core(text: str) -> str:
    """Give what every spelling of a repository's address has in common: host and path. A piece of an address is its own core."""
    if scp := _SCP.fullmatch(text):
        text = f"{scp['host']}/{scp['path']}"
    elif "://" in text:
        host, slash, path = text.partition("://")[2].partition("/")
        text = host.rpartition("@")[2] + slash + path
    return text.rstrip("/").removesuffix(".git") if "/" in text.strip("/") else text.rstrip("/")


def address_spellings(url: str) -> tuple[str, ...]:
    """Give the ways to write one repository's address, the shortest first: git takes `.git` and a slash at the end for nothing."""
    base = url.rstrip("/").removesuffix(".git")
    return (base, f"{base}.git", f"{base}/", f"{base}.git/")
