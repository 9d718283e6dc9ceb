"""AMD SEV-SNP on Azure (`az-snp`): the processor's report inside the paravisor's, and a quote of the virtual TPM.

The procedure, with the code of each step after `az-snp.`:

1. `version`, `evidence`: version 1; every field decodes in its canonical form and has its size.
2. `hcl.fields`, `hcl.type`: what nothing signs in the HCL report has the one value that genuine reports have.
3. `report.parse`, `report.version` (2 to 5), `report.reserved`, `report.generation`, `report.algorithm`, `report.padding`.
4. `vek.parse`, `vek.signature`, `chain.intermediate`, `chain.root`, `vek.validity`, `chain.validity`: as for `snp`.
5. `revocation`: the vendor's list names neither root nor intermediate (not required; needs collateral).
6. `report.signature`: the chip key signed the report.
7. `report.vmpl`, `report.debug`, `report.policy`, `report.key-info`, `report.tcb-order`, `chip.generation`, `chip.id`, `chip.tcb`.
8. `binding`: report_data is the SHA-256 of the paravisor's JSON, and nothing else.
9. `ak`, `vm`: the JSON names exactly one attestation key; its other statements become claims.
10. `tpm.signature`: the attestation key signed the quote.
11. `tpm.parse`, `tpm.structure`: a quote over all 24 SHA-256 registers.
12. `tpm.pcrs`: the registers are the quoted ones.
13. `minimum-tcb`: the level is at least that of the allow-list's entry (not required).
14. `signed-data`: extraData is what the evidence speaks for.

The launch measurement covers Azure's paravisor, which every machine of the kind shares; only the registers tell one image from another.

Source: evidence facts, sections 0 to 4 and 9.1.
"""

from __future__ import annotations

from typing import Final

from .amd_chain import chain_steps, minimum_tcb_step
from .amd_report import report_steps, signature_steps
from .azure_vtpm import document_steps, quote_steps
from .context import Procedure

PREFIX: Final = "az-snp"
VERSIONS: Final = (2, 3, 4, 5)
_HCL_HEADER_VERSION: Final = 1
_HCL_TYPE_SNP: Final = 2

PROCEDURE: Final = Procedure(
    "AMD SEV-SNP on Azure",
    (
        *document_steps(PREFIX, header_version=_HCL_HEADER_VERSION, report_type=_HCL_TYPE_SNP),
        *report_steps(PREFIX, versions=VERSIONS, after=f"{PREFIX}.evidence"),
        *chain_steps(PREFIX, after=(f"{PREFIX}.report.parse",)),
        *signature_steps(PREFIX),
        *quote_steps(PREFIX, report_signature=f"{PREFIX}.report.signature"),
        minimum_tcb_step(PREFIX),
    ),
)
