"""A fake Intel: mints a root, the authority above chip keys, chip keys, quoting enclaves and quotes, every field open to an override."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kettle_web.attestation.anchors import HARDWARE, INTEL_ROOT, Anchor, AnchorSet
from kettle_web.attestation.formats import der
from kettle_web.attestation.formats.certificate import ECDSA_SHA256, certificate_encode, certificate_parse
from kettle_web.attestation.formats.pck import OID_BASIC_CONSTRAINTS, OID_KEY_USAGE, OID_SGX
from kettle_web.attestation.formats.pem import pem_chain_encode
from kettle_web.attestation.formats.tdreport import TCB_INFO, TD_INFO, TdReport, tdreport_encode
from kettle_web.attestation.formats.tdx_quote import (
    QE_VENDOR_INTEL,
    QeReport,
    TdBody,
    TdxQuote,
    qe_report_encode,
    signed_encode,
    tdx_quote_encode,
)

from . import amd, hcl, tpm

NOT_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2032, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FMSPC = bytes.fromhex("90c06f000000")
CPUSVN = b"\2" * 16
QE_MRSIGNER = b"\xdc" * 32
QE_AUTH_DATA = bytes(range(32))
PLATFORM_CA = "Intel SGX PCK Platform CA"
EcKey = ec.EllipticCurvePrivateKey


@cache
def key(name: str) -> EcKey:
    """One key on P-256 per name and session."""
    return ec.generate_private_key(ec.SECP256R1())


def name_encode(common_name: str) -> bytes:
    return amd.name_encode(common_name, "Intel Corporation")


def point(private: EcKey) -> bytes:
    """X and Y."""
    return amd.spki_encode(private.public_key())[-64:]


def sign(private: EcKey, message: bytes) -> bytes:
    """R and S, 32 bytes each, big-endian."""
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def constraints(authority: bool) -> tuple[tuple[bytes, bool, bytes], ...]:
    """basicConstraints and keyUsage, critical as Intel's are."""
    usage = bytes.fromhex("03020106" if authority else "030206c0")
    return (OID_BASIC_CONSTRAINTS, True, bytes.fromhex("30030101ff" if authority else "3000")), (OID_KEY_USAGE, True, usage)


def certificate_mint(
    signer: EcKey,
    *,
    subject: bytes,
    issuer: bytes,
    spki: bytes,
    serial: int,
    not_before: datetime = NOT_BEFORE,
    not_after: datetime = NOT_AFTER,
    extensions: tuple[tuple[bytes, bool, bytes], ...] = (),
    algorithm: bytes = ECDSA_SHA256,
) -> bytes:
    items = [
        der.encode(der.SEQUENCE, oid, bytes.fromhex("0101ff") if critical else b"", der.encode(der.OCTET_STRING, value))
        for oid, critical, value in extensions
    ]
    tbs = der.encode(
        der.SEQUENCE,
        bytes.fromhex("a003020102"), der.integer_encode(serial), algorithm, issuer,
        der.encode(der.SEQUENCE, der.time_encode(not_before), der.time_encode(not_after)),
        subject, spki, der.encode(0xA3, der.encode(der.SEQUENCE, *items)),
    )  # fmt: skip
    return certificate_encode(tbs, algorithm, signer.sign(tbs, ec.ECDSA(hashes.SHA256())))


def sgx_extension(
    *,
    components: tuple[int, ...] = (2,) * 16,
    pcesvn: int = 13,
    cpusvn: bytes = CPUSVN,
    ppid: bytes = b"\xaa" * 16,
    pceid: bytes = bytes(2),
    fmspc: bytes = FMSPC,
    sgx_type: int = 1,
    instance: bytes | None = b"\xbb" * 16,
    flag: int = 0xFF,
    without: tuple[int, ...] = (),
    more: bytes = b"",
) -> tuple[bytes, bool, bytes]:
    """Intel's extension of a PCK certificate. `without`: arcs that are left out; `more`: members (DER) behind the others."""

    def member(arc: str, value: bytes) -> bytes:
        return der.encode(der.SEQUENCE, der.oid_encode(f"1.2.840.113741.1.13.1.{arc}"), value)

    levels = [member(f"2.{n}", der.integer_encode(svn)) for n, svn in enumerate((*components, pcesvn), 1)]
    members = {
        1: der.encode(der.OCTET_STRING, ppid),
        2: der.encode(der.SEQUENCE, *levels, member("2.18", der.encode(der.OCTET_STRING, cpusvn))),
        3: der.encode(der.OCTET_STRING, pceid),
        4: der.encode(der.OCTET_STRING, fmspc),
        5: der.encode(0x0A, bytes((sgx_type,))),
        6: None if instance is None else der.encode(der.OCTET_STRING, instance),
        7: der.encode(der.SEQUENCE, *(member(f"7.{n}", der.encode(der.BOOLEAN, bytes((flag,)))) for n in (1, 2, 3))),
    }
    found = [member(str(arc), value) for arc, value in members.items() if value is not None and arc not in without]
    return OID_SGX, False, der.encode(der.SEQUENCE, *found, more)


