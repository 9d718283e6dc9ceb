"""Was built what was asked for?"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from kettle_web.attestation.checks import CheckFailed, CheckImpossible, Passed, Step
from kettle_web.provenance.digests import digest_same, is_git_object
from kettle_web.verification.checks import documents
from kettle_web.verification.checks.statement import CLOCK_TOLERANCE
from kettle_web.verification.inquiry import Inquiry, NotAsked, Request
from kettle_web.verification.report import Link

REPOSITORY = "request.repository"
REF = "request.ref"


def _request(inquiry: Inquiry) -> Request:
    if inquiry.request is None:
        raise NotAsked("request.none", "claimed: there is no record of a request")
    if inquiry.request.claimed:
        raise NotAsked("request.claimed", "claimed: the bundle was imported, this site did not ask for the build")
    return inquiry.request


def _upload(inquiry: Inquiry) -> Request:
    request = _request(inquiry)
    if request.repo_url:
        raise NotAsked("request.not-upload", "the source was cloned by the builder, not uploaded")
    return request


def address_normal(url: str) -> str:
    """A repository's address without what does not tell two apart: case of scheme and host, `.git` or `/` at the end."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    path = parts.path.rstrip("/").removesuffix(".git")
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), path, parts.query, parts.fragment))


def _repository(inquiry: Inquiry) -> Passed:
    request = _request(inquiry)
    if not request.repo_url:
        raise NotAsked("request.upload", "claimed: the source was uploaded, its origin is what its own .git says")
    actual = inquiry.document.source_uri
    if address_normal(actual) != address_normal(request.repo_url):
        raise CheckFailed("request.repository-differs", "another repository was built", expected=request.repo_url, actual=actual)
    return Passed(request.repo_url, actual)


def _ref(inquiry: Inquiry) -> Passed:
    request = _request(inquiry)
    if not request.repo_url:
        raise NotAsked("request.upload", "claimed: the source was uploaded, its commit is what its own .git says")
    wanted = {text for text in (request.resolved_commit,) if text}
    if is_git_object(request.repo_ref.lower()):
        wanted.add(request.repo_ref.lower())
    if not wanted:
        name = request.repo_ref or "the default branch"
        raise NotAsked("request.unresolved", f"unchecked: it was not established what {name} pointed to at the time")
    for commit in sorted(wanted):
        if commit != inquiry.document.git_commit:
            raise CheckFailed("request.commit-differs", "another commit was built", expected=commit, actual=inquiry.document.git_commit)
    return Passed(", ".join(sorted(wanted)), inquiry.document.git_commit)


def _git_tree(inquiry: Inquiry) -> Passed:
    request = _upload(inquiry)
    if not request.git_tree:
        raise CheckImpossible("request.no-tree", "the git tree of the uploaded files is not on record")
    if request.git_tree != inquiry.document.git_tree:
        raise CheckFailed(
            "request.tree-differs", "the commit that the build names does not hold the files that were uploaded",
            expected=request.git_tree, actual=inquiry.document.git_tree,
        )  # fmt: skip
    return Passed(request.git_tree, inquiry.document.git_tree)


def _lockfile(inquiry: Inquiry) -> Passed:
    request = _upload(inquiry)
    if not request.lockfile_sha256:
        raise CheckImpossible("request.no-lockfile", "the digest of the uploaded lockfile is not on record")
    actual = inquiry.document.lockfile_digest_text
    if not digest_same(request.lockfile_sha256, actual, "sha256"):
        raise CheckFailed(
            "request.lockfile-differs", "another lockfile was used than the one that was uploaded",
            expected=request.lockfile_sha256, actual=actual,
        )  # fmt: skip
    return Passed(request.lockfile_sha256, actual)


def _times(inquiry: Inquiry) -> Passed:
    made, received = inquiry.nonce_made_at, inquiry.received_at
    if made is None and received is None:
        raise NotAsked("times.no-record", "there are no times of a request on record")
    started = inquiry.document.started_on
    finished = inquiry.document.finished_on or started
    if made is not None and made - started > CLOCK_TOLERANCE:
        raise CheckFailed(
            "times.before-request", "the build began before it was asked for",
            expected=f"after {made.isoformat()}", actual=started.isoformat(),
        )  # fmt: skip
    if received is not None and finished - received > CLOCK_TOLERANCE:
        raise CheckFailed(
            "times.after-receipt", "the build ended after its result was received",
            expected=f"before {received.isoformat()}", actual=finished.isoformat(),
        )  # fmt: skip
    return Passed(
        f"between {made.isoformat() if made else 'any time'} and {received.isoformat() if received else 'now'}",
        f"{started.isoformat()} to {finished.isoformat()}",
    )


def _step(code: str, title: str, proves: str, does_not_prove: str, run: object) -> Step[Inquiry]:
    assert callable(run)
    return Step(code, title, Link.REQUEST, proves, does_not_prove, run, depends_on=(documents.PROVENANCE,))


STEPS: tuple[Step[Inquiry], ...] = (
    _step(
        REPOSITORY,
        "The repository is the one asked for",
        "The provenance names the repository that was asked for.",
        "That the repository's owner made the commit: a fork's commits can be fetched through the same address.",
        _repository,
    ),
    _step(
        REF,
        "The commit is the one asked for",
        "The provenance names the commit that was asked for, or that the branch or tag pointed to at the time.",
        "That anybody reviewed it.",
        _ref,
    ),
    _step(
        "request.git-tree",
        "The files are the ones uploaded",
        "The git tree that was built is the one of the uploaded files, computed by this site.",
        "That the commit which the archive's own .git names is anywhere else.",
        _git_tree,
    ),
    _step(
        "request.lockfile",
        "The lockfile is the one uploaded",
        "The lockfile that was used is the one in the uploaded archive.",
        "That the versions in it are good ones.",
        _lockfile,
    ),
    _step(
        "request.times",
        "The build lies between request and receipt",
        "The build began after its nonce was made and ended before its result came (with five minutes for clocks).",
        "The exact time: between the two it is the builder's claim.",
        _times,
    ),
)
