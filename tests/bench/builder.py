"""The embedded builder's log: a build that prints 200,000 lines in a few seconds, and a follower that reads them."""

import http.client
import json
import re
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.bench.rows import Row
from tests.builder.running import Builder, builder_running, crate

LINES = 200_000
SCRIPT = f'fn main() {{ for i in 0..{LINES} {{ println!("cargo:warning=<{{i}}>"); }} }}'
MEMORY_MIB = 150.0
"""Of the server's process while it does all that; it holds a bounded piece of the log for each follower."""


def builder(runs: int) -> list[Row]:
    """a build that prints 200,000 lines: none is lost, how fast a follower gets them, memory of the server"""
    lost, printing, live, replay, memory = [], [], [], [], []
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as data, builder_running(Path(data)) as running:
        for _ in range(runs):
            job_id = running.submit_files(crate(build=SCRIPT))
            body, times = _read(running, job_id)
            said = [int(match[1]) for match in re.finditer(rb"<(\d+)>", body)]
            lost.append(float(sum(a != b for a, b in zip(said, range(LINES), strict=False)) + abs(LINES - len(said))))
            printing.append(times)
            live.append(LINES / times)
            began = time.perf_counter()
            again, _ = _read(running, job_id)
            replay.append(again.count(b"\ndata: ") / (time.perf_counter() - began))
            memory.append(psutil.Process(running.process.pid).memory_info().rss / (1 << 20))
    return [
        Row("lines lost, doubled or out of order", "lines", tuple(lost), 0),
        Row("the build printed them in", "s", tuple(printing)),
        Row("follower, while it builds (the build bounds it)", "lines/s", tuple(live)),
        Row("follower, of a replay", "lines/s", tuple(replay), 100_000, at_least=True),
        Row("memory of the server", "MiB", tuple(memory), MEMORY_MIB),
    ]


def _read(running: Builder, job_id: str) -> tuple[bytes, float]:
    """Follow to the end as fast as it comes; the stream, and the seconds between its first numbered line and its end."""
    connection = http.client.HTTPConnection(urlsplit(running.address).netloc, timeout=300)
    connection.request("GET", f"/build/{job_id}/events")
    answer = connection.getresponse()
    body, first = bytearray(), 0.0
    while piece := answer.read1(1 << 20):
        if not first and b"<0>" in piece:
            first = time.perf_counter()
        body += piece
    connection.close()
    last = json.loads(bytes(body).rsplit(b"data: ", 1)[1])
    if last["result"] != {"status": "ok"}:
        raise RuntimeError(f"The build failed: {last}")
    return bytes(body), time.perf_counter() - first
