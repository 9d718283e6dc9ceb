"""A real builder as a subprocess, and a small client of it, for tests that use no mocks."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from kettle_web.builder.sample import sample_files

CHECKOUT = Path(__file__).resolve().parents[2]
NONCE = "0123456789abcdef" * 2
SECONDS = 60.0


class Builder:
    """One running server."""

    def __init__(self, process: subprocess.Popen[str], address: str, data: Path) -> None:
        self.process, self.address, self.data = process, address, data
        self.http = httpx.Client(base_url=address, timeout=SECONDS, trust_env=False)

    def submit(self, **fields: Any) -> str:
        answer = self.http.post("/build", json={"nonce": NONCE} | fields)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])

    def submit_files(self, files: Mapping[str, str | bytes], name: str = "project") -> str:
        return self.submit(source_data=encoded(archive(files, name)), source_name=f"{name}.tar.gz")

    def follow(self, job_id: str, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        with self.http.stream("GET", f"/build/{job_id}/events", params={"from": after}) as stream:
            number = 0
            for line in stream.iter_lines():
                if line.startswith("id: "):
                    number = int(line[4:])
                if line.startswith("data: "):
                    yield number, json.loads(line[6:])

    def events(self, job_id: str, after: int = 0) -> list[dict[str, Any]]:
        return [event for _, event in self.follow(job_id, after)]

    def outcome(self, job_id: str) -> dict[str, Any]:
        last = self.events(job_id)[-1]
        assert last["type"] == "complete"
        return dict(last["result"])

    def result(self, job_id: str) -> dict[str, bytes]:
        answer = self.http.get(f"/build/{job_id}/result")
        assert answer.status_code == 200
        with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
            return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.http.close()
        self.process.send_signal(how)
        status = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


def builder_start(data: Path, *words: str, environ: Mapping[str, str] | None = None) -> Builder:
    process = subprocess.Popen(
        [sys.executable, "-m", "kettle_web.builder", "--port", "0", "--data", str(data), *words],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | (environ or {}),
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on "), line
    return Builder(process, line.split()[-1], data)


@contextmanager
def builder_running(data: Path, *words: str, environ: Mapping[str, str] | None = None) -> Iterator[Builder]:
    builder = builder_start(data, *words, environ=environ)
    try:
        yield builder
    finally:
        if builder.process.poll() is None:
            builder.stop()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def archive(files: Mapping[str, str | bytes], top: str = "project") -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(mode="w", fileobj=stream) as tar:
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            head = tarfile.TarInfo(f"{top}/{name}" if top else name)
            head.size, head.mode = len(data), 0o644
            tar.addfile(head, io.BytesIO(data))
    return packed.getvalue()


def crate(*, main: str = "fn main() {}", build: str = "", **more: str) -> dict[str, str]:
    """A crate without dependencies, with a build script where `build` is given."""
    files = {
        "Cargo.toml": '[package]\nname = "tried"\nversion = "0.1.0"\nedition = "2021"\n',
        "Cargo.lock": 'version = 4\n\n[[package]]\nname = "tried"\nversion = "0.1.0"\n',
        "src/main.rs": main,
    }
    return files | ({"build.rs": build} if build else {}) | more


def sample_with(**more: str) -> dict[str, str | bytes]:
    return dict(sample_files()) | more
