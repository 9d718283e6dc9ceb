"""Steps about Azure's paravisor and its virtual TPM: the HCL report, the attestation key in it, and the TPM quote under that key.

The chain goes: the processor signs report_data, report_data is the digest of the paravisor's JSON, the JSON names the attestation key,
the attestation key signs the quote, the quote carries the signed data and the digest of the platform configuration registers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from ..checks import CheckFailed, Malformed, Passed, Step, require
from ..encoding import base64url_decode, hex_decode
from ..formats.hcl import AK_EXPONENT, HCL_BYTES, HEADER_BYTES, hcl_report_parse, var_data_parse
from ..formats.snp_report import REPORT_BYTES
from ..formats.tpm import ALG_SHA256, MAGIC, TYPE_QUOTE, tpm_quote_parse
from ..signatures import rsa_pkcs1_sha256_verify
from .claims import quote_claims
from .context import Context

_PCR_COUNT: Final = 24
_DIGEST_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 256
_MAX_EXTRA_DATA: Final = 50
"""Bytes of TPM2B_DATA: an algorithm's number and the longest digest of this TPM, SHA-384. Source: evidence facts, section 4."""
_ALL_PCRS: Final = b"\xff\xff\xff"
_HCL_PREFIX_BYTES: Final = 32
_BLOCK_HEADER_BYTES: Final = 20


def version(context: Context) -> Passed:
    found = context.evidence.get("version")
    known = type(found) is int and found == 1  # JSON's true is no version, though Python holds it equal to 1.
    actual = str(found) if type(found) is int else "not a number"
    require(known, "evidence.version", "The evidence is of an unknown version.", expected="1", actual=actual)
    return Passed(expected="1", actual="1")


def tpm_evidence(context: Context) -> None:
    """The fields that evidence of every processor has on Azure."""
    quote = context.evidence.get("tpm_quote")
    if not isinstance(quote, dict):
        raise Malformed("evidence.tpm-quote", "tpm_quote is missing or is not an object.")
    pcrs = quote.get("pcrs")
    if not isinstance(pcrs, list) or len(pcrs) != _PCR_COUNT:
        raise Malformed("evidence.pcrs", f"tpm_quote.pcrs is not a list of {_PCR_COUNT} values.")
    context.pcrs = _pcrs_decode(pcrs)
    require(all(len(value) == _DIGEST_BYTES for value in context.pcrs), "evidence.pcrs", "A value of tpm_quote.pcrs has not 32 bytes.")
    context.quote_signature = hex_decode(quote.get("signature"), "tpm_quote.signature")
    require(
        len(context.quote_signature) == _SIGNATURE_BYTES, "evidence.signature", "tpm_quote.signature has the wrong length.",
        expected=f"{_SIGNATURE_BYTES} bytes", actual=f"{len(context.quote_signature)} bytes",
    )  # fmt: skip
    context.quote_bytes = hex_decode(quote.get("message"), "tpm_quote.message")
    context.hcl_report = hcl_report_parse(base64url_decode(context.evidence.get("hcl_report"), "hcl_report"))


def _pcrs_decode(values: list[Any]) -> tuple[bytes, ...]:
    """Decoded in one go where every value has its size, which is three times as fast; else one by one."""
    what = "A value of tpm_quote.pcrs"
    if not all(type(value) is str and len(value) == 2 * _DIGEST_BYTES for value in values):
        return tuple(hex_decode(value, what) for value in values)
    joined = hex_decode("".join(values), what)
    return tuple(joined[at : at + _DIGEST_BYTES] for at in range(0, len(joined), _DIGEST_BYTES))


def evidence(context: Context) -> Passed:
    tpm_evidence(context)
    context.report_bytes = context.hcl.tee_report
    context.vek_bytes = base64url_decode(context.evidence.get("vcek"), "vcek")
    return Passed(actual=f"quote of {len(context.quote_bytes or b'')} bytes, certificate of {len(context.vek_bytes)} bytes")


def hcl_fields(context: Context, header_version: int) -> Passed:
    """Every field of the header that the processor does not sign has the one value that genuine reports have."""
    hcl = context.hcl
    expected = {
        "magic": b"HCLA", "header_version": header_version, "request_type": 2, "status": 0, "reserved": bytes(12), "block_version": 1,
        "hash_type": 1, "block_size": _BLOCK_HEADER_BYTES + hcl.content_length,
        "report_size": _HCL_PREFIX_BYTES + REPORT_BYTES + hcl.block_size,
    }  # fmt: skip
    for name, value in expected.items():
        found = getattr(hcl, name)
        if found != value:
            raise CheckFailed(
                f"hcl.fields.{name.replace('_', '-')}", f"The HCL report's {name.replace('_', ' ')} is not as it should be.",
                expected=_shown(value), actual=_shown(found),
            )  # fmt: skip
    total = HEADER_BYTES + hcl.content_length + len(hcl.padding)
    require(
        total == HCL_BYTES, "hcl.fields.length", "The HCL report has the wrong length.", expected=f"{HCL_BYTES} bytes",
        actual=f"{total} bytes",
    )  # fmt: skip
    require(not any(hcl.padding), "hcl.fields.padding", "Bytes after the HCL report's content are not zero.", expected="all zero")
    return Passed(expected="as specified", actual="as specified")


