"""The SEV-SNP attestation report, 1184 bytes, versions 2 to 5, integers little-endian.

Source: AMD document 56860 (SEV-SNP firmware ABI), table «ATTESTATION_REPORT»; evidence facts, section 1.
Parsing takes the bytes apart and judges nothing but their number: reserved fields are kept, so that `snp_report_encode` gives the
same bytes back and a check of its own can say which of them is not zero.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Final

from ..checks import Malformed
from ..values import value_filled
from .tcb import GENOA, MILAN, TURIN

REPORT_BYTES: Final = 1184
SIGNED_BYTES: Final = 0x2A0
_LAYOUT: Final = struct.Struct(
    "<IIQ16s16sII8sQII64s48s32s48s48s32s32s8s3B21s64s8s4B4B8sQQ152s72s72s368s"
)  # fmt: skip
assert _LAYOUT.size == REPORT_BYTES


@dataclass(frozen=True)
class SnpReport:
    """Fields in the order of the bytes."""

    version: int
    guest_svn: int
    policy: int
    family_id: bytes
    image_id: bytes
    vmpl: int
    signature_algorithm: int
    """1: ECDSA P-384 with SHA-384."""
    current_tcb: bytes
    platform_info: int
    key_info: int
    reserved_04c: int
    report_data: bytes
    """64 bytes that the guest chose: what the report speaks for."""
    measurement: bytes
    """48 bytes: the launch digest."""
    host_data: bytes
    id_key_digest: bytes
    author_key_digest: bytes
    report_id: bytes
    report_id_ma: bytes
    reported_tcb: bytes
    cpuid_family: int
    """Combined extended family; 0 before version 3."""
    cpuid_model: int
    cpuid_stepping: int
    reserved_18b: bytes
    chip_id: bytes
    committed_tcb: bytes
    current_build: int
    current_minor: int
    current_major: int
    reserved_1eb: int
    committed_build: int
    committed_minor: int
    committed_major: int
    reserved_1ef: int
    launch_tcb: bytes
    launch_mit_vector: int
    """Version 5; reserved before."""
    current_mit_vector: int
    """Version 5; reserved before."""
    reserved_208: bytes
    signature_r: bytes
    """72 bytes, little-endian, of which 48 are used."""
    signature_s: bytes
    reserved_330: bytes
    """368 bytes that the signature does not cover."""

    @property
    def current_version(self) -> tuple[int, int, int]:
        """Major, minor, build of the firmware that runs."""
        return self.current_major, self.current_minor, self.current_build

    @property
    def committed_version(self) -> tuple[int, int, int]:
        """Major, minor, build below which the firmware cannot be rolled back."""
        return self.committed_major, self.committed_minor, self.committed_build


_FIELD_NAMES: Final = tuple(field.name for field in fields(SnpReport))


def snp_report_parse(data: bytes) -> SnpReport:
    """The report in exactly 1184 bytes. Raises `Malformed`."""
    if len(data) != REPORT_BYTES:
        raise Malformed(
            "report.length", "The attestation report has the wrong length.",
            expected=f"{REPORT_BYTES} bytes", actual=f"{len(data)} bytes",
        )  # fmt: skip
    return value_filled(SnpReport, dict(zip(_FIELD_NAMES, _LAYOUT.unpack(data), strict=True)))


def snp_report_encode(report: SnpReport) -> bytes:
    """The 1184 bytes of the report."""
    return _LAYOUT.pack(*(getattr(report, name) for name in _FIELD_NAMES))


def reserved_not_zero(report: SnpReport) -> tuple[str, ...]:
    """Names of the reserved fields that are not zero, the TCB's apart. What is reserved depends on the version."""
    reserved: dict[str, int | bytes] = {
        "04C": report.reserved_04c, "18B..1A0": report.reserved_18b, "1EB": report.reserved_1eb, "1EF": report.reserved_1ef,
        "208..2A0": report.reserved_208,
    }  # fmt: skip
    if report.version < 3:
        reserved["188..18B"] = bytes((report.cpuid_family, report.cpuid_model, report.cpuid_stepping))
    if report.version < 5:
        reserved |= {"1F8..200": report.launch_mit_vector, "200..208": report.current_mit_vector}
    return tuple(name for name, value in reserved.items() if (any(value) if isinstance(value, bytes) else value))


def generations_possible(report: SnpReport) -> tuple[str, ...]:
    """Processor generations that the report can be of. One from version 3 on, by CPUID.

    Version 2 has no CPUID: Turin's chip ids have 8 bytes, the others' 64, so the zero tail tells Turin from the other two.
    Raises `Malformed` for an unknown processor and for a version 2 report without chip id.
    """
    if report.version >= 3:
        found = _generation_by_cpuid(report.cpuid_family, report.cpuid_model)
        if found is None:
            raise Malformed(
                "report.generation", "The report names a processor of no known generation.",
                actual=f"family {report.cpuid_family:#x}, model {report.cpuid_model:#x}",
            )  # fmt: skip
        return (found,)
    if not any(report.chip_id):
        raise Malformed("report.generation", "A version 2 report without chip id does not tell its processor's generation.")
    return (MILAN, GENOA) if any(report.chip_id[8:]) else (TURIN,)


def _generation_by_cpuid(family: int, model: int) -> str | None:
    if family == 0x19 and model <= 0x0F:
        return MILAN
    if family == 0x19 and (0x10 <= model <= 0x1F or 0xA0 <= model <= 0xAF):
        return GENOA
    if family == 0x1A and model <= 0x11:
        return TURIN
    return None
