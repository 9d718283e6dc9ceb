"""The search index: a dictionary of short texts, and for each ended build the numbers of what is true of it.

A search is then the intersection of lists of builds, newest first, whatever it asks for. Exact values that hardly two builds
share (commits, nonces, digests) are columns of `BuildIndex` and `Artifact` instead.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from kettle_web.builds.models import Build


class TokensField(models.Field):  # type: ignore[type-arg]
    """A set of numbers: `integer[]` on PostgreSQL, where a GIN index finds them, and decimal numbers with blanks between
    elsewhere, which SQLite's full-text table reads.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "integer[]" if connection.vendor == "postgresql" else "text"

    def from_db_value(self, value: Any, _expression: object, _connection: object) -> tuple[int, ...]:
        return tuple(int(part) for part in value.split()) if isinstance(value, str) else tuple(value or ())

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        return [int(part) for part in value] if connection.vendor == "postgresql" else " ".join(str(int(part)) for part in value)


class Term(models.Model):
    """A text that builds may share: a word of an address, a label, a measurement, a name of a file or of a dependency."""

    kind = models.CharField(max_length=12)
    """One of `verifications.search.tokens.Kind`."""
    text = models.CharField(max_length=300)
    """Lower case where case means nothing."""

    class Meta:
        # The text first: most questions know it and not its kind.
        constraints = (models.UniqueConstraint(fields=["text", "kind"], name="term_once"),)

    def __str__(self) -> str:
        return f"{self.kind}:{self.text}"


class SearchRow(models.Model):
    """What one ended build can be found by. On SQLite triggers carry every change into the full-text table."""

    build = models.OneToOneField(Build, on_delete=models.CASCADE, primary_key=True, related_name="search_row")
    tokens = TokensField()
    """`verifications.search.tokens.token` of every term, repository, package and owner, in ascending order."""

    def __str__(self) -> str:
        return f"search row of {self.build_id}"


class DayCount(models.Model):
    """How many builds of one owner, or of all (owner 0), began on a day and took about so long. Days that are over only; today is
    counted anew.
    """

    day = models.DateField()
    """In UTC."""
    owner_id = models.BigIntegerField()
    bucket = models.SmallIntegerField()
    """Of the duration: `history.durations`; -1 where there is none (imports, and builds that had not ended)."""
    builds = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    """Of them: those without a result, and those whose verdict is `failed`."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["day", "owner_id", "bucket"], name="day_count_once"),)
        indexes = (models.Index(fields=["owner_id", "day"], name="day_count_owner"),)

    def __str__(self) -> str:
        return f"{self.day} {self.owner_id}: {self.builds}"


class DayStale(models.Model):
    """A day whose counts are to be made again, because a build of it was judged later."""

    day = models.DateField(unique=True)

    def __str__(self) -> str:
        return f"{self.day}"
