"""Two builds side by side, as page and JSON. What is compared is decided by `provenance.diff`; here it is fetched and shown."""
