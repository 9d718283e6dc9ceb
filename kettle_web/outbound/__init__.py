"""The only way out: HTTP transports with vetted addresses, caps and deadlines; what a source URL may look like. Never imports Django."""
