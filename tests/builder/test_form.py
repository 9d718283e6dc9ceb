"""The multipart dialect: the documented Quick Start by the real curl, and forms that mean harm."""

import contextlib
import io
import itertools
import json
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.builder.form import FormError, FormReader
from kettle_web.builder.sample import SAMPLE_NAME, sample_archive
from kettle_web.verification.cli import main
from tests.builder.githost import git_host, repository_make
from tests.builder.running import Builder, archive, builder_running, crate

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
BOUNDARY = "b0undary"
TYPE = f'multipart/form-data; boundary="{BOUNDARY}"'


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form of the given `name` or `name"; filename="x` and values."""
    body = b"".join(b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (b"b0undary", n.encode(), v) for n, v in parts)
    return body + b"--b0undary--\r\n"


def read(data: bytes, path: Path, step: int = 1 << 16) -> FormReader:
    reader = FormReader(TYPE, path)
    try:
        for at in range(0, len(data), step):
            reader.feed(data[at : at + step])
        reader.finish()
    finally:
        reader.close()
    return reader


@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_fields_and_file_come_through_however_the_bytes_are_cut(tmp_path: Path, step: int) -> None:
    data = bytes(range(256)) * 9 + b"\r\n--b0undar"
    reader = read(form(("repo_url", b""), ('source"; filename="a b.zip', data), ("ref", "ü".encode())), tmp_path / "file", step)
    assert reader.fields == {"repo_url": "", "ref": "ü"}
    assert reader.file_name == "a b.zip"
    assert (tmp_path / "file").read_bytes() == data


def test_bounds_of_a_form(tmp_path: Path) -> None:
    broken = [
        form(("ref", b"x" * 5000)),
        form(*[("x", b"")] * 40),
        form(("x" * 9000, b"")),
        form(("ref", b"\xff")),
        form(("ref", b"x"))[:-6],
        b"--b0undary\r\nContent-Type: text/plain\r\n\r\nx\r\n--b0undary--\r\n",
        b"nonsense",
        b"",
    ]
    for data in broken:
        with pytest.raises(FormError):
            read(data, tmp_path / "file")
    for kind in ("multipart/form-data", "multipart/form-data; boundary=" + "x" * 500):
        with pytest.raises(FormError):
            FormReader(kind, tmp_path / "file")


@given(st.binary(max_size=400) | st.tuples(st.binary(max_size=60), st.binary(max_size=60)).map(lambda two: form(("a", two[0])) + two[1]))
def test_random_forms_raise_only_the_form_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    with contextlib.suppress(FormError):
        read(data, tmp_path_factory.getbasetemp() / "random-form")


@pytest.mark.parametrize(
    ("files", "fields", "status", "words"),
    [
        ({}, {"x": "y"}, 400, "Give a source"),
        ({"source": b"x"}, {"repo_url": "https://host.example/a/b"}, 400, "not both"),
        ({"source": b"x"}, {}, 422, "neither a ZIP"),
        ({}, {"repo_url": "file:///etc"}, 422, "local file"),
        ({}, {"repo_url": "http://127.0.0.1:1/x"}, 422, "loopback"),
        ({}, {"repo_url": "https://host.example/a", "ref": "--upload-pack=id"}, 422, "cannot begin"),
    ],
)
def test_a_refused_or_failed_form_is_json_and_no_tarball(
    builder: Builder, files: dict[str, bytes], fields: dict[str, str], status: int, words: str
) -> None:
    parts = {name: (None, value) for name, value in fields.items()} | {name: (f"{name}.zip", data) for name, data in files.items()}
    answer = builder.http.post("/build", files=parts)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    if status == 422:
        assert answer.json()["error_type"] == "SourceError"
        assert answer.json()["job_id"] == answer.headers["x-kettle-job-id"]
        assert builder.events(answer.json()["job_id"])[-1]["result"]["status"] == "failed"


def test_a_form_of_another_site_is_refused(builder: Builder) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert builder.http.post("/build", files={"source": b"x"}, headers=headers).status_code == 403


def test_too_large_a_form_is_413_before_its_body_is_read(data: Path) -> None:
    with builder_running(data, "--max-body", "1") as small:
        host, port = small.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(f"POST /build HTTP/1.1\r\nHost: {host}\r\nContent-Type: {TYPE}\r\nContent-Length: 2000000\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 413 ")
        part = b'--b0undary\r\nContent-Disposition: form-data; name="source"\r\n\r\n'
        endless = (part if n == 0 else b"x" * 65536 for n in range(40))
        assert small.http.post("/build", content=endless, headers={"Content-Type": TYPE}).status_code == 413
        assert not list((data / "incoming").iterdir())


def test_a_large_form_takes_disk_and_no_memory(data: Path) -> None:
    size = 100 << 20
    head = b'--b0undary\r\nContent-Disposition: form-data; name="source"; filename="a.zip"\r\n\r\n'
    tail = b"\r\n--b0undary--\r\n"
    pieces = itertools.chain([head], itertools.repeat(bytes(1 << 20), size >> 20), [tail])
    with builder_running(data) as builder:
        server = psutil.Process(builder.process.pid)
        builder.http.post("/build", files={"source": b"x"})
        before, most = server.memory_info().rss, 0

        def watched() -> Iterator[bytes]:
            nonlocal most
            for piece in pieces:
                most = max(most, server.memory_info().rss)
                yield piece

        headers = {"Content-Type": TYPE, "Content-Length": str(len(head) + size + len(tail))}
        answer = builder.http.post("/build", content=watched(), headers=headers)
    assert answer.json()["error_type"] == "SourceError"
    assert most - before < 24 << 20


@needs_curl
@pytest.mark.needs("cargo", "bwrap")
def test_the_quick_start_works_word_for_word(tmp_path: Path, data: Path) -> None:
    repository_make(tmp_path / "host" / "owner" / "tried", crate())
    with git_host(tmp_path / "host") as address, builder_running(data, "--allow-source-host", "127.0.0.1") as allowed:
        line = ["curl", "-X", "POST", f"{allowed.address}/build", "-F", f"repo_url={address}/owner/tried", "-F", "ref=main"]
        line += ["-o", "build.tar.gz"]
        subprocess.run([*line, "-D", "head.txt"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
        head = dict(row.lower().split(": ", 1) for row in (tmp_path / "head.txt").read_text().splitlines() if ": " in row)
        assert head["content-type"] == "application/gzip"
        with tarfile.open(tmp_path / "build.tar.gz") as tar:
            assert sorted(tar.getnames())[-1] == "tried/provenance.json"
        # Somebody who kept the nonce of the answer can have it checked.
        out = io.StringIO()
        assert main([str(tmp_path / "build.tar.gz"), "--nonce", head["x-kettle-nonce"]], out, out) == 4, out.getvalue()
        assert allowed.http.get(f"/build/{head['x-kettle-job-id']}/result").content == (tmp_path / "build.tar.gz").read_bytes()
        line[line.index("ref=main")] = "ref=nowhere"
        subprocess.run([*line, "--fail-with-body"], cwd=tmp_path, check=False, capture_output=True, timeout=120)
        assert json.loads((tmp_path / "build.tar.gz").read_text())["error_type"] == "SourceError"


@needs_curl
@pytest.mark.needs("cargo", "bwrap")
def test_curl_sends_an_archive(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "hello.tar.gz").write_bytes(sample_archive())
    line = ["curl", "--fail", "-X", "POST", f"{builder.address}/build", "-F", "source=@hello.tar.gz", "-o", "build.tar.gz"]
    subprocess.run(line, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    with tarfile.open(tmp_path / "build.tar.gz") as tar:
        assert f"{SAMPLE_NAME}/artifacts/hello-kettle" in tar.getnames()


@pytest.mark.needs("cargo", "bwrap")
def test_a_failed_build_brings_the_logs_end(builder: Builder) -> None:
    answer = builder.http.post("/build", files={"source": ("a.tar.gz", archive(crate(main="fn main() { broken }")))})
    assert answer.status_code == 422
    assert answer.json()["error_type"] == "BuildFailed"
    assert any("cannot find value" in line for line in answer.json()["log"])


@pytest.mark.needs("cargo", "bwrap")
def test_a_client_that_leaves_does_not_end_its_build(data: Path) -> None:
    body = form(('source"; filename="hello.tar.gz', sample_archive()))
    with builder_running(data) as builder:
        host, port = builder.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            head = f"POST /build HTTP/1.1\r\nHost: {host}\r\nContent-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
            until = time.monotonic() + 20
            while not (jobs := list((data / "jobs").iterdir())):
                assert time.monotonic() < until
        assert builder.outcome(jobs[0].name) == {"status": "ok"}
        assert builder.result(jobs[0].name)
