"""The SEV-SNP attestation report. Source: AMD document 56860 (SEV-SNP firmware ABI), structure ATTESTATION_REPORT."""

from __future__ import annotations

from typing import Final

from ..checks import Malformed
from ..formats.snp_report import generations_possible, snp_report_parse
from ..formats.tcb import TURIN, tcb_parse
from .fields import Field, Reading, Row, Writer, bits, little, named, zeros

SOURCE: Final = "AMD 56860, ATTESTATION_REPORT"
_SIGNING_KEYS: Final = {0: "VCEK", 1: "VLEK", 7: "none"}
_POLICY: Final = {
    16: "SMT allowed", 17: "reserved, must be set", 18: "migration agent allowed", 19: "DEBUG allowed", 20: "single socket",
    21: "CXL allowed", 22: "AES-256-XTS", 23: "RAPL disabled", 24: "ciphertext hiding", 25: "page swap disabled",
}  # fmt: skip
_PLATFORM: Final = {
    0: "SMT on", 1: "TSME on", 2: "ECC memory", 3: "RAPL disabled", 4: "ciphertext hiding", 5: "alias check complete", 7: "TIO on",
}  # fmt: skip


def snp_report_fields(data: bytes) -> tuple[Field, ...]:
    """The 1184 bytes. Raises `Malformed` at another length."""
    report = snp_report_parse(data)
    try:
        is_turin = generations_possible(report) == (TURIN,)
    except Malformed:
        # Of an unknown processor the common layout is shown; the checks refuse it.
        is_turin = False

    def tcb(raw: bytes) -> str:
        return tcb_parse(raw, turin=is_turin).text

    writer = Writer(data, source=SOURCE)
    writer.rows(_rows(tcb, version=report.version))
    return tuple(writer.fields)


def _policy(data: bytes) -> str:
    return f"ABI {data[1]}.{data[0]}; {bits(_POLICY)(bytes(2) + data[2:])}"


def _key_info(data: bytes) -> str:
    value = int.from_bytes(data, "little")
    flags = [name for bit, name in {0: "author key present", 1: "chip key masked"}.items() if value >> bit & 1]
    return ", ".join([f"signed by {_SIGNING_KEYS.get(value >> 2 & 7, 'an unknown key')}", *flags])


def _rows(tcb: Reading, *, version: int) -> list[Row]:
    later, mitigations = version >= 3, version >= 5
    return [
        ("version", 4, "Version of this structure.", little),
        ("guest_svn", 4, "Security version that the guest's owner gave it.", little),
        ("policy", 8, "What the guest's owner allows of the machine.", _policy),
        ("family_id", 16, "Chosen by the guest's owner.", None),
        ("image_id", 16, "Chosen by the guest's owner.", None),
        ("vmpl", 4, "Privilege level that asked for the report; 0 is the highest.", little),
        ("signature_algorithm", 4, "How the report is signed.", named({1: "ECDSA P-384 with SHA-384"})),
        ("current_tcb", 8, "Firmware levels that run now.", tcb),
        ("platform_info", 8, "How the machine is set up.", bits(_PLATFORM)),
        ("key_info", 4, "Which key signed, and what was kept out.", _key_info),
        ("reserved_04c", 4, "Reserved.", zeros),
        ("report_data", 64, "What the software in the machine asked to have signed: what the report speaks for.", None),
        ("measurement", 48, "Launch digest: SHA-384 over what the machine started with.", None),
        ("host_data", 32, "Given by the host at launch.", None),
        ("id_key_digest", 48, "SHA-384 of the key that signed the identity block; zero without one.", None),
        ("author_key_digest", 48, "SHA-384 of the author key that certified the identity key.", None),
        ("report_id", 32, "Names this guest, new at each launch.", None),
        ("report_id_ma", 32, "Of the migration agent; all ones without one.", None),
        ("reported_tcb", 8, "Firmware levels from which the signing key was derived.", tcb),
        ("cpuid_family", 1, "Processor family (reserved before version 3).", little if later else zeros),
        ("cpuid_model", 1, "Processor model (reserved before version 3).", little if later else zeros),
        ("cpuid_stepping", 1, "Processor stepping (reserved before version 3).", little if later else zeros),
        ("reserved_18b", 21, "Reserved.", zeros),
        ("chip_id", 64, "Names the chip; zero when masked.", None),
        ("committed_tcb", 8, "Levels below which the firmware cannot be rolled back.", tcb),
        ("current_build", 1, "Build of the firmware that runs.", little),
        ("current_minor", 1, "Minor version of the firmware that runs.", little),
        ("current_major", 1, "Major version of the firmware that runs.", little),
        ("reserved_1eb", 1, "Reserved.", zeros),
        ("committed_build", 1, "Build of the committed firmware.", little),
        ("committed_minor", 1, "Minor version of the committed firmware.", little),
        ("committed_major", 1, "Major version of the committed firmware.", little),
        ("reserved_1ef", 1, "Reserved.", zeros),
        ("launch_tcb", 8, "Firmware levels when the guest was started.", tcb),
        ("launch_mit_vector", 8, "Mitigations in force at launch (reserved before version 5).", None if mitigations else zeros),
        ("current_mit_vector", 8, "Mitigations in force now (reserved before version 5).", None if mitigations else zeros),
        ("reserved_208", 152, "Reserved. The signed part ends here.", zeros),
        ("signature_r", 72, "R of the signature, little-endian; 48 bytes are used.", None),
        ("signature_s", 72, "S of the signature, little-endian; 48 bytes are used.", None),
        ("reserved_330", 368, "Reserved, and not covered by the signature.", zeros),
    ]