@dataclass(frozen=True)
class Authority:
    """A root and what it certified."""

    root: bytes
    anchor: Anchor

    @property
    def anchor_set(self) -> AnchorSet:
        return AnchorSet((self.anchor,))

    def intermediate_mint(self, signer: EcKey | None = None, **overrides: Any) -> bytes:
        """The authority that issues chip keys."""
        arguments: dict[str, Any] = {
            "subject": name_encode(PLATFORM_CA), "issuer": self.anchor.subject, "serial": 0x2001,
            "spki": amd.spki_encode(key("intermediate").public_key()), "extensions": constraints(authority=True),
        } | overrides  # fmt: skip
        return certificate_mint(signer or key("root"), **arguments)

    def pck_mint(self, signer: EcKey | None = None, *, sgx: dict[str, Any] | None = None, **overrides: Any) -> bytes:
        """The chip key's certificate; `sgx` overrides members of Intel's extension."""
        arguments: dict[str, Any] = {
            "subject": name_encode("Intel SGX PCK Certificate"), "issuer": name_encode(PLATFORM_CA), "serial": 0x3001,
            "spki": amd.spki_encode(key("pck").public_key()),
            "extensions": (*constraints(authority=False), sgx_extension(**(sgx or {}))),
        } | overrides  # fmt: skip
        return certificate_mint(signer or key("intermediate"), **arguments)


@cache
def authority_mint(name: str = "root", *, kind: str = HARDWARE) -> Authority:
    """A fake Intel. `name`: another gives another root key."""
    root_name = name_encode("Intel SGX Root CA")
    root = certificate_mint(
        key(name), subject=root_name, issuer=root_name, spki=amd.spki_encode(key(name).public_key()), serial=0x1001,
        extensions=constraints(authority=True),
    )  # fmt: skip
    parsed = certificate_parse(root, name, algorithms=(ECDSA_SHA256,))
    anchor = Anchor(
        name=f"Fake Intel {name}", kind=kind, generation="", role=INTEL_ROOT, root=f"Fake Intel {name}", serial=parsed.serial,
        not_before=parsed.not_before, not_after=parsed.not_after, certificate_sha256=hashlib.sha256(root).hexdigest(),
        subject=parsed.subject, spki=parsed.spki, certificate=root,
    )  # fmt: skip
    return Authority(root, anchor)


BODY = TdBody(
    tee_tcb_svn=bytes((5, 1, 3)) + bytes(13), mr_seam=b"\x21" * 48, mrsigner_seam=bytes(48), seam_attributes=bytes(8),
    td_attributes=(1 << 28).to_bytes(8, "little"), xfam=bytes.fromhex("e718060000000000"), mr_td=b"\x22" * 48, mr_config_id=bytes(48),
    mr_owner=bytes(48), mr_owner_config=bytes(48), rtmr0=b"\x30" * 48, rtmr1=b"\x31" * 48, rtmr2=b"\x32" * 48, rtmr3=b"\x33" * 48,
    report_data=b"\x11" * 64,
)  # fmt: skip
QE = QeReport(
    cpusvn=CPUSVN, miscselect=0, reserved_020=bytes(28), attributes=bytes.fromhex("15000000000000000700000000000000"),
    mrenclave=b"\x51" * 32, reserved_096=bytes(32), mrsigner=QE_MRSIGNER, reserved_160=bytes(96), isvprodid=2, isvsvn=4,
    reserved_260=bytes(60), report_data=bytes(64),
)  # fmt: skip


