"""The one error of this package."""


class ArchiveError(Exception):
    """An archive that cannot be read, or that is not read because it could do harm.

    `code` is stable (`archive.…`); `message` says what is wrong, `advice` what to do, both as sentences for people.
    `paths` names the entries that it is about, as they are safe to show: at most a few, control characters escaped.
    """

    def __init__(self, code: str, message: str, advice: str = "", *, paths: tuple[str, ...] = ()) -> None:
        super().__init__(f"{message} {advice}".strip())
        self.code = code
        self.message = message
        self.advice = advice
        self.paths = paths
