"""The machine surface: JSON for what the pages show."""
