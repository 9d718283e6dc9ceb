"""Pages that compose several apps: home and the page of a build."""
