"""How many running builds two worker processes follow at once: what is lost, how far the stored log lags, processor and memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.rows import Row
from tests.running import CHECKOUT, environ_plain

BUILDS = 200
LINES_A_SECOND = 10
SECONDS = 20
WORKERS = 2
LAG_SECONDS = 1.0
JOB = "00000000-0000-4000-8000-{:012d}"
CREATE = f"""
import django
django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from kettle_web.builds.endpoints import endpoints_sync
from kettle_web.builds.models import Build
[endpoint] = endpoints_sync(settings.ENV)
owner = User.objects.create_user("owner")
now = timezone.now()
Build.objects.bulk_create(
    Build(owner=owner, endpoint=endpoint, origin="repository", repo_url="https://example.org/a", state="building",
          building_at=now, last_heard_at=now, job_id={JOB!r}.format(number))
    for number in range({BUILDS})
)
"""
CHECK = """
import django
django.setup()
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import events_after
wrong = 0
for build in Build.objects.all():
    texts = [event.text for event in events_after(build, 0, 10**6) if event.type == "build"]
    wrong += texts != [f"line {number}" for number in range(1, len(texts) + 1)] or len(texts) != EXPECTED
print(wrong)
""".replace("EXPECTED", str(LINES_A_SECOND * SECONDS))


def follows(runs: int) -> list[Row]:
    """200 builds that say ten lines a second each, followed by two workers: lost or doubled, lag, processor, memory"""
    found = [_run() for _ in range(min(runs, 3))]
    names = (
        ("builds whose stored log is not what was said", "builds", 0.0),
        ("until every build is followed", "s", None),
        ("stored log behind what was said, median", "s", None),
        ("stored log behind what was said, p95", "s", LAG_SECONDS),
        ("processor, both workers", "cores", None),
        ("memory of a worker that follows half of them", "MB", None),
        ("memory that a followed build adds", "MB", None),
    )
    return [Row(name, unit, tuple(values[at] for values in found), target) for at, (name, unit, target) in enumerate(names)]


def _run() -> tuple[float, ...]:
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as name, _server() as (port, begin):
        folder = Path(name)
        environ = environ_plain() | {
            "DATA_DIR": name, "BUILDER_URL": f"http://127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": "kettle_web.settings",
        }  # fmt: skip
        _python(environ, "-m", "django", "migrate", "-v", "0")
        workers = [_worker(folder, environ, number) for number in range(WORKERS)]
        try:
            time.sleep(6)
            before = [worker.memory_info().rss for worker in workers]
            _python(environ, "-c", CREATE)
            followed = _until(lambda: _count(folder, "lease_owner != ''") == BUILDS)
            cpu = sum(sum(worker.cpu_times()[:2]) for worker in workers)
            begin.value = began = time.time()
            lags, memory = _watch(folder, began, workers)
            cpu = (sum(sum(worker.cpu_times()[:2]) for worker in workers) - cpu) / (time.time() - began)
            _until(lambda: _count(folder, "state != 'building'") == BUILDS)
            wrong = float(_python(environ, "-c", CHECK))
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    added = (sum(memory) - sum(before)) / BUILDS
    return wrong, followed, statistics.median(lags), statistics.quantiles(lags, n=20)[-1], cpu, max(memory) / 1e6, added / 1e6


def _watch(folder: Path, began: float, workers: list[psutil.Process]) -> tuple[list[float], list[int]]:
    """Compare what was said with what is stored until the last line was said; give the lags, and each worker's largest memory."""
    lags, memory = [], [0] * len(workers)
    while (now := time.time()) < began + SECONDS:
        with _database(folder) as database:
            stored = database.execute("SELECT sum(last_seq) FROM builds_build").fetchone()[0]
        said = sum((now - began) * LINES_A_SECOND for _ in range(BUILDS))
        lags.append(max(0.0, (said - stored) / (BUILDS * LINES_A_SECOND)))
        memory = [max(most, worker.memory_info().rss) for most, worker in zip(memory, workers, strict=True)]
        time.sleep(0.1)
    return lags, memory


def _worker(folder: Path, environ: dict[str, str], number: int) -> psutil.Process:
    command = [sys.executable, "-m", "celery", "-A", "kettle_web.celery", "worker", "--pool", "threads", "-c", "2", "-n", f"w{number}"]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"], cwd=CHECKOUT, env=environ, stdout=log, stderr=log
        )
    return psutil.Process(process.pid)


def _python(environ: dict[str, str], *words: str) -> str:
    return subprocess.run([sys.executable, *words], cwd=CHECKOUT, env=environ, check=True, capture_output=True, text=True).stdout


def _database(folder: Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(folder / "kettle.sqlite3", timeout=20))


def _count(folder: Path, condition: str) -> int:
    with _database(folder) as database:
        return int(database.execute(f"SELECT count(*) FROM builds_build WHERE {condition}").fetchone()[0])


def _until(condition, seconds: float = 90) -> float:  # type: ignore[no-untyped-def]
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise RuntimeError("the workers did not get there")
        time.sleep(0.1)
    return time.monotonic() - began


@contextlib.contextmanager
def _server():  # type: ignore[no-untyped-def]
    """A Kettle server in a process of its own; its builds begin to speak when `begin` holds a time."""
    begin, port = multiprocessing.Value("d", 0.0), multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=_serve, args=(begin, port, os.getpid()), daemon=True)
    process.start()
    while not port.value:
        time.sleep(0.01)
    try:
        yield port.value, begin
    finally:
        process.kill()
        process.join()


def _serve(begin, port, parent: int) -> None:  # type: ignore[no-untyped-def]
    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"from=(\d+)", head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: here\n\n")
        while not begin.value:  # noqa: ASYNC110 - set by another process.
            await asyncio.sleep(0.02)
        with contextlib.suppress(OSError):
            for number in range(int(found[1]) + 1 if found else 1, LINES_A_SECOND * SECONDS + 1):
                await asyncio.sleep(max(0.0, begin.value + number / LINES_A_SECOND - time.time()))
                writer.write(b"id: %d\ndata: %s\n\n" % (number, json.dumps({"type": "build", "msg": f"line {number}"}).encode()))
                await writer.drain()
            done = json.dumps({"type": "complete", "result": {"status": "failed", "error": "enough"}}).encode()
            writer.write(b"id: %d\ndata: %s\n\n" % (LINES_A_SECOND * SECONDS + 1, done))
            await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(stream, "127.0.0.1", 0, backlog=512)
        port.value = server.sockets[0].getsockname()[1]
        while os.getppid() == parent:  # noqa: ASYNC110 - as above.
            await asyncio.sleep(1)

    asyncio.run(main())
