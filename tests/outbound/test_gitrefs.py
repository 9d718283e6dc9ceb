"""Refs are resolved against git's own HTTP server, and against servers that lie or stall."""

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from kettle_web.outbound import gitrefs
from kettle_web.outbound.errors import AddressRefused
from kettle_web.outbound.gitrefs import ref_resolve
from kettle_web.outbound.limits import TransportLimits
from kettle_web.outbound.transport import vetted_transport
from tests.archives.making import git, repository_make
from tests.outbound.serving import Connection, Served, serving


class _Backend(BaseHTTPRequestHandler):
    root: ClassVar[Path]
    protocol_allowed: ClassVar[bool] = True

    def _run(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                **({"GIT_PROTOCOL": self.headers.get("Git-Protocol", "")} if self.protocol_allowed else {}),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _run

    def log_message(self, *_: object) -> None:
        return


Resolve = Callable[[str], str | None]


@pytest.fixture(params=[True, False], ids=["protocol 2", "protocol 1"])
def resolve(request: pytest.FixtureRequest, repository: Path) -> Iterator[Resolve]:
    class Backend(_Backend):
        root = repository.parent
        protocol_allowed = request.param

    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    with vetted_transport(allowed_hosts=(host,)) as transport:
        yield lambda ref: ref_resolve(f"http://{host}/{repository.name}", ref, transport=transport, deadline=20)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = repository_make(tmp_path / "p")
    git(repository, "tag", "light")
    git(repository, "tag", "-a", "-m", "x", "annotated")
    git(repository, "branch", "feature/x")
    git(repository, "branch", "both")
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    git(repository, "tag", "both")
    return repository


@pytest.mark.parametrize("ref", ["", "HEAD", "main", "refs/heads/main", "light", "annotated", "refs/tags/annotated", "feature/x"])
def test_ref_gives_its_commit(ref: str, resolve: Resolve, repository: Path) -> None:
    assert resolve(ref) == git(repository, "rev-parse", f"{ref or 'HEAD'}^{{commit}}")


@pytest.mark.parametrize("ref", ["nothing", "mai", "main/", "feature", "refs/heads/nothing", "abc1234"])
def test_unknown_ref_gives_none(ref: str, resolve: Resolve) -> None:
    assert resolve(ref) is None


def test_branch_and_tag_of_one_name_at_different_commits_give_none(resolve: Resolve) -> None:
    assert resolve("both") is None


def _answers(*answers: httpx.Response) -> httpx.MockTransport:
    rest = iter(answers)
    return httpx.MockTransport(lambda request: next(rest))


def advertised(content: bytes, media_type: str = "application/x-git-upload-pack-advertisement", status: int = 200) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(content), headers={"Content-Type": media_type})


def test_full_commit_is_given_back_unasked() -> None:
    assert ref_resolve("https://git.example/p", "A" * 40, transport=_answers(), deadline=1) == "a" * 40


@pytest.mark.parametrize(
    "response",
    [
        advertised(b"", status=404),
        advertised(b"", status=401),
        advertised(b"", status=302),
        advertised(b"<html>", "text/html"),
        advertised(b""),
        advertised(b"zzzz"),
        advertised(b"00"),
        advertised(b"ffff" + b"x"),
        advertised(b"0003"),
        advertised(b"-001"),
        advertised(b"001e# service=git-upload-pack\n0000"),
        advertised(b"0000" * 10 + b"0009nope\n"),
        advertised(b"0032" + b"Z" * 40 + b" HEAD\n"),
    ],
)
def test_answer_that_establishes_nothing_gives_none(response: httpx.Response) -> None:
    assert ref_resolve("https://git.example/p", "", transport=_answers(response), deadline=5) is None


def test_answer_over_the_cap_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitrefs, "ANSWER_BYTES", 100)
    line = b"a" * 40 + b" HEAD\n"
    packet = b"%04x%s" % (len(line) + 4, line)
    assert ref_resolve("https://git.example/p", "", transport=_answers(advertised(packet)), deadline=5) == "a" * 40
    assert ref_resolve("https://git.example/p", "", transport=_answers(advertised(packet * 3)), deadline=5) is None


def test_unreachable_host_gives_none() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    assert ref_resolve("https://git.example/p", "main", transport=httpx.MockTransport(fail), deadline=5) is None


def test_header_that_drips_in_does_not_outlive_the_deadline() -> None:
    def handle(connection: Connection, served: Served) -> None:
        connection.read_head()
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
            connection.socket.sendall(bytes([byte]))
            if select.select([connection.socket], [], [], 0.02)[0]:
                return

    limits = TransportLimits(connection_seconds=0.3)
    before = time.monotonic()
    with serving(handle) as served, vetted_transport(allowed_hosts=(served.host,), limits=limits) as transport:
        assert ref_resolve(served.url + "/p", "main", transport=transport, deadline=0.3) is None
    assert time.monotonic() - before < 5


def test_private_host_is_an_error() -> None:
    with vetted_transport() as transport, pytest.raises(AddressRefused):
        ref_resolve("http://127.0.0.1:1/p", "main", transport=transport, deadline=5)
