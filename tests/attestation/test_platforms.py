"""The procedures themselves: codes, dependencies and links, and that they survive any evidence object."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettle_web.attestation.anchors import ARK, HARDWARE, TEST, anchors_builtin
from kettle_web.attestation.checks import AttestationError
from kettle_web.attestation.formats.certificate import certificate_parse
from kettle_web.attestation.platforms import Context, procedure_for
from kettle_web.attestation.signatures import rsa_key_load
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


@pytest.mark.parametrize("platform", ["tdx", "gcp-tdx", "az-tdx", "dstack"])
def test_known_platforms_without_a_procedure_could_not_be_checked(platform: str) -> None:
    assert run_procedure(platform, {}).outcomes == {f"{platform}.support": "platform.unsupported"}


@pytest.mark.parametrize("platform", ["", "SNP", "sev", "snp "])
def test_unknown_platforms_fail(platform: str) -> None:
    assert run_procedure(platform, {}).outcomes == {"platform": "platform.unknown"}


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Context({}, anchors=anchors_builtin(), now=datetime(2026, 1, 1))  # noqa: DTZ001 - the very thing that is refused.


def test_steps_that_run_without_their_predecessors_never_pass_by_accident() -> None:
    for platform in ("snp", "az-snp"):
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
    },
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(EVIDENCE, st.sampled_from(["snp", "gcp-snp", "az-snp"]))
def test_any_evidence_object_raises_only_our_errors(evidence: dict[str, Any], platform: str) -> None:
    run = run_procedure(platform, evidence)
    assert run.red
    assert run.context.signed_data is None


def test_builtin_anchors_are_the_vendor_s_nine_and_one_public_test_root() -> None:
    anchors = anchors_builtin().anchors
    assert sum(anchor.kind == HARDWARE for anchor in anchors) == 9
    assert {(anchor.role, "public test key" in anchor.name) for anchor in anchors if anchor.kind == TEST} == {("ark", True), ("ask", True)}
    assert len({anchor.name for anchor in anchors}) == len({anchor.spki for anchor in anchors}) == len(anchors)


@pytest.mark.parametrize("anchor", anchors_builtin().anchors, ids=lambda anchor: anchor.name)
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
