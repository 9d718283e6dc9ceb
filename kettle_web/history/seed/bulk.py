"""Writes many rows at once, past the ORM: without indexes while they come in, and in the databases' fastest way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Model

SQLITE_ROWS = 5000
"""In one call."""


def rows_write(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Store rows; `names` are the fields that they give, every other one has its default."""
    meta = model._meta
    fields = {field.name: field for field in meta.concrete_fields}
    given = [fields[name] for name in names]
    others = [field for name, field in fields.items() if name not in names and not field.primary_key]
    defaults = [field.get_db_prep_save(field.get_default(), connection) for field in others]
    columns = [str(field.column) for field in (*given, *others)]
    table = meta.db_table
    if connection.vendor == "postgresql":
        _postgresql(table, columns, rows, defaults)
    else:
        _sqlite(table, columns, rows, [_sqlite_value(value) for value in defaults])


def _postgresql(table: str, columns: list[str], rows: Iterable[Sequence[Any]], defaults: list[Any]) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({listed}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([*row, *defaults])


def _sqlite(table: str, columns: list[str], rows: Iterable[Sequence[Any]], defaults: list[Any]) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    sql = f'INSERT INTO "{table}" ({listed}) VALUES ({", ".join(["%s"] * len(columns))})'  # noqa: S608 - names of models.
    with connection.cursor() as cursor:
        waiting: list[list[Any]] = []
        for row in rows:
            waiting.append([*map(_sqlite_value, row), *defaults])
            if len(waiting) == SQLITE_ROWS:
                cursor.executemany(sql, waiting)
                waiting.clear()
        if waiting:
            cursor.executemany(sql, waiting)


def _sqlite_value(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ") if isinstance(value, datetime) else value


def tokens_value(tokens: Iterable[int]) -> Any:
    """Give a set of numbers as the column of `SearchRow` stores it."""
    return list(tokens) if connection.vendor == "postgresql" else " ".join(map(str, tokens))


@contextmanager
def indexes_off(*models: type[Model]) -> Iterator[None]:
    """Drop the indexes and triggers of tables, and make them again afterwards: sorted at once instead of row by row."""
    found = [statement for model in models for statement in _statements(model._meta.db_table)]
    with connection.cursor() as cursor:
        for drop, _make in found:
            cursor.execute(drop)
    yield
    with connection.cursor() as cursor:
        for _drop, make in reversed(found):
            cursor.execute(make)


def _statements(table: str) -> list[tuple[str, str]]:
    """What to execute to drop each index, trigger and key of a table that may be dropped, and to make it again."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL AND type != 'table'", [table])
            # A % in a statement without parameters is left as it is by Django.
            return [(f'DROP {kind} "{name}"', sql) for kind, name, sql in cursor.fetchall()]
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint c WHERE conrelid = %s::regclass AND contype IN ('f', 'u', 'p')"
            " AND (contype = 'f' OR NOT EXISTS"
            " (SELECT 1 FROM pg_constraint r WHERE r.contype = 'f' AND r.confrelid = %s::regclass)) ORDER BY contype",
            [table, table],
        )
        keys = [
            (f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"', f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}')
            for name, definition in cursor.fetchall()
        ]
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND schemaname = current_schema() AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass)",
            [table, table],
        )
        return keys + [(f'DROP INDEX "{name}"', make) for name, make in cursor.fetchall()]
