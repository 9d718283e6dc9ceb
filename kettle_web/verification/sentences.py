"""Every sentence of a report: headlines, what was not checked, what is not proven. English templates with named places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kettle_web.verification.checks.request import REF, REPOSITORY
from kettle_web.verification.inquiry import Inquiry
from kettle_web.verification.report import Check, Outcome, Sentence, Verdict
from kettle_web.verification.verdict import check_broken, check_unmade
from kettle_web.verification.visible import address_shown, visible

UNATTESTED: Final = "Built, not attested: there is no hardware evidence."
SIMULATED: Final = "Simulated: signed by a public test key. This proves nothing about hardware."
FAILED: Final = "Failed: «{check}»: {reason}. Do not rely on these files."
INCOMPLETE: Final = "Not established: «{check}» could not be made because {reason}."
INCOMPLETE_NO_ANCHOR: Final = "Not established: no trust anchor was found above the signature."
UNPINNED: Final = (
    "Hardware-signed, builder not recognised: {article} {platform} machine signed this provenance; which software ran there "
    "is not established, so its statements about source, tools and files are claims."
)
CONFIRMED: Final = (
    "Confirmed: {matching} of {total} files {were} built from {source} at {commit} by {image}, pinned by {pinned_by}, "
    "in {article} {platform} machine."
)
CONFIRMED_WITHOUT_FILES: Final = (
    "Confirmed without files: this provenance, of a build from {source} at {commit}, was made by {image}, "
    "pinned by {pinned_by}, in {article} {platform} machine."
)
NO_FILES_CHECKED: Final = " 0 of {total} files checked."
NEITHER_CHECKED: Final = " Not checked: revocation, firmware level."
REVOCATION_UNCHECKED: Final = " Not checked: revocation."
FIRMWARE_UNCHECKED: Final = " Not checked: firmware level."
FIRMWARE_STATUS: Final = " Of its firmware the vendor says: {status}."

NOT_CHECKED_REVOCATION: Final = "Not checked: whether the vendor revoked the chip key's issuer ({reason})."
NOT_CHECKED_FIRMWARE: Final = "Not checked: whether the machine's firmware is recent enough ({reason})."
FIRMWARE_NOT_CURRENT: Final = "Of the machine's firmware the vendor says: {status}{advisories}."
NOT_CHECKED_NONCE: Final = "Not checked: whether the evidence was made for a request of yours ({reason})."
NOT_CHECKED_FILES: Final = "Not checked: the files; they were left out as asked."
NOT_CHECKED_REF: Final = "Not checked: whether the commit is what was asked for ({reason})."
NOT_CHECKED_UNLISTED: Final = "Not covered: {count} further files that the provenance does not name ({names})."
NOT_CHECKED_OTHER: Final = "Not checked: «{check}» ({reason})."

NOT_PROVEN_LOG: Final = "The build log is best effort and not covered by the attestation."
NOT_PROVEN_SOURCE: Final = "The source was not audited: an attested build of harmful source gives harmful files."
NOT_PROVEN_SANDBOX: Final = "Kettle builds without an inner sandbox: inside the machine, project code runs beside the program that attests."
NOT_PROVEN_IMAGE: Final = (
    "No allow-list entry matched: the signature proves only that some confidential VM signed, not which software ran in it."
)
NOT_PROVEN_AZURE: Final = "On Azure the launch measurement covers only Azure's own paravisor, which every machine of the kind shares."
NOT_PROVEN_CLAIMED: Final = "Commit and origin are claimed: no request of ours stands against which they could be compared."
NOT_PROVEN_UPLOAD: Final = "The commit is claimed: for an uploaded archive it is what the archive's own .git says."
NOT_PROVEN_TIMES: Final = "The times of the build are the builder's own claim."
NOT_PROVEN_TAG: Final = "The platform tag is the attester's claim; it says nothing about whose cloud it was."
NOT_PROVEN_SIMULATED: Final = "The private key of the test root is public: anybody can make such evidence for anything."


REVOCATION: Final = "revocation"
FIRMWARE: Final = ("minimum-tcb", "tcb-status")
"""Endings of the rows that say something about the firmware's level; one of them is enough."""
UP_TO_DATE: Final = "UpToDate"


