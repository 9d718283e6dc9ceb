"""Reports kept for builds, the policy they cite, and the search index written with them."""
