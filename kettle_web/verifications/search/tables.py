"""What the databases need beside the tables of the models: full-text tables and triggers on SQLite, GIN indexes on PostgreSQL.

Idempotent, so that a migration and `manage.py reindex` may both make them.
"""

from __future__ import annotations

from typing import Final

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

STATISTICS: Final = 1000
"""Common numbers that PostgreSQL counts when it analyses the table, times ten."""

_SQLITE: Final = (
    # The postings. Only numbers: no positions, no sizes, no second copy of the text.
    "CREATE VIRTUAL TABLE IF NOT EXISTS verifications_search_fts USING fts5(tokens, content='verifications_searchrow',"
    " content_rowid='build_id', detail='none', columnsize=0, tokenize='ascii')",
    "CREATE TRIGGER IF NOT EXISTS verifications_search_insert AFTER INSERT ON verifications_searchrow BEGIN"
    " INSERT INTO verifications_search_fts(rowid, tokens) VALUES (new.build_id, new.tokens); END",
    "CREATE TRIGGER IF NOT EXISTS verifications_search_delete AFTER DELETE ON verifications_searchrow BEGIN"
    " INSERT INTO verifications_search_fts(verifications_search_fts, rowid, tokens) VALUES ('delete', old.build_id, old.tokens); END",
    "CREATE TRIGGER IF NOT EXISTS verifications_search_update AFTER UPDATE ON verifications_searchrow BEGIN"
    " INSERT INTO verifications_search_fts(verifications_search_fts, rowid, tokens) VALUES ('delete', old.build_id, old.tokens);"
    " INSERT INTO verifications_search_fts(rowid, tokens) VALUES (new.build_id, new.tokens); END",
    # Parts of what people type; measurements and the like are asked for whole. Terms and repositories are never changed.
    "CREATE VIRTUAL TABLE IF NOT EXISTS verifications_term_fts USING fts5(text, content='verifications_term',"
    " content_rowid='id', detail='none', columnsize=0, tokenize='trigram')",
    "CREATE TRIGGER IF NOT EXISTS verifications_term_insert AFTER INSERT ON verifications_term"
    " WHEN new.kind IN ('address', 'label', 'file', 'source', 'dependency', 'tool', 'ref') BEGIN"
    " INSERT INTO verifications_term_fts(rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER IF NOT EXISTS verifications_term_delete AFTER DELETE ON verifications_term"
    " WHEN old.kind IN ('address', 'label', 'file', 'source', 'dependency', 'tool', 'ref') BEGIN"
    " INSERT INTO verifications_term_fts(verifications_term_fts, rowid, text) VALUES ('delete', old.id, old.text); END",
    "CREATE VIRTUAL TABLE IF NOT EXISTS verifications_repository_fts USING fts5(url, content='verifications_repository',"
    " content_rowid='id', detail='none', columnsize=0, tokenize='trigram')",
    "CREATE TRIGGER IF NOT EXISTS verifications_repository_insert AFTER INSERT ON verifications_repository BEGIN"
    " INSERT INTO verifications_repository_fts(rowid, url) VALUES (new.id, new.url); END",
    "CREATE TRIGGER IF NOT EXISTS verifications_repository_delete AFTER DELETE ON verifications_repository BEGIN"
    " INSERT INTO verifications_repository_fts(verifications_repository_fts, rowid, url) VALUES ('delete', old.id, old.url); END",
)
_POSTGRESQL: Final = {
    # Without the list of pending entries: searches would have to walk it.
    "verifications_search_tokens": "ON verifications_searchrow USING gin (tokens) WITH (fastupdate = off)",
}
_POSTGRESQL_TRIGRAM: Final = {
    "verifications_term_trigram": "ON verifications_term USING gin (text gin_trgm_ops)"
    " WHERE kind IN ('address', 'label', 'file', 'source', 'dependency', 'tool', 'ref')",
    "verifications_repository_trigram": "ON verifications_repository USING gin (upper(url) gin_trgm_ops)",
}
WITHOUT_TRIGRAM: Final = (
    "PostgreSQL's extension pg_trgm could not be created: parts of addresses, labels and names are found all the same, by reading"
    " the whole list of them each time. Have a superuser run CREATE EXTENSION pg_trgm in this database, then manage.py reindex."
)


def tables_prepare(connection: BaseDatabaseWrapper) -> str:
    """Make what is missing. Gives a sentence about what could not be had; empty: nothing."""
    if connection.vendor == "sqlite":
        _run(connection, _SQLITE)
    if connection.vendor != "postgresql":
        return ""
    _indexes(connection, _POSTGRESQL)
    try:
        with transaction.atomic(using=connection.alias):
            _run(connection, ("CREATE EXTENSION IF NOT EXISTS pg_trgm",))
            _indexes(connection, _POSTGRESQL_TRIGRAM)
    except DatabaseError:
        return WITHOUT_TRIGRAM
    return ""


def _run(connection: BaseDatabaseWrapper, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _indexes(connection: BaseDatabaseWrapper, wanted: dict[str, str]) -> None:
    """Make the indexes that are not there. «IF NOT EXISTS» alone would lock the table before it looks."""
    with connection.cursor() as cursor:
        for name, what in wanted.items():
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0] is None:
                cursor.execute(f"CREATE INDEX {name} {what}")
        if "verifications_search_tokens" in wanted:
            # Which numbers are common decides whether the index or the newest rows are walked.
            cursor.execute(
                "SELECT attstattarget FROM pg_attribute WHERE attrelid = 'verifications_searchrow'::regclass AND attname = 'tokens'"
            )
            if cursor.fetchone()[0] != STATISTICS:
                cursor.execute(f"ALTER TABLE verifications_searchrow ALTER COLUMN tokens SET STATISTICS {STATISTICS}")


def tables_fill(connection: BaseDatabaseWrapper) -> None:
    """Write SQLite's full-text tables anew from the rows: after rows came in past the triggers, or a damaged file."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for name in ("search", "repository"):
            cursor.execute(f"INSERT INTO verifications_{name}_fts(verifications_{name}_fts) VALUES ('rebuild')")  # noqa: S608 - names of ours.
        # Not «rebuild», which would take every kind of term in.
        cursor.execute("INSERT INTO verifications_term_fts(verifications_term_fts) VALUES ('delete-all')")
        cursor.execute(
            "INSERT INTO verifications_term_fts(rowid, text) SELECT id, text FROM verifications_term"
            " WHERE kind IN ('address', 'label', 'file', 'source', 'dependency', 'tool', 'ref')"
        )
