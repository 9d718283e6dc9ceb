"""The TDX quote and the TDREPORT. Source: Intel, «TDX DCAP Quoting Library API», appendix 3; «TDX Module ABI», TDREPORT_STRUCT."""

from __future__ import annotations

from typing import Final

from ..formats.tdreport import TCB_INFO, tdreport_parse
from ..formats.tdx_quote import tdx_quote_parse
from .fields import Field, Row, Writer, ascii_text, bits, little, named, zeros

_GUIDE: Final = "Intel TDX DCAP Quoting Library API, appendix 3"
_MODULE: Final = "Intel TDX Module ABI"
_ATTRIBUTES: Final = {0: "DEBUG", 28: "SEPT_VE_DISABLE", 29: "MIGRATABLE", 30: "PKS", 31: "KL", 63: "PERFMON"}
_CERTIFICATIONS: Final = {5: "certificate chain as PEM", 6: "the quoting enclave's report"}
_HEADER: Final[tuple[Row, ...]] = (
    ("version", 2, "Version of the quote.", little),
    ("key_type", 2, "Kind of the attestation key.", named({2: "ECDSA P-256", 3: "ECDSA P-384"})),
    ("tee_type", 4, "Kind of machine.", named({0: "SGX", 0x81: "TDX"})),
    ("reserved_008", 4, "Reserved.", zeros),
    ("qe_vendor_id", 16, "Who made the quoting enclave.", None),
    ("user_data", 20, "The quoting enclave's own data.", None),
)
_V5: Final[tuple[Row, ...]] = (
    ("body_type", 2, "Kind of the body.", named({2: "TDX 1.0", 3: "TDX 1.5"})),
    ("body_size", 4, "Bytes of the body.", little),
)
_MACHINE: Final[tuple[Row, ...]] = (
    ("td_attributes", 8, "Attributes of the machine.", bits(_ATTRIBUTES)),
    ("xfam", 8, "Processor features that the machine may use.", None),
    ("mr_td", 48, "Launch measurement: SHA-384 over what the machine started with.", None),
    ("mr_config_id", 48, "Configuration, chosen by the machine's owner.", None),
    ("mr_owner", 48, "Owner, chosen by the machine's owner.", None),
    ("mr_owner_config", 48, "Owner's configuration, chosen by the machine's owner.", None),
    ("rtmr0", 48, "Register that grows while it runs: firmware's configuration.", None),
    ("rtmr1", 48, "Register that grows while it runs: boot loader and kernel.", None),
    ("rtmr2", 48, "Register that grows while it runs: kernel's command line and initial files.", None),
    ("rtmr3", 48, "Register that grows while it runs: any software in the machine can fill it.", None),
)
_BODY: Final[tuple[Row, ...]] = (
    ("tee_tcb_svn", 16, "Security versions of the TDX module and its loader.", None),
    ("mr_seam", 48, "Measurement of the TDX module.", None),
    ("mrsigner_seam", 48, "Signer of the TDX module; zero for Intel's.", zeros),
    ("seam_attributes", 8, "Attributes of the TDX module.", zeros),
    *_MACHINE,
    ("report_data", 64, "What the software in the machine asked to have signed: what the quote speaks for.", None),
)
_BODY_15: Final[tuple[Row, ...]] = (
    ("tee_tcb_svn2", 16, "Security versions after an update of the module.", None),
    ("mr_servicetd", 48, "Measurements of service machines bound to this one.", None),
)
_QE_REPORT: Final[tuple[Row, ...]] = (
    ("cpusvn", 16, "Security version of the processor.", None),
    ("miscselect", 4, "Extended features of the enclave.", little),
    ("reserved_020", 28, "Reserved.", zeros),
    ("attributes", 16, "Attributes of the enclave.", bits({1: "DEBUG"})),
    ("mrenclave", 32, "Measurement of the quoting enclave.", None),
    ("reserved_096", 32, "Reserved.", zeros),
    ("mrsigner", 32, "Who signed the quoting enclave.", None),
    ("reserved_160", 96, "Reserved.", zeros),
    ("isvprodid", 2, "Product number of the enclave.", little),
    ("isvsvn", 2, "Security version of the enclave.", little),
    ("reserved_260", 60, "Reserved.", zeros),
    ("report_data", 64, "SHA-256 of the attestation key and the authentication data, then zeros.", None),
)


