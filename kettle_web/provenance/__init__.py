"""The in-toto statement with SLSA provenance that Kettle writes: parsing, digests, Merkle root. Never imports Django."""
