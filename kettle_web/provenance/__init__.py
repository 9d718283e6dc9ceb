"""Kettle's provenance.json: in-toto Statement, SLSA predicate, digests, dependencies, Merkle root.

Gives values out of bytes and bytes out of values; judges nothing. Never imports Django, reads no clock, opens no file.
"""
