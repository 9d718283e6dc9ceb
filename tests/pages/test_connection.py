"""What a live page says of its connection, where the network or the server does not play along."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.logfeed import LogFeed
from tests.pages.conftest import Visitor
from tests.running import RunningSite

pytestmark = pytest.mark.browser

HEARD = """
  window.states = [];
  document.addEventListener("kettle:connection", ({ detail }) => window.states.push(detail.state));
  document.addEventListener("kettle:state", ({ detail }) => { window.said = detail; });
"""


@pytest.fixture
def feed(site: RunningSite, visitor: Visitor) -> Iterator[LogFeed]:
    with LogFeed.of(site) as feed:
        yield feed
        # A build that ran on would keep other pages' streams open.
        feed.end(state="abandoned", is_sealed=False)


def listening(visitor: Visitor) -> Page:
    page = visitor.page()
    page.add_init_script(HEARD)
    return page


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", state)


def leave_network(page: Page) -> None:
    """As a browser does that loses its network: the event, and nothing gets through."""
    page.context.set_offline(True)
    expect_state(page, "offline")


def test_page_that_fell_behind_says_so_until_it_has_caught_up(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(100)
    page = listening(visitor)
    page.goto(f"{visitor.address}/builds/{feed.uid}/")
    expect_state(page, "live")
    leave_network(page)
    # Of more than two thousand the page is told the numbers alone, and has them at once.
    feed.lines(1900)
    page.context.set_offline(False)
    expect(page.locator("#log-count")).to_have_text("2,000")
    expect_state(page, "live")
    states = page.evaluate("window.states")
    assert states[-2:] == ["behind", "live"]
    expect(page.locator("#connection")).to_have_text("live")
    # Whether a connection was tried meanwhile is a matter of chance.
    visitor.complaints[:] = [said for said in visitor.complaints if "ERR_INTERNET_DISCONNECTED" not in said]


def test_page_of_someone_who_was_signed_out_says_so_and_asks_no_more(visitor: Visitor, feed: LogFeed) -> None:
    page = listening(visitor)
    page.goto(f"{visitor.address}/builds/{feed.uid}/")
    expect_state(page, "live")
    page.context.clear_cookies()
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect_state(page, "gone")
    expect(page.locator("#connection")).to_have_text("signed out: reload this page")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_function("() => new Promise((resolve) => setTimeout(() => resolve(true), 1000))")
    assert asked == []
    visitor.expect_complaint("404|ERR_")


def test_connection_that_is_neither_made_nor_refused_is_given_up_and_made_anew(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(3)
    page = listening(visitor)
    held: list[Route] = []
    page.route("**/js/connection.js", lambda route: route.fulfill(response=(answer := route.fetch()), body=quick(answer.text())))
    page.route("**/events?*", lambda route: held.append(route) if len(held) < 2 else route.continue_())
    page.goto(f"{visitor.address}/builds/{feed.uid}/")
    expect_state(page, "live")
    assert len(held) == 2
    assert page.evaluate("window.states") == ["reconnecting", "live"]
    feed.lines(2)
    expect(page.locator("#log-count")).to_have_text("5")


def quick(code: str) -> str:
    """The module with a second in the place of forty."""
    made = code.replace("SILENCE_MS = 40_000", "SILENCE_MS = 1_000")
    assert made != code
    return made


def test_state_that_could_not_be_fetched_is_asked_for_with_the_next_sign_of_life(visitor: Visitor, feed: LogFeed) -> None:
    page = listening(visitor)
    refused: list[Route] = []

    def refuse_once(route: Route) -> None:
        if route.request.headers.get("hx-request") and not refused:
            refused.append(route)
            route.abort()
        else:
            route.continue_()

    page.route(re.compile(f"/builds/{feed.uid}/$"), refuse_once)
    page.goto(f"{visitor.address}/builds/{feed.uid}/")
    page.wait_for_function("() => window.said")
    page.wait_for_function("() => performance.getEntriesByType('resource').length > 0")
    page.evaluate("document.querySelector('#outcome').dataset.old = 'yes'")
    # The same message again, as the server sends it every quarter of a minute.
    page.wait_for_function(
        """() => {
          document.dispatchEvent(new CustomEvent("kettle:state", { detail: window.said }));
          return !document.querySelector("#outcome").dataset.old;
        }""",
        polling=200,
    )
    assert len(refused) == 1
    visitor.expect_complaint("ERR_FAILED")
