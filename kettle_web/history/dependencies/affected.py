"""A list of packages and versions, and the builds that contain any of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kettle_web.core.tables import Row
from kettle_web.history.dependencies.containing import builds_containing, builds_shown, every_build
from kettle_web.history.dependencies.fragments import AffectedPage, WantedRow
from kettle_web.history.dependencies.lists import WantedList
from kettle_web.history.dependencies.names import KnownPackage, Matches, packages_wanted
from kettle_web.history.dependencies.selectors import COUNT_CAP, PAGE_ROWS, containing_rows
from kettle_web.history.dependencies.stats import stats
from kettle_web.history.dependencies.versions import sort_key
from kettle_web.history.selectors import history_row, is_owner_shown

URL_CHARS: Final = 1800
"""Addresses longer than 2,000 characters are cut by what people send them with."""
VERSIONS_SHOWN: Final = 12
STAT_KEYS: Final = 2000
COLUMNS: Final = (
    "build", "title", "origin", "label", "ref", "commit", "verdict", "created_at", "owner", "ecosystem", "package", "version",
)  # fmt: skip
KINDS: Final[dict[str, str | Promise]] = {
    "lines": _("one package a line"),
    "csv": _("a table (CSV)"),
    "cargo-lock": _("a Cargo.lock"),
    "package-lock": _("a package-lock.json"),
    "cyclonedx": _("a CycloneDX SBOM"),
    "spdx": _("an SPDX SBOM"),
    "osv": _("advisories (OSV) or a list in JSON"),
}


def affected_page(viewer: User, wanted: WantedList, *, text: str, below: int) -> AffectedPage:
    """What a list finds. Its queries grow with the list by one for every 500 names or packages, never with the builds."""
    matches = packages_wanted(wanted.packages)
    keys = matches.keys
    pks = builds_containing(viewer, keys, limit=COUNT_CAP + 1, below=below or None)
    shown = pks[:PAGE_ROWS]
    packages = [package for found in matches.by_wanted.values() for package in found]
    address = affected_url(text)
    return AffectedPage(
        kind_word=str(KINDS[wanted.kind]),
        wanted=_wanted_rows(viewer, matches, keys),
        asked=len(wanted.packages),
        ignored=wanted.ignored,
        ignored_shown=wanted.ignored_shown,
        is_cut=wanted.is_cut or matches.is_cut,
        rows=containing_rows(builds_shown(viewer, shown, keys), packages, is_owner_shown=is_owner_shown(viewer)),
        count=min(len(pks), COUNT_CAP),
        is_count_capped=len(pks) > COUNT_CAP,
        list_text=text,
        url=address,
        older=str(shown[-1]) if len(pks) > PAGE_ROWS else "",
        is_later=bool(below),
    )


def _wanted_rows(viewer: User, matches: Matches, keys: list[int]) -> tuple[WantedRow, ...]:
    """Entries with the versions that a visible build contains: what nobody here may see is not there."""
    seen = stats(viewer, keys[:STAT_KEYS])
    rows = []
    for wanted, packages in matches.by_wanted.items():
        versions = sorted({package.version for package in packages if package.pk in seen}, key=sort_key, reverse=True)
        if versions:
            rows.append(WantedRow(str(wanted), tuple(versions[:VERSIONS_SHOWN]), len(versions)))
    return tuple(rows)


def affected_url(text: str) -> str:
    """The address that shows a list's builds again; empty: it would be too long."""
    address = f"{reverse('dependencies:affected')}?{urlencode({'list': text})}"
    return address if len(address) <= URL_CHARS else ""


def affected_table(viewer: User, packages: list[KnownPackage]) -> Iterator[Row]:
    """One row for each build and package, newest build first."""
    known = {package.pk: package for package in packages}
    with_owner = is_owner_shown(viewer)
    for build, contained in every_build(viewer, sorted(known)):
        row = history_row(build, is_owner_shown=with_owner)
        for pk in contained:
            package = known[pk]
            yield (
                row.uid, row.title, row.origin, row.label, row.ref, row.commit, row.verdict, row.created_at, row.owner,
                package.ecosystem, package.name, package.version,
            )  # fmt: skip
