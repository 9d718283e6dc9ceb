"""Finding builds again: search, filters, lists. Owns no tables."""
