"""A report as plain text for a terminal. What documents say is escaped visibly: it can neither move a cursor nor hide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from kettle_web.verification.report import Check, Link, Outcome, Report
from kettle_web.verification.visible import visible

_WORDS: Final = {Outcome.PASS: "PASS", Outcome.FAIL: "FAIL", Outcome.SKIPPED: "SKIPPED", Outcome.ERROR: "ERROR"}
_LINKS: Final = {
    Link.DOCUMENTS: "Documents",
    Link.VENDOR_ROOT: "Vendor root",
    Link.INTERMEDIATE: "Intermediate",
    Link.CHIP_KEY: "Chip key",
    Link.REPORT: "Attestation report",
    Link.VTPM_QUOTE: "vTPM quote",
    Link.SIGNED_DATA: "Signed data",
    Link.BUILDER_IMAGE: "Builder image",
    Link.PROVENANCE: "Provenance",
    Link.REQUEST: "Request",
    Link.INPUTS: "Inputs",
    Link.ARTIFACTS: "Artifacts",
}
WIDTH: Final = 100


_WORTH_SAYING: Final = (".tcb-status", ".qe.identity", ".minimum-tcb")
"""Endings of rows that pass with values which people want to read: a pass can mean «OutOfDate»."""


def report_text(report: Report) -> str:
    """Headline, what was not checked, the chain by link, files, dates, and what is not proven."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield from _wrapped(report.now.headline.text)
    yield f"Verdict: {report.now.verdict.value}, judged at {report.now.at.isoformat()}"
    if report.as_of_build is not None:
        yield f"As of the build ({report.as_of_build.at.isoformat()}): {report.as_of_build.verdict.value}"
    for sentence in report.not_checked:
        yield from _wrapped(sentence.text)
    yield ""
    for link in Link:
        rows = [check for check in report.checks if check.link is link]
        if rows:
            yield _LINKS[link]
        for check in rows:
            yield from _check(check)
    if report.artifacts:
        yield ""
        yield "Files"
    for item in report.artifacts:
        yield f"  {_WORDS[item.outcome]:<8}{visible(item.name)}  sha256:{visible(item.sha256) or '-'}"
        if item.reason:
            yield from _wrapped(item.reason, indent=10)
    if report.valid_until:
        yield ""
        yield "Can be checked at today's rules until"
    for until in report.valid_until:
        yield f"  {until.not_after.isoformat()}  {visible(until.what)}"
    yield ""
    yield "What this does not prove"
    for sentence in report.does_not_prove:
        yield from _wrapped(f"- {sentence.text}", indent=2)


def _check(check: Check) -> Iterator[str]:
    yield f"  {_WORDS[check.outcome]:<8}{visible(check.title)} [{check.code}]"
    if check.reason:
        yield from _wrapped(check.reason, indent=10)
    if check.anchor:
        yield from _wrapped(f"anchor: {check.anchor}", indent=10)
    if check.outcome is Outcome.PASS and check.code.endswith(_WORTH_SAYING):
        yield from _wrapped(check.actual, indent=10)
    if check.outcome is Outcome.FAIL:
        if check.expected:
            yield from _wrapped(f"expected: {check.expected}", indent=10)
        if check.actual:
            yield from _wrapped(f"actual: {check.actual}", indent=10)


def _wrapped(text: str, indent: int = 0) -> list[str]:
    space = " " * indent
    return textwrap.wrap(
        visible(text), WIDTH, initial_indent=space, subsequent_indent=space, break_long_words=False, break_on_hyphens=False
    )
