"""How much memory the worker needs for large files: a submission, a result, its verification. Each in a process of its own."""

from __future__ import annotations

import hashlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil

from tests.running import CHECKOUT, environ_plain

MEGABYTE = 1024**2
PIECE = b"PK\x03\x04" + os.urandom(MEGABYTE - 4)
"""Begins like a ZIP, and cannot be compressed."""
WHAT = ("submission", "multipart", "result", "verification")


def rise(what: str, size: int) -> float:
    """Do one of `WHAT` with a file of `size` bytes; give by how many megabytes the process rose at most."""
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        environ = environ_plain() | {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "kettle_web.settings"}
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v", "0"], cwd=CHECKOUT, env=environ, check=True)
        command = [sys.executable, "-m", "tests.bench.streams", what, str(size)]
        done = subprocess.run(command, cwd=CHECKOUT, env=environ, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def _serve(size: int) -> int:
    """A Kettle server that takes any body and gives a result of `size` bytes; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
            left = sum(lengths) - len(body)
            while left > 0:
                left -= len(connection.recv(min(left, 262144)))
            if head.startswith(b"POST") and b"application/json" in head:
                told = b'{"job_id":"00000000-0000-4000-8000-000000000000"}'
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\nContent-Length: %d\r\n\r\n\x1f\x8b" % (size + 2))
            for _ in range(size // MEGABYTE):
                connection.sendall(PIECE)

    def serve() -> None:
        while True:
            connection, _address = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


def _child(what: str, size: int) -> None:
    import django

    django.setup()
    from django.contrib.auth.models import User

    from kettle_web.builds.models import Build, Endpoint

    dialect = "multipart" if what == "multipart" else "json"
    endpoint = Endpoint.objects.create(name="big", base_url=f"http://127.0.0.1:{_serve(size)}", dialect=dialect)
    owner = User.objects.create_user("owner")
    # A small one first: what a first time loads is not the price of its size.
    _work(what, owner, endpoint, MEGABYTE)
    before = psutil.Process().memory_info().rss
    build = _work(what, owner, endpoint, size)
    after = _peak()
    expected = {"submission": "building", "verification": "done"}.get(what, "verifying")
    state = Build.objects.get(id=build.id).state
    assert state == expected, (state, Build.objects.get(id=build.id).failure_message)
    print(max(0.0, (after - before) / MEGABYTE))


def _peak() -> int:
    """The most memory that this program ever had, in bytes. Not `getrusage`: that counts the process before it became this one."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kilobytes) * 1024


def _work(what: str, owner, endpoint, size: int):  # type: ignore[no-untyped-def]
    from django.utils import timezone

    from kettle_web.builds.fetch import result_fetch
    from kettle_web.builds.models import Build
    from kettle_web.builds.services import Source, build_create
    from kettle_web.builds.submit import build_submit
    from kettle_web.core.blobs import blob_write
    from kettle_web.verifications.services import report_create

    path = Path(os.environ["DATA_DIR"]) / f"file-{size}"
    with path.open("wb") as file:
        for _ in range(size // MEGABYTE):
            file.write(PIECE)
    if what == "verification":
        blob = blob_write(_tarball(path, size))
        build = Build.objects.create(
            owner=owner, endpoint=endpoint, origin="upload", state="verifying", result_sha256=blob.sha256_hex, result_size=blob.size,
            source_sha256=blob.sha256_hex,
        )  # fmt: skip
        report_create(build=build, now=timezone.now())
        assert build.artifacts.get().size == size
        return build
    blob = blob_write(path)
    build = build_create(owner=owner, endpoint=endpoint, origin="upload", source=Source(blob.sha256_hex, "big.zip", blob.size))
    if what == "result":
        Build.objects.filter(id=build.id).update(state="fetching", job_id="00000000-0000-4000-8000-000000000000")
        result_fetch(build.id)
    else:
        build_submit(build.id)
    return build


def _tarball(artifact: Path, size: int) -> Path:
    """A result whose one artifact is that file; made outside, so that making it costs this process nothing."""
    code = (
        "import hashlib, io, sys, tarfile; from pathlib import Path\n"
        "from tests.bench.streams import tarball_write\n"
        "tarball_write(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    target = artifact.with_suffix(".tar.gz")
    subprocess.run([sys.executable, "-c", code, str(artifact), str(target)], cwd=CHECKOUT, check=True)
    return target


def tarball_write(artifact: Path, target: Path) -> None:
    import io
    import json
    import tarfile

    import django

    django.setup()
    from tests.verifications.bundles import provenance_make

    digest = hashlib.sha256()
    with artifact.open("rb") as file:
        while piece := file.read(MEGABYTE):
            digest.update(piece)
    document = json.loads(provenance_make())
    document["subject"] = [{"digest": {"sha256": digest.hexdigest()}, "name": "big"}]
    provenance = json.dumps(document).encode()
    with tarfile.open(target, "w:gz", compresslevel=1) as tar:
        head = tarfile.TarInfo("big/provenance.json")
        head.size = len(provenance)
        tar.addfile(head, io.BytesIO(provenance))
        tar.add(artifact, "big/artifacts/big")


if __name__ == "__main__":
    _child(sys.argv[1], int(sys.argv[2]))
