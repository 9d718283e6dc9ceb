"""Steps about the TDX quote and the quoting enclave that made it, the same for every platform that carries one.

The chain goes: the chip key signs the quoting enclave's report, the report names the attestation key, the attestation key signs the
quote, the quote says what runs in the machine and carries its report_data.
"""

from __future__ import annotations

import hashlib
from typing import Final

from ..checks import Passed, Step, require
from ..formats.tdx_quote import (
    CERTIFICATION_PEM,
    CERTIFICATION_QE,
    KEY_ECDSA_P256,
    QE_VENDOR_INTEL,
    TEE_TDX,
    qe_report_parse,
    tdx_quote_parse,
)
from ..signatures import ecdsa_p256_sha256_verify, p256_point
from .context import Context
from .intel_claims import qe_claims, td_claims

_QE_DEBUG: Final = 0x02
_LINK: Final = "report"


def parse(context: Context) -> Passed:
    data = context.td_quote_bytes or b""
    context.td_quote = tdx_quote_parse(data)
    return Passed(expected="version 4 or 5", actual=f"version {context.tdx.version}, {len(data)} bytes")


def header(context: Context) -> Passed:
    quote = context.tdx
    require(
        quote.tee_type == TEE_TDX, "quote.tee-type", "The quote is not of a TDX machine.", expected=f"{TEE_TDX:#x}",
        actual=f"{quote.tee_type:#x}",
    )  # fmt: skip
    require(
        quote.key_type == KEY_ECDSA_P256, "quote.key-type", "The quote is signed with another kind of key than ECDSA P-256.",
        expected=str(KEY_ECDSA_P256), actual=str(quote.key_type),
    )  # fmt: skip
    require(
        quote.qe_vendor_id == QE_VENDOR_INTEL, "quote.vendor", "The quote was not made by Intel's quoting enclave.",
        expected=QE_VENDOR_INTEL.hex(), actual=quote.qe_vendor_id.hex(),
    )  # fmt: skip
    return Passed(expected="TDX, ECDSA P-256, Intel's quoting enclave", actual="TDX, ECDSA P-256, Intel's quoting enclave")


def structure(context: Context) -> Passed:
    """Nothing signs these bytes, so each has the one value that genuine quotes have."""
    quote = context.tdx
    for code, what, found, expected in (
        ("quote.certification", "quoting enclave's part", quote.certification_type, CERTIFICATION_QE),
        ("quote.chain-type", "chip key's part", quote.chain_type, CERTIFICATION_PEM),
    ):
        require(found == expected, code, f"The quote's {what} is of an unknown type.", expected=str(expected), actual=str(found))
    require(not quote.after_chain, "quote.after-chain", "Bytes follow the certificate chain.", actual=f"{len(quote.after_chain)} bytes")
    require(
        not quote.after_certification, "quote.after-certification", "Bytes follow the quoting enclave's part.",
        actual=f"{len(quote.after_certification)} bytes",
    )  # fmt: skip
    require(not any(quote.trailing), "quote.trailing", "Bytes after the quote are not zero.", expected="all zero")
    return Passed(expected="nothing beside the quote", actual=f"{len(quote.trailing)} zero bytes after it")


def qe_signature(context: Context) -> Passed:
    quote = context.tdx
    ecdsa_p256_sha256_verify(
        p256_point(context.pck.pck.certificate.spki), *_integers(quote.qe_signature), quote.qe_report, code="qe.signature",
        failure="The quoting enclave's report is not signed by the chip key.",
    )  # fmt: skip
    context.qe_report = qe_report_parse(quote.qe_report)
    return Passed(actual="ECDSA P-256 over SHA-256 of 384 bytes")


def qe_key(context: Context) -> Passed:
    found = context.qe.report_data
    expected = hashlib.sha256(context.tdx.attestation_key + context.tdx.qe_auth_data).digest()
    require(
        found[:32] == expected, "qe.key", "The quoting enclave does not vouch for the key that signed the quote.",
        expected=expected.hex(), actual=found[:32].hex(),
    )  # fmt: skip
    require(not any(found[32:]), "qe.key-tail", "The second half of the quoting enclave's report_data is not zero.", expected="all zero")
    return Passed(expected=expected.hex(), actual=found[:32].hex())


def qe_debug(context: Context) -> Passed:
    on = bool(context.qe.attributes[0] & _QE_DEBUG)
    require(not on, "qe.debug", "The quoting enclave may be debugged: anybody can make it sign.", expected="off", actual="on")
    return Passed(expected="off", actual="off")


