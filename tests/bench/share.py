"""What a stranger's phone has to do for a share page."""

from __future__ import annotations

import gzip
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Request, Response, Route, sync_playwright

from tests.bench.rows import Row
from tests.conftest import program_find
from tests.person import NEW_PASSWORD
from tests.running import RunningSite

READABLE_BYTES = 30_000
"""HTML and style sheets, compressed: what must come before anything can be read."""
VERIFY_SECONDS = 1.5
SLOWER = 4
"""A mid-range phone, as Chromium's tools imitate it."""
HELD_SECONDS = 3.0
"""All scripts are kept back for so long: what is painted before needs none."""

_VERIFY = """async (url) => {
  const { verifyMaterial } = await import("/static/js/verify/index.js");
  const { materialInput } = await import("/static/js/material-input.js");
  const input = await materialInput(await (await fetch(url)).json(), new Date());
  const began = performance.now();
  const report = await verifyMaterial(input);
  return { seconds: (performance.now() - began) / 1000, verdict: report.verdict, checks: report.checks.length };
}"""


_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def share(runs: int) -> list[Row]:
    """A share page: bytes before it can be read, requests, first paint without scripts, verification at a quarter of the speed."""
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder, _browser() as browser:
        site = RunningSite(Path(folder) / "data")
        try:
            links = _links(browser, site, Path(folder))
            return [row for name, url in links.items() for row in _rows(browser, name, url, runs)]
        finally:
            site.end()


@contextmanager
def _browser() -> Iterator[Browser]:
    from tests.pages.conftest import CHROMIUM_ARGUMENTS

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program_find("chromium"), args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


def _links(browser: Browser, site: RunningSite, folder: Path) -> dict[str, str]:
    """A link to a small simulated build, and to a recorded one with 66 dependencies where the samples are there."""
    from tests.pages.conftest import Visitor, wait_for_verdict
    from tests.pages.shares import build_bring, link_make

    visitor = Visitor(browser.new_context(), site.address)
    page = visitor.page("/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password", exact=True).fill(site.one_time_password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save and continue").click()
    page.wait_for_url(site.address + "/")
    links = {"simulated": link_make(build_bring(visitor, folder))}
    for shared in Path(__file__).resolve().parents[3].glob("shared/samples/bundles/ripgrep-2026-03"):
        page = visitor.page("/builds/import/")
        page.get_by_label("provenance.json").set_input_files(shared / "provenance.json")
        page.get_by_label("evidence.json").set_input_files(shared / "evidence.json")
        page.get_by_role("button", name="Check it").click()
        wait_for_verdict(page, "Not established")
        links["recorded, Azure SEV-SNP"] = link_make(page)
    return links


def _rows(browser: Browser, name: str, url: str, runs: int) -> list[Row]:
    loads = [_load(browser, url) for _ in range(runs)]
    verified = [_verify(browser, url) for _ in range(runs)]

    def row(what: str, unit: str, key: str, target: float | None = None) -> Row:
        return Row(f"{name}: {what}", unit, tuple(load[key] for load in loads), target)

    return [
        row("HTML and CSS, gzip", "bytes", "readable", READABLE_BYTES),
        row("requests", "", "requests"),
        row("requests to others", "", "foreign", 0),
        Row(f"{name}: first paint, every script held back", "s", tuple(_first_paint(browser, url) for _ in range(runs)), HELD_SECONDS),
        Row(f"{name}: verifying, CPU {SLOWER} times slower", "s", tuple(one[0] for one in verified), VERIFY_SECONDS),
        Row(f"{name}: the same in the page, fetching and showing each step", "s", tuple(one[1] for one in verified), VERIFY_SECONDS),
        Row(f"{name}: from the address to the browser's verdict", "s", tuple(one[2] for one in verified), VERIFY_SECONDS),
    ]


def _load(browser: Browser, url: str) -> dict[str, float]:
    """Open the page in a fresh browser, and count."""
    context = browser.new_context()
    page = context.new_page()
    answers: list[Response] = []
    asked: list[Request] = []
    page.on("response", lambda answer: answers.append(answer))
    page.on("request", lambda request: asked.append(request))
    page.goto(url, wait_until="networkidle")
    needed = [answer.body() for answer in answers if re.match(r"text/(html|css)", answer.headers.get("content-type", ""))]
    origin = url.split("/s/")[0]
    counted = {
        "readable": float(sum(len(gzip.compress(body, 6)) for body in needed)),
        "requests": float(len(asked)),
        "foreign": float(sum(not request.url.startswith((origin, "data:", "blob:")) for request in asked)),
    }
    context.close()
    return counted


def _with_page(browser: Browser, act: Callable[[Page], Any]) -> Any:
    context = browser.new_context()
    try:
        return act(context.new_page())
    finally:
        context.close()


def _first_paint(browser: Browser, url: str) -> float:
    """Seconds until something is painted while no script has come."""

    def act(page: Page) -> float:
        held: list[Route] = []
        page.route(re.compile(r"\.js$"), lambda route: held.append(route))
        page.goto(url, wait_until="commit")
        # Playwright runs this in the page itself; the site's own scripts are all still held.
        deadline = time.monotonic() + HELD_SECONDS
        while (painted := page.evaluate(_PAINTED)) is None and time.monotonic() < deadline:
            page.wait_for_timeout(20)
        seconds = float("inf") if painted is None else float(painted) / 1000
        for route in held:
            route.abort()
        return seconds

    return float(_with_page(browser, act))


def _verify(browser: Browser, url: str) -> tuple[float, float, float]:
    """Seconds of one call of the verifier; of the page's own check, which fetches, judges twice and shows each step; of the whole load."""

    def act(page: Page) -> tuple[float, float, float]:
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(url, wait_until="commit")
        own = page.locator("[data-browser-check][data-state=done]")
        own.wait_for(state="attached")
        whole = float(page.evaluate("performance.now()")) / 1000
        shown = float(own.get_attribute("data-milliseconds") or "inf") / 1000
        return float(page.evaluate(_VERIFY, f"{url}material.json")["seconds"]), shown, whole

    found: tuple[float, float, float] = _with_page(browser, act)
    return found
