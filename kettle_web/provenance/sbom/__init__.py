"""A software bill of materials out of a provenance: what the document states, and nothing that was looked for.

It is a statement of provenance, not a scan: it has the dependencies that the lockfile resolved, no licences, no tools of the system, no
relations among the dependencies, and what it says is worth as much as the provenance. Every document says so itself. Made without clock
and randomness, so that one provenance gives one document, byte for byte. Never imported by the verifier: the libraries that write the
documents take a tenth of a second to load.
"""
