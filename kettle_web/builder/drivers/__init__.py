"""One driver per toolchain: what it needs, what it runs, what it gives. Detection is by the files of the project."""
