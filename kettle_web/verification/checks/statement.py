"""Is the document a build provenance of Kettle, and does it agree with itself?"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from kettle_web.attestation.checks import CheckFailed, Passed, Step
from kettle_web.provenance.digests import is_git_object
from kettle_web.provenance.statement import BUILD_TYPES, PREDICATE_TYPE, STATEMENT_TYPE
from kettle_web.verification.checks import documents
from kettle_web.verification.inquiry import Inquiry
from kettle_web.verification.report import Link

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far two honest clocks may lie apart. A cloud machine's is within a second; one without time service drifts minutes."""


def _types(inquiry: Inquiry) -> Passed:
    document = inquiry.document
    expected = f"{STATEMENT_TYPE}, {PREDICATE_TYPE}"
    actual = f"{document.type_uri}, {document.predicate_type}"
    if document.type_uri != STATEMENT_TYPE:
        raise CheckFailed("provenance.statement-type", "it is no in-toto Statement v1", expected=expected, actual=actual)
    if document.predicate_type != PREDICATE_TYPE:
        raise CheckFailed("provenance.predicate-type", "its predicate is no SLSA provenance v1", expected=expected, actual=actual)
    return Passed(expected, actual)


def _builder(inquiry: Inquiry) -> Passed:
    document = inquiry.document
    try:
        address = urlsplit(document.builder_id)
    except ValueError:
        address = urlsplit("")
    if not address.scheme or not (address.netloc or address.path):
        raise CheckFailed("provenance.builder-id", "the builder's name is not an address", actual=document.builder_id)
    if document.build_type not in BUILD_TYPES:
        raise CheckFailed("provenance.build-type", "the build type is not known", actual=document.build_type)
    if not document.toolchain:
        raise CheckFailed("provenance.toolchain", "its tools are of no known toolchain", actual=", ".join(document.tools))
    named = BUILD_TYPES[document.build_type]
    if named and named != document.toolchain:
        raise CheckFailed(
            "provenance.build-type-tools",
            "the build type and the tools are of different toolchains",
            expected=named,
            actual=document.toolchain,
        )
    return Passed(actual=f"{document.builder_id}, {document.build_type}")


def _source(inquiry: Inquiry) -> Passed:
    document = inquiry.document
    for what, text in (("commit", document.git_commit), ("tree", document.git_tree)):
        if not is_git_object(text):
            raise CheckFailed(
                f"provenance.git-{what}", f"the {what} is not a full git object name",
                expected="40 or 64 lower-case hex digits", actual=text,
            )  # fmt: skip
    if not document.lockfile_sha256:
        raise CheckFailed("provenance.lockfile", "the lockfile's digest is no SHA-256", actual=document.lockfile_digest_text)
    return Passed(actual=f"commit {document.git_commit}, tree {document.git_tree}")


def _times(inquiry: Inquiry) -> Passed:
    started, finished = inquiry.document.started_on, inquiry.document.finished_on
    if finished is not None and finished < started:
        raise CheckFailed(
            "times.order", "the build ended before it began", expected=f"after {started.isoformat()}",
            actual=finished.isoformat(),
        )  # fmt: skip
    latest = finished or started
    if latest - inquiry.now > CLOCK_TOLERANCE:
        raise CheckFailed(
            "times.future", "the build lies in the future", expected=f"before {inquiry.now.isoformat()}",
            actual=latest.isoformat(),
        )  # fmt: skip
    return Passed(actual=f"{started.isoformat()} to {finished.isoformat() if finished else 'an end that is not stated'}")


STEPS: tuple[Step[Inquiry], ...] = (
    Step(
        code="provenance.types",
        title="It is a build provenance",
        link=Link.PROVENANCE,
        proves="The document is an in-toto Statement v1 with SLSA build provenance v1.",
        does_not_prove="That the build meets a level of SLSA.",
        run=_types,
        depends_on=(documents.PROVENANCE,),
    ),
    Step(
        code="provenance.builder",
        title="Builder and build type are stated and fit together",
        link=Link.PROVENANCE,
        proves="The build type is one of Kettle's and agrees with the tools that the document names.",
        does_not_prove="Which builder it was: its name is a claim until the builder's image is recognised.",
        run=_builder,
        depends_on=(documents.PROVENANCE,),
    ),
    Step(
        code="provenance.source",
        title="The source is named completely",
        link=Link.PROVENANCE,
        proves="Commit, tree and lockfile are each named by a full digest.",
        does_not_prove="That the commit is in the repository that is named, or that anybody reviewed it.",
        run=_source,
        depends_on=(documents.PROVENANCE,),
    ),
    Step(
        code="provenance.times",
        title="The times are possible",
        link=Link.PROVENANCE,
        proves="The build ended after it began, and not in the future (with five minutes for clocks that differ).",
        does_not_prove="When the build took place: the times are the builder's own claim.",
        run=_times,
        depends_on=(documents.PROVENANCE,),
    ),
)
