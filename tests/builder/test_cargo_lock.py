"""What Cargo.lock and manifests say, and what is refused in them."""

import os
from pathlib import Path

import pytest

from kettle_web.builder.drivers.base import file_read
from kettle_web.builder.drivers.cargo import CargoDriver
from kettle_web.builder.drivers.cargo_lock import git_urls, lock_dependencies, outside_paths_refuse
from kettle_web.builder.errors import LimitExceeded, SourceError

SUM = "8e60d3430d3a69478ad0993f19238d2df97c507009a52b3c10addcd7f6bcb916"
COMMIT = "0fc9cfa2d7cf98bf1d6c370a5359cd4ac451540a"
REGISTRY = "registry+https://index.example/crates"


def lock(*packages: str) -> bytes:
    return ("version = 4\n" + "".join(f"\n[[package]]\n{package}\n" for package in packages)).encode()


def package(name: str = "one", version: str = "1.0.0", **more: str) -> str:
    return "\n".join(f'{key} = "{value}"' for key, value in {"name": name, "version": version, **more}.items())


def test_packages_are_named_as_kettle_names_them_and_sorted_by_uri() -> None:
    found = lock_dependencies(
        lock(
            package("zip", "2.0.0", source=REGISTRY, checksum=SUM),
            package("mine"),
            package("git-one", "0.2.0", source=f"git+https://host.example/a/b?branch=x y#{COMMIT}"),
            package("aho-corasick", "1.1.3", source="sparse+https://index.example/", checksum=SUM),
        )
    )
    assert [(one.uri, one.algorithm, one.digest) for one in found] == [
        (f"pkg:cargo/aho-corasick@1.1.3?checksum=sha256:{SUM}", "sha256", SUM),
        (f"pkg:cargo/git-one@0.2.0?vcs_url=git+https://host.example/a/b%3Fbranch=x%20y@{COMMIT}", "gitCommit", COMMIT),
        (f"pkg:cargo/zip@2.0.0?checksum=sha256:{SUM}", "sha256", SUM),
    ]


def test_a_lockfile_of_members_only_has_no_dependencies() -> None:
    assert lock_dependencies(lock(package("mine"))) == ()
    assert lock_dependencies(b"") == ()


@pytest.mark.parametrize(
    "text",
    [
        lock(package(source=REGISTRY)),
        lock(package(source=REGISTRY, checksum="ab")),
        lock(package(source="git+https://host.example/a/b")),
        lock(package(source="git+https://host.example/a/b#main")),
        lock(package(source="path+file:///etc")),
        lock('name = "one"'),
        lock('name = 1\nversion = "1"'),
        b"package = 5",
        b"package = [5]",
        b"not toml [",
        b"\xff",
        b"a = " + b"[" * 5000,
    ],
)
def test_what_nothing_pins_is_refused(text: bytes) -> None:
    with pytest.raises(SourceError):
        lock_dependencies(text)


def test_addresses_of_git_sources_are_given_without_query_and_commit() -> None:
    text = lock(package(source=f"git+https://host.example/a/b?rev=1#{COMMIT}"), package(source=f"git+https://host.example/a/b#{COMMIT}"))
    assert git_urls(text) == ["https://host.example/a/b"]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('[dependencies]\na = { path = "../a" }', True),
        ('[dependencies]\na = { path = "/a" }', True),
        ('[build-dependencies.a]\npath = "x/../../a"', True),
        ('[target."cfg(unix)".dev-dependencies]\na = { path = ".." }', True),
        ('[workspace.dependencies]\na = { path = "../../a" }', True),
        ('[patch."https://host.example"]\na = { path = "../a" }', True),
        ('[replace]\n"a:1.0.0" = { path = "../a" }', True),
        ('[dependencies]\na = { path = "inner/a" }\nb = "1"\n[lib]\npath = "../lib.rs"', False),
        ('[patch.crates-io]\na = { path = "vendor/a" }', False),
        ("[dependencies]\npath = '1.0'", False),
    ],
)
def test_paths_out_of_the_project_are_refused(text: str, refused: bool, tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text(text)
    if refused:
        with pytest.raises(SourceError, match="outside"):
            outside_paths_refuse(tmp_path)
    else:
        outside_paths_refuse(tmp_path)


def test_members_may_name_one_another(tmp_path: Path) -> None:
    (tmp_path / "crates" / "one").mkdir(parents=True)
    (tmp_path / "crates" / "one" / "Cargo.toml").write_text('[dependencies]\ntwo = { path = "../two" }')
    outside_paths_refuse(tmp_path)


def test_links_and_oversized_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "Cargo.lock").symlink_to("secret")
    with pytest.raises(SourceError, match="regular"):
        file_read(tmp_path / "Cargo.lock", max_bytes=10)
    with pytest.raises(SourceError, match="larger"):
        file_read(tmp_path / "secret", max_bytes=0)


def artifacts(project: Path) -> list[str]:
    names: list[str] = []

    def take(name: str, descriptor: int) -> None:
        os.close(descriptor)
        names.append(name)

    CargoDriver().artifacts(project, take)
    return names


def test_artifacts_are_plain_programs_only(tmp_path: Path) -> None:
    release = tmp_path / "target" / "release"
    (release / "deps").mkdir(parents=True)
    for name in ("tool", "tool.exe", "tool.d", ".hidden", "lib.so", "bad\nname"):
        (release / name).write_text("x")
    (release / "link").symlink_to("tool")
    os.mkfifo(release / "pipe")
    assert artifacts(tmp_path) == ["tool", "tool.exe"]


def test_too_many_artifacts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "target" / "release").mkdir(parents=True)
    for number in range(1001):
        (tmp_path / "target" / "release" / str(number)).touch()
    with pytest.raises(LimitExceeded):
        artifacts(tmp_path)
