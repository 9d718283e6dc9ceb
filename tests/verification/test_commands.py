"""`prove` and `measurements`, and that `verify` stays what a bare PATH means."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.provenance.proof import LIMITS
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.verification.cli import main
from kettle_web.verification.measuring import entry_propose, why_not
from kettle_web.verification.policy_json import PolicyError, entry_parse
from tests.provenance.samples import sample_path
from tests.verification.bundles import FILE, document_make, report_make, signed_field

NOW = "--now=2026-06-01T00:00:00Z"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "hello"
    folder.mkdir()
    data = provenance_to_bytes(document_make())
    (folder / "provenance.json").write_bytes(data)
    (folder / "evidence.json").write_bytes(simulated_evidence(signed_field(data)))
    (folder / "hello").write_bytes(FILE)
    return folder


def run(*arguments: Any) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main([str(item) for item in arguments], out, err), out.getvalue(), err.getvalue()


def test_verify_may_be_said_or_left_out(bundle: Path) -> None:
    assert run("verify", bundle, NOW) == run(bundle, NOW)
    assert run(bundle, NOW)[0] == 4


@pytest.mark.parametrize("command", ["prove", "measurements", "verify"])
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help")[0] == 0
    assert "usage:" in capsys.readouterr().out


def test_a_proof_is_made_checked_and_says_what_it_is_worth(bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    status, out, err = run("prove", bundle, "aho-corasick", "--out", file)
    assert (status, out) == (0, "")
    assert LIMITS in err
    status, out, _ = run("prove", "--check", file)
    assert status == 0
    assert LIMITS in out
    assert "is entry 7 (from 0) of 8" in out
    assert "the root does not bind the number of entries" in out
    root = json.loads(file.read_text())["root"]
    assert run("prove", "--check", file, "--root", root)[0] == 0
    assert run("prove", "--check", file, "--root", "00" * 32)[0] == 1


def test_a_proof_can_be_made_from_a_provenance_alone_and_is_printed(bundle: Path) -> None:
    status, out, _ = run("prove", bundle / "provenance.json", "aho-corasick@1.1.3")
    assert status == 0
    assert json.loads(out)["count"] == 8


def test_a_changed_proof_does_not_hold(bundle: Path, tmp_path: Path) -> None:
    value = json.loads(run("prove", bundle, "aho-corasick")[1])
    file = tmp_path / "proof.json"
    for change in ({"entry": value["entry"] + "x"}, {"index": 6}, {"siblings": []}, {"root": "00" * 32}):
        file.write_text(json.dumps(value | change))
        status, out, _ = run("prove", "--check", file)
        assert status == 1
        assert out.startswith("The proof does not hold")


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("{bundle}",), ("{bundle}", "serde"), ("{bundle}", "aho-corasick", "--root", "00" * 32),
        ("--check", "{bundle}/provenance.json"),
        ("--check", "{bundle}/none"), ("{bundle}/none", "x"), ("{bundle}/hello", "x"), ("{bundle}/evidence.json", "x"),
        ("{bundle}", "aho-corasick", "--out", "{bundle}/none/proof"), ("{bundle}", "x", "--check", "y"), ("--wrong",),
        ("--check", "{bundle}/provenance.json", "--root", "zz"),
    ],
)  # fmt: skip
def test_what_cannot_be_proved_or_read_gives_one_line_and_2(bundle: Path, arguments: tuple[str, ...]) -> None:
    status, out, err = run("prove", *(text.replace("{bundle}", str(bundle)) for text in arguments))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_simulated_evidence_gives_no_entry(bundle: Path) -> None:
    status, out, err = run("measurements", bundle, NOW)
    assert (status, out) == (4, "")
    assert err.startswith("No entry: Simulated")


def test_an_entry_of_a_real_bundle_loads_once_it_is_filled_in() -> None:
    path = sample_path("bundles", "kex")
    status, out, err = run("measurements", path, NOW)
    assert status == 0
    assert "Fill in" in err
    with pytest.raises(PolicyError):
        entry_parse(json.loads(out))
    told = ("--name", "Kettle 1.0", "--kettle-release", "1.0.0", "--who", "me", "--why", "mine", "--minimum-tcb")
    entry = entry_parse(json.loads(run("measurements", path, NOW, *told)[1]))
    assert entry.pcrs.keys() == {4, 7, 9, 12}
    assert entry.minimum_tcb.keys() == {"bootloader", "tee", "snp", "microcode"}
    chosen = entry_parse(json.loads(run("measurements", path, NOW, *told, "--pcrs", "4,11")[1]))
    assert chosen.pcrs.keys() == {4, 11}


def test_registers_that_name_no_image_are_said_not_to_load() -> None:
    status, out, err = run("measurements", sample_path("bundles", "kex"), NOW, "--pcrs", "16")
    assert status == 0
    assert json.loads(out)["pcrs"] == {"16": "00" * 32}
    assert "It does not load with these values: the entry: it is for Azure" in err
    assert "It does not load" not in run("measurements", sample_path("bundles", "kex"), NOW)[2]


def test_the_entry_confirms_the_bundle_that_it_was_made_of(tmp_path: Path) -> None:
    path = sample_path("bundles", "kex")
    told = ("--name", "Kettle 1.0", "--kettle-release", "1.0.0", "--who", "me", "--why", "mine")
    entry = json.loads(run("measurements", path, NOW, *told)[1])
    (tmp_path / "policy.json").write_text(json.dumps({"schema": 1, "entries": [entry]}))
    status, out, _ = run(path, NOW, "--no-artifacts", "--policy", tmp_path / "policy.json")
    assert status == 0
    assert out.startswith("Confirmed without files")


@pytest.mark.parametrize("arguments", [("--pcrs", "24"), ("--pcrs", ""), ("--rtmrs", "4"), ("--now", "soon"), ("--wrong",)])
def test_unusable_arguments_of_measurements_are_said(bundle: Path, arguments: tuple[str, ...]) -> None:
    status, out, err = run("measurements", bundle, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_evidence_that_does_not_hold_gives_no_entry() -> None:
    assert why_not(report_make()) == ""
    assert why_not(report_make(anchors=None)).startswith("Simulated")
    assert why_not(report_make(nonce=b"\7" * 16)).startswith("Failed")
    assert why_not(report_make(evidence_bytes=None)) != ""
    assert entry_propose(report_make(), {})["measurement"] == report_make().claims["measurement"]