def hcl_type(context: Context, report_type: int) -> Passed:
    found = context.hcl.report_type
    require(
        found == report_type, "hcl.type", "The HCL report is for another kind of processor than the tag says.",
        expected=str(report_type), actual=str(found),
    )  # fmt: skip
    return Passed(expected=str(report_type), actual=str(found))


def binding(context: Context) -> Passed:
    expected = hashlib.sha256(context.hcl.var_data).hexdigest()
    actual = context.bound_report_data[:_DIGEST_BYTES].hex()
    require(
        expected == actual, "binding.digest", "The paravisor's JSON is not the one that the processor's report vouches for.",
        expected=expected, actual=actual,
    )  # fmt: skip
    tail = context.bound_report_data[_DIGEST_BYTES:]
    require(not any(tail), "binding.tail", "The second half of report_data is not zero.", expected="all zero", actual=tail.hex())
    return Passed(expected=expected, actual=actual)


def attestation_key(context: Context) -> Passed:
    require(not context.hcl.var_data.endswith(b"\0"), "ak.padding", "The paravisor's JSON ends with zero bytes.")
    context.var_data = var_data_parse(context.hcl.var_data)
    return Passed(expected="one RSA-2048 key", actual="one RSA-2048 key")


def machine(context: Context) -> Passed:
    """Claims of the bound JSON; bound, because the step depends on the binding and the report's signature."""
    var_data = context.var_data
    require(var_data is not None, "machine", "The paravisor's JSON was not read.")
    if var_data is not None:
        context.claims["vm"] = var_data.vm_configuration
        context.claims["user_data"] = var_data.user_data
    return Passed(actual=", ".join(f"{name}: {value}" for name, value in context.claims["vm"].items()))


def quote_signature(context: Context) -> Passed:
    var_data = context.var_data
    require(var_data is not None, "tpm.signature", "There is no attestation key.")
    if var_data is not None:
        rsa_pkcs1_sha256_verify(
            var_data.ak_modulus, AK_EXPONENT, context.quote_signature or b"", context.quote_bytes or b"",
            code="tpm.signature", failure="The quote is not signed by the attestation key that the processor vouches for.",
        )  # fmt: skip
    return Passed(actual="RSA-2048, PKCS#1 v1.5, SHA-256")


def quote_parse(context: Context) -> Passed:
    context.tpm_quote = tpm_quote_parse(context.quote_bytes or b"")
    return Passed(actual=f"{len(context.quote_bytes or b'')} bytes")


def quote_structure(context: Context) -> Passed:
    """An empty, partial, doubled or SHA-1 selection would let forged register values travel under a valid quote."""
    quote = context.quote
    require(quote.magic == MAGIC, "tpm.magic", "The quote was not made inside a TPM.", expected=f"{MAGIC:#x}", actual=f"{quote.magic:#x}")
    require(
        quote.attest_type == TYPE_QUOTE, "tpm.type", "The TPM signed something else than a quote.", expected=f"{TYPE_QUOTE:#x}",
        actual=f"{quote.attest_type:#x}",
    )  # fmt: skip
    signer = quote.qualified_signer
    named = len(signer) == 2 + _DIGEST_BYTES and signer[:2] == ALG_SHA256.to_bytes(2, "big")
    require(named, "tpm.signer", "The quote's signer has no SHA-256 name.", actual=signer.hex())
    require(
        len(quote.extra_data) <= _MAX_EXTRA_DATA, "tpm.extra-data", "The quote carries more of its caller's data than this TPM takes.",
        expected=f"at most {_MAX_EXTRA_DATA} bytes", actual=f"{len(quote.extra_data)} bytes",
    )  # fmt: skip
    banks = len(quote.selections)
    require(banks == 1, "tpm.selection", "The quote does not select exactly one bank of registers.", expected="1", actual=str(banks))
    selection = quote.selections[0]
    require(
        selection.hash_algorithm == ALG_SHA256, "tpm.bank", "The quote is not over the SHA-256 registers.", expected="0xb",
        actual=f"{selection.hash_algorithm:#x}",
    )  # fmt: skip
    require(
        selection.bitmap == _ALL_PCRS, "tpm.bitmap", "The quote does not cover all 24 registers.", expected=_ALL_PCRS.hex(),
        actual=selection.bitmap.hex(),
    )  # fmt: skip
    require(len(quote.pcr_digest) == _DIGEST_BYTES, "tpm.digest-length", "The quote's digest has not 32 bytes.")
    require(not quote.trailing, "tpm.trailing", "Bytes follow the quote.", actual=f"{len(quote.trailing)} bytes")
    return Passed(expected="a quote over all 24 SHA-256 registers", actual="a quote over all 24 SHA-256 registers")


