"""Client of the Kettle API: requests, event decoder without I/O, event types, errors. Never imports Django."""