def signature(context: Context) -> Passed:
    quote = context.tdx
    ecdsa_p256_sha256_verify(
        quote.attestation_key, *_integers(quote.signature), quote.signed, code="quote.signature",
        failure="The quote is not signed by the attestation key: the quote or its signature was changed.",
    )  # fmt: skip
    context.claims.update(td_claims(quote) | qe_claims(context.qe))
    return Passed(actual=f"ECDSA P-256 over SHA-256 of {len(quote.signed)} bytes")


def debug(context: Context) -> Passed:
    on = bool(context.tdx.body.td_attributes[0] & 1)
    require(not on, "quote.debug", "The machine may be debugged: its host can read its memory.", expected="off", actual="on")
    return Passed(expected="off", actual="off")


def attributes(context: Context) -> Passed:
    body = context.tdx.body
    require(
        not body.td_attributes[0] & 0xFE, "quote.attributes.tud", "Bits that make the machine untrusted, or are reserved for it, are set.",
        expected="0", actual=f"{body.td_attributes[0]:#x}",
    )  # fmt: skip
    for name, value in (("mrsigner-seam", body.mrsigner_seam), ("seam", body.seam_attributes)):
        require(
            not any(value), f"quote.attributes.{name}", "The machine ran under another TDX module than Intel's own.", expected="all zero",
            actual=value.hex(),
        )  # fmt: skip
    return Passed(expected="Intel's TDX module, nothing that weakens it", actual="Intel's TDX module, nothing that weakens it")


def signed_data(context: Context) -> Passed:
    context.signed_data = context.bound_report_data
    return Passed(actual=context.signed_data.hex())


def _integers(signature: bytes) -> tuple[int, int]:
    """R and S, 32 bytes each, big-endian."""
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def quote_steps(prefix: str, *, after: str) -> tuple[Step[Context], ...]:
    """What the quote's bytes say on their own. `after`: code of the step that found the bytes."""
    code = f"{prefix}.quote.{{}}".format
    parsed = (code("parse"),)
    return (
        Step(code("parse"), "The quote can be taken apart", _LINK, "The quote is of a known version and each part fits.",
             "That anything in it is true.", parse, (after,)),
        Step(code("header"), "The quote is of a TDX machine, by Intel's quoting enclave", _LINK,
             "The quote is of the kind that its platform makes.", "That such a machine made it: the signatures do.", header, parsed),
        Step(code("structure"), "Nothing stands beside the quote", _LINK,
             "The bytes that no signature covers say nothing of their own.", "That the signatures hold.", structure, parsed),
        Step(code("debug"), "Debugging is off", _LINK, "The host cannot read or change the machine's memory by the debug interface.",
             "That the software inside keeps its secrets.", debug, parsed),
        Step(code("attributes"), "The machine ran under Intel's TDX module", _LINK,
             "Signer and attributes of the module are Intel's, and no attribute makes the machine untrusted.",
             "That the module is up to date.", attributes, parsed),
    )  # fmt: skip


def signature_steps(prefix: str) -> tuple[Step[Context], ...]:
    """From the chip key to the quote, once the chip key's chain holds."""
    code = f"{prefix}.{{}}".format
    return (
        Step(code("qe.signature"), "The chip key signed the quoting enclave's report", _LINK,
             "An enclave on this very chip wrote the report.", "Which enclave: Intel's collateral tells.", qe_signature,
             (code("pck.signature"),)),
        Step(code("qe.key"), "The quoting enclave vouches for the attestation key", _LINK,
             "The key that signed the quote is the one in the enclave's report.", "That the key never left the enclave.", qe_key,
             (code("qe.signature"),)),
        Step(code("qe.debug"), "The quoting enclave is not debugged", _LINK,
             "The enclave's memory cannot be read or changed by the debug interface.", "That the enclave is free of errors.", qe_debug,
             (code("qe.signature"),)),
        Step(code("quote.signature"), "The attestation key signed the quote", _LINK,
             "Every field of the quote, its report_data among them, is what the TDX module said of this machine.",
             "Which software ran: that is what the measurements are compared for.", signature,
             (code("quote.header"), code("quote.structure"), code("qe.key"))),
    )  # fmt: skip


def signed_data_step(prefix: str) -> Step[Context]:
    return Step(
        f"{prefix}.signed-data", "The quote speaks for these 64 bytes", "signed-data",
        "The bytes in report_data were given to the processor by software in the machine.",
        "What they mean: that is compared with the provenance.", signed_data, (f"{prefix}.quote.signature",),
    )  # fmt: skip
