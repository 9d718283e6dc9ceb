"""Errors of this package.

OutboundError
├── AddressRefused     the name leads to an address that is not for us to reach, or to none at all
└── RedirectRefused    the server answered with a redirect, which is never followed
"""


class OutboundError(Exception):
    """Something that is not sent. `code` is stable; `message` is a sentence for people that says what to do."""

    retry = False

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AddressRefused(OutboundError):
    """A host that may not be reached from here. `retry`: only where the name could not be resolved just now."""

    def __init__(self, code: str, message: str, *, retry: bool = False) -> None:
        super().__init__(code, message)
        self.retry = retry


class RedirectRefused(OutboundError):
    """A redirect. Its target is hostile text and would have to be vetted anew: nobody needs it."""
