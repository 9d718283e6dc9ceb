"""No byte of genuine evidence can be changed unnoticed: a sample of all positions, spread evenly over every decoded field."""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kettle_web.attestation.envelope import Envelope, envelope_parse

from .conftest import run_procedure, sample_bytes

POSITIONS_PER_FIELD = 60


@dataclass(frozen=True)
class Field:
    """A decoded field: how to take its bytes out of an evidence object and how to put others in."""

    name: str
    take: Callable[[dict[str, Any]], bytes]
    put: Callable[[dict[str, Any], bytes], None]


def _put(*path: Any, encode: Callable[[bytes], str]) -> Callable[[dict[str, Any], bytes], None]:
    def put(evidence: dict[str, Any], data: bytes) -> None:
        inner: Any = evidence
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = encode(data)

    return put


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _b64url_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


SNP_FIELDS = (
    Field("report", lambda e: base64.b64decode(e["attestation_report"]), _put("attestation_report", encode=_b64)),
    Field("vcek", lambda e: base64.b64decode(e["cert_chain"]["vcek"]), _put("cert_chain", "vcek", encode=_b64)),
)
AZ_FIELDS = (
    Field("hcl", lambda e: _b64url_bytes(e["hcl_report"]), _put("hcl_report", encode=_b64url)),
    Field("vcek", lambda e: _b64url_bytes(e["vcek"]), _put("vcek", encode=_b64url)),
    Field("signature", lambda e: bytes.fromhex(e["tpm_quote"]["signature"]), _put("tpm_quote", "signature", encode=bytes.hex)),
    Field("message", lambda e: bytes.fromhex(e["tpm_quote"]["message"]), _put("tpm_quote", "message", encode=bytes.hex)),
    *(
        Field(f"pcr{i}", lambda e, i=i: bytes.fromhex(e["tpm_quote"]["pcrs"][i]), _put("tpm_quote", "pcrs", i, encode=bytes.hex))
        for i in range(24)
    ),
)  # fmt: skip
AZ_TDX_FIELDS = (
    AZ_FIELDS[0],
    Field("td_quote", lambda e: _b64url_bytes(e["td_quote"]), _put("td_quote", encode=_b64url)),
    *AZ_FIELDS[2:],
)
TDX_FIELDS = (Field("quote", lambda e: base64.b64decode(e["quote"]), _put("quote", encode=_b64)),)
UNCHECKABLE = {*range(48, 64), *range(256, 288)}
"""Of the HCL report of `az-tdx`: CPUSVN and MAC of the TDREPORT, which nothing off the machine can check."""
SAMPLES = {
    "evidence/az-tdx.json": AZ_TDX_FIELDS,
    "evidence/az-tdx-without-envelope.json": AZ_TDX_FIELDS,
    "evidence/tdx-quote-v5.bin": TDX_FIELDS,
    "evidence/snp-genoa.json": SNP_FIELDS,
    "evidence/az-snp-report-v2.json": AZ_FIELDS,
    "bundles/kex/evidence.json": AZ_FIELDS,
    "bundles/ripgrep-2026-03/evidence.json": AZ_FIELDS,
}


def sample_envelope(name: str) -> Envelope:
    """A sample as an envelope; two are recorded without one."""
    data = sample_bytes(name)
    if name.endswith(".bin"):
        return Envelope("tdx", {"quote": _b64(data)})
    return Envelope("az-tdx", json.loads(data)) if "without-envelope" in name else envelope_parse(data)