def pcrs(context: Context) -> Passed:
    expected = context.quote.pcr_digest.hex()
    actual = hashlib.sha256(b"".join(context.pcrs)).hexdigest()
    require(actual == expected, "tpm.pcrs", "The registers are not the ones that the TPM signed.", expected=expected, actual=actual)
    context.claims.update(quote_claims(context.quote, context.pcrs))
    return Passed(expected=expected, actual=actual)


def signed_data(context: Context) -> Passed:
    context.signed_data = context.quote.extra_data
    return Passed(actual=context.signed_data.hex())


def document_steps(
    prefix: str, *, header_version: int, report_type: int, read: Callable[[Context], Passed] = evidence
) -> tuple[Step[Context], ...]:
    """The fields decode, and what no signature covers has its one value. `read`: decodes the fields of this kind of processor."""
    code = f"{prefix}.{{}}".format
    return (
        Step(code("version"), "The evidence's version is known", "documents", "The evidence is of version 1.",
             "Anything about its content.", version),
        Step(code("evidence"), "The evidence has the form of its platform", "documents",
             "All fields decode in their canonical form and have their sizes.", "Anything about their content.", read,
             (code("version"),)),
        Step(code("hcl.fields"), "The paravisor's report has its fixed values", "documents",
             "The fields around the processor's report, which nothing signs, say nothing of their own.", "That the report is genuine.",
             lambda context: hcl_fields(context, header_version), (code("evidence"),)),
        Step(code("hcl.type"), "The paravisor's report is for this kind of processor", "documents",
             "The report's type is the one of the platform tag.", "That the tag is true: it is not signed.",
             lambda context: hcl_type(context, report_type), (code("evidence"),)),
    )  # fmt: skip


def quote_steps(prefix: str, *, report_signature: str) -> tuple[Step[Context], ...]:
    """From the processor's report to the signed data. `report_signature`: code of the step that authenticated the report."""
    code = f"{prefix}.{{}}".format
    link = "vtpm-quote"
    return (
        Step(code("binding"), "The processor vouches for the paravisor's JSON", link,
             "report_data is the SHA-256 of the JSON that names the virtual TPM's key.", "That the paravisor is free of errors.",
             binding, (code("hcl.fields"), code("hcl.type"), report_signature)),
        Step(code("ak"), "The JSON names one attestation key", link,
             "There is exactly one attestation key, RSA-2048 with exponent 65537.", "That the key never left the virtual TPM.",
             attestation_key, (code("evidence"),)),
        Step(code("vm"), "The machine's configuration is bound", link,
             "What is said of secure boot and the TPM is part of the bound JSON.", "That these settings were wanted: nothing demands them.",
             machine, (code("binding"), code("ak"))),
        Step(code("tpm.signature"), "The attestation key signed the quote", link, "The virtual TPM made this quote.",
             "That the key is the processor's: the binding shows that.", quote_signature, (code("ak"),)),
        Step(code("tpm.parse"), "The quote can be taken apart", link, "The quote has the form of a TPM 2.0 quote.",
             "That anything in it is true.", quote_parse, (code("evidence"),)),
        Step(code("tpm.structure"), "The quote covers all 24 registers", link,
             "The TPM made a quote over the whole SHA-256 bank, and nothing follows it.", "That the registers have the right values.",
             quote_structure, (code("tpm.parse"),)),
        Step(code("tpm.pcrs"), "The registers are the quoted ones", link,
             "The 24 register values are those whose digest the TPM signed.",
             "Which software they stand for: that is what they are compared for.", pcrs,
             (code("tpm.structure"), code("tpm.signature"), code("binding"))),
        Step(code("signed-data"), "The quote speaks for these bytes", "signed-data",
             "The bytes in extraData were given to the virtual TPM by software in the machine.",
             "Which software: the administrator of any machine of this kind can have any bytes signed.", signed_data,
             (code("tpm.structure"), code("tpm.signature"), code("binding"))),
    )  # fmt: skip


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
