"""Claims of Intel's evidence, under the names that AMD's have where they mean the same. JSON values only; bytes as lower-case hex."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from ..formats.pck import Pck
from ..formats.tdx_quote import QeReport, TdxQuote

_TD_BITS: Final = {0: "debug", 28: "sept_ve_disable", 29: "migratable", 30: "pks", 31: "key_locker", 63: "perfmon"}
_HEX_FIELDS: Final = (
    "report_data", "mr_td", "mr_seam", "mrsigner_seam", "seam_attributes", "mr_config_id", "mr_owner", "mr_owner_config", "xfam",
    "tee_tcb_svn",
)  # fmt: skip
_SGX_TYPES: Final = {0: "standard", 1: "scalable", 2: "scalable with integrity"}


def td_claims(quote: TdxQuote) -> dict[str, Any]:
    """What the quote says of the machine. `measurement` is MRTD; `rtmrs` are RTMR 0 to 3."""
    body = quote.body
    attributes = int.from_bytes(body.td_attributes, "little")
    claims: dict[str, Any] = {name: getattr(body, name).hex() for name in _HEX_FIELDS}
    claims |= {
        "measurement": body.mr_td.hex(),
        "rtmrs": [value.hex() for value in body.rtmrs],
        "td_attributes": dict(_td_bits(attributes)),
        "debug": bool(attributes & 1),
        "quote_version": quote.version,
        "tdx_module": {"major": body.tee_tcb_svn[1], "svn": body.tee_tcb_svn[0]},
    }
    if body.tee_tcb_svn2 is not None and body.mr_servicetd is not None:
        claims |= {"tee_tcb_svn2": body.tee_tcb_svn2.hex(), "mr_servicetd": body.mr_servicetd.hex()}
    return claims


@lru_cache(maxsize=256)
def _td_bits(attributes: int) -> Mapping[str, bool]:
    return MappingProxyType({name: bool(attributes >> bit & 1) for bit, name in _TD_BITS.items()})


def qe_claims(report: QeReport) -> dict[str, Any]:
    """What the chip key says of the enclave that made the quote."""
    return {
        "qe": {
            "mrenclave": report.mrenclave.hex(),
            "mrsigner": report.mrsigner.hex(),
            "isvprodid": report.isvprodid,
            "isvsvn": report.isvsvn,
            "cpusvn": report.cpusvn.hex(),
        }
    }


def pck_claims(pck: Pck, ca: str) -> dict[str, Any]:
    """What Intel says of the chip. `chip_id` is the PPID."""
    certificate = pck.certificate
    return {
        "chip_id": pck.ppid.hex(),
        "fmspc": pck.fmspc.hex(),
        "pceid": pck.pceid.hex(),
        "tcb": {"reported": {"components": list(pck.tcb_components), "pcesvn": pck.pcesvn}, "cpusvn": pck.cpusvn.hex()},
        "pck": {
            "ca": ca,
            "subject": certificate.subject_common_name,
            "issuer": certificate.issuer_common_name,
            "serial": f"{certificate.serial:x}",
            "sgx_type": _SGX_TYPES.get(pck.sgx_type, str(pck.sgx_type)),
            "platform_instance_id": (pck.platform_instance_id or b"").hex(),
            **pck.flags,
            "not_before": certificate.not_before.isoformat(),
            "not_after": certificate.not_after.isoformat(),
        },
    }
