"""A log of 200,000 lines and 100 MB: stored, sealed, read, searched, sent, and shown in a browser."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.bench.memory import _watched
from tests.bench.rows import Row
from tests.conftest import program_find
from tests.logfeed import LogFeed
from tests.pages.conftest import CHROMIUM_ARGUMENTS
from tests.person import Person
from tests.running import RunningSite

LINES = 200_000
WIDTH = 480
"""Characters of each line beyond its number: 100 MB in all."""
PAGE = 500
PAGES = 60
SCROLLS = 250
LONG_TASKS = """window.longTasks = [];
new PerformanceObserver((list) => { for (const task of list.getEntries()) window.longTasks.push(task.duration); })
  .observe({type: "longtask", buffered: true});"""


def log(runs: int) -> list[Row]:
    """A log of 200,000 lines and 100 MB: stored, sealed, read, searched, sent, and shown in a browser."""
    figures: dict[str, list[float]] = {}
    for _ in range(min(runs, 5)):
        for name, value in _run().items():
            figures.setdefault(name, []).extend(value)

    def row(name: str, unit: str, target: float | None = None, *, at_least: bool = False, percentile: float | None = None) -> Row:
        return Row(name, unit, tuple(figures[name]), target, at_least, percentile=percentile)

    return [
        row("lines into the database, in batches of 5,000", "/s", 20_000, at_least=True),
        row("sealing 200,000 lines", "s"),
        row("page of 500 lines anywhere", "ms", 200, percentile=95),
        row("search of all lines, found in the last one", "s", 3),
        row("download as gzip", "s"),
        row("rise of the web server's memory meanwhile", "MB", 40),
        row("browser: until lines are seen", "s", 2),
        row("browser: rows in the page at most", "rows", 999),
        row("browser: longest task while scrolling", "ms", 100),
    ]


def _run() -> dict[str, list[float]]:
    with _site() as (site, person), LogFeed.of(site) as feed:
        # What a first request of each kind loads is not the price of its size.
        _read(person, feed, lines=[1])
        stored = LINES / feed.lines(LINES, width=WIDTH)
        sealed = feed.end()
        with _watched(site.process_of("kettle_web.launcher.web")) as rise:
            pages = [seconds * 1000 for seconds in _read(person, feed, lines=random.sample(range(1, LINES - PAGE), PAGES))]
            searched = _search(person, feed)
            downloaded = _download(person, feed)
        seen, most, longest = _browser(site, person, feed)
    return {
        "lines into the database, in batches of 5,000": [stored],
        "sealing 200,000 lines": [sealed],
        "page of 500 lines anywhere": pages,
        "search of all lines, found in the last one": [searched],
        "download as gzip": [downloaded],
        "rise of the web server's memory meanwhile": rise,
        "browser: until lines are seen": [seen],
        "browser: rows in the page at most": [most],
        "browser: longest task while scrolling": [longest],
    }


@contextmanager
def _site() -> Iterator[tuple[RunningSite, Person]]:
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        site = RunningSite(Path(folder) / "data", "--no-builder")
        try:
            with Person(site) as person:
                person.sign_in_first(site.one_time_password)
                yield site, person
        finally:
            site.end()


def _read(person: Person, feed: LogFeed, *, lines: list[int]) -> list[float]:
    seconds = []
    for first in lines:
        began = time.perf_counter()
        answer = person.client.get(f"/builds/{feed.uid}/log/lines.json", params={"from": first, "to": first + PAGE - 1})
        assert answer.status_code == 200
        seconds.append(time.perf_counter() - began)
    return seconds


def _search(person: Person, feed: LogFeed) -> float:
    began, following, hits = time.perf_counter(), 1, []
    while following:
        answer = person.client.get(f"/builds/{feed.uid}/log/search.json", params={"q": f"line {LINES} of", "from": following}).json()
        hits += answer["hits"]
        following = answer["next"]
    assert hits == [LINES]
    return time.perf_counter() - began


def _download(person: Person, feed: LogFeed) -> float:
    began = time.perf_counter()
    with person.client.stream("GET", f"/builds/{feed.uid}/log.txt.gz") as answer:
        assert sum(len(piece) for piece in answer.iter_raw()) > 1000
    return time.perf_counter() - began


def _browser(site: RunningSite, person: Person, feed: LogFeed) -> tuple[float, float, float]:
    """Open the log, scroll through it by wheel and by leaps; give seconds to the first view, rows at most, longest task in ms."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program_find("chromium"), args=CHROMIUM_ARGUMENTS)
        context = browser.new_context()
        cookies = person.client.cookies.jar
        context.add_cookies([{"name": cookie.name, "value": cookie.value or "", "url": site.address} for cookie in cookies])
        page = context.new_page()
        page.add_init_script(LONG_TASKS)
        page.goto(site.address)
        began = time.perf_counter()
        page.goto(f"{site.address}/builds/{feed.uid}/log/?from=1")
        page.locator("#L1 .log-text").wait_for()
        seen = time.perf_counter() - began
        page.evaluate("window.longTasks.length = 0")
        most = _scroll(page)
        longest = max([0.0, *page.evaluate("window.longTasks")])
        browser.close()
    return seen, float(most), longest


def _scroll(page: Page) -> int:
    scroller = page.locator("#log-scroll")
    scroller.hover()
    most = 0
    for step in range(SCROLLS):
        page.mouse.wheel(0, 700)
        if step % 10 == 0:
            scroller.evaluate("(box, part) => { box.scrollTop = part * box.scrollHeight; }", random.random())
            page.locator(".log-row-wait").first.wait_for(state="detached")
        most = max(most, page.locator(".log-row").count())
    return most