def tdx_quote_fields(data: bytes) -> tuple[Field, ...]:
    """A quote of version 4 or 5. Raises `Malformed`."""
    quote = tdx_quote_parse(data)
    writer = Writer(data, source=f"{_GUIDE}, TD Quote Header")
    writer.rows(_HEADER)
    if quote.version == 5:
        writer.rows(_V5)
    _part(writer, data, "body", _BODY, f"{_GUIDE}, TD Quote Body")
    if quote.body.tee_tcb_svn2 is not None:
        _part(writer, data, "body", _BODY_15, f"{_GUIDE}, TD Quote Body 1.5")
    signed = f"{_GUIDE}, Quote Signature Data"
    writer.take("signature_data_size", 4, "Bytes of the part that follows.", little, source=signed)
    writer.take("signature", 64, "R and S by the attestation key over header and body, big-endian.", source=signed)
    writer.take("attestation_key", 64, "X and Y of the attestation key, big-endian.", source=signed)
    certification = f"{_GUIDE}, QE Certification Data"
    writer.take("certification_type", 2, "What follows.", named(_CERTIFICATIONS), source=certification)
    writer.take("certification_size", 4, "Bytes of the part that follows.", little, source=certification)
    _part(writer, data, "qe_report", _QE_REPORT, f"{_GUIDE}, Enclave Report Body")
    writer.take("qe_signature", 64, "R and S by the chip key over the enclave's report, big-endian.", source=certification)
    writer.take("qe_auth_size", 2, "Bytes of the authentication data.", little, source=certification)
    writer.take("qe_auth_data", len(quote.qe_auth_data), "Authentication data.", source=certification)
    writer.take("chain_type", 2, "What follows.", named(_CERTIFICATIONS), source=certification)
    writer.take("chain_size", 4, "Bytes of the chain.", little, source=certification)
    writer.take("chain", len(quote.chain), "Certificates of chip key, intermediate and root, as PEM.", ascii_text, source="RFC 7468")
    writer.take("after_chain", len(quote.after_chain), "Left over; nothing in a genuine quote.", zeros)
    writer.take("after_certification", len(quote.after_certification), "Left over; nothing in a genuine quote.", zeros)
    writer.rest("trailing", "Behind the quote; zeros in genuine ones.")
    return tuple(writer.fields)


def _part(writer: Writer, data: bytes, name: str, rows: tuple[Row, ...], source: str) -> None:
    size = sum(row[1] for row in rows)
    inner = Writer(data[writer.at : writer.at + size], source=source)
    inner.rows(rows)
    writer.nested(inner.fields, name)


_TDREPORT: Final[tuple[Row, ...]] = (
    ("report_type", 1, "Kind of report.", named({0: "SGX", 0x81: "TDX"})),
    ("reserved_001", 15, "Subtype, version and reserved bytes.", zeros),
    ("cpusvn", 16, "Security version of the processor; nothing outside the machine can check it.", None),
    ("tcb_info_hash", 48, "SHA-384 of the TCB information below.", None),
    ("td_info_hash", 48, "SHA-384 of the machine's information below.", None),
    ("report_data", 64, "What the software in the machine asked to have reported.", None),
    ("reserved_192", 32, "Reserved.", zeros),
    ("mac", 32, "Message code; only the same processor can check it.", None),
    ("valid", 8, "Which fields of the TCB information are valid.", None),
    ("tee_tcb_svn", 16, "Security versions of the TDX module and its loader.", None),
    ("mr_seam", 48, "Measurement of the TDX module.", None),
    ("mrsigner_seam", 48, "Signer of the TDX module; zero for Intel's.", zeros),
    ("tcb_info_rest", TCB_INFO.stop - 376, "Attributes of the module and reserved bytes.", zeros),
    ("reserved_495", 17, "Reserved.", zeros),
    *_MACHINE,
    ("td_info_rest", 112, "Measurements of service machines, and reserved bytes.", zeros),
)


def tdreport_fields(data: bytes) -> tuple[Field, ...]:
    """The 1024 bytes. Raises `Malformed` at another length."""
    tdreport_parse(data)
    writer = Writer(data, source=f"{_MODULE}, TDREPORT_STRUCT")
    writer.rows(_TDREPORT)
    return tuple(writer.fields)
