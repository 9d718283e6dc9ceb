"""Hardware evidence: bytes to structures, certificate chains, one numbered procedure per platform. Never imports Django."""
