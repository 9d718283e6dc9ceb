"""pnpm-lock.yaml of every generation, .npmrc, and folders as archives."""

import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from kettle_web.builder.drivers.folder_tar import MAX_DEPTH, folder_tar
from kettle_web.builder.drivers.npmrc import registries
from kettle_web.builder.drivers.pnpm_lock import pnpm_lock_read
from kettle_web.builder.errors import BuildFailed, LimitExceeded, SourceError
from kettle_web.provenance.dependencies import dependency_contradiction

SRI = "sha512-CQpnWPrDwmP1+SMHXZhtLtJv90yiyVfluGsX5iNCVkrhQtU3TQHsUWPG9wkdk9Lgd5yNpAg9jQEo90CBaXgWMA=="
COMMIT = "1c30d7d7e76a3b0aa120b04dc6a26f5a12dccf67"
TARBALL = f"https://codeload.github.com/o/r/tar.gz/{COMMIT}"


def lock(*packages: str, version: str = "'9.0'") -> bytes:
    return (f"lockfileVersion: {version}\n\npackages:\n" + "".join(f"\n  {package}\n" for package in packages)).encode()


def entry(key: str, resolution: str = f"{{integrity: {SRI}}}", **more: str) -> str:
    return "\n    ".join([f"'{key}':", f"resolution: {resolution}", *(f"{name}: {value}" for name, value in more.items())])


@pytest.mark.parametrize(
    ("version", "key", "name", "number"),
    [
        ("'9.0'", "is-odd@3.0.1", "is-odd", "3.0.1"),
        ("'9.0'", "@types/node@20.1.0", "@types/node", "20.1.0"),
        ("'9.0'", "a@1.0.0(b@2.0.0)(@c/d@3.0.0)", "a", "1.0.0"),
        ("'6.0'", "/is-odd@3.0.1", "is-odd", "3.0.1"),
        ("'6.1'", "/@types/node@20.1.0(typescript@5.0.0(x@1))", "@types/node", "20.1.0"),
        ("5.4", "/is-odd/3.0.1", "is-odd", "3.0.1"),
        ("5.4", "/@types/node/20.1.0_typescript@5.0.0", "@types/node", "20.1.0"),
        ("5.3", "/a/1.0.0-beta.1_b@2.0.0+c@3.0.0", "a", "1.0.0-beta.1"),
        ("5.1", "registry.example/@s/a/1.0.0", "@s/a", "1.0.0"),
    ],
)
def test_keys_of_every_generation_are_named_as_kettle_names_them(version: str, key: str, name: str, number: str) -> None:
    (found,) = pnpm_lock_read(lock(entry(key), version=version)).dependencies
    assert (found.name, found.uri) == (name, f"pkg:npm/{name}@{number}?checksum={SRI}")
    assert (found.algorithm, found.digest) == ("sha512", SRI)


@pytest.mark.parametrize(
    ("version", "key", "more"),
    [
        ("'9.0'", f"@s/a@{TARBALL}", {"version": "2.0.1"}),
        ("'6.0'", f"github.com/o/r/{COMMIT}", {"name": "'@s/a'", "version": "2.0.1"}),
        ("5.4", f"github.com/o/r/{COMMIT}", {"name": "'@s/a'", "version": "2.0.1"}),
    ],
)
def test_a_commit_of_github_is_named_by_its_tarball(version: str, key: str, more: dict[str, str]) -> None:
    read = pnpm_lock_read(lock(entry(key, f"{{tarball: {TARBALL}}}", **more), version=version))
    (found,) = read.dependencies
    assert (found.name, found.uri, found.algorithm, found.digest) == ("@s/a", TARBALL, "sha512", COMMIT)
    assert read.git_hosted


def test_a_tarball_of_elsewhere_needs_a_digest_and_takes_its_version_from_the_entry() -> None:
    resolution = f"{{integrity: {SRI}, tarball: https://host.example/a.tgz}}"
    (found,) = pnpm_lock_read(lock(entry("a@https://host.example/a.tgz", resolution, version="1.2.3"))).dependencies
    assert found.uri == f"pkg:npm/a@1.2.3?checksum={SRI}"


def test_dependencies_are_sorted_and_members_left_out() -> None:
    read = pnpm_lock_read(lock(entry("b@1.0.0"), entry("m@file:packages/m", "{directory: packages/m, type: directory}"), entry("a@2.0.0")))
    assert [one.name for one in read.dependencies] == ["a", "b"]
    assert not read.git_hosted


def test_no_packages_are_no_dependencies() -> None:
    assert pnpm_lock_read(b"lockfileVersion: '9.0'\n").dependencies == ()
    assert pnpm_lock_read(b"lockfileVersion: 5.4\npackages: {}\n").dependencies == ()


