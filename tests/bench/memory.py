"""How much memory a large upload and a large download cost the web server."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.bench.rows import Row
from tests.bench.streams import WHAT, rise
from tests.person import Person
from tests.running import RunningSite
from tests.transfers import build_with_result, download, upload

MEGABYTE = 1024**2
SIZE_BYTES = 500 * MEGABYTE
RISE_MEGABYTES = 40.0


def memory(runs: int) -> list[Row]:
    """500 MB up in chunks and 500 MB down: by how much the resident memory of the web server rises at most."""
    ups, downs = [], []
    for _ in range(min(runs, 3)):
        up, down = rises(SIZE_BYTES)
        ups.append(up)
        downs.append(down)
    return [
        Row("upload of 500 MB", "MB", tuple(ups), RISE_MEGABYTES),
        Row("download of 500 MB", "MB", tuple(downs), RISE_MEGABYTES),
        *(Row(f"worker: {what} of 500 MB", "MB", _of_worker(what, min(runs, 3)), RISE_MEGABYTES) for what in WHAT),
    ]


def _of_worker(what: str, runs: int) -> tuple[float, ...]:
    return tuple(rise(what, SIZE_BYTES) for _ in range(runs))


def rises(size: int) -> tuple[float, float]:
    """Upload and download `size` bytes on a site of its own; give the rise of each, in megabytes."""
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        site = RunningSite(Path(folder) / "data", "--no-builder")
        try:
            with Person(site) as person:
                person.sign_in_first(site.one_time_password)
                web = site.process_of("kettle_web.launcher.web")
                # What a first request of each kind loads is not the price of its size.
                warm = upload(person, size=MEGABYTE)
                download(person, build_with_result(site, digest=warm, size=MEGABYTE))
                with _watched(web) as up:
                    digest = upload(person, size=size)
                path = build_with_result(site, digest=digest, size=size)
                with _watched(web) as down:
                    assert download(person, path) == size
        finally:
            site.end()
    return up[0], down[0]


@contextmanager
def _watched(process: psutil.Process) -> Iterator[list[float]]:
    """Give a list whose one number is the largest rise of the resident memory meanwhile, in megabytes."""
    before = process.memory_info().rss
    rise = [0.0]
    ended = threading.Event()

    def watch() -> None:
        while True:
            rise[0] = max(rise[0], (process.memory_info().rss - before) / MEGABYTE)
            if ended.wait(0.02):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield rise
    finally:
        ended.set()
        watcher.join()
