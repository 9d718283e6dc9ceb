"""A fake AMD: mints CA certificates, VCEKs, VLEKs and signed reports in AMD's form, every field open to an override.

Its keys are the published ones of the simulated test root: a test needs no secret, and making RSA-4096 keys takes seconds.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kettle_web.attestation.anchors import Anchor, AnchorSet
from kettle_web.attestation.formats import der, vek
from kettle_web.attestation.formats.certificate import PSS_SHA384, certificate_encode, certificate_parse
from kettle_web.attestation.formats.snp_report import SIGNED_BYTES, SnpReport, snp_report_encode
from kettle_web.attestation.formats.tcb import Tcb, tcb_encode

NOT_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2032, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
CHIP_ID = hashlib.sha512(b"a chip of the tests").digest()
MILAN_TCB = Tcb(bootloader=4, tee=0, snp=24, microcode=219, fmc=None, reserved=bytes(4))
TURIN_TCB = Tcb(bootloader=1, tee=1, snp=4, microcode=81, fmc=1, reserved=bytes(3))
CA_EXTENSIONS = (
    (der.oid_encode("2.5.29.19"), True, bytes.fromhex("30060101ff020100")),  # basicConstraints: a CA, path length 0.
    (der.oid_encode("2.5.29.15"), True, bytes.fromhex("03020106")),  # keyUsage: certificates and lists.
)


def name_encode(common_name: str, organization: str = "Advanced Micro Devices") -> bytes:
    """A distinguished name in AMD's order: OU, C, L, ST, O, CN."""
    parts = (
        ("2.5.4.11", der.UTF8_STRING, "Engineering"), ("2.5.4.6", der.PRINTABLE_STRING, "US"), ("2.5.4.7", der.UTF8_STRING, "Santa Clara"),
        ("2.5.4.8", der.UTF8_STRING, "CA"), ("2.5.4.10", der.UTF8_STRING, organization), ("2.5.4.3", der.UTF8_STRING, common_name),
    )  # fmt: skip
    sets = (der.encode(der.SET, der.encode(der.SEQUENCE, der.oid_encode(oid), der.encode(tag, text.encode()))) for oid, tag, text in parts)
    return der.encode(der.SEQUENCE, *sets)


