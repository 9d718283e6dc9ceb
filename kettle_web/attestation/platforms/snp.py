"""AMD SEV-SNP, bare metal (`snp`; `gcp-snp` takes the same way).

The procedure, with the code of each step after its prefix:

1. `evidence`: the object has only known keys, and each field decodes in its canonical form.
2. `report.parse`, `report.version` (3 to 5), `report.reserved`, `report.generation`, `report.algorithm`, `report.padding`: the report's
   1184 bytes are what the specification says.
3. `vek.parse`: the chip key's certificate is strict, canonical DER. Evidence without one: from the collateral, by chip id and level.
4. `vek.signature`, `chain.intermediate`, `chain.root`: a pinned intermediate issued it, under a pinned root. This alone decides whether
   the evidence is of hardware or simulated.
5. `vek.validity`, `chain.validity`: all of them are valid now.
6. `revocation`: the vendor's list names neither root nor intermediate (not required; needs collateral).
7. `report.signature`: the chip key signed the report.
8. `report.vmpl`, `report.debug`, `report.policy`, `report.key-info`, `report.tcb-order`: what the report says is acceptable.
9. `chip.generation`, `chip.id`, `chip.tcb`: certificate and report are about one chip at one firmware level.
10. `minimum-tcb`: the level is at least that of the allow-list's entry (not required).
11. `signed-data`: report_data is what the evidence speaks for.

Source: evidence facts, sections 0 to 2; AMD documents 56860 and 57230.
"""

from __future__ import annotations

from typing import Final

from ..checks import Malformed, Passed, Step
from ..encoding import base64_decode
from .amd_chain import chain_steps, minimum_tcb_step
from .amd_report import report_steps, signature_steps
from .context import Context, Procedure

VERSIONS: Final = (3, 4, 5)
_EVIDENCE_KEYS: Final = frozenset({"attestation_report", "cert_chain"})
_CHAIN_KEYS: Final = frozenset({"vcek", "ask", "ark"})


def evidence(context: Context) -> Passed:
    found = context.evidence
    _only(found, _EVIDENCE_KEYS, "The evidence")
    context.report_bytes = base64_decode(found.get("attestation_report"), "attestation_report")
    chain = found.get("cert_chain")
    if chain is None:
        context.vek_missing = "The evidence brings no certificate of the chip key, and no collateral was given."
        return Passed(actual=f"report of {len(context.report_bytes)} bytes, no certificate")
    if not isinstance(chain, dict):
        raise Malformed("evidence.cert-chain", "cert_chain is not an object.")
    _only(chain, _CHAIN_KEYS, "cert_chain")
    context.vek_bytes = base64_decode(chain.get("vcek"), "cert_chain.vcek")
    return Passed(actual=f"report of {len(context.report_bytes)} bytes, certificate of {len(context.vek_bytes)} bytes")


def signed_data(context: Context) -> Passed:
    context.signed_data = context.report.report_data
    return Passed(actual=context.signed_data.hex())


def steps_with_prefix(prefix: str) -> tuple[Step[Context], ...]:
    """The numbered procedure, its codes beginning with `prefix`."""
    first = f"{prefix}.evidence"
    return (
        Step(first, "The evidence has the form of its platform", "documents",
             "All fields are known and decode in their canonical form.", "Anything about their content.", evidence),
        *report_steps(prefix, versions=VERSIONS, after=first),
        *chain_steps(prefix, after=(f"{prefix}.report.parse",)),
        *signature_steps(prefix),
        minimum_tcb_step(prefix),
        Step(f"{prefix}.signed-data", "The report speaks for these 64 bytes", "signed-data",
             "The bytes in report_data were given to the processor by software in the machine.",
             "What they mean: that is compared with the provenance.", signed_data, (f"{prefix}.report.signature",)),
    )  # fmt: skip


PROCEDURE: Final = Procedure("AMD SEV-SNP", steps_with_prefix("snp"))


def _only(found: dict[str, object], known: frozenset[str], what: str) -> None:
    if not found.keys() <= known:
        raise Malformed("evidence.unknown-key", f"{what} has a field that is not known.")
