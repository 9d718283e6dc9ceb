"""Any table as a file: rows go out as they are read, in constant memory, as CSV for spreadsheets or JSON for programs.

CSV is RFC 4180 (lines end in CR LF, UTF-8 without a byte order mark, the first line names the columns). A text that a spreadsheet
would take for a formula gets an apostrophe before it, and control characters are written out, so JSON is the exact form:
`{"table": NAME, "about": {…}, "columns": […], "rows": [{COLUMN: VALUE, …}, …], "count": N, "is_capped": false}`.

A table that is cut at its cap says so in the file itself, last: in CSV by a line of one cell, which a reader that wants every row
full will trip over, in JSON by `is_capped`. A transfer that breaks off leaves JSON that does not close.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from kettle_web.core.downloads import SAFE_HEADERS, file_name
from kettle_web.core.visible import visible

Cell = str | int | float | bool | datetime | None
Row = Sequence[Cell]

ROWS_CAP: Final = 100_000
"""Rows of one file; more are said to be there. A history of a million builds takes ten files, by its filters."""
CHUNK_ROWS: Final = 500
"""Rows that are made before they are sent: some 100 kB."""
CONTENT_TYPES: Final = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet reads as the beginning of a formula, in both widths. Tab and line ends are written out anyway.
Source: OWASP, «CSV Injection»."""


def table_response(
    request: HttpRequest,
    *,
    form: str,
    name: str,
    columns: Sequence[str],
    rows: Iterable[Row],
    cap: int = ROWS_CAP,
    about: Mapping[str, str] | None = None,
) -> HttpResponseBase:
    """Give a table as an attachment `name.csv` or `name.json`.

    `rows` is read as the visitor takes it, at most `cap` of it and one more; each row has one cell per column. `about`: what the JSON
    says beside the rows (which build, which filters). Raises `Http404` for a `form` other than `csv` and `json`.
    """
    if form not in CONTENT_TYPES:
        raise Http404
    headers = {
        **SAFE_HEADERS,
        "Cache-Control": "private, no-store",
        "Content-Disposition": content_disposition_header(True, file_name(f"{name}.{form}")) or "attachment",
    }
    pieces = csv_pieces(columns, rows, cap) if form == "csv" else json_pieces(name, columns, rows, cap, about or {})
    return stream_response(request, pieces, headers=headers, content_type=CONTENT_TYPES[form])


def stream_response(request: HttpRequest, pieces: Iterator[bytes], *, headers: dict[str, str], content_type: str) -> HttpResponseBase:
    """Send pieces as they are made; a HEAD request makes none."""
    if request.method == "HEAD":
        return HttpResponse(headers=headers, content_type=content_type)
    # Each server takes its own kind; the other would be read whole into memory first.
    content = _in_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(content, headers=headers, content_type=content_type)


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Make each piece in the thread of the request, which its database connection belongs to."""
    take = sync_to_async(lambda: next(pieces, None))
    while (piece := await take()) is not None:
        yield piece


def _capped(rows: Iterable[Row], cap: int) -> Iterator[list[Row] | None]:
    """Yield chunks of rows, and at the end None if there are more than `cap`."""
    chunk: list[Row] = []
    for at, row in enumerate(rows):
        if at == cap:
            yield chunk
            yield None
            return
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            yield chunk
            chunk = []
    yield chunk


def csv_pieces(columns: Sequence[str], rows: Iterable[Row], cap: int = ROWS_CAP) -> Iterator[bytes]:
    """Yield the bytes of a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for chunk in _capped(rows, cap):
        if chunk is None:
            writer.writerow([_("Cut here: there are more than %(cap)d rows. Filter the table to get the others.") % {"cap": cap}])
        else:
            writer.writerows([[csv_cell(cell) for cell in row] for row in chunk])
        yield text.getvalue().encode("utf-8", "replace")
        text.seek(0)
        text.truncate()


def csv_cell(cell: Cell) -> str:
    """One value as a spreadsheet may read it: times in ISO 8601 and UTC, truth as `true` and `false`, nothing as nothing."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        shown = visible(cell)
        return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
    return str(_json_cell(cell)).lower() if isinstance(cell, bool) else str(_json_cell(cell))


def json_pieces(name: str, columns: Sequence[str], rows: Iterable[Row], cap: int, about: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the bytes of a JSON file, one row to a line."""
    head = {"table": name, "about": dict(about), "columns": list(columns)}
    yield (_dump(head)[:-1] + ', "rows": [').encode()
    count, is_capped, comma = 0, False, "\n"
    for chunk in _capped(rows, cap):
        if chunk is None:
            is_capped = True
        elif chunk:
            count += len(chunk)
            lines = [_dump(dict(zip(columns, map(_json_cell, row), strict=True))) for row in chunk]
            yield (comma + ",\n".join(lines)).encode("utf-8", "replace")
            comma = ",\n"
    yield f'\n], "count": {count}, "is_capped": {_dump(is_capped)}}}\n'.encode()


def _json_cell(cell: Cell) -> str | int | float | bool | None:
    return cell.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(cell, datetime) else cell


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
