"""A build once more: the retry of one that failed for no fault of its source, the same source again, or the same request at the
commit that its ref points to now. Each is a build of its own that names the earlier one.

Nothing here cancels anything: what an earlier attempt may have set going on a Kettle server goes on there. Where that is not
known, a person has to say so before another machine is asked.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import AgainWay, Attempt, Build, Endpoint, Pool
from kettle_web.builds.selectors import Viewer, builds_for_viewer, endpoints_enabled
from kettle_web.builds.services import Source, build_create, build_submitted
from kettle_web.builds.sources import Repository, repository_check, repository_commit
from kettle_web.builds.states import TERMINAL, Fault, State
from kettle_web.core.blobs import blob_exists, blob_hold
from kettle_web.core.errors import BlobMissing

LATER_SHOWN: Final = 5
_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Way:
    value: str
    word: str
    """Of the button."""
    text: str
    """What exactly is built."""


@dataclass(frozen=True)
class Relative:
    """Another build of the same request."""

    uid: str
    state: str
    verdict: str
    way: str
    """How the later of the two repeats the earlier: `AgainWay`."""
    way_word: str


@dataclass(frozen=True)
class AgainBlock:
    """`templates/builds/_again.html` and `_again_links.html`."""

    ways: tuple[Way, ...]
    """Empty: it runs still, is not the viewer's, or there is nothing to build from."""
    warning: str
    """What the person has to know and confirm before; empty: nothing."""
    refusal: str
    """Why it cannot be built again, where that is not plain."""
    key: str
    """Submission key: the button pressed twice is one build."""
    earlier: Relative | None
    later: tuple[Relative, ...]
    """Newest first."""
    more_later: int
    """How many are not shown."""
    place: str = ""
    """Where it would go, as the form says it back: what was read there is what happens. Empty: nothing is offered."""
    elsewhere: str = ""
    """That it would go to another server than the earlier build, and who may read the source there; empty: to the same one."""
    was_withdrawn: bool = False
    """It was stopped while it waited in line here: no Kettle server has heard of it."""

    @property
    def is_retry(self) -> bool:
        return bool(self.ways) and self.ways[0].value == AgainWay.RETRY


def may_build_again(build: Build, viewer: Viewer) -> bool:
    """Whether someone who sees the build may repeat it: its owner and administrators, as with stopping."""
    return build.owner_id == viewer.pk or bool(getattr(viewer, "is_staff", False))


def again_block(build: Build, viewer: Viewer) -> AgainBlock:
    """Give what the page of a build offers, and the builds that belong to it as far as the viewer may see them."""
    seen = builds_for_viewer(viewer)
    later = seen.filter(again_of_id=build.pk).order_by("-pk")
    count = later.count()
    earlier = seen.filter(pk=build.again_of_id).first() if build.again_of_id else None
    ways, refusal = _ways(build) if may_build_again(build, viewer) else ((), "")
    where: Endpoint | Pool | None = None
    if ways:
        try:
            where = _place(build)
        except BuildError as error:
            ways, refusal = (), error.message
    return AgainBlock(
        ways=ways,
        warning=again_warning(build) if ways else "",
        refusal=refusal,
        key=secrets.token_urlsafe(24),
        earlier=_relative(earlier, build.again_way) if earlier is not None else None,
        later=tuple(_relative(other, other.again_way) for other in later[:LATER_SHOWN]),
        more_later=max(0, count - LATER_SHOWN),
        place=place_value(where) if where is not None else "",
        elsewhere=_elsewhere(build, where) if where is not None else "",
        was_withdrawn=build.state == State.ABANDONED and build.failure_code == "withdrawn",
    )


def _relative(build: Build, way: str) -> Relative:
    return Relative(build.uid, build.state, build.verdict, way, str(AgainWay(way).label) if way else "")


def again_warning(build: Build) -> str:
    """Say what is not known of the earlier attempts; empty: every one of them was refused, or ended."""
    unknown = build.attempts.filter(outcome__in=(Attempt.Outcome.UNKNOWN, Attempt.Outcome.SENT)).exists()
    if not unknown and build.state != State.ABANDONED:
        return ""
    if not unknown and not build.job_id:
        return ""
    if build.endpoint is not None and build.endpoint.kind == Endpoint.Kind.ONE_SHOT:
        return _(
            "An earlier attempt may have been accepted, and its machine may be building it still. That machine builds only once:"
            " building again takes another one, and the source may then have been built twice."
        )
    return _(
        "An earlier attempt may be running on the Kettle server still, which cannot be told to cancel. The source may then be built twice."
    )


