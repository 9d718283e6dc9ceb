"""Real builds with cargo, over HTTP: documents, evidence, results."""

import base64
import hashlib
import io
import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from kettle_web.builder.document import BUILDER_ID
from kettle_web.builder.sample import SAMPLE_NAME, sample_archive, sample_git_tree
from kettle_web.builder.toolchains import cargo_toolchain, tool_sha256
from kettle_web.provenance.merkle import merkle_leaves, merkle_root
from kettle_web.provenance.statement import statement_parse
from kettle_web.verification.cli import main
from tests.builder.githost import git_host, repository_commit, repository_make
from tests.builder.running import NONCE, Builder, archive, builder_running, crate, encoded, sample_with

pytestmark = [pytest.mark.needs("cargo", "bwrap")]


@pytest.fixture(scope="module")
def sample_job(builder: Builder) -> str:
    return builder.submit(source_data=encoded(sample_archive()), source_name="hello.tar.gz")


def test_the_sample_goes_through_every_phase_in_order(builder: Builder, sample_job: str) -> None:
    events = builder.events(sample_job)
    assert events[-1] == {"type": "complete", "result": {"status": "ok"}}
    phases = list(dict.fromkeys(event["type"] for event in events))
    assert phases == ["queued", "vm", "init", "detect", "build", "provenance", "attest", "complete"]
    log = "\n".join(event["msg"] for event in events if event["type"] == "build")
    assert "Compiling" in log
    assert "warning" not in log


def test_the_provenance_says_what_was_built_from_what(builder: Builder, sample_job: str) -> None:
    builder.events(sample_job)
    result = builder.result(sample_job)
    statement = statement_parse(result[f"{SAMPLE_NAME}/provenance.json"])
    program = result[f"{SAMPLE_NAME}/artifacts/hello-kettle"]
    assert [(one.name, one.sha256_hex) for one in statement.subjects] == [("hello-kettle", hashlib.sha256(program).hexdigest())]
    assert statement.git_tree == sample_git_tree()
    assert statement.source_uri == ""
    assert statement.builder_id == BUILDER_ID
    assert statement.toolchain == "cargo"
    assert statement.tools["rustc"].digest_text == tool_sha256(cargo_toolchain().rustc)
    assert statement.merkle_root == merkle_root(merkle_leaves(statement)).hex()


def test_the_evidence_signs_digest_and_nonce(builder: Builder, sample_job: str) -> None:
    builder.events(sample_job)
    result = builder.result(sample_job)
    evidence = json.loads(result[f"{SAMPLE_NAME}/evidence.json"])
    assert evidence["platform"] == "snp"
    signed = hashlib.sha256(result[f"{SAMPLE_NAME}/provenance.json"]).digest() + bytes.fromhex(NONCE)
    reports = [base64.b64decode(value) for value in evidence["evidence"].values() if isinstance(value, str) and len(value) > 1000]
    assert any(signed in report for report in reports)


def test_our_verifier_finds_every_link_and_calls_it_simulated(builder: Builder, sample_job: str, tmp_path: Path) -> None:
    builder.events(sample_job)
    (tmp_path / "result.tar.gz").write_bytes(builder.http.get(f"/build/{sample_job}/result").content)
    out, err = io.StringIO(), io.StringIO()
    assert main([str(tmp_path / "result.tar.gz"), "--nonce", NONCE], out, err) == 4, err.getvalue()
    assert "Simulated" in out.getvalue()
    assert "FAIL " not in out.getvalue()
    assert main([str(tmp_path / "result.tar.gz"), "--nonce", "11" * 16], out, err) == 1


def test_the_result_has_its_length_and_ranges(builder: Builder, sample_job: str) -> None:
    builder.events(sample_job)
    whole = builder.http.get(f"/build/{sample_job}/result")
    assert whole.headers["content-type"] == "application/gzip"
    assert int(whole.headers["content-length"]) == len(whole.content)
    part = builder.http.get(f"/build/{sample_job}/result", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])


def test_outputs_that_came_along_are_removed_and_a_missing_history_is_made(builder: Builder) -> None:
    job_id = builder.submit_files(sample_with(**{"target/release/smuggled": "evil"}), "things")
    events = builder.events(job_id)
    said = "\n".join(event["msg"] for event in events if event["type"] == "init")
    assert "Removed target" in said
    assert "was made of its files" in said
    assert events[-1]["result"] == {"status": "ok"}
    result = builder.result(job_id)
    assert {name for name in result if "/artifacts/" in name} == {"things/artifacts/hello-kettle"}
    statement = statement_parse(result["things/provenance.json"])
    assert statement.git_tree == sample_git_tree()


def test_a_build_that_fails_says_so_with_its_log(builder: Builder) -> None:
    events = builder.events(builder.submit_files(crate(main="fn main() { broken }")))
    assert events[-1]["result"]["error_type"] == "BuildFailed"
    assert any("cannot find value" in event.get("msg", "") for event in events)


def test_a_stale_lockfile_fails(builder: Builder) -> None:
    stale = crate() | {"Cargo.lock": "version = 4\n"}
    assert builder.outcome(builder.submit_files(stale))["error_type"] == "BuildFailed"


def test_a_library_without_programs_fails(builder: Builder) -> None:
    files = crate()
    files["src/lib.rs"] = files.pop("src/main.rs")
    assert "made no program" in builder.outcome(builder.submit_files(files))["error"]


def test_the_target_folder_cannot_be_moved_by_the_project(builder: Builder) -> None:
    files = crate() | {".cargo/config.toml": '[build]\ntarget-dir = "elsewhere"\n'}
    assert builder.outcome(builder.submit_files(files))["status"] == "ok"


