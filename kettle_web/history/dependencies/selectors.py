"""Reads of one package, and names of packages by a part of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.builds.selectors import sees_all_builds
from kettle_web.history.dependencies.containing import builds_containing, builds_shown
from kettle_web.history.dependencies.fragments import ContainingRow, NameRow, PackagePage, VersionRow
from kettle_web.history.dependencies.names import KnownPackage, known, packages_named
from kettle_web.history.dependencies.stats import VERSION_CAP, Stat, digest_counts, stats
from kettle_web.history.dependencies.versions import MAX_TEXT, SpecError, is_ordered, sort_key, spec_parse
from kettle_web.history.selectors import history_row, is_owner_shown
from kettle_web.verifications.models import BuildPackage, Package
from kettle_web.verifications.search.dictionary import MIN_PART, terms_containing
from kettle_web.verifications.search.tokens import Kind

PAGE_ROWS: Final = 50
COUNT_CAP: Final = 1000
VERSIONS_SHOWN: Final = 60
NAMES_SHOWN: Final = 50
NAMES_READ: Final = 2000
NO_ECOSYSTEM: Final = "other"
"""Stands in addresses for packages whose ecosystem is not known."""


def package_url(ecosystem: str, name: str, versions: str = "", **more: str) -> str:
    """The page of a package, perhaps of some versions only; empty: a document gave it a name that no address can hold."""
    try:
        path = reverse("dependencies:package", args=[ecosystem or NO_ECOSYSTEM, name])
    except NoReverseMatch:
        return ""
    fresh = QueryDict(mutable=True)
    fresh.update({key: value for key, value in {"versions": versions, **more}.items() if value})
    return f"{path}?{fresh.urlencode()}" if fresh else path


def package_keys(ecosystem: str, name: str, spec_text: str) -> tuple[list[KnownPackage], str]:
    """Give the stored versions that a range holds, newest first, and what is wrong with the range; empty: nothing."""
    ecosystem = "" if ecosystem == NO_ECOSYSTEM else ecosystem
    packages = sorted(packages_named(ecosystem, name), key=lambda package: sort_key(package.version), reverse=True)
    try:
        spec = spec_parse(spec_text)
    except SpecError:
        return packages, _("This is not read as a range of versions: write it like >=5.6.0,<5.6.2 or 5.6.0 or 5.6.1.")
    return [package for package in packages if spec.holds(package.version)], ""


def package_page(viewer: User, ecosystem: str, name: str, parameters: QueryDict) -> PackagePage:
    """A package, its versions and the builds that contain it. Raises `Http404` when no visible build contains any version."""
    spec_text = parameters.get("versions", "").strip()[: MAX_TEXT * 10]
    packages, error = package_keys(ecosystem, name, spec_text)
    if not packages and not (spec_text and _is_seen(viewer, packages_named("" if ecosystem == NO_ECOSYSTEM else ecosystem, name))):
        raise Http404
    found = stats(viewer, [package.pk for package in packages])
    packages = [package for package in packages if package.pk in found]
    if not packages and not spec_text:
        raise Http404
    keys = [package.pk for package in packages]
    below = _key(parameters)
    counted = builds_containing(viewer, keys, limit=COUNT_CAP + 1)
    pks = builds_containing(viewer, keys, limit=PAGE_ROWS + 1, below=below) if below else counted
    shown = pks[:PAGE_ROWS]
    rows = containing_rows(builds_shown(viewer, shown, keys), packages, is_owner_shown=is_owner_shown(viewer))
    return PackagePage(
        ecosystem="" if ecosystem == NO_ECOSYSTEM else ecosystem,
        name=name,
        spec=spec_text,
        spec_error=error,
        versions=_version_rows(viewer, packages[:VERSIONS_SHOWN], found),
        version_count=len(packages),
        is_guessed=not all(is_ordered(package.ecosystem, package.version) for package in packages if package.version),
        rows=rows,
        count=min(len(counted), COUNT_CAP),
        is_count_capped=len(counted) > COUNT_CAP,
        older_url=package_url(ecosystem, name, spec_text, before=str(shown[-1])) if len(pks) > PAGE_ROWS else "",
        newest_url=package_url(ecosystem, name, spec_text) if below else "",
        exports=tuple((form, _export_url(ecosystem, name, spec_text, form)) for form in ("csv", "json")),
    )


def _export_url(ecosystem: str, name: str, spec_text: str, form: str) -> str:
    fresh = QueryDict(mutable=True)
    fresh.update({"ecosystem": ecosystem, "name": name, **({"versions": spec_text} if spec_text else {})})
    return f"{reverse('dependencies:table', args=[form])}?{fresh.urlencode()}"


def _is_seen(viewer: User, packages: Sequence[KnownPackage]) -> bool:
    """Whether the viewer may see a build with any of these: a range that holds nothing is no page that does not exist."""
    return bool(builds_containing(viewer, [package.pk for package in packages], limit=1))


def _version_rows(viewer: User, packages: Sequence[KnownPackage], found: dict[int, Stat]) -> tuple[VersionRow, ...]:
    digests = digest_counts([package.pk for package in packages]) if sees_all_builds(viewer) else {}
    return tuple(
        VersionRow(
            version=package.version,
            builds=min(found[package.pk].builds, VERSION_CAP),
            is_capped=found[package.pk].builds > VERSION_CAP,
            first=found[package.pk].first,
            last=found[package.pk].last,
            digests=digests.get(package.pk, 0),
            url=package_url(package.ecosystem, package.name, f"={package.version}") if package.version else "",
        )
        for package in packages
    )


def containing_rows(
    builds: Iterable[tuple[Build, list[int]]], packages: Iterable[KnownPackage], *, is_owner_shown: bool
) -> tuple[ContainingRow, ...]:
    """Lines of builds with what they contain, in words."""
    words = {package.pk: f"{package.name}@{package.version}" if package.version else package.name for package in packages}
    return tuple(
        ContainingRow(
            history_row(build, is_owner_shown=is_owner_shown),
            tuple(sorted({words[pk] for pk in contained if pk in words})),
        )
        for build, contained in builds
    )


def names_containing(viewer: User, query: str) -> tuple[tuple[NameRow, ...], bool]:
    """Give packages whose name contains a text, of builds that the viewer may see, and whether there are more."""
    rows = list(_packages_like(viewer, query)[: NAMES_READ + 1])
    versions: dict[tuple[str, str], int] = {}
    for row in rows[:NAMES_READ]:
        package = known(row)
        versions[package.ecosystem, package.name] = versions.get((package.ecosystem, package.name), 0) + 1
    wanted = query.lower()
    # The name itself, then what begins so, then the rest.
    order = sorted(versions, key=lambda pair: (pair[1].lower() != wanted, not pair[1].lower().startswith(wanted), pair[1], pair[0]))
    shown = tuple(NameRow(*pair, versions[pair], package_url(*pair)) for pair in order[:NAMES_SHOWN])
    return shown, len(rows) > NAMES_READ or len(order) > NAMES_SHOWN


def _packages_like(viewer: User, query: str) -> QuerySet[Package, tuple[int, str, str, str]]:
    names = {query, query.lower()}
    if len(query) >= MIN_PART:
        names |= {text for _pk, _kind, text in terms_containing(query, kinds=(Kind.DEPENDENCY,), limit=NAMES_READ)}
    packages = Package.objects.filter(name__in=names)
    if not sees_all_builds(viewer):
        packages = packages.filter(Exists(BuildPackage.objects.filter(package=OuterRef("pk"), build__owner_id=viewer.pk)))
    return packages.order_by("name", "ecosystem").values_list("pk", "ecosystem", "name", "version")


def _key(parameters: QueryDict) -> int:
    text = parameters.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
