"""Writes what a build can be found by: the terms, made where they are new, and the row of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kettle_web.verifications.clean import text_storable
from kettle_web.verifications.search.models import SearchRow, Term
from kettle_web.verifications.search.tokens import Family, TermKey, token

BATCH: Final = 1000
"""Texts in one query."""


def row_write(*, build_id: int, owner_id: int, terms: set[TermKey], repository_id: int | None, package_ids: Iterable[int]) -> None:
    """Replace the row of a build."""
    tokens = {token(Family.TERM, pk) for pk in terms_keep(terms).values()}
    tokens.add(token(Family.OWNER, owner_id))
    if repository_id is not None:
        tokens.add(token(Family.REPOSITORY, repository_id))
    tokens.update(token(Family.PACKAGE, pk) for pk in package_ids)
    row = SearchRow(build_id=build_id, tokens=tuple(sorted(tokens)))
    SearchRow.objects.bulk_create([row], update_conflicts=True, unique_fields=["build"], update_fields=["tokens"])


def terms_keep(keys: set[TermKey]) -> dict[TermKey, int]:
    """Give the ids of terms, made where they are new."""
    keys = {(kind, text_storable(text)) for kind, text in keys}
    known = terms_known(keys)
    # In one order everywhere, so that two builds that store the same new terms do not wait for each other for ever.
    if missing := sorted(keys - known.keys()):
        Term.objects.bulk_create([Term(kind=kind, text=text) for kind, text in missing], ignore_conflicts=True, batch_size=BATCH)
        known |= terms_known(set(missing))
    return known


def terms_known(keys: set[TermKey]) -> dict[TermKey, int]:
    """Give the ids of the terms that are there."""
    texts = sorted({text for _kind, text in keys})
    found: dict[TermKey, int] = {}
    for start in range(0, len(texts), BATCH):
        rows = Term.objects.filter(text__in=texts[start : start + BATCH]).values_list("pk", "kind", "text")
        found |= {(kind, text): pk for pk, kind, text in rows if (kind, text) in keys}
    return found