def headline(verdict: Verdict, checks: Sequence[Check], inquiry: Inquiry, *, platform_title: str) -> Sentence:
    """The one sentence of a judgement, with what was not checked in the same breath."""
    template, params = _headline(verdict, checks, inquiry, platform_title)
    if not inquiry.want_artifacts and inquiry.statement is not None:
        template += NO_FILES_CHECKED
        params["total"] = len(inquiry.statement.subjects)
    if verdict is Verdict.CONFIRMED:
        unchecked = (not _passed(checks, REVOCATION), not any(_passed(checks, code) for code in FIRMWARE))
        template += {
            (True, True): NEITHER_CHECKED, (True, False): REVOCATION_UNCHECKED, (False, True): FIRMWARE_UNCHECKED,
            (False, False): "",
        }[unchecked]  # fmt: skip
        if status := _firmware_status(checks, inquiry):
            template += FIRMWARE_STATUS
            params["status"] = status
    return Sentence(template, params)


def _headline(verdict: Verdict, checks: Sequence[Check], inquiry: Inquiry, platform_title: str) -> tuple[str, dict[str, str | int]]:
    if verdict is Verdict.UNATTESTED:
        return UNATTESTED, {}
    if verdict is Verdict.SIMULATED:
        return SIMULATED, {}
    if verdict is Verdict.FAILED:
        broken = check_broken(checks)
        assert broken is not None
        return FAILED, {"check": broken.title, "reason": reason_inline(broken.reason)}
    if verdict is Verdict.INCOMPLETE:
        unmade = check_unmade(checks)
        if unmade is None:
            return INCOMPLETE_NO_ANCHOR, {}
        return INCOMPLETE, {"check": unmade.title, "reason": reason_inline(unmade.reason)}
    machine: dict[str, str | int] = {
        "article": "an" if platform_title[:1] in "AEIOU" else "a",
        "platform": platform_title,
    }
    if verdict is Verdict.UNPINNED:
        return UNPINNED, machine
    return _confirmed(checks, inquiry, machine)


def _confirmed(checks: Sequence[Check], inquiry: Inquiry, params: dict[str, str | int]) -> tuple[str, dict[str, str | int]]:
    entry, results = inquiry.policy_entry, inquiry.artifact_results or ()
    assert entry is not None
    params |= {
        "source": _source(checks, inquiry),
        "commit": _commit(checks, inquiry),
        "image": entry.name,
        "pinned_by": entry.pinned_by,
    }
    if not inquiry.want_artifacts:
        return CONFIRMED_WITHOUT_FILES, params
    params["matching"] = sum(item.outcome is Outcome.PASS for item in results)
    params["total"] = len(inquiry.document.subjects)
    params["were"] = "was" if params["total"] == 1 else "were"
    return CONFIRMED, params


def _source(checks: Sequence[Check], inquiry: Inquiry) -> str:
    address = address_shown(inquiry.document.source_uri)
    if _passed(checks, REPOSITORY):
        return address
    return f"{address} (claimed)" if address else "a source without an address"


def _commit(checks: Sequence[Check], inquiry: Inquiry) -> str:
    commit = visible(inquiry.document.git_commit)
    if _passed(checks, REF):
        return commit
    return f"{commit} ({'unchecked' if _passed(checks, REPOSITORY) else 'claimed'})"


def _passed(checks: Sequence[Check], code: str) -> bool:
    """Whether a check of that code, under whatever platform's prefix, was made and holds."""
    suffix = f".{code}"
    return any((check.code.endswith(suffix) or check.code == code) and check.outcome is Outcome.PASS for check in checks)


def _made(checks: Sequence[Check], code: str) -> bool:
    """Whether a check of that code was made: one that failed was, and its row says so."""
    suffix = f".{code}"
    return any((check.code.endswith(suffix) or check.code == code) and check.outcome in (Outcome.PASS, Outcome.FAIL) for check in checks)


def reason_inline(reason: str) -> str:
    """A reason as part of a longer sentence: no final period, and a small first letter unless it begins a name."""
    text = reason.strip().rstrip(".")
    if len(text) > 1 and text[0].isupper() and (text[1].islower() or text[1] == " "):
        text = text[0].lower() + text[1:]
    return text or "no reason is known"


