"""TDREPORT: what the processor gave the machine before the quoting enclave made a quote of it, 1024 bytes. Azure's paravisor keeps it.

Source: Intel, «TDX Module ABI», TDREPORT_STRUCT, REPORTMACSTRUCT, TEE_TCB_INFO, TDINFO_BASE; evidence facts, section 3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Final

from ..checks import Malformed

TDREPORT_BYTES: Final = 1024
TYPE_TDX: Final = 0x81
_LAYOUT: Final = struct.Struct("<B15s16s48s48s64s32s32s8s16s48s48s119s17s8s8s48s48s48s48s48s48s48s48s112s")
assert _LAYOUT.size == TDREPORT_BYTES
TCB_INFO: Final = slice(256, 495)
"""What `tcb_info_hash` is the SHA-384 of."""
TD_INFO: Final = slice(512, 1024)
"""What `td_info_hash` is the SHA-384 of."""


@dataclass(frozen=True)
class TdReport:
    """Fields in the order of the bytes."""

    report_type: int
    reserved_001: bytes
    cpusvn: bytes
    """16 bytes; with the MAC what nobody can check outside the machine."""
    tcb_info_hash: bytes
    td_info_hash: bytes
    report_data: bytes
    reserved_192: bytes
    mac: bytes
    valid: bytes
    tee_tcb_svn: bytes
    mr_seam: bytes
    mrsigner_seam: bytes
    tcb_info_rest: bytes
    reserved_495: bytes
    td_attributes: bytes
    xfam: bytes
    mr_td: bytes
    mr_config_id: bytes
    mr_owner: bytes
    mr_owner_config: bytes
    rtmr0: bytes
    rtmr1: bytes
    rtmr2: bytes
    rtmr3: bytes
    td_info_rest: bytes


def tdreport_parse(data: bytes) -> TdReport:
    """The report in `data`; judges no value. Raises `Malformed` at another length."""
    if len(data) != TDREPORT_BYTES:
        raise Malformed("tdreport.length", f"A TDREPORT has {TDREPORT_BYTES} bytes, this one {len(data)}.")
    return TdReport(*_LAYOUT.unpack(data))


def tdreport_encode(report: TdReport) -> bytes:
    """The bytes of the report."""
    return _LAYOUT.pack(*(getattr(report, one.name) for one in fields(TdReport)))
