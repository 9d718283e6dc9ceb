"""Reading a multipart form in constant memory: short fields are kept, the one file goes to disk as it comes.

Source: RFC 7578. The parser is python-multipart's; the bounds are ours.
"""

from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

MAX_FIELD_BYTES = 4096
"""Of a value that is no file: an address, a ref."""
MAX_HEAD_BYTES = 8192
"""Of one part's headers."""
MAX_PARTS = 32
"""The request has two or three; more is no form of ours."""
FILE_FIELD = "source"


class FormError(ValueError):
    """The body is no form of a bearable shape."""


class FormReader:
    """Takes a form's bytes as they come. `fields` and `file_name` are whole after `finish`.

    The file lies at `path` when a part called `source` was there; of a field given twice, the last counts.
    """

    def __init__(self, content_type: str, path: Path) -> None:
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        """As the client calls its file, "" when it does not say; None: there was no file."""
        self._path = path
        self._file: BinaryIO | None = None
        self._ended = False
        self._parts = 0
        self._head: list[tuple[bytes, bytes]] = []
        self._name, self._value, self._field = b"", b"", ""
        self._kept = bytearray()
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise FormError("The Content-Type names no boundary.")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise FormError(f"The form cannot be read: {error}.") from error

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises FormError."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise FormError(f"The form cannot be read: {error}.") from error

    def finish(self) -> None:
        """Say that there are no more bytes. Raises FormError for a form that stops short."""
        if not self._ended:
            raise FormError("The form ends before its last boundary.")

    def close(self) -> None:
        """Let go of the file, whatever has come of it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise FormError(f"The form has more than {MAX_PARTS} parts.")
        self._head, self._field = [], ""
        self._kept.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._head_bound()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._head_bound()

    def _head_bound(self) -> None:
        if len(self._name) + len(self._value) + sum(len(name) + len(value) for name, value in self._head) > MAX_HEAD_BYTES:
            raise FormError("A part of the form has too long headers.")

    def _header_end(self) -> None:
        self._head.append((self._name.lower(), self._value))
        self._name = self._value = b""
        self._head_bound()

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(dict(self._head).get(b"content-disposition", b"").decode("latin-1"))
        if kind != b"form-data" or b"name" not in options:
            raise FormError("A part of the form has no name.")
        self._field = options[b"name"].decode("utf-8", "replace")
        if self._field == FILE_FIELD:
            self.close()
            self.file_name = options.get(b"filename", b"").decode("utf-8", "replace")
            self._file = self._path.open("wb")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
            return
        self._kept += data[start:end]
        if len(self._kept) > MAX_FIELD_BYTES:
            raise FormError(f"The field {self._field[:40]!r} is longer than {MAX_FIELD_BYTES} bytes; a file goes into the field «source».")

    def _part_end(self) -> None:
        if self._file is not None:
            self.close()
            return
        try:
            self.fields[self._field] = self._kept.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormError(f"The field {self._field[:40]!r} is not UTF-8 text.") from error

    def _end(self) -> None:
        self._ended = True