def spki_encode(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pss_sign(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, padding.PSS(mgf=padding.MGF1(hashes.SHA384()), salt_length=48), hashes.SHA384())


def certificate_mint(
    key: rsa.RSAPrivateKey,
    *,
    subject: bytes,
    issuer: bytes,
    spki: bytes,
    serial: int = 0,
    not_before: datetime = NOT_BEFORE,
    not_after: datetime = NOT_AFTER,
    extensions: tuple[tuple[bytes, bool, bytes], ...] = (),
    algorithm: bytes = PSS_SHA384,
    outer_algorithm: bytes | None = None,
) -> bytes:
    """A certificate (DER) signed by the issuer's `key`."""
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
    return certificate_encode(tbs, outer_algorithm or algorithm, pss_sign(key, tbs))


def vek_extensions(
    tcb: Tcb = MILAN_TCB, *, hwid: bytes | None = CHIP_ID, product: str = "Milan-B0", csp_id: str = "", without: tuple[bytes, ...] = ()
) -> tuple[tuple[bytes, bool, bytes], ...]:
    """The extensions of a VCEK (`hwid`) or a VLEK (`csp_id`), in AMD's order; those whose OID is in `without` are left out."""
    found = [
        (vek.OID_STRUCT_VERSION, der.integer_encode(0)),
        (vek.OID_PRODUCT_NAME, der.encode(der.IA5_STRING, product.encode())),
        (vek.OID_BOOTLOADER, der.integer_encode(tcb.bootloader)),
        (vek.OID_TEE, der.integer_encode(tcb.tee)),
        *((der.oid_encode(f"1.3.6.1.4.1.3704.1.3.{arc}"), der.integer_encode(0)) for arc in (4, 5, 6, 7)),
        (vek.OID_SNP, der.integer_encode(tcb.snp)),
        (vek.OID_MICROCODE, der.integer_encode(tcb.microcode)),
    ]
    if tcb.fmc is not None:
        found.append((vek.OID_FMC, der.integer_encode(tcb.fmc)))
    if hwid is not None:
        found.append((vek.OID_HWID, hwid))
    if csp_id:
        found.append((vek.OID_CSP_ID, der.encode(der.IA5_STRING, csp_id.encode())))
    return tuple((oid, False, value) for oid, value in found if oid not in without)


@dataclass(frozen=True)
class Authority:
    """One generation's ARK and intermediate."""

    ark_key: rsa.RSAPrivateKey
    ask_key: rsa.RSAPrivateKey
    ark: bytes
    ask: bytes
    anchors: tuple[Anchor, Anchor]

    @property
    def anchor_set(self) -> AnchorSet:
        return AnchorSet(self.anchors)

    def with_anchors(self, **overrides: Any) -> AnchorSet:
        """The set with fields of both anchors replaced."""
        return AnchorSet(tuple(replace(anchor, **overrides) for anchor in self.anchors))

    def vek_mint(self, chip_key: ec.EllipticCurvePrivateKey | None = None, **overrides: Any) -> bytes:
        """A VCEK for the chip key, or with overrides of `certificate_mint`'s arguments."""
        arguments: dict[str, Any] = {
            "subject": name_encode("SEV-VCEK"),
            "issuer": self.anchors[1].subject,
            "spki": spki_encode((chip_key or chip_key_published()).public_key()),
            "extensions": vek_extensions(),
        } | overrides
        return certificate_mint(arguments.pop("key", self.ask_key), **arguments)


def authority_mint(
    generation: str = "milan", *, role: str = "ask", kind: str = "hardware", ask_signer: rsa.RSAPrivateKey | None = None
) -> Authority:
    """A fake AMD for one generation. `ask_signer`: somebody else signs the intermediate."""
    ark_key, ask_key = rsa_key_published("ark"), rsa_key_published("ask")
    infix = "VLEK-" if role == "asvk" else ""
    ark_name, ask_name = name_encode(f"ARK-{generation.title()}"), name_encode(f"SEV-{infix}{generation.title()}")
    ark = certificate_mint(
        ark_key, subject=ark_name, issuer=ark_name, spki=spki_encode(ark_key.public_key()), serial=0x10000, extensions=CA_EXTENSIONS
    )
    ask = certificate_mint(
        ask_signer or ark_key, subject=ask_name, issuer=ark_name, spki=spki_encode(ask_key.public_key()), serial=0x10001,
        extensions=CA_EXTENSIONS,
    )  # fmt: skip
    anchors = (
        anchor_of(ark, name=f"Fake ARK-{generation}", kind=kind, generation=generation, role="ark", root=f"Fake ARK-{generation}"),
        anchor_of(ask, name=f"Fake SEV-{generation}", kind=kind, generation=generation, role=role, root=f"Fake ARK-{generation}"),
    )
    return Authority(ark_key, ask_key, ark, ask, anchors)


def anchor_of(certificate: bytes, *, name: str, kind: str, generation: str, role: str, root: str) -> Anchor:
    parsed = certificate_parse(certificate, name)
    return Anchor(
        name=name, kind=kind, generation=generation, role=role, root=root, serial=parsed.serial, not_before=parsed.not_before,
        not_after=parsed.not_after, certificate_sha256=hashlib.sha256(certificate).hexdigest(), subject=parsed.subject, spki=parsed.spki,
        certificate=certificate,
    )  # fmt: skip


REPORT = SnpReport(
    version=3, guest_svn=0, policy=0x30000, family_id=bytes(16), image_id=bytes(16), vmpl=0, signature_algorithm=1,
    current_tcb=tcb_encode(MILAN_TCB), platform_info=0x1, key_info=0, reserved_04c=0, report_data=b"\x11" * 64, measurement=b"\x22" * 48,
    host_data=bytes(32), id_key_digest=bytes(48), author_key_digest=bytes(48), report_id=b"\x33" * 32, report_id_ma=b"\xff" * 32,
    reported_tcb=tcb_encode(MILAN_TCB), cpuid_family=0x19, cpuid_model=1, cpuid_stepping=1, reserved_18b=bytes(21), chip_id=CHIP_ID,
    committed_tcb=tcb_encode(MILAN_TCB), current_build=29, current_minor=55, current_major=1, reserved_1eb=0, committed_build=29,
    committed_minor=55, committed_major=1, reserved_1ef=0, launch_tcb=tcb_encode(MILAN_TCB), launch_mit_vector=0, current_mit_vector=0,
    reserved_208=bytes(152), signature_r=bytes(72), signature_s=bytes(72), reserved_330=bytes(368),
)  # fmt: skip


def report_mint(chip_key: ec.EllipticCurvePrivateKey | None = None, **overrides: Any) -> bytes:
    """A report signed by the chip key. Overrides of `signature_r`, `signature_s` and `reserved_330` are put in after signing."""
    late = {name: overrides.pop(name) for name in ("signature_r", "signature_s", "reserved_330") if name in overrides}
    report = replace(REPORT, **overrides)
    signed = snp_report_encode(report)[:SIGNED_BYTES]
    r, s = decode_dss_signature((chip_key or chip_key_published()).sign(signed, ec.ECDSA(hashes.SHA384())))
    return snp_report_encode(replace(report, **({"signature_r": r.to_bytes(72, "little"), "signature_s": s.to_bytes(72, "little")} | late)))


def snp_evidence(report: bytes, vek_der: bytes | None) -> dict[str, Any]:
    """The evidence object of platforms `snp` and `gcp-snp`."""
    chain = None if vek_der is None else {"vcek": base64.b64encode(vek_der).decode()}
    return {"attestation_report": base64.b64encode(report).decode(), "cert_chain": chain}


@cache
def rsa_key_published(name: str) -> rsa.RSAPrivateKey:
    from kettle_web.builder.attesters.simulated import TEST_ROOT_FOLDER

    key = serialization.load_pem_private_key((TEST_ROOT_FOLDER / f"{name}.key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@cache
def chip_key_published() -> ec.EllipticCurvePrivateKey:
    from kettle_web.builder.attesters.simulated import TEST_ROOT_FOLDER

    key = serialization.load_pem_private_key((TEST_ROOT_FOLDER / "chip.key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
