"""Rows that belong to builds, as far as someone may see the builds."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, QuerySet

from kettle_web.builds.selectors import sees_all_builds


def rows_visible(rows: QuerySet[Any], viewer: User) -> QuerySet[Any]:
    """Give rows with a column `build` of builds that the viewer may see, for questions that another column's index answers."""
    if sees_all_builds(viewer):
        return rows
    # A sum, or databases would begin with all builds of the owner.
    own: QuerySet[Any] = rows.alias(build_owner=F("build__owner_id") + 0).filter(build_owner=viewer.pk)
    return own
