"""Simulated SEV-SNP evidence: every byte as a Milan processor would write it, signed by a key that everybody has.

The private keys lie beside this file (`test_root/README.md`). They are no secret and prove nothing: whatever verifies under them
gets the verdict «simulated», on every machine, because the anchor of that root says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kettle_web.attestation.formats.snp_report import SIGNED_BYTES, SnpReport, snp_report_encode
from kettle_web.attestation.formats.tcb import Tcb, tcb_encode

TEST_ROOT_FOLDER: Final = Path(__file__).parent / "test_root"
REPORT_DATA_BYTES: Final = 64
MEASUREMENT_BYTES: Final = 48

CHIP_ID: Final = hashlib.sha512(b"Kettle Web simulated chip").digest()
TCB: Final = Tcb(bootloader=4, tee=0, snp=24, microcode=219, fmc=None, reserved=bytes(4))
DEFAULT_MEASUREMENT: Final = hashlib.sha384(b"Kettle Web simulated launch").digest()
POLICY: Final = 0x30000
"""Bit 17 (reserved, must be one) and bit 16 (SMT allowed)."""


def simulated_evidence(signed_data: bytes, *, measurement: bytes | None = None) -> bytes:
    """The bytes of evidence.json: platform `snp`, a version 3 Milan report over `signed_data` (at most 64 bytes, padded with zeros).

    Equal input gives equal bytes: the ECDSA nonce is derived (RFC 6979). Raises ValueError for data of another length.
    """
    launch = DEFAULT_MEASUREMENT if measurement is None else measurement
    if len(signed_data) > REPORT_DATA_BYTES or len(launch) != MEASUREMENT_BYTES:
        raise ValueError("At most 64 bytes of signed data, and a measurement of exactly 48 bytes.")
    evidence = {
        "attestation_report": base64.b64encode(_report(signed_data.ljust(REPORT_DATA_BYTES, b"\0"), launch)).decode(),
        "cert_chain": {"vcek": base64.b64encode(_vcek()).decode()},
    }
    return json.dumps({"platform": "snp", "evidence": evidence}, indent=2).encode()


def _report(report_data: bytes, measurement: bytes) -> bytes:
    tcb = tcb_encode(TCB)
    report = SnpReport(
        version=3, guest_svn=0, policy=POLICY, family_id=bytes(16), image_id=bytes(16), vmpl=0, signature_algorithm=1, current_tcb=tcb,
        platform_info=0, key_info=0, reserved_04c=0, report_data=report_data, measurement=measurement, host_data=bytes(32),
        id_key_digest=bytes(48), author_key_digest=bytes(48), report_id=hashlib.sha256(b"Kettle Web simulated guest").digest(),
        report_id_ma=b"\xff" * 32, reported_tcb=tcb, cpuid_family=0x19, cpuid_model=1, cpuid_stepping=1, reserved_18b=bytes(21),
        chip_id=CHIP_ID, committed_tcb=tcb, current_build=29, current_minor=55, current_major=1, reserved_1eb=0, committed_build=29,
        committed_minor=55, committed_major=1, reserved_1ef=0, launch_tcb=tcb, launch_mit_vector=0, current_mit_vector=0,
        reserved_208=bytes(152), signature_r=bytes(72), signature_s=bytes(72), reserved_330=bytes(368),
    )  # fmt: skip
    signed = snp_report_encode(report)[:SIGNED_BYTES]
    r, s = decode_dss_signature(_chip_key().sign(signed, ec.ECDSA(hashes.SHA384(), deterministic_signing=True)))
    return snp_report_encode(replace(report, signature_r=r.to_bytes(72, "little"), signature_s=s.to_bytes(72, "little")))


@cache
def _chip_key() -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key((TEST_ROOT_FOLDER / "chip.key.pem").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("chip.key.pem does not hold an elliptic curve key.")
    return key


@cache
def _vcek() -> bytes:
    """The certificate of the chip key, DER (the file is base64 text: 64 columns)."""
    return base64.b64decode((TEST_ROOT_FOLDER / "vcek.der.b64").read_text())