def test_packages_of_all_documents_count() -> None:
    both = b"---\n" + lock(entry("a@1.0.0")) + b"---\n" + lock(entry("b@1.0.0"))
    assert [one.name for one in pnpm_lock_read(both).dependencies] == ["a", "b"]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", b"5", b"[]", b"a: [", b"lockfileVersion: '4.0'", b"lockfileVersion: '9.0'\npackages: []\n---\n[]",
        b"lockfileVersion: '9.0'\npackages: [a]", b"lockfileVersion: '9.0'\nlockfileVersion: '9.0'",
        lock("a@1.0.0: 5"), lock("a@1.0.0: {}"), lock(entry("a@1.0.0", "{}")), lock(entry("a@1.0.0", "{integrity: main}")),
        lock(entry("a@1.0.0"), entry("a@1.0.0")), lock(entry("@s")), lock(entry("a")), lock(entry("/a/1/2/3"), version="5.4"),
        lock(entry(f"a@{TARBALL[:-1]}", f"{{tarball: {TARBALL[:-1]}}}")), lock(entry("a@1", "{type: git, repo: x, commit: y}")),
        lock(entry("a@file:../a", "{directory: ../a, type: directory}")), lock(entry("a@file:/a", "{directory: /a, type: directory}")),
        lock(entry("a@1", "{tarball: 'https://host.example/a.tgz'}")), b"a: " + b"[" * 50_000, b"a: " + b"{a: " * 50_000,
    ],
)  # fmt: skip
def test_what_nothing_pins_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError):
        pnpm_lock_read(data)


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["lockfileVersion: '9.0'", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    with pytest.raises(SourceError, match="aliases"):
        pnpm_lock_read("\n".join(lines).encode())


def test_a_real_lockfile(samples: Path) -> None:
    started = time.monotonic()
    data = (samples / "pnpm-lock.yaml").read_bytes()
    read = pnpm_lock_read(data)
    assert time.monotonic() - started < 10
    assert len(read.dependencies) == data.count(b"\n    resolution: {") > 1_000
    by_name = {one.name: one.uri for one in read.dependencies}
    assert by_name["abbrev"] == (
        "pkg:npm/abbrev@1.1.1?checksum=sha512-nne9/IiQ/hzIhY6pdDnbBtz7DjPTKrY00P/zvPSm5pOFkl6xuGrGnXn/VtTNNfNtAfZ9/1RtehkszU9qcTii0Q=="
    )
    assert by_name["@whiskeysockets/libsignal-node"] == f"https://codeload.github.com/whiskeysockets/libsignal-node/tar.gz/{COMMIT}"
    assert not any(dependency_contradiction(one.uri, one.name, one.algorithm, one.digest) for one in read.dependencies)
    assert list(read.dependencies) == sorted(read.dependencies, key=lambda one: one.uri)


def test_only_addresses_of_registries_are_taken_from_npmrc(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text(
        "registry=https://one.example/npm/\n@s:registry = \"http://two.example:80\"\nhttps-proxy=http://evil.example\nnoproxy=*\n"
        "//one.example/:_authToken=secret\nregistry=https://user:secret@three.example/\nregistry=${HOME}\nregistry=file:///etc\n"
        "node-options=--require=./evil.js\nscript-shell=/bin/evil\n"
    )  # fmt: skip
    assert registries(tmp_path) == ["registry=https://one.example/npm/", "@s:registry=http://two.example:80"]
    (tmp_path / ".npmrc").unlink()
    assert registries(tmp_path) == []
    (tmp_path / ".npmrc").symlink_to("/etc/hostname")
    assert registries(tmp_path) == []


def packed(parent: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(mode="w", fileobj=buffer, format=tarfile.PAX_FORMAT) as archive:
        assert folder_tar(parent, "dist", archive)
    return buffer.getvalue()


def test_the_same_files_give_the_same_bytes_whenever_they_were_made(tmp_path: Path) -> None:
    for number, names in enumerate((["b", "a"], ["a", "b"])):
        dist = tmp_path / str(number) / "dist"
        (dist / "sub").mkdir(parents=True)
        for name in names:
            (dist / name).write_text(name)
        (dist / "sub" / "tool").write_text("#!")
        (dist / "sub" / "tool").chmod(0o750)
        (dist / "link").symlink_to("sub/tool")
        (dist / "sub" / "up").symlink_to("../a")
        os.utime(dist / "a", (number, number))
    first = packed(tmp_path / "0")
    assert first == packed(tmp_path / "1")
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        heads = {head.name: (head.mode, head.mtime, head.uid, head.linkname) for head in archive}
    assert list(heads) == ["dist", "dist/a", "dist/b", "dist/link", "dist/sub", "dist/sub/tool", "dist/sub/up"]
    assert (heads["dist/a"], heads["dist/sub/tool"]) == ((0o644, 0, 0, ""), (0o755, 0, 0, ""))
    assert (heads["dist/link"][3], heads["dist/sub/up"][3]) == ("sub/tool", "../a")


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "../x", "sub/../../x", "sub/.."])
def test_a_link_that_leads_out_is_an_error(target: str, tmp_path: Path) -> None:
    (tmp_path / "dist" / "sub").mkdir(parents=True)
    (tmp_path / "dist" / "link").symlink_to(target)
    with pytest.raises(BuildFailed, match="leads out"):
        packed(tmp_path)


def test_what_is_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed):
        packed(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "dist").symlink_to("real")
    with pytest.raises(BuildFailed):
        packed(tmp_path)


def test_pipes_and_depths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    os.mkfifo(tmp_path / "dist" / "pipe")
    with pytest.raises(BuildFailed, match="neither"):
        packed(tmp_path)
    (tmp_path / "dist" / "pipe").unlink()
    (tmp_path / "dist" / "/".join("d" * (MAX_DEPTH + 1))).mkdir(parents=True)
    with pytest.raises(LimitExceeded):
        packed(tmp_path)
