from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.verification.bundle import BundleError, bundle_open
from kettle_web.verification.cli import main
from kettle_web.verification.policy import PolicyEntry
from kettle_web.verification.report import report_from_json
from kettle_web.verification.text import report_text
from kettle_web.verification.visible import address_shown, visible
from tests.provenance.samples import changed, sample_path
from tests.verification.bundles import FILE, NONCE, document_make, report_make, signed_field

NOW = "--now=2026-06-01T00:00:00Z"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A simulated bundle as a folder."""
    folder = tmp_path / "hello"
    (folder / "artifacts").mkdir(parents=True)
    data = provenance_to_bytes(document_make())
    (folder / "provenance.json").write_bytes(data)
    (folder / "evidence.json").write_bytes(simulated_evidence(signed_field(data, NONCE)))
    (folder / "artifacts" / "hello").write_bytes(FILE)
    return folder


def _tarball(folder: Path) -> Path:
    path = folder.parent / "result.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return path


def _main(*argv: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = main([str(item) for item in argv], out, err)
    return status, out.getvalue(), err.getvalue()


def test_a_folder_is_read(bundle: Path) -> None:
    with bundle_open(bundle) as opened:
        assert opened.provenance_bytes == (bundle / "provenance.json").read_bytes()
        assert opened.evidence_bytes == (bundle / "evidence.json").read_bytes()
        with opened.artifacts.open("hello") as stream:
            assert stream.read() == FILE


def test_a_tarball_is_unpacked_and_cleared_away(bundle: Path) -> None:
    with bundle_open(_tarball(bundle)) as opened:
        temporary = opened.temporary
        assert temporary is not None
        with opened.artifacts.open("hello") as stream:
            assert stream.read() == FILE
        assert opened.provenance_bytes
    assert not temporary.exists()


def test_evidence_alone_is_read(bundle: Path) -> None:
    with bundle_open(bundle / "evidence.json") as opened:
        assert opened.is_lone_evidence
        assert opened.provenance_bytes is None
        assert list(opened.artifacts.names()) == []


@pytest.mark.parametrize("kind", ["absent", "empty folder", "text", "provenance", "pipe", "broken tarball", "linked document"])
def test_what_is_no_bundle_is_refused_with_status_2(kind: str, bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "thing"
    if kind == "empty folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("hello")
    elif kind == "provenance":
        path.write_bytes((bundle / "provenance.json").read_bytes())
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "broken tarball":
        path.write_bytes(_tarball(bundle).read_bytes()[:100])
    elif kind == "linked document":
        path.mkdir()
        (path / "evidence.json").symlink_to(bundle / "evidence.json")
    with pytest.raises(BundleError):
        bundle_open(path)
    status, out, err = _main(path)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_a_tarball_that_climbs_out_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("../../evil")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(BundleError):
        bundle_open(path)
    assert not (tmp_path.parent / "evil").exists()


def test_a_simulated_bundle_ends_with_status_4(bundle: Path) -> None:
    for path in (bundle, _tarball(bundle)):
        status, out, err = _main(path, "--nonce", NONCE.hex(), NOW)
        assert status == 4
        assert out.startswith("Simulated: signed by a public test key. This proves nothing about hardware.\n")
        assert "PASS    The evidence was made for this request [signed-data.nonce]" in out
        assert err == ""


def test_a_changed_file_ends_with_status_1(bundle: Path) -> None:
    (bundle / "hello").write_bytes(b"another copy")
    status, out, _ = _main(bundle, NOW)
    assert status == 1
    assert "FAIL    hello" in out


def test_another_nonce_ends_with_status_1(bundle: Path) -> None:
    assert _main(bundle, "--nonce", "ff" * 16, NOW)[0] == 1


def test_a_bundle_without_evidence_ends_with_status_4(bundle: Path) -> None:
    (bundle / "evidence.json").unlink()
    status, out, _ = _main(bundle, NOW)
    assert status == 4
    assert out.startswith("Built, not attested")


def test_json_is_the_report(bundle: Path) -> None:
    status, out, _ = _main(bundle, "--json", NOW)
    report = report_from_json(json.loads(out))
    assert report.exit_status == status == 4
    assert out.isascii()


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("--nonce", "xyz", "."),
        ("--nonce", "00" * 16, "."),
        ("--nonce", "ab" * 15, "."),
        ("--nonce", " ".join(["ab"] * 16), "."),
        ("--now", "soon", "."),
        ("--now", "9" * 30, "."),
        ("--now", "9999-12-31T23:59:59-23:59", "."),
        ("--now", "0001-01-01T00:00:00+23:59", "."),
        ("--accept", "."),
        ("--policy", "/nonexistent", "."),
        ("--unknown", "."),
        ("a", "b"),
    ],
)
def test_unusable_arguments_end_with_status_2(argv: tuple[str, ...]) -> None:
    status, out, err = _main(*argv)
    assert (status, out) == (2, "")
    assert err.endswith("\n")


def test_a_policy_that_is_unclear_ends_with_status_2(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"schema": 1}')
    status, _, err = _main(bundle, "--policy", tmp_path / "policy.json")
    assert status == 2
    assert err.startswith("--policy: ")


def test_a_policy_cannot_make_simulated_evidence_confirmed(bundle: Path, tmp_path: Path) -> None:
    measurement = report_make().claims["measurement"]
    entry = PolicyEntry("n", "snp", measurement, "p", "r", "d", kettle_release="1", valid_from=datetime(2026, 1, 1, tzinfo=UTC)).to_json()
    (tmp_path / "policy.json").write_text(json.dumps({"schema": 1, "entries": [entry]}))
    status, out, _ = _main(bundle, "--policy", tmp_path / "policy.json", "--accept-unpinned", NOW)
    assert status == 4
    assert "PASS    The builder image is recognised" in out


def test_times_may_be_seconds_or_dates(bundle: Path) -> None:
    for now in ("1780272000", "2026-06-01", "2026-06-01T02:00:00+02:00"):
        assert "judged at 2026-06-01T00:00:00+00:00" in _main(bundle, "--now", now)[1]


def test_help_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main("--help")[0] == 0
    said = capsys.readouterr().out
    assert "--no-artifacts" in said
    assert "Exit status: 0 confirmed, 1 failed" in said


def test_control_characters_of_documents_are_written_out() -> None:
    assert visible("a\x1b[2J\u202e\n") == "a\\u{1b}[2J\\u{202e}\\u{a}"
    evil = "\x1b]52;c;x\x07\u202e"
    document = changed(document_make(), "subject/0/name", evil)
    document = changed(document, "predicate/buildDefinition/buildType", evil)
    text = report_text(report_make(document))
    assert "\\u{1b}]52;c;x\\u{7}\\u{202e}" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


@pytest.mark.parametrize(
    ("name", "arguments", "status", "words"),
    [
        ("kex", (), 3, "Not established: "),
        ("kex", ("--no-artifacts",), 3, "0 of 1 files checked"),
        ("kex", ("--no-artifacts", "--accept-unpinned"), 0, "builder not recognised"),
        ("kex", ("--accept-unpinned",), 3, "the bytes of kex"),
        ("ripgrep-2026-03", (), 3, "Not established: "),
        ("ripgrep-2026-03", ("--no-artifacts",), 3, "0 of 1 files checked"),
    ],
)
def test_recorded_bundles_end_as_their_list_says(name: str, arguments: tuple[str, ...], status: int, words: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(sample_path("bundles", name), folder)
    for path in (folder, _tarball(folder)):
        found, out, _ = _main(path, NOW, *arguments)
        assert found == status
        assert words in " ".join(out.split())


def test_the_program_starts_without_django(bundle: Path) -> None:
    code = (
        "import sys; sys.modules['django'] = None; from kettle_web.verification.cli import main; "
        f"sys.exit(main([{str(bundle)!r}, {NOW!r}], sys.stdout, sys.stderr))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (4, "")
    done = subprocess.run(
        [sys.executable, "-m", "kettle_web.verification", str(bundle), NOW], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 4


def test_what_the_reader_names_may_be_a_link_but_nothing_inside_a_bundle(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(bundle / "evidence.json")
    assert _main(tmp_path / "link.json")[0] == 4
    (tmp_path / "policy.json").write_text('{"schema": 1, "required_nonce": true}')
    (tmp_path / "policy-link.json").symlink_to("policy.json")
    assert _main(bundle, "--policy", tmp_path / "policy-link.json")[0] != 2
    (bundle / "evidence.json").rename(tmp_path / "evidence.json")
    (bundle / "evidence.json").symlink_to(tmp_path / "evidence.json")
    assert _main(bundle)[0] == 2


@pytest.mark.parametrize(("redirect", "status"), [(">/dev/full", 2), (">&-", 4), (">&- 2>&-", 4), (">/dev/full 2>/dev/full", 2)])
def test_a_report_that_cannot_be_written_is_no_verdict(redirect: str, status: int, bundle: Path) -> None:
    command = f"{sys.executable} -m kettle_web.verification {bundle} {NOW} {redirect}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status
    assert done.stderr.startswith("The report cannot be written: " if status == 2 and "2>" not in redirect else "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("close_early", [False, True])
def test_the_exit_status_survives_poor_terminals_and_closed_pipes(close_early: bool, bundle: Path) -> None:
    (bundle / "artifacts" / "hello").write_bytes(b"another")
    command = [sys.executable, "-m", "kettle_web.verification", str(bundle), NOW]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONIOENCODING": "ascii"}) as process:
        assert process.stdout is not None
        if close_early:
            process.stdout.close()
        else:
            assert process.stdout.read().startswith(b"Failed: \\xabEvery file is the one that was built\\xbb: ")
        assert process.wait(timeout=60) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a", "https://example.org/a"),
        ("https://ex\u0430mple.org:8443/a", "https://xn--exmple-4nf.org:8443/a"),
        ("https://me@ex\u0430mple.org/\u202ea", "https://me@xn--exmple-4nf.org/\\u{202e}a"),
        ("https://[\u0430/", "https://[\u0430/"),
        ("https://" + "\u0430" * 90 + ".org/", "https://" + "\u0430" * 90 + ".org/"),
        ("ä", "ä"),
    ],
)
def test_host_names_are_shown_in_punycode(url: str, shown: str) -> None:
    assert address_shown(url) == shown
