"""Intel TDX on Azure (`az-tdx`): the processor's quote, the paravisor's report around it, and a quote of the virtual TPM.

The procedure, with the code of each step after `az-tdx.`:

1. `version`, `evidence`: version 1; every field decodes in its canonical form and has its size.
2. `hcl.fields`, `hcl.type`: what nothing signs in the HCL report has the one value that genuine reports have.
3. `quote.parse`, `quote.header`, `quote.structure`, `quote.debug`, `quote.attributes`, `pck.parse`, `chain.root`, `chain.intermediate`,
   `pck.signature`, `pck.validity`, `chain.validity`, `qe.signature`, `qe.key`, `qe.debug`, `quote.signature`: as for `tdx`.
4. `collateral.lists`, `collateral.signatures`, `collateral.validity`, `revocation`, `qe.identity`, `tcb-status`: as for `tdx`.
5. `tdreport.form`: the processor's own report in the HCL report has its fixed values, and its digests are of its parts.
6. `tdreport.match`: it says what the quote says. (Its CPUSVN and MAC can be checked on the machine only.)
7. `binding`: report_data of the quote is the SHA-256 of the paravisor's JSON, and nothing else.
8. `ak`, `vm`: the JSON names exactly one attestation key; its other statements become claims.
9. `tpm.signature`, `tpm.parse`, `tpm.structure`, `tpm.pcrs`: a quote over all 24 SHA-256 registers, by that key.
10. `signed-data`: extraData is what the evidence speaks for.

SEPT_VE_DISABLE is reported and not demanded: Azure's machines lack it. The launch measurement covers Azure's paravisor, which every
machine of the kind shares; only the registers tell one image from another.

Source: evidence facts, sections 0, 3 to 6, 9.1 and 9.6.
"""

from __future__ import annotations

import hashlib
from typing import Final

from ..checks import CheckFailed, Passed, Step, require
from ..encoding import base64url_decode
from ..formats.tdreport import TCB_INFO, TD_INFO, TDREPORT_BYTES, TYPE_TDX, tdreport_parse
from .azure_vtpm import document_steps, quote_steps, tpm_evidence
from .context import Context, Procedure
from .intel_chain import chain_steps
from .intel_collateral import collateral_steps
from .intel_quote import quote_steps as td_quote_steps
from .intel_quote import signature_steps

PREFIX: Final = "az-tdx"
_HCL_HEADER_VERSION: Final = 2
_HCL_TYPE_TDX: Final = 4
_SAME: Final = (
    "report_data", "tee_tcb_svn", "mr_seam", "mrsigner_seam", "td_attributes", "xfam", "mr_td", "mr_config_id", "mr_owner",
    "mr_owner_config", "rtmr0", "rtmr1", "rtmr2", "rtmr3",
)  # fmt: skip


def evidence(context: Context) -> Passed:
    tpm_evidence(context)
    context.td_quote_bytes = base64url_decode(context.evidence.get("td_quote"), "td_quote")
    return Passed(actual=f"TPM quote of {len(context.quote_bytes or b'')} bytes, TDX quote of {len(context.td_quote_bytes)} bytes")


def tdreport_form(context: Context) -> Passed:
    raw, rest = context.hcl.tee_report[:TDREPORT_BYTES], context.hcl.tee_report[TDREPORT_BYTES:]
    report = tdreport_parse(raw)
    require(
        report.report_type == TYPE_TDX, "tdreport.type", "The report in the paravisor's report is not of a TDX machine.",
        expected=f"{TYPE_TDX:#x}", actual=f"{report.report_type:#x}",
    )  # fmt: skip
    empty = report.reserved_001 + report.reserved_192 + report.reserved_495 + rest
    require(not any(empty), "tdreport.reserved", "Reserved bytes of the processor's report are not zero.", expected="all zero")
    for name, part, found in (("tcb-info", TCB_INFO, report.tcb_info_hash), ("td-info", TD_INFO, report.td_info_hash)):
        expected = hashlib.sha384(raw[part]).digest()
        require(
            found == expected, f"tdreport.{name}", "A digest in the processor's report is not of the part that it is for.",
            expected=expected.hex(), actual=found.hex(),
        )  # fmt: skip
    context.td_report = report
    return Passed(expected="its digests are of its parts", actual="its digests are of its parts")


def tdreport_match(context: Context) -> Passed:
    report, body = context.processor_report, context.tdx.body
    for name in _SAME:
        found, expected = getattr(report, name), getattr(body, name)
        if found != expected:
            raise CheckFailed(
                f"tdreport.match.{name.replace('_', '-')}", f"Processor's report and quote differ in {name}.",
                expected=expected.hex(), actual=found.hex(),
            )  # fmt: skip
    return Passed(expected="as in the quote", actual=f"{len(_SAME)} fields the same")


def _tdreport_steps() -> tuple[Step[Context], ...]:
    code = f"{PREFIX}.tdreport.{{}}".format
    return (
        Step(code("form"), "The processor's own report is sound", "report",
             "Its fixed fields have their values and its digests are of its parts.",
             "That the processor made it: its MAC can be checked on the machine only.", tdreport_form, (f"{PREFIX}.evidence",)),
        Step(code("match"), "Report and quote speak of one machine", "report",
             "What the processor's report in the paravisor's report says is what the quote says.",
             "Its CPUSVN and MAC, which nothing outside the machine can check.", tdreport_match,
             (code("form"), f"{PREFIX}.quote.signature")),
    )  # fmt: skip


PROCEDURE: Final = Procedure(
    "Intel TDX on Azure",
    (
        *document_steps(PREFIX, header_version=_HCL_HEADER_VERSION, report_type=_HCL_TYPE_TDX, read=evidence),
        *td_quote_steps(PREFIX, after=f"{PREFIX}.evidence"),
        *chain_steps(PREFIX),
        *signature_steps(PREFIX),
        *collateral_steps(PREFIX),
        *_tdreport_steps(),
        *quote_steps(PREFIX, report_signature=f"{PREFIX}.quote.signature"),
    ),
)
