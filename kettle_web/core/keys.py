"""Keys of the installation: made at first start, kept in the data folder, readable by its owner alone."""

import base64
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def key_read_or_make(path: Path) -> str:
    """Give the key kept at `path`: 32 random bytes as base64url with padding (the form Fernet takes).

    Two processes may start at once, so a new key is written whole under another name and linked into place: the first
    wins and
    both read the same one. Raises `OSError` when the folder cannot be written.
    """
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii"))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text("ascii").strip()