def test_a_repository_is_cloned_at_branch_tag_and_commit(tmp_path: Path, data: Path) -> None:
    first = repository_make(tmp_path / "host" / "tried", crate())
    second = repository_commit(tmp_path / "host" / "tried", {"src/main.rs": 'fn main() { println!("2"); }'})
    with git_host(tmp_path / "host") as address, builder_running(data, "--allow-source-host", "127.0.0.1") as allowed:
        url = f"{address}/tried"
        for ref, commit in (("", second), ("main", second), (first, first)):
            job_id = allowed.submit(repo_url=url, repo_ref=ref)
            assert allowed.outcome(job_id) == {"status": "ok"}
            statement = statement_parse(allowed.result(job_id)["tried/provenance.json"])
            assert (statement.git_commit, statement.source_uri) == (commit, url)
        outcome = allowed.outcome(allowed.submit(repo_url=url, repo_ref="no-such-branch"))
        assert outcome["error_type"] == "SourceError"
        assert "no-such-branch" in outcome["error"]


def test_git_dependencies_are_fetched_and_named_and_no_project_code_runs_meanwhile(tmp_path: Path, data: Path) -> None:
    library = {"Cargo.toml": '[package]\nname = "lib-of-git"\nversion = "0.2.0"\nedition = "2021"\n', "src/lib.rs": "pub fn f() {}"}
    commit = repository_make(tmp_path / "host" / "library", library)
    with git_host(tmp_path / "host") as address, builder_running(data, "--allow-source-host", "127.0.0.1") as allowed:
        url = f"{address}/library"
        lock = (
            'version = 4\n\n[[package]]\nname = "lib-of-git"\nversion = "0.2.0"\n'
            f'source = "git+{url}#{commit}"\n\n[[package]]\nname = "tried"\nversion = "0.1.0"\ndependencies = [\n "lib-of-git",\n]\n'
        )
        manifest = crate()["Cargo.toml"] + f'[dependencies]\nlib-of-git = {{ git = "{url}" }}\n'
        config = '[build]\nrustc-wrapper = "/bin/false"\n'
        files = crate(main="fn main() { lib_of_git::f() }") | {"Cargo.lock": lock, "Cargo.toml": manifest}
        job_id = allowed.submit_files(files)
        assert allowed.outcome(job_id) == {"status": "ok"}
        statement = statement_parse(allowed.result(job_id)["project/provenance.json"])
        assert [one.uri for one in statement.dependencies] == [f"pkg:cargo/lib-of-git@0.2.0?vcs_url=git+{url}@{commit}"]
        events = allowed.events(allowed.submit_files(files | {".cargo/config.toml": config}))
        # The compiler wrapper is the project's word: the fetch ignored it, the build without network obeyed.
        assert events[-1]["result"]["error"].startswith("cargo build failed")


def test_a_dependency_on_a_host_that_is_not_public_is_the_sources_fault(builder: Builder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/library"
        source = f'source = "git+{url}#{"a" * 40}"'
        files = crate() | {"Cargo.lock": f'version = 4\n\n[[package]]\nname = "library"\nversion = "0.2.0"\n{source}\n'}
        assert builder.outcome(builder.submit_files(files))["error_type"] == "SourceError"
        index = f'[dependencies]\nlibrary = {{ version = "1", registry-index = "sparse+http://localhost:{listener.getsockname()[1]}/" }}\n'
        source = f'source = "sparse+http://localhost:{listener.getsockname()[1]}/"\nchecksum = "{"b" * 64}"'
        lock = f'version = 4\n\n[[package]]\nname = "library"\nversion = "1.0.0"\n{source}\n\n'
        lock += '[[package]]\nname = "tried"\nversion = "0.1.0"\ndependencies = [\n "library",\n]\n'
        outcome = builder.outcome(builder.submit_files(files | {"Cargo.toml": crate()["Cargo.toml"] + index, "Cargo.lock": lock}))
        assert outcome["error_type"] == "SourceError"
        assert "could not be fetched" in outcome["error"]
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_without_attestation_there_is_no_evidence(data: Path) -> None:
    with builder_running(data, "--attest", "none") as plain:
        job_id = plain.submit(source_data=encoded(sample_archive()))
        assert plain.outcome(job_id) == {"status": "ok"}
        assert sorted(plain.result(job_id)) == [f"{SAMPLE_NAME}/artifacts/hello-kettle", f"{SAMPLE_NAME}/provenance.json"]


def test_without_bubblewrap_only_the_sample_is_built(tmp_path: Path, data: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "cargo", "rustup", "sh"):
        if found := shutil.which(name):
            (tools / name).symlink_to(Path(found).resolve())
    environ = {"PATH": str(tools), "CARGO_HOME": os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))}
    with builder_running(data, environ=environ) as bare:
        forged = sample_with(**{"src/main.rs": "fn main() {}"})
        outcome = bare.outcome(bare.submit(source_data=encoded(archive(forged))))
        assert (outcome["error_type"], "--no-sandbox" in outcome["error"]) == ("SandboxError", True)
        assert bare.outcome(bare.submit(repo_url="https://host.example/a/b"))["error_type"] == "SandboxError"
        assert bare.outcome(bare.submit(source_data=encoded(sample_archive()))) == {"status": "ok"}


def test_no_sandbox_builds_and_warns(data: Path) -> None:
    with builder_running(data, "--no-sandbox") as open_one:
        events = open_one.events(open_one.submit_files(crate()))
        assert events[-1]["result"] == {"status": "ok"}
        assert any("not walled in" in event.get("msg", "") for event in events)
