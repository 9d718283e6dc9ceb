"""A whole running site and a real browser, for flows without a mock.

Everything here ends with this folder's last test: Playwright keeps an event loop in the main thread as long as it runs, which
other tests would stumble over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from tests.conftest import program_find
from tests.person import NEW_PASSWORD
from tests.running import RunningSite

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]
PATIENCE_MS = 20_000
BUILD_PATIENCE_MS = 60_000
"""A first build on a busy machine; on a quiet one it takes three seconds."""


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    running = RunningSite(tmp_path_factory.mktemp("site") / "data")
    yield running
    assert running.end() == 0


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program_find("chromium"), args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Visitor:
    """One person at one browser: pages of one context, and everything that the browser complained about."""

    context: BrowserContext
    address: str
    complaints: list[str] = field(default_factory=list)
    """Errors on the console (violations of the Content-Security-Policy are among them) and uncaught exceptions."""

    def page(self, path: str = "") -> Page:
        opened = self.context.new_page()
        opened.on("console", self._heard)
        opened.on("pageerror", self._thrown)
        if path:
            opened.goto(self.address + path)
        return opened

    def expect_complaint(self, pattern: str) -> None:
        """Take back complaints that belong to what a test did on purpose, such as opening an address that is not there."""
        left = [complaint for complaint in self.complaints if not re.search(pattern, complaint)]
        assert left != self.complaints, f"no complaint like {pattern!r}"
        self.complaints[:] = left

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def _thrown(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")


@pytest.fixture(scope="package")
def signed_in_state(site: RunningSite, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of the administrator, who signed in with the one-time password and chose another one."""
    context = browser.new_context()
    visitor = Visitor(context, site.address)
    page = visitor.page("/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password", exact=True).fill(site.one_time_password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save and continue").click()
    expect(page).to_have_url(site.address + "/")
    state = tmp_path_factory.mktemp("cookies") / "state.json"
    context.storage_state(path=state)
    context.close()
    assert visitor.complaints == []
    return state


@pytest.fixture
def visitor(site: RunningSite, browser: Browser, signed_in_state: Path) -> Iterator[Visitor]:
    """The administrator, signed in. The test fails when the browser complained about anything."""
    context = browser.new_context(storage_state=signed_in_state)
    person = Visitor(context, site.address)
    yield person
    context.close()
    assert person.complaints == []


@pytest.fixture
def stranger(site: RunningSite, browser: Browser) -> Iterator[Visitor]:
    """Someone without an account, in a browser of their own."""
    context = browser.new_context()
    person = Visitor(context, site.address)
    yield person
    context.close()
    assert person.complaints == []


def sample_build(visitor: Visitor) -> Page:
    """Submit the sample through the form; give its page, on which the build has just begun."""
    page = visitor.page("/builds/new/")
    page.get_by_role("button", name="Build the sample").click()
    expect(page).to_have_url(re.compile(r"/builds/[0-9a-z]+/$"))
    return page


def wait_for_verdict(page: Page, sentence: str) -> None:
    """Wait until the page, without being loaded again, shows a headline that begins with `sentence`."""
    expect(page.locator("#verdict-sentence")).to_have_text(re.compile(f"^\\s*{re.escape(sentence)}"), timeout=BUILD_PATIENCE_MS)
