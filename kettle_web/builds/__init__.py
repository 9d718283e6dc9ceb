"""A build and its life: request, states, attempts, events, result."""
