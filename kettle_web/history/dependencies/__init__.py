"""Which builds contain which package in which version: pages by package, ranges of versions, and whole lists for an incident."""