def not_checked(checks: Sequence[Check], inquiry: Inquiry) -> tuple[Sentence, ...]:
    """What nobody looked at, each with its reason. Empty where there is no hardware evidence to have looked at."""
    found: list[Sentence] = []
    if inquiry.evidence_bytes is not None:
        for suffixes, template in (((REVOCATION,), NOT_CHECKED_REVOCATION), (FIRMWARE, NOT_CHECKED_FIRMWARE)):
            if not any(_made(checks, suffix) for suffix in suffixes):
                found.append(Sentence(template, {"reason": _reason_of(checks, *suffixes)}))
        if status := _firmware_status(checks, inquiry):
            advisories = inquiry.claims.get("advisories") or []
            listed = f" ({', '.join(str(one) for one in advisories)})" if isinstance(advisories, list) and advisories else ""
            found.append(Sentence(FIRMWARE_NOT_CURRENT, {"status": status, "advisories": visible(listed)}))
        if not _made(checks, "signed-data.nonce"):
            found.append(Sentence(NOT_CHECKED_NONCE, {"reason": _reason_of(checks, "signed-data.nonce")}))
    if inquiry.statement is not None and not _made(checks, REF):
        found.append(Sentence(NOT_CHECKED_REF, {"reason": _reason_of(checks, REF)}))
    if not inquiry.want_artifacts:
        found.append(Sentence(NOT_CHECKED_FILES))
    if inquiry.unlisted:
        names = visible(", ".join(inquiry.unlisted[:5])) + (", …" if len(inquiry.unlisted) > 5 else "")
        found.append(Sentence(NOT_CHECKED_UNLISTED, {"count": len(inquiry.unlisted), "names": names}))
    # What only depends on another row was not made for that row's reason, which is said once.
    named = (REVOCATION, *FIRMWARE, "image.isolation", "collateral.lists", "collateral.validity")
    found += [
        Sentence(NOT_CHECKED_OTHER, {"check": check.title, "reason": reason_inline(check.reason)})
        for check in checks
        if not check.required
        and check.outcome in (Outcome.SKIPPED, Outcome.ERROR)
        and check.code.partition(".")[0] not in ("documents", "request", "signed-data", "artifacts")
        and not check.code.endswith(named)
        and check.reason_code != "depends"
    ]
    return tuple(found)


def _reason_of(checks: Sequence[Check], *suffixes: str) -> str:
    """Why the first row with one of these endings was not made: where it only depends on others, why those were not."""
    endings = tuple(f".{suffix}" for suffix in suffixes)
    found = next((check for check in checks if check.code in suffixes or check.code.endswith(endings)), None)
    by_code = {check.code: check for check in checks}
    while found is not None and found.reason_code == "depends":
        causes = [by_code[code] for code in found.depends_on if code in by_code and by_code[code].outcome is not Outcome.PASS]
        if not causes:
            break
        found = causes[0]
    return reason_inline(found.reason) if found else "the check was not reached"


def _firmware_status(checks: Sequence[Check], inquiry: Inquiry) -> str:
    """What the vendor says of the firmware level where it is not up to date; empty: it is, or nobody knows."""
    status = str(inquiry.claims.get("tcb_status", ""))
    return visible(status) if _passed(checks, "tcb-status") and status != UP_TO_DATE else ""


def does_not_prove(inquiry: Inquiry, *, anchor_kind: str) -> tuple[Sentence, ...]:
    """What even the best verdict leaves open. Never empty."""
    entry = inquiry.policy_entry
    templates = [NOT_PROVEN_SIMULATED] if anchor_kind == "test" else []
    templates += [NOT_PROVEN_SOURCE, NOT_PROVEN_LOG]
    if entry is None or not entry.isolates_build_from_attester:
        templates.append(NOT_PROVEN_SANDBOX)
    if inquiry.evidence_bytes is not None:
        if entry is None:
            templates.append(NOT_PROVEN_IMAGE)
        if inquiry.platform.startswith("az-"):
            templates.append(NOT_PROVEN_AZURE)
        templates.append(NOT_PROVEN_TAG)
    if inquiry.request is None or inquiry.request.claimed:
        templates.append(NOT_PROVEN_CLAIMED)
    elif not inquiry.request.repo_url:
        templates.append(NOT_PROVEN_UPLOAD)
    templates.append(NOT_PROVEN_TIMES)
    return tuple(Sentence(template) for template in templates)