def chain_mint(authority: Authority, *, pck: dict[str, Any] | None = None, intermediate: dict[str, Any] | None = None) -> tuple[bytes, ...]:
    return authority.pck_mint(**(pck or {})), authority.intermediate_mint(**(intermediate or {})), authority.root


def quote_mint(
    authority: Authority,
    *,
    body: dict[str, Any] | None = None,
    qe: dict[str, Any] | None = None,
    late: dict[str, Any] | None = None,
    pck: dict[str, Any] | None = None,
    intermediate: dict[str, Any] | None = None,
    chain: tuple[bytes, ...] | None = None,
    **header: Any,
) -> bytes:
    """A quote. `body`, `qe` and `header` override fields before they are signed, `late` fields of the quote afterwards."""
    certificates = chain or chain_mint(authority, pck=pck, intermediate=intermediate)
    vouched = hashlib.sha256(point(key("attestation")) + QE_AUTH_DATA).digest() + bytes(32)
    qe_report = qe_report_encode(replace(QE, **({"report_data": vouched} | (qe or {}))))
    quote = TdxQuote(
        version=4, key_type=2, tee_type=0x81, reserved_008=bytes(4), qe_vendor_id=QE_VENDOR_INTEL, user_data=b"\x77" * 20,
        body=replace(BODY, **(body or {})), signed=b"", signature=b"", attestation_key=point(key("attestation")), certification_type=6,
        qe_report=qe_report, qe_signature=sign(key("pck"), qe_report), qe_auth_data=QE_AUTH_DATA, chain_type=5,
        chain=pem_chain_encode(certificates) + b"\0", trailing=bytes(70),
    )  # fmt: skip
    quote = replace(quote, **header)
    signed = signed_encode(quote)
    return tdx_quote_encode(replace(quote, **({"signed": signed, "signature": sign(key("attestation"), signed)} | (late or {}))))


def tdx_evidence(quote: bytes, event_log: bytes | None = None) -> dict[str, Any]:
    """The evidence object of platforms `tdx` and `gcp-tdx`."""
    log = {} if event_log is None else {"cc_eventlog": base64.b64encode(event_log).decode()}
    return {"quote": base64.b64encode(quote).decode()} | log


def tdreport_mint(body: TdBody, **overrides: Any) -> bytes:
    """The TDREPORT that says what the body says; its digests fit unless they are overridden."""
    same = {one.name: getattr(body, one.name) for one in fields(TdReport) if hasattr(body, one.name)}
    report = TdReport(
        report_type=0x81, reserved_001=bytes(15), cpusvn=CPUSVN, tcb_info_hash=bytes(48), td_info_hash=bytes(48), reserved_192=bytes(32),
        mac=b"\x99" * 32, valid=bytes.fromhex("ff00030000000000"), tcb_info_rest=bytes(119), reserved_495=bytes(17),
        td_info_rest=bytes(112), **same,
    )  # fmt: skip
    report = replace(report, **overrides)
    raw = tdreport_encode(report)
    digests = {name: hashlib.sha384(raw[part]).digest() for name, part in (("tcb_info_hash", TCB_INFO), ("td_info_hash", TD_INFO))}
    return tdreport_encode(replace(report, **{name: digest for name, digest in digests.items() if name not in overrides}))


def az_tdx_evidence(
    authority: Authority,
    *,
    var_data: bytes | None = None,
    body: dict[str, Any] | None = None,
    tdreport: dict[str, Any] | None = None,
    rest: bytes = bytes(160),
    paravisor: dict[str, Any] | None = None,
    quote: dict[str, Any] | None = None,
    td_quote: dict[str, Any] | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """An evidence object of `az-tdx`; the dictionaries override fields of their parts, `overrides` fields of the object."""
    bound = hcl.var_data_mint() if var_data is None else var_data
    fields_of_body = {"report_data": hashlib.sha256(bound).digest() + bytes(32)} | (body or {})
    report = tdreport_mint(replace(BODY, **fields_of_body), **(tdreport or {})) + rest
    outer = hcl.hcl_mint(report, bound, **({"header_version": 2, "report_type": 4} | (paravisor or {})))
    return {
        "version": 1,
        "tpm_quote": tpm.quote_mint(**(quote or {})),
        "hcl_report": hcl.base64url(outer),
        "td_quote": hcl.base64url(quote_mint(authority, body=fields_of_body, **(td_quote or {}))),
    } | overrides
