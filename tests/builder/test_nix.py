"""Real builds of flakes without network, and fetches through the way out."""

import base64
import hashlib
import io
import platform
from pathlib import Path

import pytest

from kettle_web.builder.toolchains import nix_toolchain, tool_sha256
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.statement import Statement, statement_parse
from kettle_web.verification.cli import main
from tests.builder.file_host import file_host
from tests.builder.githost import git_host, repository_make
from tests.builder.running import NONCE, Builder, builder_running

pytestmark = [pytest.mark.needs("nix", "bwrap")]

LOCK = '{"nodes": {"root": {}}, "root": "root", "version": 7}'
FLAKE = """{
  outputs = { self }: {
    packages.%(system)s.default = derivation {
      name = "hello"; system = "%(system)s"; builder = "/bin/sh"; %(more)s
      args = [ "-c" ''%(script)s'' ];
    };
  };
}
"""
SCRIPT = "/bin/mkdir -p $out/bin; echo hello > $out/bin/hello; /bin/ln -s hello $out/bin/again; /bin/ln -s /etc/hostname $out/bin/evil"


def flake(script: str = SCRIPT, more: str = "") -> str:
    return FLAKE % {"system": f"{platform.machine()}-linux", "script": script, "more": more}


def statement_of(builder: Builder, job_id: str, name: str = "project") -> Statement:
    return statement_parse(builder.result(job_id)[f"{name}/provenance.json"])


def test_a_flake_without_inputs_is_built_offline(builder: Builder, tmp_path: Path) -> None:
    job_id = builder.submit_files({"flake.nix": flake(), "flake.lock": LOCK, "result": "smuggled"})
    assert builder.outcome(job_id) == {"status": "ok"}
    result = builder.result(job_id)
    assert {name for name in result if "/artifacts/" in name} == {"project/artifacts/again", "project/artifacts/hello"}
    assert result["project/artifacts/hello"] == b"hello\n"
    statement = statement_of(builder, job_id)
    assert (statement.toolchain, statement.lockfile_sha256) == ("nix", hashlib.sha256(LOCK.encode()).hexdigest())
    assert statement.build_command.startswith("nix build --no-link --")
    assert statement.tools["nix"].digest_text == tool_sha256(nix_toolchain().nix)
    internal = statement.document["predicate"]["buildDefinition"]["internalParameters"]
    assert list(internal) == ["evaluation", "flakeInputs", "lockfileHash", "toolchain"]
    assert internal["evaluation"] == {"derivationCount": 1, "fetchCount": 0}
    assert statement.merkle_root == merkle_root(merkle_leaves(statement)).hex()
    (tmp_path / "result.tar.gz").write_bytes(builder.http.get(f"/build/{job_id}/result").content)
    out, err = io.StringIO(), io.StringIO()
    assert main([str(tmp_path / "result.tar.gz"), "--nonce", NONCE], out, err) == 4, out.getvalue()


def test_two_builds_of_one_commit_have_one_merkle_root(builder: Builder) -> None:
    files = {"flake.nix": flake(), "flake.lock": LOCK}
    first, second = (statement_of(builder, job) for job in [builder.submit_files(files) for _ in range(2)] if builder.outcome(job))
    assert first.merkle_root == second.merkle_root
    assert first.invocation_id != second.invocation_id


def test_a_flake_that_fails_says_so(builder: Builder) -> None:
    outcome = builder.outcome(builder.submit_files({"flake.nix": flake("exit 3"), "flake.lock": LOCK}))
    assert (outcome["error_type"], outcome["error"].startswith("nix build failed")) == ("BuildFailed", True)
    outcome = builder.outcome(builder.submit_files({"flake.nix": "{ outputs = ", "flake.lock": LOCK}))
    assert outcome["error"].startswith("The flake could not be evaluated")
    outcome = builder.outcome(builder.submit_files({"flake.nix": flake("/bin/mkdir $out"), "flake.lock": LOCK}))
    assert "made no program" in outcome["error"]


def test_a_flake_without_lockfile_is_refused(builder: Builder) -> None:
    assert builder.outcome(builder.submit_files({"flake.nix": flake()}))["error_type"] == "LockfileMissing"


def test_a_shallow_clone_is_built_with_its_fetches(tmp_path: Path, data: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "tea").write_text("leaves")
    digest = "sha256-" + base64.b64encode(hashlib.sha256(b"leaves").digest()).decode()
    with file_host(tmp_path / "files") as files, git_host(tmp_path / "host") as address:
        fetch = f'tea = import <nix/fetchurl.nix> {{ url = "{files}/tea"; hash = "{digest}"; }};'
        text = flake("/bin/mkdir -p $out/bin; /bin/cp $tea $out/bin/tea", fetch)
        repository_make(tmp_path / "host" / "kettle", {"flake.nix": text, "flake.lock": LOCK})
        with builder_running(data, "--allow-source-host", "127.0.0.1") as allowed:
            job_id = allowed.submit(repo_url=f"{address}/kettle")
            assert allowed.outcome(job_id) == {"status": "ok"}, allowed.events(job_id)
            assert allowed.result(job_id)["kettle/artifacts/tea"] == b"leaves"
            statement = statement_of(allowed, job_id, "kettle")
    (dependency,) = statement.dependencies
    assert dependency.name == "tea"
    internal = statement.document["predicate"]["buildDefinition"]["internalParameters"]
    assert internal["evaluation"] == {"derivationCount": 2, "fetchCount": 1}
    (entry,) = statement.document["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert list(entry) == ["annotations", "digest", "name", "uri"]
    assert entry["annotations"]["url"] == f"{files}/tea"
    assert statement.merkle_root == merkle_root(merkle_leaves(statement)).hex()


def test_a_script_that_fetches_has_no_network(tmp_path: Path, builder: Builder) -> None:
    """A fixed-output derivation is code of the project: nix would give it the network, the walls do not."""
    more = 'outputHashAlgo = "sha256"; outputHashMode = "flat"; outputHash = "sha256-' + "A" * 43 + '=";'
    script = "/usr/bin/wc -l < /proc/net/route > $out; echo routes: $(/usr/bin/wc -l < /proc/net/route) >&2; exit 1"
    events = builder.events(builder.submit_files({"flake.nix": flake(script, more), "flake.lock": LOCK}))
    assert events[-1]["result"]["error_type"] == "BuildFailed"
    # The heading alone, no route.
    assert any("routes: 1" in event.get("msg", "") for event in events)
