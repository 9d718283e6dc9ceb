"""Reading a large JSON body in constant memory.

The body is spooled to disk. Then its long strings are moved out into files of their own, and what is left, small, is
read by the usual JSON parser: a long string stands there as a placeholder that no sender can guess.
"""

import base64
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

BLOCK = 1 << 20
LONG_STRING = 1 << 16
"""Strings longer than this go to files. No field but `source_data` may be as long."""
MAX_SLIM_BYTES = 1 << 20
"""What may be left of a body beside its long strings."""
MAX_LONG_STRINGS = 8
"""The request has one; a few more are read so that the answer can name the wrong field."""
_STRING_PART = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
"""Of a string's inside, up to its closing quote or to what a block's end cuts in two."""


class BodyError(ValueError):
    """The body is no JSON of a bearable shape."""


@dataclass
class Slim:
    """A body without its long strings: the parsed rest, and the file of each placeholder."""

    document: Any = None
    long_strings: dict[str, Path] = field(default_factory=dict)


def body_slim(body: Path, folder: Path) -> Slim:
    """Split a spooled JSON body. Files of long strings (still escaped as in JSON) are made in `folder`.

    Raises:
        BodyError: it is not JSON, or too large beside its long strings.
    """
    slim, kept = Slim(), bytearray()
    with body.open("rb") as file:
        _Splitter(file, folder, slim, kept).run()
    try:
        slim.document = json.loads(kept.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BodyError(f"The body is not JSON: {error}.") from error
    return slim


class _Splitter:
    """Walks a JSON text, inside and outside of strings by turns, a block at a time."""

    def __init__(self, file: BinaryIO, folder: Path, slim: Slim, kept: bytearray) -> None:
        self._file, self._folder, self._slim, self._kept = file, folder, slim, kept
        self._block, self._at = b"", 0
        """What has been read, and how much of it has been looked at: what is left is never copied."""

    def run(self) -> None:
        while self._fill():
            quote = self._block.find(b'"', self._at)
            self._keep(self._take(quote + 1 if quote >= 0 else len(self._block)))
            if quote >= 0:
                self._string()

    def _fill(self) -> bool:
        if self._at == len(self._block):
            self._block, self._at = self._file.read(BLOCK), 0
        return bool(self._block)

    def _take(self, end: int) -> bytes:
        data, self._at = self._block[self._at : end], end
        return data

    def _keep(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > MAX_SLIM_BYTES:
            raise BodyError("The body is too large beside its source_data.")

    def _string(self) -> None:
        """Take one string up to its closing quote; move it out when it grows long."""
        short, long_file = bytearray(), None
        try:
            for piece in self._pieces():
                if long_file is None and len(short) + len(piece) > LONG_STRING:
                    long_file = self._move_out()
                    long_file.write(short)
                    short.clear()
                if long_file is None:
                    short += piece
                else:
                    long_file.write(piece)
        finally:
            if long_file is not None:
                long_file.close()
        self._keep(bytes(short) + b'"')

    def _pieces(self) -> Iterator[bytes]:
        """Give the raw bytes of the string that has just begun, without its closing quote."""
        while self._fill():
            # Runs of escapes are taken whole: what a sender escapes (some escape every slash) is no slower than the rest.
            found = _STRING_PART.match(self._block, self._at)
            assert found is not None
            yield self._take(found.end())
            if self._at == len(self._block):
                continue
            if self._block[self._at] == ord('"'):
                self._at += 1
                return
            # A backslash is the block's last byte: what it escapes is the next block's first.
            yield self._take(self._at + 1) + self._file.read(1)
        raise BodyError("The body is not JSON: a string does not end.")

    def _move_out(self) -> BinaryIO:
        if len(self._slim.long_strings) == MAX_LONG_STRINGS:
            raise BodyError("The body has too many long strings.")
        mark = f"long-string-{secrets.token_hex(16)}"
        path = self._folder / mark
        self._slim.long_strings[mark] = path
        self._keep(mark.encode())
        return path.open("wb")


def base64_decode(source: Path, target: Path) -> int:
    """Decode a file that holds the raw inside of a JSON string of base64 (standard alphabet); give the decoded size.

    Raises:
        ValueError: it is not base64, or not padded as it must be.
    """
    total, ended, rest = 0, False, b""
    with source.open("rb") as file, target.open("wb") as out:
        for text in _unescaped(file):
            rest += text
            piece, rest = rest[: len(rest) // 4 * 4], rest[len(rest) // 4 * 4 :]
            if piece and ended:
                raise ValueError("base64 goes on after its padding")
            data = base64.b64decode(piece, validate=True)
            out.write(data)
            total += len(data)
            ended = ended or piece.endswith(b"=")
    if rest:
        raise ValueError("base64 of a broken length")
    return total


def _unescaped(file: BinaryIO) -> Iterator[bytes]:
    r"""Give a JSON string's inside without its escapes (`\/`, `\u002b`, …), which a block's end may cut in two."""
    held = b""
    while block := file.read(BLOCK):
        raw = held + block
        cut = raw.rfind(b"\\", max(0, len(raw) - 5))
        cut = len(raw) if cut < 0 else cut
        yield _unescape(raw[:cut])
        held = raw[cut:]
    yield _unescape(held)


def _unescape(raw: bytes) -> bytes:
    if b"\\" not in raw:
        return raw
    return str(json.loads(b'"' + raw + b'"')).encode()
