"""Every structure of an evidence.json, by its platform's tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from ..checks import CheckFailed, Malformed
from ..encoding import base64_decode, base64url_decode, hex_decode
from ..envelope import envelope_parse
from ..formats.pem import pem_chain_parse
from ..formats.tdx_quote import tdx_quote_parse
from .amd import snp_report_fields
from .azure import hcl_fields, pcr_fields, tpm_quote_fields
from .fields import Field, Layout, Writer
from .intel import tdx_quote_fields
from .x509 import certificate_fields

Decode = Callable[[object, str], bytes]
Fields = Callable[[bytes], tuple[Field, ...]]
MAX_REGISTERS: Final = 64
_NAMES: Final = (("pck", "Chip key's certificate (PCK)"), ("pck-ca", "Intermediate certificate"), ("root", "Root certificate"))


def evidence_layouts(data: bytes) -> tuple[Layout, ...]:
    """The structures in `data`, in the document's order. Those that are missing are left out; raises `Malformed` for no envelope."""
    envelope = envelope_parse(data)
    return tuple(_PLATFORMS.get(envelope.platform, _nothing)(envelope.evidence))


def _layout(code: str, title: str, path: str, found: object, decode: Decode, fields: Fields) -> Iterator[Layout]:
    if found is None:
        return
    try:
        data = decode(found, path)
    except CheckFailed as error:
        yield Layout(code, title, path, b"", (), str(error))
        return
    yield layout_of(code, title, f"{path} ({_ENCODINGS[decode]})", data, fields)


def layout_of(code: str, title: str, path: str, data: bytes, fields: Fields) -> Layout:
    """One structure; bytes that cannot be taken apart are one field."""
    try:
        return Layout(code, title, path, data, fields(data))
    except CheckFailed as error:
        whole = Writer(data, source="")
        whole.take("bytes", len(data), "Could not be taken apart.")
        return Layout(code, title, path, data, tuple(whole.fields), str(error))


def _dstack_decode(found: object, what: str) -> bytes:
    is_hex = (
        isinstance(found, str)
        and len(found) >= 1264
        and len(found) % 2 == 0
        and all(letter in "0123456789abcdefABCDEF" for letter in found)
    )
    return hex_decode(found, what) if is_hex else base64_decode(found, what)


_ENCODINGS: Final[dict[Any, str]] = {
    base64_decode: "base64",
    base64url_decode: "base64url",
    hex_decode: "hex",
    _dstack_decode: "hex or base64",
}


def _snp(evidence: dict[str, Any]) -> Iterator[Layout]:
    yield from _layout(
        "snp-report", "SEV-SNP report", "attestation_report", evidence.get("attestation_report"), base64_decode, snp_report_fields
    )
    chain = evidence.get("cert_chain")
    for name, title in (("vcek", "Chip key's certificate"), ("ask", "Intermediate, unused"), ("ark", "Root, unused")):
        found = chain.get(name) if isinstance(chain, dict) else None
        yield from _layout(name, title, f"cert_chain.{name}", found, base64_decode, certificate_fields)


def _quote(evidence: dict[str, Any], name: str, decode: Decode) -> Iterator[Layout]:
    for found in _layout("tdx-quote", "TDX quote", name, evidence.get(name), decode, tdx_quote_fields):
        yield found
        try:
            chain = pem_chain_parse(tdx_quote_parse(found.data).chain, "The chain", tails=(b"", b"\0"))
        except Malformed:
            continue
        for at, certificate in enumerate(chain[:8]):
            code, title = _NAMES[at] if at < len(_NAMES) else (f"certificate-{at}", "Further certificate")
            yield layout_of(code, title, f"{name}, certificate {at + 1} of the chain (PEM)", certificate, certificate_fields)


def _tdx(evidence: dict[str, Any]) -> Iterator[Layout]:
    yield from _quote(evidence, "quote", base64_decode)


def _dstack(evidence: dict[str, Any]) -> Iterator[Layout]:
    yield from _quote(evidence, "quote", _dstack_decode)


def _vtpm(evidence: dict[str, Any]) -> Iterator[Layout]:
    yield from _layout("hcl-report", "HCL report", "hcl_report", evidence.get("hcl_report"), base64url_decode, hcl_fields)
    quote = evidence.get("tpm_quote")
    if not isinstance(quote, dict):
        return
    yield from _layout("tpm-quote", "TPM quote", "tpm_quote.message", quote.get("message"), hex_decode, tpm_quote_fields)
    yield from _layout(
        "tpm-signature", "TPM quote's signature", "tpm_quote.signature", quote.get("signature"), hex_decode, _signature_fields
    )
    values = quote.get("pcrs")
    if isinstance(values, list):
        try:
            pcrs = tuple(hex_decode(value, "tpm_quote.pcrs") for value in values[:MAX_REGISTERS])
        except CheckFailed as error:
            yield Layout("pcrs", "Registers (PCRs)", "tpm_quote.pcrs", b"", (), str(error))
            return
        yield Layout("pcrs", "Registers (PCRs)", "tpm_quote.pcrs (hex)", b"".join(pcrs), pcr_fields(pcrs))


def _signature_fields(data: bytes) -> tuple[Field, ...]:
    writer = Writer(data, source="RFC 8017, 8.2 (RSASSA-PKCS1-v1_5)")
    writer.take("signature", len(data), "By the vTPM's attestation key over the quote, RSA-2048 with SHA-256, big-endian.")
    return tuple(writer.fields)


def _az_snp(evidence: dict[str, Any]) -> Iterator[Layout]:
    yield from _vtpm(evidence)
    yield from _layout("vcek", "Chip key's certificate", "vcek", evidence.get("vcek"), base64url_decode, certificate_fields)


def _az_tdx(evidence: dict[str, Any]) -> Iterator[Layout]:
    yield from _vtpm(evidence)
    yield from _quote(evidence, "td_quote", base64url_decode)


def _nothing(_evidence: dict[str, Any]) -> Iterator[Layout]:
    return iter(())


_PLATFORMS: Final = {
    "snp": _snp, "gcp-snp": _snp, "tdx": _tdx, "gcp-tdx": _tdx, "dstack": _dstack, "az-snp": _az_snp, "az-tdx": _az_tdx,
}  # fmt: skip
