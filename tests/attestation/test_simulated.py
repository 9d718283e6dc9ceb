"""The simulated evidence passes every check that real evidence passes, and always ends at the public test root."""

from __future__ import annotations

import pytest

from kettle_web.attestation.anchors import AnchorSet, anchors_builtin
from kettle_web.attestation.envelope import envelope_parse
from kettle_web.builder.attesters.simulated import simulated_evidence

from .conftest import run_procedure


def test_simulated_evidence_passes_every_step_under_the_test_anchor() -> None:
    envelope = envelope_parse(simulated_evidence(b"\x01" * 48))
    run = run_procedure(envelope.platform, envelope.evidence)
    assert run.red == {}
    assert run.context.anchor is not None
    assert run.context.anchor.kind == "test"
    assert run.context.signed_data == b"\x01" * 48 + bytes(16)
    assert run.context.claims["generation"] == "milan"
    assert "Simulated" in run.context.claims["vek"]["subject"]


def test_equal_input_gives_equal_bytes() -> None:
    assert simulated_evidence(b"same") == simulated_evidence(b"same")
    assert simulated_evidence(b"same") != simulated_evidence(b"other")


def test_measurement_is_the_one_that_was_given() -> None:
    envelope = envelope_parse(simulated_evidence(b"", measurement=b"\x07" * 48))
    assert run_procedure(envelope.platform, envelope.evidence).context.claims["measurement"] == "07" * 48


@pytest.mark.parametrize(("signed_data", "measurement"), [(bytes(65), None), (b"", bytes(47))])
def test_data_of_an_impossible_length_is_refused(signed_data: bytes, measurement: bytes | None) -> None:
    with pytest.raises(ValueError, match="48 bytes"):
        simulated_evidence(signed_data, measurement=measurement)


def test_without_the_test_root_simulated_evidence_is_signed_by_nobody() -> None:
    hardware = AnchorSet(tuple(anchor for anchor in anchors_builtin().anchors if anchor.kind == "hardware"))
    envelope = envelope_parse(simulated_evidence(b""))
    run = run_procedure(envelope.platform, envelope.evidence, anchors=hardware)
    assert run.red == {"snp.vek.signature": "vek.unknown-issuer"}
    assert run.context.anchor is None
    assert run.context.claims == {}
    assert run.context.signed_data is None
