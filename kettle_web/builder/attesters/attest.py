"""Which evidence a build gets: simulated, the machine's own, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from . import WAYS
from .kernel import TSM, kernel_attests, kernel_evidence
from .simulated import DEFAULT_FORM, simulated_evidence

SIMULATED, AUTO, NONE = WAYS
SAID_SIMULATED: Final = "Simulated evidence, signed by a public test key: it proves nothing about hardware."
SAID_KERNEL: Final = "Evidence of this machine's own processor, by its kernel."
SAID_NONE: Final = "Attestation is turned off (--attest none): there is no evidence.json."
SAID_NO_KERNEL: Final = "This machine has no attestation interface. "


def evidence_make(signed_data: bytes, *, way: str = SIMULATED, form: str = DEFAULT_FORM, tsm: Path = TSM) -> tuple[bytes | None, str]:
    """The bytes of evidence.json over digest and nonce (None: there is to be none), and the sentence that says what they are.

    `auto` without the kernel's interface is simulated, and says so. Raises `kernel.KernelAttestationError`.
    """
    if way == NONE:
        return None, SAID_NONE
    if way == AUTO and kernel_attests(tsm):
        return kernel_evidence(signed_data, root=tsm), SAID_KERNEL
    said = SAID_NO_KERNEL if way == AUTO else ""
    return simulated_evidence(signed_data, form=form), said + SAID_SIMULATED
