"""Cloning: short commits, submodules, redirects, and what a hostile repository may not do."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kettle_web.builder.clone import submodule_url
from kettle_web.builder.errors import SourceError
from kettle_web.provenance.statement import statement_parse
from tests.builder.githost import git, git_host, repository_commit, repository_make
from tests.builder.running import Builder, archive, builder_running, crate, encoded

needs_walls = pytest.mark.needs("cargo", "bwrap")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    root = tmp_path_factory.mktemp("host")
    with git_host(root) as address:
        yield root, address


@pytest.fixture(scope="module")
def allowed(tmp_path_factory: pytest.TempPathFactory, host: tuple[Path, str]) -> Iterator[Builder]:
    with builder_running(tmp_path_factory.mktemp("allowed"), "--allow-source-host", host[1].removeprefix("http://")) as running:
        yield running


def said(builder: Builder, job_id: str) -> str:
    return "\n".join(event["msg"] for event in builder.events(job_id) if event["type"] == "init")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("https://other.example/x", "https://other.example/x"),
        ("../lib.git", "https://host.example/owner/lib.git"),
        ("../../else/lib/", "https://host.example/else/lib"),
        ("./inner", "https://host.example/owner/app/inner"),
        (".././lib", "https://host.example/owner/lib"),
        ("ssh://host.example/x", "ssh://host.example/x"),
    ],
)
def test_relative_addresses_of_submodules(told: str, expected: str) -> None:
    assert submodule_url("https://host.example/owner/app", told) == expected


def test_a_relative_address_cannot_leave_its_host() -> None:
    with pytest.raises(SourceError):
        submodule_url("https://host.example/owner/app", "../../../evil.example/x")


@needs_walls
def test_a_short_commit_that_is_no_tip_is_found_in_the_whole_history(allowed: Builder, host: tuple[Path, str]) -> None:
    first = repository_make(host[0] / "short", crate())
    repository_commit(host[0] / "short", {"src/main.rs": "fn main() { broken }"})
    job_id = allowed.submit(repo_url=f"{host[1]}/short", repo_ref=first[:8])
    assert "fetching the whole history" in said(allowed, job_id)
    assert allowed.outcome(job_id) == {"status": "ok"}
    assert statement_parse(allowed.result(job_id)["short/provenance.json"]).git_commit == first
    outcome = allowed.outcome(allowed.submit(repo_url=f"{host[1]}/short", repo_ref="0123456789"))
    assert outcome["error_type"] == "SourceError"
    assert "no commit 0123456789" in outcome["error"]


@needs_walls
def test_an_annotated_tag_is_the_commit_that_it_names(allowed: Builder, host: tuple[Path, str]) -> None:
    first = repository_make(host[0] / "tagged", crate())
    git(host[0] / "tagged", "tag", "-a", "v1.0", "-m", "one")
    repository_commit(host[0] / "tagged", {"README": "later"})
    job_id = allowed.submit(repo_url=f"{host[1]}/tagged", repo_ref="v1.0")
    assert allowed.outcome(job_id) == {"status": "ok"}
    assert statement_parse(allowed.result(job_id)["tagged/provenance.json"]).git_commit == first


@needs_walls
def test_two_builds_of_one_commit_have_one_root(allowed: Builder, host: tuple[Path, str]) -> None:
    repository_make(host[0] / "twice", crate())
    jobs = [allowed.submit(repo_url=f"{host[1]}/twice", repo_ref=ref) for ref in ("main", "")]
    assert [allowed.outcome(job) for job in jobs] == [{"status": "ok"}] * 2
    statements = [statement_parse(allowed.result(job)["twice/provenance.json"]) for job in jobs]
    assert statements[0].merkle_root == statements[1].merkle_root
    assert statements[0].invocation_id != statements[1].invocation_id


def submodule_add(repository: Path, path: str, url: str, commit: str) -> None:
    with (repository / ".gitmodules").open("a") as file:
        file.write(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n')
    git(repository, "add", ".gitmodules")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    git(repository, "commit", "--quiet", "--message=submodule")


@needs_walls
def test_submodules_and_theirs_are_fetched_at_their_commits(allowed: Builder, host: tuple[Path, str]) -> None:
    root, address = host
    inner = repository_make(root / "inner", {"word.txt": "inner word"})
    repository_commit(root / "inner", {"word.txt": "a later word"})
    repository_make(root / "middle", {"README": "x"})
    submodule_add(root / "middle", "in side", f"{address}/inner", inner)
    repository_make(root / "outer", crate(main='fn main() { print!("{}", include_str!("../lib/middle/in side/word.txt")) }'))
    submodule_add(root / "outer", "lib/middle", "../middle", git(root / "middle", "rev-parse", "HEAD"))
    job_id = allowed.submit(repo_url=f"{address}/outer")
    assert allowed.outcome(job_id) == {"status": "ok"}
    assert b"inner word" in allowed.result(job_id)["outer/artifacts/tried"]
    assert f"Submodule lib/middle/in side: {address}/inner at {inner}." in said(allowed, job_id)


@needs_walls
@pytest.mark.parametrize(
    "url", ["http://localhost:9/x", "file:///etc", "ext::sh -c id", "git@host.example:a/b", "../../../../x", "--upload-pack=id"]
)
def test_submodules_obey_the_rules_of_addresses(allowed: Builder, host: tuple[Path, str], url: str) -> None:
    name = f"evil-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    repository_make(host[0] / name, crate())
    submodule_add(host[0] / name, "lib", url, "a" * 40)
    outcome = allowed.outcome(allowed.submit(repo_url=f"{host[1]}/{name}"))
    assert outcome["error_type"] == "SourceError"
    assert "The submodule lib: " in outcome["error"]


@contextmanager
def redirecting(target: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", target + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@needs_walls
def test_a_redirect_leads_only_to_where_a_build_may_go(tmp_path: Path, data: Path) -> None:
    repository_make(tmp_path / "host" / "moved", crate())
    with git_host(tmp_path / "host") as address, redirecting(address) as old:
        with builder_running(data, "--allow-source-host", old) as only_old:
            outcome = only_old.outcome(only_old.submit(repo_url=f"http://{old}/moved"))
            assert outcome["error_type"] == "SourceError"
            assert "403" in outcome["error"]
        with builder_running(data, "--allow-source-host", old, "--allow-source-host", address.removeprefix("http://")) as both:
            assert both.outcome(both.submit(repo_url=f"http://{old}/moved")) == {"status": "ok"}


def test_strict_git_refuses_an_archive_without_a_history(data: Path) -> None:
    with builder_running(data, "--strict-git", "--no-sandbox") as strict:
        outcome = strict.outcome(strict.submit(source_data=encoded(archive(crate()))))
    assert (outcome["error_type"], "--strict-git" in outcome["error"]) == ("SourceError", True)