def survivors(name: str, field: Field, positions: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """The (position, mask) pairs whose change no required step noticed."""
    envelope = sample_envelope(name)
    original = field.take(envelope.evidence)
    found = []
    for position, mask in positions:
        mutated = bytearray(original)
        mutated[position] ^= mask
        evidence = copy.deepcopy(envelope.evidence)
        field.put(evidence, bytes(mutated))
        if not run_procedure(envelope.platform, evidence).red:
            found.append((position, mask))
    return found


def sampled(size: int, count: int, seed: str) -> Iterator[tuple[int, int]]:
    chosen = random.Random(seed)
    for position in sorted(chosen.sample(range(size), min(count, size))):
        yield position, 1 << chosen.randrange(8)


@pytest.mark.parametrize(
    ("name", "field"),
    [(name, field) for name, fields in SAMPLES.items() for field in fields[:4]],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_sampled_flipped_bytes_are_noticed(name: str, field: Field) -> None:
    size = len(field.take(sample_envelope(name).evidence))
    found = survivors(name, field, sampled(size, POSITIONS_PER_FIELD, name + field.name))
    allowed = UNCHECKABLE if (field.name, SAMPLES[name]) == ("hcl", AZ_TDX_FIELDS) else set()
    assert {position for position, _ in found} <= allowed


def test_flipped_byte_of_every_register_is_noticed() -> None:
    for field in AZ_FIELDS[4:]:
        assert survivors("bundles/kex/evidence.json", field, sampled(32, 1, field.name)) == []


@pytest.mark.parametrize(
    ("name", "field", "position", "step"),
    [
        ("evidence/snp-genoa.json", SNP_FIELDS[0], 0x90, "snp.report.signature"),
        ("evidence/snp-genoa.json", SNP_FIELDS[0], 0x2A0, "snp.report.signature"),
        ("evidence/snp-genoa.json", SNP_FIELDS[0], 0x4C, "snp.report.reserved"),
        ("evidence/snp-genoa.json", SNP_FIELDS[0], 0x49F, "snp.report.padding"),
        ("evidence/snp-genoa.json", SNP_FIELDS[0], 0x30, "snp.report.vmpl"),
        ("evidence/snp-genoa.json", SNP_FIELDS[1], 1346, "snp.vek.signature"),
        ("evidence/snp-genoa.json", SNP_FIELDS[1], 400, "snp.vek.parse"),
        ("evidence/snp-genoa.json", SNP_FIELDS[1], 215, "snp.vek.signature"),
        ("bundles/kex/evidence.json", AZ_FIELDS[0], 0, "az-snp.hcl.fields"),
        ("bundles/kex/evidence.json", AZ_FIELDS[0], 0x4D4 + 30, "az-snp.binding"),
        ("bundles/kex/evidence.json", AZ_FIELDS[0], 2599, "az-snp.hcl.fields"),
        ("bundles/kex/evidence.json", AZ_FIELDS[2], 0, "az-snp.tpm.signature"),
        ("bundles/kex/evidence.json", AZ_FIELDS[3], 44, "az-snp.tpm.signature"),
        ("bundles/kex/evidence.json", AZ_FIELDS[9], 0, "az-snp.tpm.pcrs"),
        ("evidence/tdx-quote-v5.bin", TDX_FIELDS[0], 12, "tdx.quote.header"),
        ("evidence/tdx-quote-v5.bin", TDX_FIELDS[0], 190, "tdx.quote.signature"),
        ("evidence/tdx-quote-v5.bin", TDX_FIELDS[0], 48, "tdx.quote.parse"),
        ("evidence/tdx-quote-v5.bin", TDX_FIELDS[0], 706, "tdx.quote.signature"),
        ("evidence/tdx-quote-v5.bin", TDX_FIELDS[0], 4900, "tdx.chain.root"),
        ("evidence/tdx-quote-v5.bin", TDX_FIELDS[0], 4990, "tdx.pck.parse"),
        ("evidence/az-tdx.json", AZ_TDX_FIELDS[0], 32, "az-tdx.tdreport.form"),
        ("evidence/az-tdx.json", AZ_TDX_FIELDS[0], 32 + 600, "az-tdx.tdreport.form"),
        ("evidence/az-tdx.json", AZ_TDX_FIELDS[0], 32 + 1100, "az-tdx.tdreport.form"),
        ("evidence/az-tdx.json", AZ_TDX_FIELDS[0], 0x4D4 + 30, "az-tdx.binding"),
        ("evidence/az-tdx.json", AZ_TDX_FIELDS[1], 5005, "az-tdx.quote.structure"),
    ],
    ids=lambda v: str(getattr(v, "name", v)),
)
def test_flipped_byte_turns_the_right_row_red(name: str, field: Field, position: int, step: str) -> None:
    envelope = sample_envelope(name)
    mutated = bytearray(field.take(envelope.evidence))
    mutated[position] ^= 1
    field.put(envelope.evidence, bytes(mutated))
    assert step in run_procedure(envelope.platform, envelope.evidence).red
