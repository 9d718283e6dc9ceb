"""The JSON body of POST /build, streamed: the archive is never in memory as a whole, nor as base64 on disk."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kettle_web.kettle_api.errors import KettleError

NONCE_BYTES: Final = 16
_READ_BYTES: Final = 3 * 64 * 1024
"""A multiple of three, so that the pieces' base64 joins without padding."""


def _us(code: str, message: str) -> KettleError:
    return KettleError(code, message, retry=False, fault="us")


class BuildBody:
    """A request body with a known length. `is_handed_over`: its last byte was given to the connection."""

    def __init__(self, nonce: bytes, *, repo_url: str = "", repo_ref: str = "", source: Path | None = None, source_name: str = "") -> None:
        if len(nonce) != NONCE_BYTES:
            # Deployed servers take exactly 16 bytes, though the documentation says «at most».
            raise _us("nonce.length", f"The nonce must have {NONCE_BYTES} bytes.")
        if bool(repo_url) == (source is not None):
            raise _us("source.one", "Give either a repository or an archive.")
        fields = {"nonce": nonce.hex()}
        if repo_url:
            fields["repo_url"] = repo_url
            if repo_ref:
                fields["repo_ref"] = repo_ref
        if source is not None and source_name:
            fields["source_name"] = source_name
        self._source = source
        self._head = json.dumps(fields).encode()
        self._size = 0
        if source is not None:
            self._size = source.stat().st_size
            self._head = self._head[:-1] + b', "source_data": "'
        self._tail = b'"}' if source is not None else b""
        self.length = len(self._head) + (self._size + 2) // 3 * 4 + len(self._tail)
        self.is_handed_over = False

    def __iter__(self) -> Iterator[bytes]:
        self.is_handed_over = self._source is None
        yield self._head
        if self._source is None:
            return
        left = self._size
        with self._source.open("rb") as file:
            while left:
                part = file.read(min(left, _READ_BYTES))
                if not part:
                    raise _us("source.changed", "The stored archive became shorter while it was sent.")
                left -= len(part)
                yield base64.b64encode(part)
        # Set before the last piece is given away: from here on the server may have all of it.
        self.is_handed_over = True
        yield self._tail
