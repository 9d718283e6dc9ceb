"""Every form of simulated evidence passes every check of its platform, and ends at a public test anchor."""

from __future__ import annotations

import json

import pytest

from kettle_web.attestation.anchors import AnchorSet, anchors_builtin
from kettle_web.attestation.envelope import envelope_parse
from kettle_web.builder.attesters.simulated import FORMS, simulated_evidence

from .conftest import run_procedure

SIGNED = b"\x01" * 48
EXPECTED = {
    "snp-v3-milan": ("snp", 3, "milan"),
    "snp-v3-genoa": ("snp", 3, "genoa"),
    "snp-v5-milan": ("snp", 5, "milan"),
    "snp-v5-genoa": ("snp", 5, "genoa"),
    "az-snp": ("az-snp", 3, "milan"),
    "tdx": ("tdx", None, ""),
}


def test_all_forms_are_tried_here() -> None:
    assert tuple(EXPECTED) == FORMS


@pytest.mark.parametrize("form", FORMS)
def test_each_form_passes_every_required_step_under_a_test_anchor(form: str) -> None:
    envelope = envelope_parse(simulated_evidence(SIGNED, form=form))
    run = run_procedure(envelope.platform, envelope.evidence)
    platform, version, generation = EXPECTED[form]
    assert (envelope.platform, run.red) == (platform, {})
    assert run.context.anchor is not None
    assert (run.context.anchor.kind, run.context.anchor.generation) == ("test", generation)
    assert run.context.signed_data == (SIGNED if platform == "az-snp" else SIGNED + bytes(16))
    if version:
        assert run.context.report.version == version
    if platform == "az-snp":
        assert len(run.context.pcrs) == 24


@pytest.mark.parametrize("form", FORMS)
def test_equal_input_gives_equal_bytes(form: str) -> None:
    assert simulated_evidence(b"same", form=form) == simulated_evidence(b"same", form=form)
    assert simulated_evidence(b"same", form=form) != simulated_evidence(b"other", form=form)


@pytest.mark.parametrize("form", FORMS)
def test_without_test_anchors_nobody_signed_it(form: str) -> None:
    hardware = AnchorSet(tuple(anchor for anchor in anchors_builtin().anchors if anchor.kind == "hardware"))
    envelope = envelope_parse(simulated_evidence(SIGNED, form=form))
    run = run_procedure(envelope.platform, envelope.evidence, anchors=hardware)
    assert run.red
    assert (run.context.anchor, run.context.signed_data, run.context.claims) == (None, None, {})


@pytest.mark.parametrize(("form", "claim"), [("snp-v5-genoa", "measurement"), ("az-snp", "measurement"), ("tdx", "mr_td")])
def test_the_measurement_is_the_one_that_was_given(form: str, claim: str) -> None:
    envelope = envelope_parse(simulated_evidence(SIGNED, measurement=b"\x07" * 48, form=form))
    assert json.dumps(run_procedure(envelope.platform, envelope.evidence).context.claims).count("07" * 48) >= 1, claim


def test_a_virtual_tpm_signs_at_most_fifty_bytes() -> None:
    assert simulated_evidence(bytes(50), form="az-snp")
    with pytest.raises(ValueError, match="50 bytes"):
        simulated_evidence(bytes(51), form="az-snp")
