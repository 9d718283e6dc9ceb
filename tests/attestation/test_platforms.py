"""The procedures themselves: codes, dependencies and links, and that they survive any evidence object."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettle_web.attestation.anchors import ARK, HARDWARE, INTEL_ROOT, TEST, anchors_builtin
from kettle_web.attestation.checks import AttestationError
from kettle_web.attestation.formats.certificate import certificate_parse
from kettle_web.attestation.formats.pck import intel_certificate_parse
from kettle_web.attestation.platforms import Context, procedure_for
from kettle_web.attestation.signatures import p256_point, rsa_key_load
from kettle_web.verification.report import Link
from tests.fakes import amd, hcl

from .conftest import run_procedure

KNOWN = ("snp", "gcp-snp", "az-snp", "tdx", "gcp-tdx", "az-tdx", "dstack")


@pytest.mark.parametrize("platform", [*KNOWN, "sev"])
def test_steps_are_complete_and_depend_only_on_earlier_ones(platform: str) -> None:
    seen: set[str] = set()
    for step in procedure_for(platform).steps:
        assert step.code not in seen
        assert set(step.depends_on) <= seen
        assert step.code.startswith("platform" if platform == "sev" else f"{platform}.")
        assert step.link in set(Link)
        assert step.title
        assert step.proves
        assert step.does_not_prove
        seen.add(step.code)


@pytest.mark.parametrize("platform", ["snp", "gcp-snp", "az-snp"])
def test_only_revocation_and_minimum_level_are_not_required(platform: str) -> None:
    optional = {step.code for step in procedure_for(platform).steps if not step.required}
    assert optional == {f"{platform}.revocation", f"{platform}.minimum-tcb"}


INTEL = ("tdx", "gcp-tdx", "az-tdx", "dstack")


@pytest.mark.parametrize("platform", INTEL)
def test_only_collateral_and_event_log_are_not_required(platform: str) -> None:
    optional = {step.code for step in procedure_for(platform).steps if not step.required}
    names = ["collateral.lists", "collateral.signatures", "collateral.validity", "revocation", "qe.identity", "tcb-status"]
    assert {step.code for step in procedure_for(platform).steps if step.rests_on_collateral} == {f"{platform}.{name}" for name in names}
    assert optional == {f"{platform}.{name}" for name in names + (["event-log"] if platform in ("tdx", "gcp-tdx") else [])}


@pytest.mark.parametrize("platform", ["", "SNP", "sev", "snp "])
def test_unknown_platforms_fail(platform: str) -> None:
    assert run_procedure(platform, {}).outcomes == {"platform": "platform.unknown"}


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Context({}, anchors=anchors_builtin(), now=datetime(2026, 1, 1))  # noqa: DTZ001 - the very thing that is refused.


def test_steps_that_run_without_their_predecessors_never_pass_by_accident() -> None:
    for platform in KNOWN:
        for step in procedure_for(platform).steps:
            if step.depends_on and step.required:
                with pytest.raises(AttestationError):
                    step.run(Context({}, anchors=anchors_builtin(), now=amd.NOW))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["AAAA", "00" * 32, "A" * 1580]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
REPORTS = st.binary(min_size=1184, max_size=1184).map(lambda data: amd.snp_evidence(data, None)["attestation_report"])
QUOTES = st.fixed_dictionaries({"pcrs": st.just(["00" * 32] * 24), "signature": st.just("00" * 256), "message": st.binary().map(bytes.hex)})
EVIDENCE = st.fixed_dictionaries(
    {},
    optional={
        "attestation_report": JSON | REPORTS,
        "cert_chain": JSON | st.fixed_dictionaries({"vcek": JSON}),
        "version": st.just(1) | JSON,
        "tpm_quote": JSON | QUOTES,
        "hcl_report": JSON | st.binary(min_size=0x4D4, max_size=2600).map(hcl.base64url),
        "vcek": JSON | st.binary().map(hcl.base64url),
        "quote": JSON | st.binary(min_size=764, max_size=2000).map(lambda data: base64.b64encode(b"\4\0" + data).decode()),
        "cc_eventlog": JSON,
        "td_quote": JSON | st.binary(min_size=764, max_size=2000).map(lambda data: hcl.base64url(b"\4\0" + data)),
    },
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(EVIDENCE, st.sampled_from(KNOWN))
def test_any_evidence_object_raises_only_our_errors(evidence: dict[str, Any], platform: str) -> None:
    run = run_procedure(platform, evidence)
    assert run.red
    assert run.context.signed_data is None


def test_builtin_anchors_are_amd_s_nine_intel_s_one_and_one_public_test_root() -> None:
    anchors = anchors_builtin().anchors
    assert sum(anchor.kind == HARDWARE and anchor.role != INTEL_ROOT for anchor in anchors) == 9
    assert [anchor.name for anchor in anchors if anchor.role == INTEL_ROOT and anchor.kind == HARDWARE] == ["Intel SGX Root CA"]
    simulated = [anchor for anchor in anchors if anchor.kind == TEST]
    assert {anchor.role for anchor in simulated} == {"ark", "ask", INTEL_ROOT}
    assert all("public test key" in anchor.name for anchor in simulated)
    assert len({anchor.name for anchor in anchors}) == len(anchors)
    hardware = {anchor.spki for anchor in anchors if anchor.kind == HARDWARE}
    assert len(hardware) == 10
    assert not hardware & {anchor.spki for anchor in simulated}


def test_intel_s_root_is_the_pinned_certificate_with_the_pinned_key() -> None:
    (anchor,) = (anchor for anchor in anchors_builtin().anchors if anchor.role == INTEL_ROOT and anchor.kind == HARDWARE)
    certificate = intel_certificate_parse(anchor.certificate or b"", anchor.name)
    assert anchor.certificate_sha256 == hashlib.sha256(certificate.raw).hexdigest()
    assert anchor.certificate_sha256 == "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"
    assert p256_point(anchor.spki).hex() == (
        "0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394"
    )
    assert (certificate.subject, certificate.issuer, certificate.spki) == (anchor.subject, anchor.subject, anchor.spki)
    assert (certificate.serial, certificate.not_before, certificate.not_after) == (anchor.serial, anchor.not_before, anchor.not_after)


AMD = [anchor for anchor in anchors_builtin().anchors if anchor.role != INTEL_ROOT]


@pytest.mark.parametrize("anchor", AMD, ids=lambda anchor: anchor.name)
def test_anchor_s_data_hold_together(anchor: Any) -> None:
    assert rsa_key_load(anchor.spki).key_size == 4096
    root = anchor if anchor.role == ARK else anchors_builtin().root_of(anchor)
    assert root is not None
    assert root.name == anchor.root
    assert anchor.not_before < anchor.not_after
    if anchor.kind == TEST:
        certificate = certificate_parse(anchor.certificate, anchor.name)
        assert b"Simulated" in certificate.subject
        assert (certificate.serial, certificate.issuer) == (anchor.serial, root.subject)
    else:
        assert b"Simulated" not in anchor.subject
