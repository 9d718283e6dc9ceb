"""The look at an archive that the browser takes, run in node: the same modules, the same answers."""

import gzip
import io
import json
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "static" / "js"
TEMPLATE = Path(__file__).resolve().parents[2] / "templates" / "builds" / "_findings.html"
GOOD = {"demo/Cargo.toml": b"[package]", "demo/Cargo.lock": b"version = 3", "demo/.git/HEAD": b"ref: refs/heads/main"}
SECRET = b'[remote "origin"]\n\turl = https://ada:hunter2@example.org/a.git\n'
SCRIPT = """
import { readFile } from "node:fs/promises";
import { preflight } from "./preflight.js";
const [path, limit] = process.argv.slice(2);
const found = await preflight(new File([await readFile(path)], "x"), { limit: Number(limit) });
console.log(JSON.stringify(found));
"""

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def tar_of(files: dict[str, bytes], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=form) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def encrypted(data: bytes) -> bytes:
    """Sets the bit that says so in the directory's first entry."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + bytes([data[at] | 1]) + data[at + 1 :]


@pytest.fixture
def look(tmp_path):
    for name in ("preflight.js", "archive-zip.js", "archive-tar.js", "archive-problem.js"):
        shutil.copy(STATIC / name, tmp_path / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "look.js").write_text(SCRIPT)

    def run(data: bytes, limit: int = 1_500_000) -> dict[str, dict]:
        (tmp_path / "archive").write_bytes(data)
        done = subprocess.run(
            ["node", "look.js", "archive", str(limit)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        )
        return {finding["code"]: finding for finding in json.loads(done.stdout)}

    return run


@pytest.mark.parametrize("pack", [tar_of, zip_of])
class TestBothFormats:
    def test_project_with_lockfile_and_git_is_good(self, look, pack):
        found = look(pack(GOOD))
        assert {code: finding["level"] for code, finding in found.items()} == {"toolchain-cargo": "good", "git": "good"}

    def test_missing_lockfile_is_named(self, look, pack):
        found = look(pack({name: data for name, data in GOOD.items() if "lock" not in name}))
        assert found["lockfile"]["values"] == {"paths": "Cargo.lock"}

    def test_no_toolchain_is_refused(self, look, pack):
        assert look(pack({"a/README": b"", "a/.git/HEAD": b""}))["toolchain"]["level"] == "refuse"

    def test_missing_git_folder_is_said(self, look, pack):
        assert look(pack({"Cargo.lock": b""}))["no-git"]["level"] == "warn"

    def test_password_in_git_config_is_refused(self, look, pack):
        assert look(pack({**GOOD, "demo/.git/config": SECRET}))["credentials"]["level"] == "refuse"

    def test_plain_git_config_is_fine(self, look, pack):
        plain = SECRET.replace(b"ada:hunter2@", b"")
        assert "credentials" not in look(pack({**GOOD, "demo/.git/config": plain}))

    def test_build_outputs_are_named(self, look, pack):
        found = look(pack({**GOOD, "demo/target/release/demo": b"x", "demo/node_modules/a": b""}))
        assert found["outputs"]["values"] == {"paths": "target/, node_modules/"}

    def test_folder_below_the_top_is_no_output(self, look, pack):
        assert "outputs" not in look(pack({**GOOD, "demo/src/target/mod.rs": b""}))

    def test_name_that_leads_out_is_refused(self, look, pack):
        assert look(pack({**GOOD, "demo/../../etc/passwd": b""}))["unsafe"]["level"] == "refuse"

    def test_flake_without_its_lock_is_refused(self, look, pack):
        assert look(pack({"a/flake.nix": b"", "a/b": b""}))["lockfile"]["values"] == {"paths": "flake.lock"}

    def test_more_than_stock_servers_take_is_said(self, look, pack):
        assert look(pack(GOOD), limit=10)["large"]["level"] == "warn"

    def test_cut_off_archive_is_refused(self, look, pack):
        found = look(pack(GOOD)[:-20])
        assert found["truncated"]["level"] == "refuse"


def test_long_names_are_read_in_both_dialects(look):
    deep = "demo/" + "a" * 90 + "/" + "b" * 120 + "/x"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        found = look(tar_of({**GOOD, deep: b"x", "demo/pnpm-lock.yaml": b""}, form=form))
        assert "toolchain-cargo" in found


def test_encrypted_zip_is_refused(look):
    assert look(encrypted(zip_of(GOOD)))["encrypted"]["level"] == "refuse"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"hello", "not-archive"),
        (b"PK\x03\x04" + b"\0" * 100, "truncated"),
        (b"\x1f\x8b" + b"\0" * 100, "truncated"),
        (gzip.compress(b"no tar at all"), "truncated"),
        (gzip.compress(b"x" * 2048), "unreadable"),
        (gzip.compress(b"\0" * 1024), "empty"),
    ],
)
def test_what_is_no_archive_is_refused(look, data, code):
    assert look(data)[code]["level"] == "refuse"


def test_each_finding_has_its_sentence():
    sentences = TEMPLATE.read_text()
    source = (STATIC / "preflight.js").read_text()
    codes = {piece.split('"')[1] for piece in source.split("code: ")[1:] if piece.startswith('"')}
    codes |= {"truncated", "unreadable", "toolchain-cargo", "toolchain-nix", "toolchain-pnpm"}
    assert not [code for code in codes if f'data-finding="{code}"' not in sentences]
