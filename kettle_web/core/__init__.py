"""What every app stands on: content-addressed files, identifiers, encrypted fields, middleware, process start."""
