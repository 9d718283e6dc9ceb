"""From what was typed to the numbers that it may mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet

from kettle_web.verifications.models import Package, PackageDigest, Repository, Term
from kettle_web.verifications.search.postings import GROUP_MAX
from kettle_web.verifications.search.rows import terms_known
from kettle_web.verifications.search.tokens import CHOSEN, PARTS, Family, Kind, term_text, token

MIN_PART: Final = 3
"""Letters from which on a part of a word is looked for: the indexes know groups of three."""


@dataclass(frozen=True)
class Found:
    """Numbers that a text may mean."""

    tokens: frozenset[int] = frozenset()
    is_cut: bool = False
    """More than `GROUP_MAX` names match; only the newest of them are here."""

    def __or__(self, other: Found) -> Found:
        return Found(self.tokens | other.tokens, self.is_cut or other.is_cut)


def chosen(kind: Kind, values: Iterable[str]) -> Found:
    """Give the numbers of values of a filter. One that no build has yet is none."""
    return Found(frozenset(token(Family.TERM, pk) for pk in terms_known({(kind.value, value) for value in values}).values()))


def whole(text: str, kinds: Iterable[Kind] = ()) -> Found:
    """Give what a text means as a whole, of some kinds or of all that are typed."""
    rows = Term.objects.filter(text=term_text(text))
    rows = rows.filter(kind__in=[kind.value for kind in kinds]) if kinds else rows.exclude(kind__in=[kind.value for kind in CHOSEN])
    return Found(frozenset(token(Family.TERM, pk) for pk in rows.values_list("pk", flat=True)))


def parts(text: str, kinds: Iterable[Kind] = PARTS) -> Found:
    """Give the words that contain a text."""
    return _tokens(Family.TERM, [pk for pk, _kind, _text in terms_containing(text, kinds=kinds, limit=GROUP_MAX + 1)])


def repositories(text: str) -> Found:
    """Give the repositories whose address contains a text."""
    return _tokens(Family.REPOSITORY, repositories_containing(text, limit=GROUP_MAX + 1))


def packages(name: str, *, version: str = "", ecosystem: str = "") -> Found:
    """Give the packages of a name, in one version or all."""
    if not version and not ecosystem:
        return whole(name, (Kind.DEPENDENCY,))
    rows = Package.objects.filter(name__in={name, name.lower()})
    if version:
        rows = rows.filter(version=version)
    if ecosystem:
        rows = rows.filter(ecosystem=ecosystem)
    return _tokens(Family.PACKAGE, rows.order_by("-pk").values_list("pk", flat=True)[: GROUP_MAX + 1])


def digests_of_packages(sha256_hex: str) -> list[int]:
    """Give the ids of package digests with this value."""
    return list(PackageDigest.objects.filter(digest=f"sha256:{sha256_hex}").values_list("pk", flat=True)[:GROUP_MAX])


def terms_containing(text: str, *, kinds: Iterable[Kind], limit: int) -> list[tuple[int, str, str]]:
    """Give id, kind and text of the newest terms that contain a text; a short one must be the whole of it."""
    wanted = term_text(text)
    names = [kind.value for kind in kinds]
    rows = Term.objects.filter(kind__in=names)
    if len(wanted) < MIN_PART:
        found: QuerySet[Term] = rows.filter(text=wanted)
    elif connection.vendor == "sqlite":
        return _sqlite_terms(wanted, names, limit)
    else:
        found = rows.filter(text__contains=wanted)
    return list(found.order_by("-pk").values_list("pk", "kind", "text")[:limit])


def _sqlite_terms(wanted: str, kinds: list[str], limit: int) -> list[tuple[int, str, str]]:
    places = ", ".join(["%s"] * len(kinds))
    # The full-text table answers LIKE from its groups of three letters; instr() takes % and _ for what they are.
    sql = (
        "SELECT t.id, t.kind, t.text FROM verifications_term_fts f JOIN verifications_term t ON t.id = f.rowid"  # noqa: S608
        f" WHERE f.text LIKE %s AND instr(t.text, %s) > 0 AND t.kind IN ({places}) ORDER BY f.rowid DESC LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [f"%{wanted}%", wanted, *kinds, limit])
        return [(int(pk), str(kind), str(text)) for pk, kind, text in cursor.fetchall()]


def repositories_containing(text: str, *, limit: int) -> list[int]:
    """Give the ids of the newest repositories whose address contains a text, in either case."""
    wanted = text.strip()[:500]
    if len(wanted) < MIN_PART:
        return []
    if connection.vendor != "sqlite":
        return list(Repository.objects.filter(Q(url__icontains=wanted)).order_by("-pk").values_list("pk", flat=True)[:limit])
    sql = (
        "SELECT r.id FROM verifications_repository_fts f JOIN verifications_repository r ON r.id = f.rowid"
        " WHERE f.url LIKE %s AND instr(lower(r.url), %s) > 0 ORDER BY f.rowid DESC LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [f"%{wanted}%", wanted.lower(), limit])
        return [int(row[0]) for row in cursor.fetchall()]


def _tokens(family: Family, ids: Iterable[int]) -> Found:
    kept = list(ids)
    return Found(frozenset(token(family, pk) for pk in kept[:GROUP_MAX]), is_cut=len(kept) > GROUP_MAX)
