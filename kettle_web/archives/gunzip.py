"""A gzip stream read in small pieces. Source: RFC 1952."""

import zlib
from typing import BinaryIO, Final

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.limits import CHUNK_BYTES

_GZIP_WINDOW: Final = 31
"""zlib's way to say: gzip header and trailer, CRC checked."""
MAGIC: Final = b"\x1f\x8b"


class GzipStream:
    """Gives decompressed bytes; several members are one stream, zero padding after the last is ignored.

    Raises `ArchiveError`: truncated, checksum, malformed, trailing data.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = zlib.decompressobj(_GZIP_WINDOW)
        self._packed = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """Give between 1 and `size` bytes, or b"" at the end of the stream."""
        while not self._ended:
            if not self._packed:
                self._packed = self._file.read(CHUNK_BYTES)
                if not self._packed:
                    raise ArchiveError("archive.truncated", "The archive is cut off: its end is missing.", "Upload it again.")
            try:
                plain = self._decoder.decompress(self._packed, size)
            except zlib.error as error:
                checksum = "incorrect data check" in str(error) or "incorrect length check" in str(error)
                raise ArchiveError(
                    "archive.checksum" if checksum else "archive.malformed",
                    "The archive is damaged: its compressed data cannot be read.",
                    "Make it again and upload that.",
                ) from error
            self._packed = self._decoder.unconsumed_tail
            if self._decoder.eof:
                self._next_member()
            if plain:
                return plain
        return b""

    def _next_member(self) -> None:
        rest = self._decoder.unused_data
        if len(rest) < len(MAGIC):
            rest += self._file.read(CHUNK_BYTES)
        if rest.startswith(MAGIC):
            self._decoder = zlib.decompressobj(_GZIP_WINDOW)
            self._packed = rest
            return
        self._ended = True
        while rest:
            if rest.strip(b"\0"):
                raise ArchiveError(
                    "archive.trailing-data", "Something else follows the end of the archive.", "Make it again and upload that."
                )
            rest = self._file.read(CHUNK_BYTES)
