"""The HCL report and the TPM quote of Azure's machines.

Source: Microsoft, «Azure confidential VMs guest attestation design»; TCG, «TPM 2.0 Library», part 2.
"""

from __future__ import annotations

from typing import Final

from ..checks import Malformed
from ..formats.hcl import hcl_report_parse
from ..formats.snp_report import REPORT_BYTES
from ..formats.tdreport import TDREPORT_BYTES
from ..formats.tpm import tpm_quote_parse
from .amd import snp_report_fields
from .fields import Field, Reading, Writer, ascii_text, big, little, named, zeros
from .intel import tdreport_fields

_HCL: Final = "Azure confidential VMs guest attestation design"
_TPM: Final = "TCG TPM 2.0 Library, part 2"
_SNP, _TDX = 2, 4
_ALGORITHMS: Final = {0x0004: "SHA-1", 0x000B: "SHA-256", 0x000C: "SHA-384", 0x000D: "SHA-512"}


def hcl_fields(data: bytes) -> tuple[Field, ...]:
    """What the paravisor hands out. Raises `Malformed` when it is shorter than it says."""
    report = hcl_report_parse(data)
    writer = Writer(data, source=f"{_HCL}, attestation report")
    writer.take("magic", 4, "Always HCLA.", ascii_text)
    writer.take("header_version", 4, "Version of the header.", little)
    writer.take("report_size", 4, "Bytes of header, hardware report and content.", little)
    writer.take("request_type", 4, "Kind of request.", little)
    writer.take("status", 4, "0: it was made.", little)
    writer.take("reserved", 12, "Reserved.", zeros)
    _tee_report(writer, report.tee_report, report.report_type)
    block = f"{_HCL}, runtime data"
    writer.take("block_size", 4, "Bytes of this block.", little, source=block)
    writer.take("block_version", 4, "Version of this block.", little, source=block)
    writer.take("report_type", 4, "Kind of the hardware report.", named({_SNP: "SEV-SNP", _TDX: "TDX"}), source=block)
    writer.take("hash_type", 4, "How the content is bound to the hardware report.", named({1: "SHA-256"}), source=block)
    writer.take("content_length", 4, "Bytes of the content.", little, source=block)
    meaning = "JSON with the vTPM's attestation key; its SHA-256 is in the hardware report's report_data."
    writer.take("var_data", len(report.var_data), meaning, ascii_text, source=block)
    writer.rest("padding", "Filled up with zeros.")
    return tuple(writer.fields)


def _tee_report(writer: Writer, data: bytes, report_type: int) -> None:
    try:
        if report_type == _SNP:
            writer.nested(snp_report_fields(data), "snp")
            return
        if report_type == _TDX:
            writer.nested(tdreport_fields(data[:TDREPORT_BYTES]), "tdreport")
            writer.take("tee_report_padding", REPORT_BYTES - TDREPORT_BYTES, "Filled up with zeros.", zeros)
            return
    except Malformed:
        pass
    writer.take("tee_report", len(data), "A hardware report of an unknown kind.")


def tpm_quote_fields(data: bytes) -> tuple[Field, ...]:
    """TPMS_ATTEST of type quote. Raises `Malformed` when a length leads past the end."""
    quote = tpm_quote_parse(data)
    attest, clock, info = (f"{_TPM}, {name}" for name in ("TPMS_ATTEST", "TPMS_CLOCK_INFO", "TPMS_QUOTE_INFO"))
    writer = Writer(data, source=attest)
    writer.take("magic", 4, "Says that the TPM made this: FF and TCG.", ascii_text)
    writer.take("type", 2, "Kind of attestation.", named({0x8018: "quote"}, big))
    writer.take("qualified_signer.size", 2, "Bytes of the signer's name.", big)
    writer.take("qualified_signer", len(quote.qualified_signer), "Name of the attestation key: hash algorithm and digest.")
    writer.take("extra_data.size", 2, "Bytes of the extra data.", big)
    writer.take("extra_data", len(quote.extra_data), "What the caller asked to have signed: what the quote speaks for.")
    writer.take("clock", 8, "Milliseconds that the TPM has run.", big, source=clock)
    writer.take("reset_count", 4, "How often the TPM was reset.", big, source=clock)
    writer.take("restart_count", 4, "How often it was restarted since.", big, source=clock)
    writer.take("safe", 1, "1: the clock never ran backwards.", big, source=clock)
    writer.take("firmware_version", 8, "Version of the TPM's firmware.", source=attest)
    writer.take("selection.count", 4, "How many banks of registers were selected.", big, source=info)
    for at, selection in enumerate(quote.selections):
        algorithm = named(_ALGORITHMS, big)
        writer.take(f"selection.{at}.hash", 2, "Hash algorithm of the bank.", algorithm, source=f"{_TPM}, TPMS_PCR_SELECTION")
        writer.take(f"selection.{at}.size", 1, "Bytes of the bitmap.", big, source=f"{_TPM}, TPMS_PCR_SELECTION")
        indexes = ", ".join(map(str, selection.indexes()))
        meaning = "Which registers: bit i of the bitmap, least significant first."
        writer.take(f"selection.{at}.bitmap", len(selection.bitmap), meaning, _said(indexes), source=f"{_TPM}, TPMS_PCR_SELECTION")
    writer.take("pcr_digest.size", 2, "Bytes of the digest.", big, source=info)
    writer.take("pcr_digest", len(quote.pcr_digest), "Digest over the selected registers, one after another.", source=info)
    writer.rest("trailing", "Left over; nothing in a genuine quote.")
    return tuple(writer.fields)


def _said(text: str) -> Reading:
    return lambda _data: text


def pcr_fields(values: tuple[bytes, ...]) -> tuple[Field, ...]:
    """The registers as they stand beside the quote, one after another."""
    writer = Writer(b"".join(values), source="TCG PC Client Platform Firmware Profile, 3.3.4")
    for at, value in enumerate(values):
        writer.take(f"pcr.{at}", len(value), _PCRS.get(at, ""), None)
    return tuple(writer.fields)


_PCRS: Final = {
    0: "Firmware.", 1: "Firmware's configuration.", 2: "Code of added devices.", 3: "Configuration of added devices.",
    4: "Boot loader.", 5: "Boot loader's configuration and partition table.", 6: "Of the machine's maker.", 7: "Secure Boot.",
    8: "By the boot loader: commands.", 9: "By the boot loader: files.", 10: "Of the operating system: IMA.",
    11: "Unified kernel image.", 12: "Kernel's command line and credentials.", 13: "System extensions.",
    14: "Secure Boot's shim.", 15: "Of the operating system.", 16: "For tests: anyone can reset it.",
    23: "For applications: anyone can reset it.",
}  # fmt: skip
