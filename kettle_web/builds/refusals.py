"""What went wrong between us and a Kettle server, in the words of the page and with whose fault it was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from kettle_web.builds.states import Fault
from kettle_web.core.visible import visible
from kettle_web.kettle_api.errors import BadAnswer, Failed, KettleError, Refused, Unanswered

_SOURCE_FAULTS = frozenset({"BuildFailed", "SourceError", "LockfileMissing", "LimitExceeded", "ArchiveError"})
"""Kinds of failure that the submitter can do something about; every other one is the server's."""
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
"""What a kind may look like to become part of a code."""
_SOURCE_WORDS = ("source", "clone", "archive", "lockfile", "unpack", "checkout")


@dataclass(frozen=True)
class Failure:
    fault: Fault
    code: str
    message: str


def may_have_begun(error: KettleError) -> bool:
    """Whether the server may be building although the submission ended with this error."""
    if isinstance(error, BadAnswer):
        # A redirect or a web page comes from something that is no Kettle server; an answer that cannot be read may be a yes.
        return error.code not in ("build.redirect", "build.html")
    is_broken = isinstance(error, Refused) and error.status >= 500 and not error.retry and not isinstance(error, Failed)
    return isinstance(error, Unanswered) or is_broken


def outcome_unknown(endpoint_name: str) -> Failure:
    """A POST that may or may not have been accepted."""
    message = _(
        "The build was sent to «%(name)s», but no answer came: the server may be building it all the same. It was not sent"
        " a second time. Submit it again if you want another build."
    )
    return Failure(Fault.NETWORK, "outcome-unknown", message % {"name": endpoint_name})


def perhaps_accepted(endpoint_name: str) -> Failure:
    """A machine that is spent, after a request of ours to it that got no answer."""
    message = _(
        "«%(name)s» says that it has its one build already. A request for this very build had reached it, at least in part, and got no"
        " answer: perhaps it is ours that it builds. It was not sent to another machine. Submit it again if you want another build."
    )
    return Failure(Fault.NETWORK, "perhaps-ours", message % {"name": endpoint_name})


def refusal(error: KettleError, endpoint_name: str) -> Failure:
    """Give the failure that an error of a submission means, once it is final."""
    if isinstance(error, Unanswered):
        return outcome_unknown(endpoint_name)
    if isinstance(error, Failed) and (failure := failed_build(error.result)) is not None:
        return failure
    said = f"«{endpoint_name}»: {error.message}"
    if may_have_begun(error):
        said = _("%(said)s Whether it builds all the same is not known; the build was not sent a second time.") % {"said": said}
    return Failure(Fault(error.fault), error.code, said)


def failed_build(result: Any) -> Failure | None:
    """Give the failure that a `complete` event tells of; None: the build succeeded. What is not understood is a
    failure.
    """
    values = result if isinstance(result, dict) else {}
    if values.get("status") == "ok":
        return None
    if values.get("status") != "failed":
        said = _("The server ended the build without saying how it went.")
        return Failure(Fault.BUILDER, "complete-unclear", said)
    kind = str(values.get("error_type") or "")
    said = visible(str(values.get("error") or "")[:4000], keep="\n\t")
    is_source = kind in _SOURCE_FAULTS or any(word in kind.lower() for word in _SOURCE_WORDS)
    return Failure(
        Fault.SOURCE if is_source else Fault.BUILDER,
        f"build-failed:{kind}" if _KIND.fullmatch(kind) else "build-failed",
        said or _("The build failed. The end of the log says why."),
    )
