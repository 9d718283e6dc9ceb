"""Real builds with pnpm: dependencies from a registry, no script while there is network, one archive of dist/."""

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from kettle_web.builder.sample import NODE, sample_archive, sample_files, sample_git_tree
from kettle_web.builder.toolchain_node import pnpm_toolchain
from kettle_web.builder.toolchains import tool_sha256
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.statement import statement_parse
from kettle_web.verification.cli import main
from tests.builder.npm_registry import npm_registry
from tests.builder.running import NONCE, Builder, archive, builder_running, encoded

pytestmark = [pytest.mark.needs("pnpm", "bwrap")]

EMPTY_LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"


def plain(build: str, **more: str) -> dict[str, str]:
    manifest = {"name": "plain", "version": "1.0.0", "private": True, "scripts": {"build": build}}
    return {"package.json": json.dumps(manifest), "pnpm-lock.yaml": EMPTY_LOCK} | more


def test_a_project_with_dependencies_is_built_and_verified(tmp_path: Path, data: Path) -> None:
    with npm_registry(tmp_path / "registry") as registry, builder_running(data, "--allow-source-host", "127.0.0.1") as allowed:
        files = registry.project() | {"dist/smuggled": "evil", "node_modules/is-kettle/index.js": "evil"}
        job_id = allowed.submit_files(files)
        events = allowed.events(job_id)
        assert events[-1]["result"] == {"status": "ok"}, events
        assert any("built with steam" in event.get("msg", "") for event in events)
        result = allowed.result(job_id)
        (tmp_path / "result.tar.gz").write_bytes(allowed.http.get(f"/build/{job_id}/result").content)
        again = allowed.submit_files(files)
        assert allowed.outcome(again) == {"status": "ok"}
        second = allowed.result(again)
    with tarfile.open(fileobj=io.BytesIO(result["project/artifacts/dist.tar.gz"])) as archive:
        assert {head.name for head in archive} == {"dist", "dist/said.txt"}
    statement = statement_parse(result["project/provenance.json"])
    tools = pnpm_toolchain()
    assert (statement.toolchain, statement.build_command) == ("pnpm", "pnpm install --frozen-lockfile && pnpm build")
    assert list(statement.tools) == ["pnpm", "node", "kettle"]
    assert statement.tools["node"].digest_text == tool_sha256(tools.node)
    assert (statement.tools["pnpm"].version, statement.tools["pnpm"].digest_text) == (tools.pnpm_version, tool_sha256(tools.program))
    assert statement.lockfile_sha256 == hashlib.sha256(files["pnpm-lock.yaml"].encode()).hexdigest()
    assert [one.uri for one in statement.dependencies] == [f"pkg:npm/is-kettle@1.0.0?checksum={registry.integrity}"]
    assert statement.merkle_root == merkle_root(merkle_leaves(statement)).hex()
    # The second build of the same files: the same root, and the same bytes in the archive.
    assert statement_parse(second["project/provenance.json"]).merkle_root == statement.merkle_root
    assert second["project/artifacts/dist.tar.gz"] == result["project/artifacts/dist.tar.gz"]
    out, err = io.StringIO(), io.StringIO()
    assert main([str(tmp_path / "result.tar.gz"), "--nonce", NONCE], out, err) == 4, out.getvalue()


def test_no_code_of_the_project_runs_while_there_is_network(tmp_path: Path, data: Path) -> None:
    """A pnpmfile that would run in the fetch, and a proxy of the project's own choice, change nothing there."""
    with npm_registry(tmp_path / "registry") as registry, builder_running(data, "--allow-source-host", "127.0.0.1") as allowed:
        look = 'console.log("routes: " + require("fs").readFileSync("/proc/net/route", "utf8").trim().split("\\n").length);'
        npmrc = f"registry={registry.address}/\nhttps-proxy=http://127.0.0.1:1\nproxy=http://127.0.0.1:1\nnoproxy=*\n"
        job_id = allowed.submit_files(registry.project() | {".pnpmfile.cjs": look, ".npmrc": npmrc})
        said = [event.get("msg", "") for event in allowed.events(job_id)]
    assert {line for line in said if line.startswith("routes: ")} == {"routes: 1"}, said


def test_a_registry_that_is_not_public_is_not_asked(tmp_path: Path, builder: Builder) -> None:
    with npm_registry(tmp_path / "registry") as registry:
        outcome = builder.outcome(builder.submit_files(registry.project(**{".npmrc": f"registry={registry.address}\nfetch-retries=0\n"})))
    assert outcome["error_type"] == "SourceError"
    assert "could not be fetched" in outcome["error"]


def test_a_package_with_other_bytes_is_refused(tmp_path: Path, data: Path) -> None:
    with npm_registry(tmp_path / "registry") as registry, builder_running(data, "--allow-source-host", "127.0.0.1") as allowed:
        lock = registry.project()["pnpm-lock.yaml"].replace(registry.integrity, "sha512-" + "A" * 86 + "==")
        outcome = allowed.outcome(allowed.submit_files(registry.project(**{"pnpm-lock.yaml": lock})))
    assert outcome["error_type"] == "SourceError"


def test_builds_that_fail_say_so(builder: Builder) -> None:
    outcome = builder.outcome(builder.submit_files(plain("exit 3")))
    assert (outcome["error_type"], outcome["error"].startswith("pnpm build failed")) == ("BuildFailed", True)
    outcome = builder.outcome(builder.submit_files(plain("mkdir dist && ln -s /etc/passwd dist/passwd")))
    assert (outcome["error_type"], "leads out" in outcome["error"]) == ("BuildFailed", True)
    stale = plain("true") | {"package.json": json.dumps({"name": "x", "dependencies": {"is-odd": "1.0.0"}})}
    assert builder.outcome(builder.submit_files(stale))["error"].startswith("pnpm install failed")


def test_the_sample_for_machines_without_rust_is_built_without_walls_too(tmp_path: Path, data: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "sh", "node", "pnpm"):
        (tools / name).symlink_to(Path(shutil.which(name) or name).resolve())
    with builder_running(data, environ={"PATH": str(tools)}) as bare:
        job_id = bare.submit(source_data=encoded(sample_archive(NODE)))
        assert bare.outcome(job_id) == {"status": "ok"}
        result = bare.result(job_id)
        forged = {"project/" + name: data for name, data in sample_files(NODE).items()} | {"project/build.js": b"evil()"}
        outcome = bare.outcome(bare.submit(source_data=encoded(archive(forged, ""))))
        assert outcome["error_type"] == "SandboxError"
    assert sorted(result) == [f"{NODE.name}/{name}" for name in ("artifacts/dist.tar.gz", "evidence.json", "provenance.json")]
    assert statement_parse(result[f"{NODE.name}/provenance.json"]).git_tree == sample_git_tree(NODE)


def test_a_project_without_lockfile_is_refused(builder: Builder) -> None:
    files = plain("true")
    del files["pnpm-lock.yaml"]
    assert builder.outcome(builder.submit_files(files))["error_type"] == "LockfileMissing"
