"""What the page of a digest shows. Names come from documents: hostile."""

from __future__ import annotations

from dataclasses import dataclass

from kettle_web.history.fragments import HistoryRow


@dataclass(frozen=True)
class ProducingRow:
    """A build whose provenance states a file with these bytes."""

    build: HistoryRow
    names: tuple[str, ...]
    """Of the file in this build; there may be several."""
    size: int | None
    download_url: str
    """Empty: its bytes are not here."""


@dataclass(frozen=True)
class NamingRow:
    """A build that names the digest as something else than a file that it produced."""

    build: HistoryRow
    roles: tuple[str, ...]
    """In words: «its lockfile», «the dependency xz2 0.1.7»."""


@dataclass(frozen=True)
class ArtifactPage:
    sha256: str
    names: tuple[str, ...]
    """Under which builds produced it, at most `selectors.NAMES_SHOWN`."""
    rows: tuple[ProducingRow, ...]
    count: int
    is_count_capped: bool
    independent: int
    """Confirmed builds of distinct evidence on distinct chips that produced these bytes; below two nothing was reproduced."""
    commits: int
    """From how many commits those state that they built."""
    is_independent_cut: bool
    """Only the newest builds were looked at."""
    older_url: str
    newest_url: str
    naming: tuple[NamingRow, ...]
    is_naming_cut: bool
