import base64
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.checks import CheckFailed
from kettle_web.attestation.layout import evidence_layouts
from kettle_web.attestation.layout.amd import snp_report_fields
from kettle_web.attestation.layout.azure import hcl_fields, tpm_quote_fields
from kettle_web.attestation.layout.evidence import layout_of
from kettle_web.attestation.layout.intel import tdreport_fields, tdx_quote_fields
from kettle_web.attestation.layout.x509 import certificate_fields, oid_text
from kettle_web.builder.attesters.simulated import simulated_evidence
from tests.attestation.conftest import sample_bytes, unhurried

SAMPLES = ("bundles/kex/evidence.json", "evidence/az-snp-report-v2.json", "evidence/snp-genoa.json", "evidence/az-tdx.json")


def _wrapped(name: str) -> bytes:
    if name.endswith(".bin"):
        return json.dumps({"platform": "tdx", "evidence": {"quote": base64.b64encode(sample_bytes(name)).decode()}}).encode()
    data = sample_bytes(name)
    return data if "platform" in json.loads(data) else json.dumps({"platform": "az-tdx", "evidence": json.loads(data)}).encode()


def assert_covers(fields, data):
    """Every byte in exactly one field."""
    assert b"".join(field.data for field in fields) == data
    assert fields[0].offset == 0
    assert all(left.offset + left.size == right.offset for left, right in pairwise(fields))
    assert all(field.size for field in fields)
    assert len({field.name for field in fields}) == len(fields)


@pytest.mark.parametrize("name", [*SAMPLES, "evidence/az-tdx-without-envelope.json", "evidence/tdx-quote-v5.bin"])
def test_every_byte_of_real_evidence_is_in_exactly_one_field(name):
    layouts = evidence_layouts(_wrapped(name))
    assert len(layouts) >= 2
    for layout in layouts:
        assert layout.fault == ""
        assert_covers(layout.fields, layout.data)
        assert all(field.source for field in layout.fields)


def test_simulated_evidence_is_taken_apart_like_any_other():
    layouts = {layout.code: layout for layout in evidence_layouts(simulated_evidence(bytes(range(48))))}
    assert "vcek" in layouts
    for layout in layouts.values():
        assert_covers(layout.fields, layout.data)


def test_fields_read_as_the_specification_says():
    layouts = {layout.code: layout for layout in evidence_layouts(sample_bytes("evidence/snp-genoa.json"))}
    report = {field.name: field for field in layouts["snp-report"].fields}
    assert (report["version"].offset, report["version"].reading) == (0, "5")
    assert (report["report_data"].offset, report["report_data"].data[:18]) == (0x50, b"genoa-test-fixture")
    assert (report["measurement"].offset, report["measurement"].size) == (0x90, 48)
    assert report["key_info"].reading == "signed by VCEK"
    assert report["signature_algorithm"].reading == "1: ECDSA P-384 with SHA-384"
    assert (report["signature_r"].offset, report["reserved_330"].offset) == (0x2A0, 0x330)
    certificate = {field.name: field for field in layouts["vcek"].fields}
    assert certificate["tbs.serial_number"].reading == "INTEGER: 0"
    assert any("SEV-Genoa" in field.reading for field in certificate.values())
    assert any(field.meaning == "AMD: chip id" for field in certificate.values())


def test_report_inside_the_paravisors_keeps_its_place():
    layouts = {layout.code: layout for layout in evidence_layouts(sample_bytes("bundles/kex/evidence.json"))}
    fields = {field.name: field for field in layouts["hcl-report"].fields}
    assert fields["snp.report_data"].offset == 0x20 + 0x50
    assert fields["var_data"].offset == 0x4D4
    assert fields["report_type"].reading == "2: SEV-SNP"
    assert [field.name for field in layouts["pcrs"].fields] == [f"pcr.{at}" for at in range(24)]
    quote = {field.name: field for field in layouts["tpm-quote"].fields}
    assert quote["extra_data"].offset == 44
    assert quote["selection.0.hash"].reading == "11: SHA-256"


def test_quote_reads_as_the_specification_says():
    layouts = {layout.code: layout for layout in evidence_layouts(sample_bytes("evidence/az-tdx.json"))}
    quote = {field.name: field for field in layouts["tdx-quote"].fields}
    assert quote["tee_type"].reading == "129: TDX"
    assert quote["body.report_data"].offset == 48 + 520
    assert quote["qe_report.mrsigner"].size == 32
    assert {"pck", "pck-ca", "root"} <= layouts.keys()
    assert {"tdreport.mr_td", "tdreport.mac"} <= {field.name for field in layouts["hcl-report"].fields}


PARSERS = (snp_report_fields, tdx_quote_fields, tdreport_fields, hcl_fields, tpm_quote_fields, certificate_fields)


@unhurried
@given(st.sampled_from(PARSERS), st.binary(max_size=1500))
def test_any_bytes_are_taken_apart_or_refused(fields, data):
    try:
        found = fields(data)
    except CheckFailed:
        return
    assert b"".join(field.data for field in found) == data


@unhurried
@given(st.integers(4, 1183), st.integers(1, 255))
def test_changed_byte_changes_the_field_that_holds_it_and_no_other(at, difference):
    data = bytes(1184)
    changed = bytearray(data)
    changed[at] ^= difference
    pairs = zip(snp_report_fields(data), snp_report_fields(bytes(changed)), strict=True)
    assert [left.offset <= at < left.offset + left.size for left, right in pairs if left.data != right.data] == [True]


def test_bytes_that_cannot_be_taken_apart_are_one_field_with_the_reason():
    layout = layout_of("x", "X", "x", b"abc", snp_report_fields)
    assert [(field.name, field.data) for field in layout.fields] == [("bytes", b"abc")]
    assert "wrong length" in layout.fault


def test_field_that_does_not_decode_says_why():
    data = json.dumps({"platform": "snp", "evidence": {"attestation_report": "?!", "cert_chain": {"vcek": 3}}}).encode()
    assert [(layout.code, bool(layout.fault), layout.data) for layout in evidence_layouts(data)] == [
        ("snp-report", True, b""),
        ("vcek", True, b""),
    ]


def test_unknown_platform_has_no_structures():
    assert evidence_layouts(b'{"platform": "abacus", "evidence": {}}') == ()


@pytest.mark.parametrize(("hexadecimal", "text"), [("2a864886f70d01010a", "1.2.840.113549.1.1.10"), ("550403", "2.5.4.3"), ("", "")])
def test_object_identifiers_are_written_with_dots(hexadecimal, text):
    assert oid_text(bytes.fromhex(hexadecimal)) == text
