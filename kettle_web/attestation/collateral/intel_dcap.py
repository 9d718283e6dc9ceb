"""Intel's verdict on a firmware level, by dcap-qvl, after our own checks of every byte that it is given.

It alone would leave some thousand bytes of a quote unread; on the levels of processor, TDX module and quoting enclave its reading of
Intel's rules is the one that is kept up to date.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from ..checks import CheckFailed, CheckImpossible
from .bundle import IntelCollateral

MAX_TEXT_CHARACTERS: Final = 200
MAX_ADVISORIES: Final = 64
_NO_LEVEL: Final = "No matching TCB level"
_REVOKED: Final = "TCB status is invalid: Revoked"
"""The library's words: its errors have no codes."""


@dataclass(frozen=True)
class TcbJudgement:
    status: str
    """Such as ``UpToDate``, ``OutOfDate``, ``ConfigurationAndSWHardeningNeeded``."""
    advisories: tuple[str, ...]
    """Intel's security advisories that apply, such as ``INTEL-SA-01036``."""


def dcap_judge(quote: bytes, collateral: IntelCollateral, root: bytes, now: datetime) -> TcbJudgement:
    """The status of the quote's firmware level under this root (DER). Raises `CheckFailed` when it refuses the quote."""
    try:
        # Only who brings collateral needs the library, and a command line that starts fast is worth more than an import at the top.
        import dcap_qvl
    except ImportError as error:
        raise CheckImpossible("tcb.no-library", "the library that reads Intel's levels (dcap-qvl) is not installed") from error
    try:
        report = dcap_qvl.verify_with_root_ca(quote, dcap_qvl.QuoteCollateralV3(**asdict(collateral)), root, int(now.timestamp()))
        return TcbJudgement(
            str(report.status)[:MAX_TEXT_CHARACTERS],
            tuple(str(one)[:MAX_TEXT_CHARACTERS] for one in report.advisory_ids[:MAX_ADVISORIES]),
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # A panic inside the library is no Exception in Python.
        reason = " ".join(str(error)[:MAX_TEXT_CHARACTERS].removeprefix("Verification failed: ").split())
        if _REVOKED in reason:
            raise CheckFailed("tcb.revoked", "Intel revoked the machine's firmware level.", actual="Revoked") from error
        if _NO_LEVEL in reason:
            raise CheckFailed("tcb.no-level", "The machine's firmware is older than every level that Intel knows.") from error
        raise CheckFailed("tcb.refused", f"The firmware level does not hold by Intel's rules: {reason}.") from error
