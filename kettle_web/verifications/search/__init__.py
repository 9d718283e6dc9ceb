"""The words of the search index and how builds are found by them, on SQLite and PostgreSQL. Derived: `manage.py reindex` writes it anew."""
