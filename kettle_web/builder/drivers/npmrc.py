"""The registries that a project's .npmrc names. Nothing else of that file is used while there is network.

pnpm would take proxies, certificates, credentials and programs from it, and so leave the vetted way out.
"""

import re
from pathlib import Path

from kettle_web.builder.drivers.base import file_read

MAX_BYTES = 1 << 20
KEY = re.compile(r"(?:@[A-Za-z0-9._~-]+:)?registry")
ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~%/-]*)?")
"""No user, no query, no variable."""


def registries(project: Path) -> list[str]:
    """Give the lines `registry=URL` and `@scope:registry=URL`; an address of another form is left out."""
    path = project / ".npmrc"
    if path.is_symlink() or not path.is_file():
        return []
    found = []
    for line in file_read(path, max_bytes=MAX_BYTES).decode("utf-8", "replace").splitlines():
        key, _, value = (part.strip() for part in line.partition("="))
        value = value.strip("\"'")
        if KEY.fullmatch(key) and ADDRESS.fullmatch(value):
            found.append(f"{key}={value}")
    return found
