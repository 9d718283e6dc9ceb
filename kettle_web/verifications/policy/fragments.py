"""What the pages of the allow-list show: frozen values. Texts are plain; templates escape them, as always."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RegisterRow:
    """One register of a machine: to choose, or as chosen."""

    kind: str
    """`pcrs` or `rtmrs`: the name of the form's field."""
    index: int
    title: str
    """`PCR 4`, `RTMR 1`."""
    value: str
    """Lower-case hex."""
    meaning: str
    is_usual: bool
    """Usually tells one image from another: the verifier's `measurements` would propose it."""
    is_untouched: bool
    """All zeros or all ones: nothing was measured into it, so it tells nothing and is not offered."""
    is_chosen: bool


@dataclass(frozen=True)
class EntryView:
    """One entry, with everything that is kept about it."""

    uid: str
    name: str
    kettle_release: str
    family: str
    family_title: str
    measurement: str
    measurement_title: str
    registers: tuple[RegisterRow, ...]
    minimum_tcb: tuple[tuple[str, int], ...]
    """Component in words, level."""
    isolates: str
    """`yes`, `no`, `unknown`."""
    isolates_word: str
    reason: str
    derivation: str
    pinned_elsewhere_by: str
    """Of an imported entry: who pinned it where the file came from."""
    from_build: str
    """Its identifier; empty: the values were not taken from a build."""
    added_by: str
    added_at: datetime
    starts_at: datetime
    until: datetime | None
    approved_by: str
    approved_at: datetime | None
    ended_by: str
    ended_at: datetime | None
    end_reason: str
    standing: str
    """`in-force`, `upcoming`, `waiting`, `ended`."""
    standing_word: str


@dataclass(frozen=True)
class Move:
    """A build whose verdict would become another."""

    uid: str
    title: str
    before: str
    after: str
    """Verdicts."""


@dataclass(frozen=True)
class MoveCount:
    before: str
    after: str
    count: int


@dataclass(frozen=True)
class Preview:
    """What a change of the list would move, from the newest report of each build that carries a concerned measurement."""

    counts: tuple[MoveCount, ...]
    moves: tuple[Move, ...]
    """The newest of them, at most `preview.MOVES_SHOWN`."""
    moved_pks: tuple[int, ...]
    """Keys of all builds found to move."""
    examined: int
    is_capped: bool
    """More builds carry the measurement than were looked at."""
    oldest_pk: int
    """Key of the oldest build that was looked at; 0: none was."""
    measurements: tuple[str, ...]
    """Of the changed entries."""
    simulated: int
    """Builds with the measurement that are simulated, counted to `preview.MAX_EXAMINED` + 1: no entry ever moves them."""
    at: datetime
    """The moment for which this was judged: now, or when the entry begins."""
    is_later: bool

    @property
    def moved(self) -> int:
        return len(self.moved_pks)


@dataclass(frozen=True)
class VersionRow:
    sha256: str
    entry_count: int
    first_seen_at: datetime
    is_in_force: bool


@dataclass(frozen=True)
class ListPage:
    in_force: tuple[EntryView, ...]
    waiting: tuple[EntryView, ...]
    upcoming: tuple[EntryView, ...]
    ended: tuple[EntryView, ...]
    """The latest; `ended_count` counts all."""
    ended_count: int
    needs_second_approver: bool
    version: str
    versions: tuple[VersionRow, ...]
    """The newest documents that were in force."""


@dataclass(frozen=True)
class FromBuild:
    """The build whose values an entry would take."""

    uid: str
    title: str
    verdict: str
    judged_at: datetime
    family: str
    family_title: str
    measurement: str
    measurement_title: str
    registers: tuple[RegisterRow, ...]
    """Those that something was measured into: only they can be chosen."""
    untouched: str
    """Names of the others: `PCR 8, PCR 11`."""
    reported_tcb: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class AddPage:
    from_build: FromBuild | None
    """None: the values are typed."""
    preview: Preview | None
    """None: not asked for yet, or the form cannot be used."""
    token: str
    """Names what was previewed: only that is saved. Empty without a preview."""
    needs_second_approver: bool


@dataclass(frozen=True)
class ImportPage:
    entries: tuple[EntryView, ...]
    preview: Preview | None
    token: str
    needs_second_approver: bool


@dataclass(frozen=True)
class EntryPage:
    entry: EntryView
    preview: Preview | None
    """Of approving where it waits, of ending where it counts; None where it has ended."""
    token: str
    may_approve: bool
    may_end: bool
    is_own: bool
    """The viewer added it, and so cannot approve it."""
    needs_second_approver: bool
    error: str
    """Why the last action was refused; empty: it was not."""
    end_reason: str
    """What was typed."""


@dataclass(frozen=True)
class ImageNote:
    """What administrators read beside the builder image of a build."""

    text: str
    url: str
    """Where to act; empty: there is nothing to do."""
    link: str
    """The link's words."""
