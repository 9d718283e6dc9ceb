"""From the body of POST /build, of either dialect, to one accepted request, or the status and sentence that refuse it."""

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kettle_web.builder.body import BodyError, Slim, base64_decode, body_slim
from kettle_web.builder.form import FormReader
from kettle_web.builder.jobs import Request

NONCE_DIGITS = 32
"""16 bytes, exactly: what deployed Kettle servers accept."""
MAX_TEXT = 4096
"""Characters of an address, a ref or a name."""
FIELDS = ("nonce", "repo_url", "repo_ref", "source_data", "source_name")


class SubmissionError(Exception):
    """The request is refused: an HTTP status and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Submission:
    """What is asked for, and the uploaded archive where there is one."""

    request: Request
    archive: Path | None


def submission_read(body: Path, folder: Path) -> Submission:
    """Read and check a spooled JSON body; the archive is decoded into `folder`.

    Raises:
        SubmissionError: 400, 413 or 422, in the order that the API promises.
    """
    try:
        slim = body_slim(body, folder)
    except BodyError as error:
        raise SubmissionError(400, str(error)) from error
    fields = _fields(slim)
    archive = _archive(slim, fields, folder)
    nonce = fields["nonce"]
    if len(nonce) != NONCE_DIGITS or not set(nonce) <= set(string.hexdigits):
        raise SubmissionError(400, "The nonce must be 16 bytes: exactly 32 hexadecimal digits.")
    return _submission(nonce, fields, archive, archive_field="source_data")


def submission_of_form(form: FormReader, path: Path) -> Submission:
    """Check a form that has been read, whose file lies at `path`. It brings no nonce, so a fresh one is made.

    Raises:
        SubmissionError: 400 or 422.
    """
    fields = {"repo_url": form.fields.get("repo_url", ""), "repo_ref": form.fields.get("ref", "") or form.fields.get("repo_ref", "")}
    if form.file_name is not None:
        fields["source_name"] = form.file_name[:MAX_TEXT]
    archive = path if form.file_name is not None and path.stat().st_size else None
    return _submission(secrets.token_hex(NONCE_DIGITS // 2), fields, archive, archive_field="source")


def _submission(nonce: str, fields: dict[str, str], archive: Path | None, *, archive_field: str) -> Submission:
    repo_url = fields.get("repo_url", "")
    if repo_url and archive:
        raise SubmissionError(400, f"Give either repo_url or {archive_field}, not both.")
    if not repo_url and not archive:
        raise SubmissionError(400, f"Give a source: repo_url or {archive_field}.")
    request = Request(
        nonce_hex=nonce.lower(),
        repo_url=repo_url,
        repo_ref=fields.get("repo_ref", "") if repo_url else "",
        source_name=fields.get("source_name", ""),
        received_at=datetime.now(UTC).isoformat(),
    )
    return Submission(request, archive)


def _fields(slim: Slim) -> dict[str, str]:
    """Give the known fields; null counts as absent. Only the archive may be long."""
    document: Any = slim.document
    if not isinstance(document, dict):
        raise SubmissionError(422, "The body must be a JSON object.")
    fields: dict[str, str] = {}
    for name in FIELDS:
        value = document.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise SubmissionError(422, f"The field {name} must be a string.")
        if name != "source_data" and (value in slim.long_strings or len(value) > MAX_TEXT):
            raise SubmissionError(422, f"The field {name} is too long.")
        fields[name] = value
    if "nonce" not in fields:
        raise SubmissionError(422, "The field nonce is missing.")
    return fields


def _archive(slim: Slim, fields: dict[str, str], folder: Path) -> Path | None:
    text = fields.pop("source_data", "")
    if not text:
        return None
    encoded = slim.long_strings.get(text)
    if encoded is None:
        encoded = folder / "encoded"
        encoded.write_text(text)
    try:
        base64_decode(encoded, folder / "archive")
    except ValueError as error:
        raise SubmissionError(422, f"The field source_data is not base64: {error}.") from error
    encoded.unlink()
    return folder / "archive"
