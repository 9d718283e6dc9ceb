"""Names, identities, settings of git, toolchains, the document's order."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kettle_web.builder.document import Artifact, Made, build_type, document_make, own_sha256, provenance_make, report_data
from kettle_web.builder.drivers.base import Dependency, Inputs, Tool
from kettle_web.builder.errors import SourceError, ToolchainMissing
from kettle_web.builder.sources import Identity, git_environment, identity_read, project_name
from kettle_web.builder.toolchains import cargo_toolchain, toolchain_advice, toolchains_found
from kettle_web.provenance.statement import statement_parse

COMMIT, TREE = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("repo_url", "folder", "source_name", "expected"),
    [
        ("https://host.example/owner/tool.git", "x", "y", "tool"),
        ("https://host.example/owner/tool/", "", "", "tool"),
        ("", "top", "name.zip", "top"),
        ("", "", "My Thing.tar.gz", "My-Thing"),
        ("", "", "C:\\a\\b.zip", "b"),
        ("", "", "../..", "kettle-build"),
        ("", "", "", "kettle-build"),
        ("", "é" * 300, "", "kettle-build"),
        ("", "a" * 300, "", "a" * 80),
    ],
)
def test_the_result_is_named_after_the_project(repo_url: str, folder: str, source_name: str, expected: str) -> None:
    assert project_name(repo_url=repo_url, folder=folder, source_name=source_name) == expected


def test_an_identity_needs_commit_and_tree() -> None:
    assert identity_read([COMMIT, TREE], "") == Identity(COMMIT, TREE, "")
    for said in ([], [COMMIT], [COMMIT, "HEAD^{tree}"], [COMMIT, TREE, TREE]):
        with pytest.raises(SourceError):
            identity_read(said, "")


@pytest.mark.parametrize(
    "uri",
    [
        "https://me:pw@host.example/x",
        "https://token@host.example/x",
        "http://[x",
        "ssh://a:b@host.example/x",
        "https://x/\x1b[2J",
        "x" * 3000,
    ],
)
def test_an_origin_with_credentials_or_of_odd_shape_is_never_signed(uri: str) -> None:
    with pytest.raises(SourceError, match=r"origin in \.git/config"):
        identity_read([COMMIT, TREE], uri)


def test_an_origin_by_ssh_keeps_its_user() -> None:
    assert identity_read([COMMIT, TREE], "git@host.example:a/b.git").uri == "git@host.example:a/b.git"


def test_git_is_told_in_its_environment_what_is_off() -> None:
    environment = git_environment("http://127.0.0.1:1")
    count = int(environment["GIT_CONFIG_COUNT"])
    told = {environment[f"GIT_CONFIG_KEY_{n}"]: environment[f"GIT_CONFIG_VALUE_{n}"] for n in range(count)}
    assert told["protocol.allow"] == "never"
    assert told["http.proxy"] == "http://127.0.0.1:1"
    assert environment["GIT_TERMINAL_PROMPT"] == "0"
    assert "http.proxy" not in git_environment().values()


def made(**more: object) -> Made:
    values: dict[str, object] = {
        "command": "cargo build --locked --release",
        "identity": Identity(COMMIT, TREE, "https://host.example/ü"),
        "inputs": Inputs(
            tools={"cargo": Tool("cargo 1", "c" * 64), "rustc": Tool("rustc 1", "d" * 64)},
            lockfile_sha256="e" * 64,
            dependencies=(Dependency("one", f"pkg:cargo/one@1?checksum=sha256:{'f' * 64}", "sha256", "f" * 64),),
        ),
        "artifacts": [Artifact("tool", "1" * 64, 5)],
        "started_on": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "finished_on": datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
        "random_hex": "0123abcd",
    }
    return Made(**(values | more))  # type: ignore[arg-type]


def keys(value: object, prefix: str = "") -> list[str]:
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in (f"{prefix}/{key}", *keys(inner, f"{prefix}/{key}"))]
    if isinstance(value, list):
        return keys(value[0], f"{prefix}[]") if value else []
    return []


def test_the_document_has_the_order_of_a_real_one(samples: Path) -> None:
    real = json.loads((samples / "bundles" / "ripgrep-2026-03" / "provenance.json").read_bytes())
    assert keys(json.loads(provenance_make(made()))) == keys(real)


@pytest.mark.parametrize("bundle", ["ripgrep-2026-03", "kex"])
def test_the_data_of_a_real_document_serialised_by_us_gives_its_very_bytes(samples: Path, bundle: str) -> None:
    real = (samples / "bundles" / bundle / "provenance.json").read_bytes()
    said = statement_parse(real)
    tools = {name: Tool(tool.version, tool.digest_text) for name, tool in said.tools.items()}
    kettle = tools.pop("kettle")
    again = Made(
        command=said.build_command,
        identity=Identity(said.git_commit, said.git_tree, said.source_uri),
        inputs=Inputs(
            tools=tools,
            lockfile_sha256=said.lockfile_sha256,
            dependencies=tuple(Dependency(one.name, one.uri, one.digest_algorithm, one.digest_text) for one in said.dependencies),
        ),
        artifacts=[Artifact(one.name, one.sha256_hex, 0) for one in said.subjects],
        started_on=said.started_on,
        finished_on=said.finished_on,  # type: ignore[arg-type]
        random_hex=said.invocation_id.rpartition("-")[2],
        build_type=build_type("legacy", said.toolchain),
    )
    assert document_make(again, builder_id=said.builder_id, kettle=kettle) == real


def test_both_generations_of_build_types() -> None:
    assert statement_parse(provenance_make(made())).build_type == "https://confidential.ai/attested-builds/v1"
    legacy = statement_parse(provenance_make(made(build_type=build_type("legacy", "cargo"))))
    assert (legacy.build_type, legacy.toolchain) == ("https://lunal.dev/kettle/cargo@v1", "cargo")


def test_the_document_is_parsed_by_our_own_verifier() -> None:
    data = provenance_make(made())
    statement = statement_parse(data)
    assert statement.invocation_id == "build-20260102-030405-0123abcd"
    assert b'"startedOn": "2026-01-02T03:04:05.000006+00:00"' in data
    assert "ü".encode() in data
    assert not data.endswith(b"\n")
    assert b"lunal.dev/kettle-tee" not in data


def test_equal_inputs_give_the_equal_root_and_others_another() -> None:
    roots = {statement_parse(provenance_make(one)).merkle_root for one in (made(), made(random_hex="99999999"))}
    other = statement_parse(provenance_make(made(identity=Identity(TREE, TREE, "")))).merkle_root
    assert len(roots) == 1
    assert other not in roots


def test_report_data_is_48_bytes() -> None:
    data = report_data(b"x", bytes(range(16)))
    assert (len(data), data[32:]) == (48, bytes(range(16)))
    assert len(own_sha256()) == 64


@pytest.mark.needs("cargo")
def test_the_real_tools_are_found_and_not_the_shims() -> None:
    found = cargo_toolchain()
    assert found.cargo.name == "cargo"
    assert found.cargo.read_bytes() != Path(shutil.which("rustup") or os.devnull).resolve().read_bytes()
    assert toolchains_found()["cargo"] == str(found.cargo)


def test_a_missing_toolchain_comes_with_advice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    assert toolchains_found() == {"cargo": None, "nix": None, "pnpm": None}
    with pytest.raises(ToolchainMissing, match="rustup"):
        cargo_toolchain()
    assert toolchain_advice("cargo")
    assert toolchain_advice("unknown") == ""
