"""How long a line of a build takes from the builder to the screens of those who watch, against curl on the builder's own stream.

A real site with its embedded builder builds a Node.js project that prints the time every 20 ms. curl reads the builder's stream,
and 1 or 200 viewers read the site's, all at once and on one clock. The viewers are bare sockets: what a browser needs to paint is
not in here, and the same for both.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from kettle_web.archives.pack import folder_pack
from tests.bench.rows import Row
from tests.person import Person
from tests.running import RunningSite

REDIS = "redis://127.0.0.1:6379/9"
VIEWERS = (1, 200)
WATCHED = 10
"""Of the viewers: each of their lines is timed, the others only read. Timing everything would measure the measuring."""
LINES = 750
PAUSE_MS = 20
ABOVE_CURL_MS = {"embedded": 300.0, "Redis": 120.0}
CORES, RISE_MEGABYTES = 0.5, 60.0
MANY = 200_000
WARM_EVENTS = 20
"""Phases, and what the tool says before the script begins."""
EVENTS_PER_SECOND = 20_000.0
STAMP = re.compile(rb"T(\d{13}\.\d{3})E")
SAY = f"""
let said = 0;
const timer = setInterval(() => {{
  process.stdout.write(`T${{(performance.timeOrigin + performance.now()).toFixed(3)}}E\\n`);
  if (++said === {LINES}) clearInterval(timer);
}}, {PAUSE_MS});
process.on("exit", () => {{ require("fs").mkdirSync("dist"); require("fs").writeFileSync("dist/said.txt", String(said)); }});
"""


def live(runs: int) -> list[Row]:
    """a line from the builder to 1 and 200 viewers, with polling and with Redis, against curl; what 200 viewers cost"""
    rows = []
    for mode in ABOVE_CURL_MS:
        for viewers in VIEWERS:
            measured = [_run(mode, viewers) for _ in range(min(runs, 2))]
            rows += _rows(mode, viewers, measured)
    flows = tuple(_flow() for _ in range(min(runs, 3)))
    return [*rows, Row("from the builder's stream into the database", "events/s", flows, EVENTS_PER_SECOND, at_least=True)]


SAY_MANY = f"""
let text = "";
for (let line = 0; line < {MANY}; line += 1) text += `line ${{line}} of a log that comes all at once\\n`;
process.stdout.write(text);
require("fs").mkdirSync("dist");
require("fs").writeFileSync("dist/said.txt", "all");
"""


@dataclass
class Measured:
    curl: list[float] = field(default_factory=list)
    """Milliseconds of each line."""
    viewers: list[float] = field(default_factory=list)
    missing: int = 0
    """Lines that a timed viewer did not get, or got twice."""
    cores: float = 0.0
    rise: float = 0.0


def _rows(mode: str, viewers: int, measured: list[Measured]) -> list[Row]:
    curl = [value for one in measured for value in one.curl]
    seen = [value for one in measured for value in one.viewers]
    reference = Row("", "ms", tuple(curl), percentile=95).value
    name = f"{mode}, {viewers} viewer{'s' if viewers > 1 else ''}"
    target = reference + ABOVE_CURL_MS[mode]
    rows = [
        Row(f"{name}: line to screen, p50", "ms", tuple(seen), reference=Row("", "ms", tuple(curl)).median, reference_name="curl, p50"),
        Row(
            f"{name}: line to screen, p95",
            "ms",
            tuple(seen),
            round(target, 1),
            reference=reference,
            reference_name="curl, p95",
            percentile=95,
        ),
        Row(f"{name}: lines lost or doubled", "lines", tuple(float(one.missing) for one in measured), 0),
    ]
    if viewers > 1:
        rows += [
            Row(f"{name}: processor of the web server", "cores", tuple(one.cores for one in measured), CORES),
            Row(f"{name}: rise of its memory", "MB", tuple(one.rise for one in measured), RISE_MEGABYTES),
        ]
    return rows


def _run(mode: str, viewers: int) -> Measured:
    environ = {"REDIS_URL": REDIS} if mode == "Redis" else {}
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        site = RunningSite(Path(folder) / "data", "--no-sandbox", environ=environ)
        try:
            with Person(site) as person:
                person.sign_in_first(site.one_time_password)
                # What a first build of a site loads is not the price of a line.
                _wait_for_end(person, _submit(person, Path(folder) / "first"))
                uid = _submit(person, Path(folder) / "second")
                return _watch(site, person, uid, viewers)
        finally:
            site.end()


def _flow() -> float:
    """Lines a second, from the first stored to the last, of a build that says all at once: builder, stream, follower, SQLite."""
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        site = RunningSite(Path(folder) / "data", "--no-sandbox")
        try:
            with Person(site) as person, closing(sqlite3.connect(Path(folder) / "data" / "kettle.sqlite3")) as rows:
                person.sign_in_first(site.one_time_password)
                uid = _submit(person, Path(folder) / "many", SAY_MANY)
                first, stored = (0.0, 0), 0
                while stored < MANY:
                    [(stored, state)] = rows.execute("SELECT last_seq, state FROM builds_build WHERE uid = ?", (uid,)).fetchall()
                    if state in ("failed", "abandoned"):
                        raise RuntimeError(f"The build ended as {state}.")
                    if stored > WARM_EVENTS and not first[1]:
                        first = (time.perf_counter(), stored)
                    time.sleep(0.005)
                return (stored - first[1]) / (time.perf_counter() - first[0])
        finally:
            site.end()


def _submit(person: Person, place: Path, say: str = SAY) -> str:
    project = place / "clock"
    project.mkdir(parents=True)
    manifest = {"name": "clock", "version": "1.0.0", "private": True, "scripts": {"build": "node say.cjs"}}
    (project / "package.json").write_text(json.dumps(manifest))
    (project / "pnpm-lock.yaml").write_text("lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n")
    (project / "say.cjs").write_text(say + f"// {place.name}\n")
    who = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "Tell the time."]):
        subprocess.run(["git", "-C", str(project), *command], check=True)
    packed = place / "clock.tar.gz"
    folder_pack(project, packed)
    data = packed.read_bytes()
    made = person.client.post("/builds/uploads/", data={"name": packed.name, "size": str(len(data))}, headers=person.token).json()
    headers = {**person.token, "Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    person.client.put(made["url"], content=data, headers=headers).raise_for_status()
    upload = made["url"].rstrip("/").rpartition("/")[2]
    answer = person.client.post("/builds/new/", data={"way": "upload", "upload": upload}, headers=person.token)
    found = re.search(r"/builds/([0-9a-z]{16})/$", answer.url.path)
    if found is None:
        raise RuntimeError(f"The build was not accepted: {answer.status_code}")
    return found[1]


def _state(person: Person, uid: str) -> dict[str, object]:
    return dict(person.client.get(f"/api/v1/builds/{uid}").json())


def _wait_for_end(person: Person, uid: str) -> None:
    while not _state(person, uid)["is_finished"]:
        time.sleep(0.2)
    if (state := _state(person, uid)["state"]) != "done":
        raise RuntimeError(f"The build ended as {state}.")


def _job(person: Person, uid: str) -> str:
    while not (job := _state(person, uid)["job_id"]):
        time.sleep(0.02)
    return str(job)


def _builder_address(site: RunningSite) -> str:
    process = site.process_of("kettle_web.builder")
    ports = [one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    return f"http://127.0.0.1:{ports[0]}"


def _watch(site: RunningSite, person: Person, uid: str, viewers: int) -> Measured:
    web = psutil.Process(site.process_of("kettle_web.launcher.web").pid)
    measured = Measured()
    before = web.memory_info().rss
    cookies = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items())
    readers = asyncio.new_event_loop()

    def read() -> None:
        measured.viewers.extend(readers.run_until_complete(_read_all(site, uid, cookies, viewers, measured)))

    watching = threading.Thread(target=read)
    watching.start()
    with _curl(f"{_builder_address(site)}/build/{_job(person, uid)}/events", measured.curl):
        spent, began = sum(web.cpu_times()[:2]), time.monotonic()
        peak = before
        while watching.is_alive():
            watching.join(0.25)
            peak = max(peak, web.memory_info().rss)
            if not measured.cores and _state_is_over(person, uid):
                measured.cores = (sum(web.cpu_times()[:2]) - spent) / (time.monotonic() - began)
    measured.rise = (peak - before) / 1e6
    readers.close()
    return measured


def _state_is_over(person: Person, uid: str) -> bool:
    return bool(_state(person, uid)["state"] not in ("queued", "submitting", "building"))


@contextmanager
def _curl(address: str, latencies: list[float]) -> Iterator[None]:
    process = subprocess.Popen(["curl", "-sN", "--max-time", "120", address], stdout=subprocess.PIPE)

    def read() -> None:
        assert process.stdout is not None
        while line := process.stdout.readline():
            now = time.time() * 1000
            # The replay of what was there before curl came is no latency.
            latencies.extend(late for stamp in STAMP.findall(line) if (late := now - float(stamp)) < 5000)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        process.terminate()
        process.wait()
        reader.join()


async def _read_all(site: RunningSite, uid: str, cookies: str, viewers: int, measured: Measured) -> list[float]:
    found = await asyncio.gather(*(_read(site.port, uid, cookies, is_timed=number < WATCHED) for number in range(viewers)))
    for stamps, _latencies in found[:WATCHED]:
        measured.missing += abs(LINES - len(stamps)) + len(stamps) - len(set(stamps))
    return [late for _stamps, latencies in found for late in latencies]


async def _read(port: int, uid: str, cookies: str, *, is_timed: bool) -> tuple[list[bytes], list[float]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.write(f"GET /builds/{uid}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookies}\r\n\r\n".encode())
    await writer.drain()
    stamps: list[bytes] = []
    latencies: list[float] = []
    tail = b""
    while piece := await reader.read(1 << 16):
        if is_timed:
            now = time.time() * 1000
            tail += piece
            whole, _, tail = tail.rpartition(b"\n")
            found = STAMP.findall(whole)
            stamps += found
            latencies += [now - float(stamp) for stamp in found]
        if b"event: end" in piece:
            break
    writer.close()
    return stamps, latencies
