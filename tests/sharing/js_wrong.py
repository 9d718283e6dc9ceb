"""Fakes with one field overridden before everything is signed: what signatures cannot show, the checks behind them must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kettle_web.attestation.formats.tcb import tcb_encode
from tests.fakes import amd, hcl, intel, tpm
from tests.sharing.js_bundles import Bundle, envelope


def signed_wrongly() -> Iterator[Bundle]:
    """Fakes with one field overridden before everything is signed: what signatures cannot show, the checks behind them must."""
    milan, turin, vlek = amd.authority_mint(), amd.authority_mint("turin"), amd.authority_mint(role="asvk")
    levels = tcb_encode(amd.MILAN_TCB)
    turin_levels = dict.fromkeys(("reported_tcb", "committed_tcb", "current_tcb", "launch_tcb"), tcb_encode(amd.TURIN_TCB))
    turin_report = {"cpuid_family": 0x1A, "cpuid_model": 2, "chip_id": amd.CHIP_ID[:8].ljust(64, b"\0"), **turin_levels}
    turin_vek = {"extensions": amd.vek_extensions(amd.TURIN_TCB, hwid=amd.CHIP_ID[:8], product="Turin-B0")}
    vlek_vek = {"subject": amd.name_encode("SEV-VLEK"), "extensions": amd.vek_extensions(hwid=None, product="Milan", csp_id="CN=cc")}

    def snp(name: str, report: dict[str, Any], vek: dict[str, Any], ca: amd.Authority = milan) -> Bundle:
        evidence = amd.snp_evidence(amd.report_mint(**report), ca.vek_mint(**vek))
        return Bundle(f"signed {name}", None, envelope("snp", evidence), ca.anchor_set)

    yield snp("turin", turin_report, turin_vek, turin)
    yield snp("turin with another chip", turin_report | {"chip_id": b"\1" * 64}, turin_vek, turin)
    yield snp("turin with another level", turin_report | {"reported_tcb": bytes(8)}, turin_vek, turin)
    yield snp("vlek", {"key_info": 4}, vlek_vek, vlek)
    yield snp("vlek as vcek", {"key_info": 0}, vlek_vek, vlek)
    for report in (
        *({"policy": 0x30000 ^ (1 << bit)} for bit in (0, 16, 17, 18, 19, 20, 25, 26, 63)),
        {"vmpl": 1},
        {"signature_algorithm": 2},
        *({"key_info": value} for value in (1, 2, 4, 8, 28, 32)),
        *({"version": value} for value in (0, 1, 2, 4, 5, 6)),
        *({name: levels[:-1] + b"\xff"} for name in ("reported_tcb", "committed_tcb", "current_tcb", "launch_tcb")),
        *({name: levels[:3] + b"\1" + levels[4:]} for name in ("reported_tcb", "current_tcb")),
        {"chip_id": bytes(64)},
        {"committed_major": 2},
        {"current_minor": 1},
        {"committed_build": 30},
        {"cpuid_family": 0x18},
        {"cpuid_model": 0x11},
        {"reserved_04c": 1},
        {"reserved_18b": b"\1" * 21},
        {"reserved_208": b"\1" * 152},
        {"launch_mit_vector": 1, "version": 5},
        {"current_mit_vector": 2},
        {"reserved_1eb": 1},
        {"reserved_330": b"\1" * 368},
        {"signature_s": b"\1" * 72},
        {"version": 2, "cpuid_family": 0, "cpuid_model": 0, "cpuid_stepping": 0},
        {"report_data": bytes(64)},
    ):
        yield snp(f"report {report}", report, {})
    short = {"not_after": amd.NOT_BEFORE.replace(year=2026)}
    for vek in (
        {"subject": amd.name_encode("SEV-Other")},
        {"subject": amd.name_encode("SEV-VLEK")},
        {"issuer": amd.name_encode("SEV-Genoa")},
        short,
        {"not_before": amd.NOT_AFTER.replace(year=2031)},
        {"extensions": amd.vek_extensions(product="Genoa")},
        {"extensions": amd.vek_extensions(product="")},
        {"extensions": amd.vek_extensions(hwid=None)},
        {"extensions": amd.vek_extensions(hwid=bytes(64))},
        {"extensions": amd.vek_extensions(hwid=bytes(20))},
        {"extensions": amd.vek_extensions(hwid=b"\x04\x40" + amd.CHIP_ID)},
        {"extensions": amd.vek_extensions(hwid=b"\1")},
        {"extensions": amd.vek_extensions(replace(amd.MILAN_TCB, snp=23))},
        {"extensions": amd.vek_extensions() * 2},
        {"extensions": tuple((oid, True, value) for oid, _, value in amd.vek_extensions())},
        {"serial": 5},
        {"extensions": amd.vek_extensions(csp_id="é")},
        {"key": amd.rsa_key_published("ark")},
    ):
        yield snp(f"chip key {list(vek)} {len(str(vek))}", {}, vek)
    yield from _azure_wrongly(milan)
    yield from _intel_wrongly(intel.authority_mint())


def _azure_wrongly(ca: amd.Authority) -> Iterator[Bundle]:
    keys = hcl.ak_jwk()
    for overrides in (
        *(
            {"quote": value}
            for value in (
                {"magic": 1},
                {"attest_type": 0x8017},
                {"qualified_signer": b"\0\x0b"},
                {"extra_data": bytes(51)},
                {"selections": ()},
                {"trailing": b"\0"},
                {"pcr_digest": bytes(32)},
                {"pcr_digest": bytes(20)},
                {"pss": True},
                {"safe": 0},
                {"selections": (replace(tpm.ALL_SHA256, hash_algorithm=4),)},
                {"selections": (replace(tpm.ALL_SHA256, bitmap=b"\xff\xff\x7f"),)},
                {"selections": (tpm.ALL_SHA256, tpm.ALL_SHA256)},
            )
        ),
        *(
            {"hcl": value}
            for value in (
                {"magic": b"HCLB"},
                {"header_version": 2},
                {"report_size": 1},
                {"request_type": 1},
                {"status": 1},
                {"reserved": b"\1" * 12},
                {"block_size": 1},
                {"block_version": 2},
                {"report_type": 4},
                {"hash_type": 2},
                {"padding": b"\1"},
                {"padding": b""},
            )
        ),
        *(
            {"var_data": value}
            for value in (
                hcl.var_data_mint([]),
                hcl.var_data_mint([keys, keys]),
                hcl.var_data_mint([keys | {"e": "Aw"}]),
                b"{}",
                b"[1]",
                b"",
                b"{",
                b"\xff",
                hcl.var_data_mint([keys | {"kty": "EC"}]),
                hcl.var_data_mint([keys | {"n": "AQAB"}]),
                hcl.var_data_mint([keys | {"n": keys["n"] + "="}]),
                hcl.var_data_mint() + b"\0",
                b'{"keys":[],"keys":[]}',
                hcl.var_data_mint(**{"vm-configuration": None, "user-data": 5}),
                hcl.var_data_mint(**{"vm-configuration": {"secure-boot": "yes", "vmUniqueId": "\n"}}),
            )
        ),
        *(
            {"report": value}
            for value in ({"report_data": bytes(64)}, {"version": 2, "cpuid_family": 0, "cpuid_model": 0, "cpuid_stepping": 0})
        ),
        *({"version": value} for value in (2, True, 1.0, "1", None)),
        {"more": 1},
    ):
        shown = str(overrides)[:60]
        yield Bundle(f"azure {shown}", None, envelope("az-snp", hcl.az_snp_evidence(ca, **overrides)), ca.anchor_set)


def _intel_wrongly(ca: intel.Authority) -> Iterator[Bundle]:
    other = intel.authority_mint("another root")
    for overrides in (
        *(
            {"body": value}
            for value in (
                {"td_attributes": b"\1" + bytes(7)},
                {"td_attributes": b"\2" + bytes(7)},
                {"mrsigner_seam": b"\1" * 48},
                {"seam_attributes": b"\1" * 8},
                {"report_data": b"\5" * 64},
            )
        ),
        *({"qe": value} for value in ({"attributes": b"\2" + bytes(15)}, {"report_data": bytes(64)})),
        *(
            {"late": value}
            for value in (
                {"signature": bytes(64)},
                {"attestation_key": bytes(64)},
                {"qe_signature": b"\1" * 64},
                {"certification_type": 5},
                {"chain_type": 4},
                {"after_chain": b"\0"},
                {"after_certification": b"\0"},
                {"trailing": b""},
                {"trailing": b"\1"},
                {"qe_auth_data": b""},
            )
        ),
        {"tee_type": 0},
        {"key_type": 3},
        {"qe_vendor_id": bytes(16)},
        {"version": 3},
        {"version": 6},
        {"version": 5},
        {"chain": intel.chain_mint(ca)[:2]},
        {"chain": intel.chain_mint(other)},
        {"chain": (*intel.chain_mint(ca)[:2], other.root)},
        {"chain": (intel.chain_mint(other)[0], *intel.chain_mint(ca)[1:])},
        {"chain": intel.chain_mint(ca)[::-1]},
        {"pck": {"not_after": intel.NOT_BEFORE.replace(year=2026)}},
        {"pck": {"issuer": intel.name_encode("x")}},
        {"intermediate": {"subject": intel.name_encode("Somebody")}},
        {"intermediate": {"issuer": intel.name_encode("x")}},
    ):
        shown = str(overrides)[:60]
        yield Bundle(f"intel {shown}", None, envelope("tdx", intel.tdx_evidence(intel.quote_mint(ca, **overrides))), ca.anchor_set)
    for overrides in (
        {"tdreport": {"report_type": 0}},
        {"tdreport": {"mr_td": b"\7" * 48}},
        {"rest": b"\1" * 160},
        {"tdreport": {"tcb_info_hash": bytes(48)}},
        {"tdreport": {"reserved_192": b"\1" * 32}},
    ):
        yield Bundle(f"az-tdx {str(overrides)[:60]}", None, envelope("az-tdx", intel.az_tdx_evidence(ca, **overrides)), ca.anchor_set)
