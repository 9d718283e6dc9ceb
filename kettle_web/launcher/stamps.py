"""Whether the database needs to be prepared again: a stamp of everything that the preparation depends on."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

STAMP_NAME: Final = "prepared.json"

_ENVIRON: Final = ("BUILDER_URL", "KETTLE_ENDPOINTS", "FIELD_ENCRYPTION_KEY", "DATABASE_URL")


def stamp_make(checkout: Path, environ: Mapping[str, str]) -> str:
    """A digest of the migrations, the installed versions and the variables that become rows, hex."""
    digest = hashlib.sha256((checkout / "requirements.lock").read_bytes())
    for path in sorted(checkout.glob("kettle_web/*/migrations/*.py")):
        digest.update(str(path.relative_to(checkout)).encode() + b"\0" + path.read_bytes())
    for name in _ENVIRON:
        # Only the digest is kept: a variable may hold a token.
        digest.update(f"{name}={environ.get(name, '')}\0".encode())
    return digest.hexdigest()


def is_prepared(checkout: Path, data: Path, environ: Mapping[str, str]) -> bool:
    """Whether this very data folder was prepared for this code and these settings.

    Only for the SQLite of the data folder: another server's database may have changed behind our back.
    """
    if environ.get("DATABASE_URL"):
        return False
    try:
        kept = json.loads((data / STAMP_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(kept == {"stamp": stamp_make(checkout, environ)}) and _migrations(checkout) <= _applied(data / "kettle.sqlite3")


def stamp_keep(checkout: Path, data: Path, environ: Mapping[str, str]) -> None:
    (data / STAMP_NAME).write_text(json.dumps({"stamp": stamp_make(checkout, environ)}), "utf-8")


def _migrations(checkout: Path) -> set[tuple[str, str]]:
    return {(path.parent.parent.name, path.stem) for path in checkout.glob("kettle_web/*/migrations/[0-9]*.py")}


def _applied(database: Path) -> set[tuple[str, str]]:
    """What the database itself says: someone may have put an older copy in its place."""
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    except sqlite3.Error:
        return set()
    try:
        return {(str(app), str(name)) for app, name in connection.execute("SELECT app, name FROM django_migrations")}
    except sqlite3.Error:
        return set()
    finally:
        connection.close()
