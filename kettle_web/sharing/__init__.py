"""Links that open exactly one build to people without an account."""
