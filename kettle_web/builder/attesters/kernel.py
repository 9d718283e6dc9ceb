"""Real evidence from the machine's own kernel (`--attest auto`), by the configfs interface of Linux 6.7 and later.

**Untested on hardware**: written from the documentation, tested against a folder that behaves as it says. What comes out is
checked by the verifier like any other evidence, so an error here cannot make a false proof, only none.

Source: Documentation/ABI/testing/configfs-tsm of Linux; AMD document 56421 (GHCB), section 4.1.8.1 (certificate table).
"""

from __future__ import annotations

import base64
import json
import os
import uuid
from pathlib import Path
from typing import Any, Final

TSM: Final = Path("/sys/kernel/config/tsm/report")
REPORT_DATA_BYTES: Final = 64
SNP_REPORT_BYTES: Final = 1184
TDX_QUOTE_LIMIT: Final = 64 * 1024
AUX_LIMIT: Final = 64 * 1024
VCEK: Final = uuid.UUID("63da758d-e664-4564-adc5-f4b93be8accd")
VLEK: Final = uuid.UUID("a8074bc2-a25a-483e-aae6-39c045a0b8a1")
_ENTRY_BYTES: Final = 24
MAX_ENTRIES: Final = 32


class KernelAttestationError(Exception):
    """The machine has the interface, but gives no evidence. One plain sentence."""


def kernel_attests(root: Path = TSM) -> bool:
    """Whether this machine has the interface."""
    return root.is_dir()


def kernel_evidence(signed_data: bytes, *, root: Path = TSM) -> bytes:
    """The bytes of evidence.json: platform `snp` or `tdx`, as the kernel's provider says; data is padded with zeros to 64 bytes.

    Raises:
        KernelAttestationError: the kernel refuses, somebody else wrote to our request, or its provider is not known here.
    """
    if len(signed_data) > REPORT_DATA_BYTES:
        raise ValueError("At most 64 bytes of signed data.")
    request = root / f"kettle-web-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        request.mkdir()
        try:
            platform, evidence = _ask(request, signed_data.ljust(REPORT_DATA_BYTES, b"\0"))
        finally:
            request.rmdir()
    except OSError as error:
        raise KernelAttestationError(f"The kernel gave no attestation report: {error.strerror or error}.") from error
    return json.dumps({"platform": platform, "evidence": evidence}, indent=2).encode()


def _ask(request: Path, report_data: bytes) -> tuple[str, dict[str, Any]]:
    before = int((request / "generation").read_text())
    (request / "inblob").write_bytes(report_data)
    report = _read(request / "outblob", TDX_QUOTE_LIMIT)
    provider = (request / "provider").read_text().strip()
    aux = _read(request / "auxblob", AUX_LIMIT) if (request / "auxblob").exists() and provider == "sev_guest" else b""
    # Each write counts; one more than our own means that somebody changed the request under us.
    if int((request / "generation").read_text()) != before + 1:
        raise KernelAttestationError("The request for an attestation report was changed while it was made.")
    if provider == "sev_guest":
        return "snp", _snp(report, aux)
    if provider == "tdx_guest":
        return "tdx", {"quote": base64.b64encode(report).decode()}
    raise KernelAttestationError(f"The kernel's attestation provider is not known here: {provider[:60]!r}.")


def _snp(report: bytes, aux: bytes) -> dict[str, Any]:
    if len(report) != SNP_REPORT_BYTES:
        raise KernelAttestationError(f"The kernel's report has {len(report)} bytes, not {SNP_REPORT_BYTES}.")
    certificates = certificate_table(aux)
    # Hosts write a GUID's first fields in either byte order.
    found = next(
        (certificates[guid] for name in (VCEK, VLEK) for guid in (name, uuid.UUID(bytes=name.bytes_le)) if guid in certificates), None
    )
    # Without a certificate the verifier asks for the chip's by its id; the vendor's own chain is never taken from evidence.
    chain = {"vcek": base64.b64encode(found).decode()} if found else None
    return {"attestation_report": base64.b64encode(report).decode(), "cert_chain": chain}


def certificate_table(data: bytes) -> dict[uuid.UUID, bytes]:
    """The certificates of the host's table: entries of GUID (16 bytes), offset and length (little-endian), up to one of zeros.

    Raises:
        KernelAttestationError: an entry leads out of the table.
    """
    found: dict[uuid.UUID, bytes] = {}
    for at in range(0, min(len(data), MAX_ENTRIES * _ENTRY_BYTES) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        guid = uuid.UUID(bytes=data[at : at + 16])
        offset, length = (int.from_bytes(data[at + start : at + start + 4], "little") for start in (16, 20))
        if not guid.int:
            break
        if offset + length > len(data):
            raise KernelAttestationError("The host's table of certificates leads beyond its end.")
        found[guid] = data[offset : offset + length]
    return found


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise KernelAttestationError(f"{path.name} is larger than {limit} bytes.")
    return data
