"""What a person can do wrong with a build, or run into. Each has a stable code and a sentence for the page."""


class BuildError(Exception):
    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class LeaseLost(Exception):
    """Someone else works on the build now, or its state has changed: leave it alone."""
