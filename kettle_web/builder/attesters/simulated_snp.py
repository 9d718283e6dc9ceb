"""A simulated SEV-SNP report of version 3 or 5, as a Milan or Genoa processor would write it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kettle_web.attestation.formats.snp_report import SIGNED_BYTES, SnpReport, snp_report_encode
from kettle_web.attestation.formats.tcb import Tcb, tcb_encode

from .test_root import ec_key, file_bytes

REPORT_DATA_BYTES: Final = 64
MEASUREMENT_BYTES: Final = 48
CHIP_ID: Final = hashlib.sha512(b"Kettle Web simulated chip").digest()
TCB: Final = Tcb(bootloader=4, tee=0, snp=24, microcode=219, fmc=None, reserved=bytes(4))
MEASUREMENT: Final = hashlib.sha384(b"Kettle Web simulated launch").digest()
POLICY: Final = 0x30000
"""Bit 17 (reserved, must be one) and bit 16 (SMT allowed)."""


@dataclass(frozen=True)
class Generation:
    """A processor generation: its CPUID model (family 0x19) and the file of its chip's certificate."""

    cpuid_model: int
    vcek: str


MILAN: Final = Generation(0x01, "vcek.der.b64")
GENOA: Final = Generation(0x11, "vcek-genoa.der.b64")


def snp_evidence(signed_data: bytes, measurement: bytes | None, *, version: int, generation: Generation) -> dict[str, Any]:
    """The evidence object of platform `snp`; shorter data is padded with zeros to 64 bytes."""
    report = snp_report(signed_data.ljust(REPORT_DATA_BYTES, b"\0"), measurement, version=version, generation=generation)
    return {
        "attestation_report": base64.b64encode(report).decode(),
        "cert_chain": {"vcek": base64.b64encode(file_bytes(generation.vcek)).decode()},
    }


def snp_report(report_data: bytes, measurement: bytes | None, *, version: int = 3, generation: Generation = MILAN) -> bytes:
    """The 1184 bytes, signed by the simulated chip's key."""
    tcb = tcb_encode(TCB)
    report = SnpReport(
        version=version, guest_svn=0, policy=POLICY, family_id=bytes(16), image_id=bytes(16), vmpl=0, signature_algorithm=1,
        current_tcb=tcb, platform_info=0, key_info=0, reserved_04c=0, report_data=report_data, measurement=measurement or MEASUREMENT,
        host_data=bytes(32), id_key_digest=bytes(48), author_key_digest=bytes(48),
        report_id=hashlib.sha256(b"Kettle Web simulated guest").digest(), report_id_ma=b"\xff" * 32, reported_tcb=tcb,
        cpuid_family=0x19, cpuid_model=generation.cpuid_model, cpuid_stepping=1, reserved_18b=bytes(21), chip_id=CHIP_ID,
        committed_tcb=tcb, current_build=29, current_minor=55, current_major=1, reserved_1eb=0, committed_build=29,
        committed_minor=55, committed_major=1, reserved_1ef=0, launch_tcb=tcb, launch_mit_vector=0, current_mit_vector=0,
        reserved_208=bytes(152), signature_r=bytes(72), signature_s=bytes(72), reserved_330=bytes(368),
    )  # fmt: skip
    signed = snp_report_encode(report)[:SIGNED_BYTES]
    r, s = decode_dss_signature(ec_key("chip").sign(signed, ec.ECDSA(hashes.SHA384(), deterministic_signing=True)))
    return snp_report_encode(replace(report, signature_r=r.to_bytes(72, "little"), signature_s=s.to_bytes(72, "little")))
