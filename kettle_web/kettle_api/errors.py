"""Errors of talking to a Kettle server.

    KettleError
    ├── Unreachable      the request was certainly not taken: it was never sent in full
    ├── Unanswered       it was sent in full, and what became of it is unknown: never send it again silently
    ├── Refused          the server said no (`status`)
    │   ├── NotFound     404: unknown job, no result, or not a Kettle server
    │   ├── Spent        409: this confidential VM has had its one build
    │   ├── TooLarge     413
    │   └── Failed       the build itself failed, which the multipart dialect tells in its answer
    ├── BadAnswer        an answer that no Kettle server gives
    └── CutOff           an event stream or a download ended before its end

Each has `code` (stable), `message` (a sentence for people), `retry` (whether the same request may be made again) and `fault`
("source", "builder", "network" or "us").
"""

from typing import Literal

Fault = Literal["source", "builder", "network", "us"]


class KettleError(Exception):
    """Root of this package's errors."""

    def __init__(self, code: str, message: str, *, retry: bool, fault: Fault) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry = retry
        self.fault: Fault = fault


class Unreachable(KettleError):
    """The request was certainly not taken. Making it again cannot build twice."""

    def __init__(self, code: str, message: str, *, retry: bool = True, fault: Fault = "network") -> None:
        super().__init__(code, message, retry=retry, fault=fault)


class Unanswered(KettleError):
    """The request was sent in full and no usable answer came: a build may be running for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, retry=False, fault="network")


class Refused(KettleError):
    """The server answered with an error. `retry_after`: seconds to wait as the server asks, capped; None where it does not."""

    def __init__(self, status: int, code: str, message: str, *, retry: bool, fault: Fault, retry_after: int | None = None) -> None:
        super().__init__(code, message, retry=retry, fault=fault)
        self.status = status
        self.retry_after = retry_after


class NotFound(Refused):
    """404."""


class Spent(Refused):
    """409: take the next machine. After an unanswered request it may be our own build that spent it."""


class TooLarge(Refused):
    """413."""


class Failed(Refused):
    """The build was made, and failed. `result` is as in a terminal event, `log` the last lines of its output."""

    def __init__(self, status: int, *, error: str, error_type: str, log: tuple[str, ...]) -> None:
        super().__init__(status, "build.failed", error, retry=False, fault="builder")
        self.result = {"status": "failed", "error": error, "error_type": error_type}
        self.log = log


class BadAnswer(KettleError):
    """Not what a Kettle server answers."""

    def __init__(self, code: str, message: str, *, retry: bool = False) -> None:
        super().__init__(code, message, retry=retry, fault="builder")


class CutOff(KettleError):
    """The connection ended too early. What came by then is good; asking again is safe."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, retry=True, fault="network")
