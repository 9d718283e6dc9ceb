"""Which build a link to «the latest» opens: found anew at every look."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

from kettle_web.builds.models import Build
from kettle_web.builds.projects import project_key


def builds_counted(*, repository: str, ref: str = "") -> QuerySet[Build]:
    """Judged builds of a repository, newest first.

    Only builds that were asked for by this very address count: what an upload or an imported bundle says of its origin is its own
    claim, and would let anybody put a build under a project's name.
    """
    rows = Build.objects.filter(origin=Build.Origin.REPOSITORY, project__key=project_key(repository)).exclude(verdict="")
    return (rows.filter(repo_ref=ref) if ref else rows).order_by("-pk")


def build_latest(*, repository: str, ref: str, sharer: User) -> Build | None:
    """The newest of them that the link's maker may share; None: there is none."""
    rows = builds_counted(repository=repository, ref=ref)
    return (rows if sharer.is_staff else rows.filter(owner_id=sharer.pk)).first()
