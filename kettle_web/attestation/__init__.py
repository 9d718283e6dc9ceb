"""Hardware evidence: bytes to structures, certificate chains, one numbered procedure per platform.

Rooms: `envelope` and `encoding` read the text, `formats` turns bytes into frozen values and back, `signatures` is the only place that
calls the cryptography library to verify, `anchors` holds the pinned vendor keys as data, `collateral` gets what vendors publish beside
their hardware, `platforms` holds the procedures.
Whatever the bytes, only `checks.AttestationError` and its subclasses leave this package. Never imports Django, a clock or the builder.
"""
