"""Makes the page and the JSON of a comparison."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any, Final

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from kettle_web.history.compare import words
from kettle_web.history.compare.fragments import ComparePage, FieldGroup, FieldRow, LineNote, SideCard, Value
from kettle_web.history.compare.lists import dependencies_block, files_block
from kettle_web.history.compare.selectors import Compared
from kettle_web.history.selectors import history_row
from kettle_web.provenance.diff import Diff, Field, Group, diff
from kettle_web.provenance.diff_json import SCHEMA_VERSION, diff_to_json

_DIGEST: Final = re.compile(r"[0-9a-f]{16,}")


def compare_page(left: Compared, right: Compared, *, parameters: QueryDict, path: str, with_owner: bool) -> ComparePage:
    """Everything that the page shows."""
    found = diff(left.side, right.side)
    cards = SideCard("A", *_card(left, with_owner)), SideCard("B", *_card(right, with_owner))
    return ComparePage(
        left=cards[0],
        right=cards[1],
        title=_("%(left)s against %(right)s") % {"left": _name(cards[0]), "right": _name(cards[1])},
        lines=tuple(LineNote(line.value, *words.LINE_LOOKS[line], str(words.LINE_SENTENCES[line])) for line in found.lines),
        claims_note=words.claims_note((left.build.verdict, right.build.verdict)),
        groups=_groups(found),
        dependencies=dependencies_block(found.dependencies, parameters, path),
        files=files_block(found.files, parameters, path),
        swap_url=_swapped(left, right, parameters),
        json_url=reverse("compare:json", args=[left.build.uid, right.build.uid]),
        choose_url=reverse("compare:choose", args=[right.build.uid]),
    )


def _card(compared: Compared, with_owner: bool) -> tuple[Any, Any]:
    return history_row(compared.build, is_owner_shown=with_owner), compared.report.judged_at if compared.report is not None else None


def _name(card: SideCard) -> str:
    return card.row.label or card.row.title


def _swapped(left: Compared, right: Compared, parameters: QueryDict) -> str:
    """The same choice of rows, with what came and what went exchanged too."""
    fresh = QueryDict(mutable=True)
    other = {"added": "removed", "removed": "added"}
    for name in ("show-dependencies", "show-files"):
        if values := [other.get(value, value) for value in parameters.getlist(name)]:
            fresh.setlist(name, values)
    path = reverse("compare:page", args=[right.build.uid, left.build.uid])
    return f"{path}?{fresh.urlencode()}" if fresh else path


def _groups(found: Diff) -> tuple[FieldGroup, ...]:
    rows: dict[Group, list[FieldRow]] = {group: [] for group in Group}
    for field in found.fields:
        if field.left or field.right:
            rows[field.group].append(_field_row(field))
    return tuple(
        FieldGroup(
            group=group.value,
            title=str(words.GROUP_TITLES[group]),
            hint=str(words.GROUP_HINTS.get(group, "")),
            different=tuple(row for row in members if not row.is_same),
            same=tuple(row for row in members if row.is_same),
        )
        for group, members in rows.items()
        if members
    )


def _field_row(field: Field) -> FieldRow:
    return FieldRow(words.field_title(field.name), field.name, _value(field.left), _value(field.right), field.is_same)


def _value(text: str) -> Value:
    return Value(text, bool(_DIGEST.fullmatch(text)))


def compare_document(left: Compared, right: Compared) -> dict[str, Any]:
    """The JSON, as `provenance/diff.schema.json` documents it."""
    found = diff(left.side, right.side)
    return {
        "schema_version": SCHEMA_VERSION,
        "left": _side_document(left),
        "right": _side_document(right),
        "sentences": [str(words.LINE_SENTENCES[line]) for line in found.lines],
        **diff_to_json(found),
    }


def _side_document(compared: Compared) -> dict[str, Any]:
    build, report = compared.build, compared.report
    row = asdict(history_row(build, is_owner_shown=False))
    return {
        "build": build.uid,
        "title": row["title"],
        "ref": build.repo_ref,
        "verdict": build.verdict,
        "headline": build.headline,
        "judged_at": report.judged_at.isoformat() if report is not None else "",
        "platform": build.platform,
        "provenance_sha256": report.provenance_sha256 if report is not None else "",
        "evidence_sha256": report.evidence_sha256 if report is not None else "",
    }
