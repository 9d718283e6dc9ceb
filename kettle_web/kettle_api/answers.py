"""What a server's answer means. No answer is trusted: sizes are capped, texts escaped, types checked."""

import json
import re
from typing import Any, Final

import httpx

from kettle_web.kettle_api.errors import BadAnswer, KettleError, NotFound, Refused, Spent, TooLarge, Unanswered, Unreachable
from kettle_web.kettle_api.texts import text_shown
from kettle_web.outbound.errors import OutboundError

ANSWER_BYTES: Final = 64 * 1024
"""Of an answer that is an error or a small JSON object."""
RETRY_AFTER_SECONDS: Final = 3600
"""At most so long do we wait because a server asks for it."""
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TOO_LARGE: Final = (
    "The Kettle server does not take archives of this size: servers as they come take about 1.5 MB. "
    "Submit the git repository's URL instead, or pack a shallow clone without large files."
)


def _is_html(response: httpx.Response, body: bytes) -> bool:
    return "html" in response.headers.get("content-type", "").lower() or body.lstrip()[:1] == b"<"


def _said(response: httpx.Response, body: bytes) -> str:
    """The server's own words, where they are words."""
    words = "" if _is_html(response, body) else text_shown(body)
    return f" The server says: «{words}»" if words else ""


def _retry_after(response: httpx.Response) -> int | None:
    value = response.headers.get("retry-after", "")
    return min(int(value), RETRY_AFTER_SECONDS) if value.isascii() and value.isdigit() and len(value) < 10 else None


def unreachable(error: Exception) -> Unreachable:
    """Give the error for a connection that was never made."""
    if isinstance(error, OutboundError):
        return Unreachable(error.code, error.message, retry=error.retry, fault="network" if error.retry else "us")
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE" in str(error).upper():
        return Unreachable("network.tls", "The Kettle server's TLS certificate is not valid for its address.", retry=False, fault="us")
    return Unreachable("network.unreachable", "The Kettle server cannot be reached just now.")


def refusal(response: httpx.Response, body: bytes, *, what: str) -> KettleError:
    """Give the error for an answer other than 200. `what` is "build", "events", "result" or "health"."""
    status, said, wait = response.status_code, _said(response, body), _retry_after(response)
    is_submission = what == "build"
    match status:
        case 400:
            return Refused(400, f"{what}.bad-request", f"The Kettle server does not accept the request.{said}", retry=False, fault="us")
        case 401 | 403:
            message = f"The Kettle server does not let this site in: the operator has to check the endpoint's token.{said}"
            return Refused(status, f"{what}.forbidden", message, retry=False, fault="us")
        case 404:
            messages = {
                "events": "The Kettle server does not know this build (any more).",
                "result": "The Kettle server has no result of this build.",
            }
            message = messages.get(what, "There is no Kettle server at this address: the operator has to check the endpoint's URL.")
            return NotFound(404, f"{what}.not-found", message + said, retry=False, fault="builder" if what in messages else "us")
        case 409:
            message = f"This confidential VM has already had its one build: another instance is needed.{said}"
            return Spent(409, f"{what}.spent", message, retry=False, fault="builder")
        case 413:
            return TooLarge(413, f"{what}.too-large", _TOO_LARGE + said, retry=False, fault="source")
        case 415 | 422:
            message = f"The Kettle server does not understand the request: it may speak another version of the API.{said}"
            return Refused(status, f"{what}.not-understood", message, retry=False, fault="us")
        case 429:
            message = f"The Kettle server has too much to do just now.{said}"
            return Refused(429, f"{what}.busy", message, retry=True, fault="builder", retry_after=wait)
        case 502 | 503 | 504 if is_submission and (status != 503 or wait is None):
            # A proxy speaks, and not about whether the server behind it got the request. Only «503, come again» says that nothing took it.
            return Unanswered(
                "build.gateway", f"A gateway before the Kettle server failed ({status}): whether the build began is unknown.{said}"
            )
    if status >= 500:
        message = f"The Kettle server failed ({status}).{said}"
        # A submission that made the server fail is not repeated, unless the server itself asks for it.
        return Refused(status, f"{what}.server-error", message, retry=not is_submission or status == 503, fault="builder", retry_after=wait)
    if status < 400:
        return BadAnswer(f"{what}.unexpected", f"The Kettle server gave an answer that was not expected ({status}).{said}")
    return Refused(status, f"{what}.refused", f"The Kettle server refused ({status}).{said}", retry=False, fault="builder")


def job_id_of(response: httpx.Response, body: bytes) -> str:
    """Give the job's id. Raises `BadAnswer`."""
    if _is_html(response, body):
        raise BadAnswer(
            "build.html", "A web page came back instead of a Kettle server's answer: the operator has to check the endpoint's URL."
        )
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("build.not-json", f"The Kettle server's answer cannot be read.{_said(response, body)}") from error
    job_id = document.get("job_id") if isinstance(document, dict) else None
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise BadAnswer("build.no-job-id", f"The Kettle server's answer names no job.{_said(response, body)}")
    return job_id


def job_id_check(job_id: str) -> str:
    """Give the id back where it can stand in a path. Raises `BadAnswer`."""
    if not _JOB_ID.fullmatch(job_id):
        raise BadAnswer("build.no-job-id", "This is not a job's id.")
    return job_id
