"""Everything about one repository: its builds that were requested by URL, and nothing that only claims to be of it."""