def _ways(build: Build) -> tuple[tuple[Way, ...], str]:
    if State(build.state) not in TERMINAL or build.origin == Build.Origin.IMPORT:
        return (), ""
    if build.origin == Build.Origin.UPLOAD and (build.source_removed_at is not None or not blob_exists(build.source_sha256)):
        return (), _("The archive is not kept here any more: upload it again to build it again.")
    ways = []
    if is_retriable(build):
        ways.append(Way(AgainWay.RETRY, _("Retry"), _same_text(build, _("The same request once more."))))
    elif build.source_sha256 or build.resolved_commit:
        ways.append(Way(AgainWay.SAME, _("Build the same source"), _same_text(build, "")))
    if build.repo_url and not _COMMIT.fullmatch(build.repo_ref):
        ref = build.repo_ref or _("the default branch")
        ways.append(Way(AgainWay.PRESENT, _("Build the present commit"), _("What %(ref)s points to now.") % {"ref": ref}))
    return tuple(ways), ""


def _same_text(build: Build, otherwise: str) -> str:
    if build.source_sha256:
        return _("The very archive that is stored here, digest %(digest)s….") % {"digest": build.source_sha256[:12]}
    if build.resolved_commit:
        return _("Commit %(commit)s, wherever the ref points now.") % {"commit": build.resolved_commit[:12]}
    return otherwise


def is_retriable(build: Build) -> bool:
    """Whether the build failed, and not because of its source."""
    return build.state == State.FAILED and build.fault != Fault.SOURCE


def build_again(*, build: Build, owner: User, way: str, submission_key: str, confirmed: bool = False, place: str = "") -> Build:
    """Create a build that repeats `build`; the same `submission_key` again gives the same one. `place`: the server that the person was
    told of; empty: whichever it is.

    Raises `BuildError` for a way that is not open, an unconfirmed risk of building twice, a source that is gone, or another place.
    """
    if existing := build_submitted(owner, submission_key):
        return existing
    ways, refusal = _ways(build)
    if way not in {each.value for each in ways}:
        raise BuildError("again-way", refusal or _("This build cannot be repeated in this way. Reload its page."), status=409)
    if (warning := again_warning(build)) and not confirmed:
        raise BuildError("again-unconfirmed", warning, status=409)
    where = _place(build)
    if place and place != place_value(where):
        said = _elsewhere(build, where) or _("It would go to «%(name)s» again.") % {"name": where.name}
        raise BuildError("again-elsewhere", said, status=409)
    return build_create(
        owner=owner,
        pool=where if isinstance(where, Pool) else None,
        endpoint=where if isinstance(where, Endpoint) else None,
        origin=build.origin,
        label=build.label,
        submission_key=submission_key,
        again_of=build,
        again_way=way,
        **_what(build, AgainWay(way)),
    )


def place_value(place: Endpoint | Pool) -> str:
    return f"{'pool' if isinstance(place, Pool) else 'endpoint'}-{place.pk}"


def _elsewhere(build: Build, place: Endpoint | Pool) -> str:
    earlier = build.pool or build.endpoint
    if earlier is None or earlier == place:
        return ""
    names = {"old": earlier.name, "new": place.name, "operator": place.operator}
    if place.operator:
        return (
            _("«%(old)s» takes no builds any more: it goes to «%(new)s». %(operator)s operates that and may be able to read the source.")
            % names
        )
    return _("«%(old)s» takes no builds any more: it goes to «%(new)s». Whoever operates that may be able to read the source.") % names


def _place(build: Build) -> Endpoint | Pool:
    """Give where it goes: where it went, or else the default. Raises `BuildError` where there is nothing."""
    if build.pool is not None and build.pool.is_enabled:
        return build.pool
    endpoint = build.endpoint
    if build.pool is None and endpoint is not None and endpoint.is_enabled and endpoint.spent_at is None:
        return endpoint
    if (other := endpoints_enabled().first()) is not None:
        return other
    if (pool := Pool.objects.filter(is_enabled=True).order_by("-is_default", "name").first()) is not None:
        return pool
    raise BuildError("endpoint-none", _("This site knows no Kettle server. Its operator has to configure one."))


def _what(build: Build, way: AgainWay) -> dict[str, Any]:
    if build.source_sha256:
        try:
            # Retention may be about to let go of it.
            blob_hold(build.source_sha256)
        except BlobMissing as error:
            raise BuildError("again-source", _("The archive is not kept here any more: upload it again to build it again.")) from error
        return {"source": _source(build)}
    repository = repository_check(url=build.repo_url, ref=build.repo_ref)
    present = repository_commit(repository)
    if way is AgainWay.PRESENT or not build.resolved_commit or build.resolved_commit == present:
        return _request(repository, present)
    # The ref has moved on, or its host does not say: the commit itself is what is asked for.
    return _request(Repository(repository.url, build.resolved_commit), build.resolved_commit)


def _request(repository: Repository, commit: str) -> dict[str, Any]:
    return {"repo_url": repository.url, "repo_ref": repository.ref, "resolved_commit": commit}


def _source(build: Build) -> Source:
    return Source(
        sha256_hex=build.source_sha256,
        name=build.source_name,
        size=build.source_size or 0,
        git_tree=build.source_git_tree,
        lockfile_sha256=build.source_lockfile_sha256,
        claimed_commit=build.source_claimed_commit,
    )
