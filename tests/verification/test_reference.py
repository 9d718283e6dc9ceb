"""`--igvm` and `--image`: the attested image against files of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from kettle_web.attestation.formats.igvm import igvm_snp_parse
from kettle_web.attestation.launch import launch_digests
from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.verification.cli import main
from kettle_web.verification.inquiry import ReferenceFiles
from kettle_web.verification.report import Report
from tests.fakes import igvm as fake
from tests.provenance.samples import sample_path
from tests.verification.bundles import FILE, NONCE, document_make, outcome_of, report_make, signed_field

IGVM = fake.igvm_with_kernel(fake.kernel_image(f"roothash={fake.root_hash()}")).build()
NOW = "--now=2026-06-01T00:00:00Z"


def _evidence(igvm: bytes = IGVM, which: int = 0) -> bytes:
    data = provenance_to_bytes(document_make())
    return simulated_evidence(signed_field(data, NONCE), measurement=launch_digests(igvm_snp_parse(igvm))[which])


def _report(*, igvm: bytes = IGVM, image: bytes | None = None, **overrides: Any) -> Report:
    reference = ReferenceFiles(igvm, io.BytesIO(image) if image is not None else None)
    return report_make(**({"evidence_bytes": _evidence(), "reference": reference} | overrides))


@pytest.mark.parametrize("which", [0, 1])
def test_the_attested_image_is_recognised_by_its_file(which: int) -> None:
    report = _report(image=fake.disk_image(), evidence_bytes=_evidence(which=which))
    assert outcome_of(report, "image.igvm") == ("pass", "")
    assert outcome_of(report, "image.verity") == ("pass", "")


def test_another_file_fails_and_the_disk_is_not_looked_at() -> None:
    other = fake.igvm_with_kernel(fake.kernel_image(f"roothash={'00' * 32}")).build()
    report = _report(igvm=other, image=fake.disk_image())
    assert outcome_of(report, "image.igvm") == ("fail", "image.igvm-differs")
    assert outcome_of(report, "image.verity") == ("skipped", "depends")
    assert report.exit_status == 1


def test_another_disk_fails() -> None:
    report = _report(image=fake.disk_image(top=b"other".ljust(4096, b"\0")))
    assert outcome_of(report, "image.verity") == ("fail", "image.verity-differs")


@pytest.mark.parametrize(("igvm", "code"), [(b"", "igvm.length"), (IGVM[:-1], "igvm.header"), (b"nonsense" * 9, "igvm.magic")])
def test_what_is_no_igvm_file_fails(igvm: bytes, code: str) -> None:
    assert outcome_of(_report(igvm=igvm), "image.igvm") == ("fail", code)


def test_without_files_there_is_no_row() -> None:
    assert not [check.code for check in report_make().checks if check.code in ("image.igvm", "image.verity")]


def test_evidence_alone_can_be_compared() -> None:
    assert outcome_of(_report(provenance_bytes=None), "image.igvm") == ("pass", "")


def test_other_platforms_cannot_be_compared() -> None:
    evidence = sample_path("bundles", "kex", "evidence.json").read_bytes()
    report = _report(evidence_bytes=evidence, anchors=None, provenance_bytes=None)
    assert outcome_of(report, "image.igvm") == ("error", "image.igvm-platform")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "provenance.json").write_bytes(provenance_to_bytes(document_make()))
    (folder / "evidence.json").write_bytes(_evidence())
    (folder / "hello").write_bytes(FILE)
    (tmp_path / "guest.igvm").write_bytes(IGVM)
    (tmp_path / "disk.raw").write_bytes(fake.disk_image())
    (tmp_path / "empty").write_bytes(b"")
    return folder


def _main(*arguments: Any) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main([str(item) for item in arguments], out, err), out.getvalue(), err.getvalue()


def test_the_command_compares_files(bundle: Path) -> None:
    files = ("--igvm", bundle.parent / "guest.igvm", "--image", bundle.parent / "disk.raw")
    status, out, _ = _main(bundle, NOW, *files)
    assert status == 4
    assert "PASS    The machine was started from this IGVM file" in out
    assert "PASS    The IGVM file starts from this disk image" in out
    assert _main(bundle, NOW, "--igvm", bundle.parent / "disk.raw")[0] == 1
    assert _main(bundle, NOW, "--igvm", bundle.parent / "empty")[0] == 1


@pytest.mark.parametrize("arguments", [("--image", "disk.raw"), ("--igvm", "none"), ("--igvm", "guest.igvm", "--image", "none")])
def test_files_that_cannot_be_used_are_said(bundle: Path, arguments: tuple[str, ...]) -> None:
    status, out, err = _main(bundle, NOW, *(text if text.startswith("--") else bundle.parent / text for text in arguments))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
