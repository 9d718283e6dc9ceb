"""Lists of builds follow what happens, and many tabs of one browser share one connection."""

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import BUILD_PATIENCE_MS, Visitor, sample_build

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.needs("cargo")]
TABS = 12
"""Twice as many as a browser gives connections to one host on HTTP/1."""

COUNT_STREAMS = """
  window.streamsOpened = 0;
  const Plain = window.EventSource;
  window.EventSource = class extends Plain {
    constructor(...given) { super(...given); window.streamsOpened += 1; }
  };
"""


def uid_of(page: Page) -> str:
    return page.url.rstrip("/").rpartition("/")[2]


def test_home_shows_a_build_begin_and_end(visitor: Visitor) -> None:
    sample_build(visitor)
    home = visitor.page("/")
    home.evaluate("window.neverLoadedAgain = true")
    uid = uid_of(sample_build(visitor))
    row = home.locator(f"li[data-build='{uid}']")
    expect(row).to_be_visible()
    home.bring_to_front()
    expect(home.locator("section[aria-labelledby=recent]").locator(f"li[data-build='{uid}']")).to_contain_text(
        "Simulated", timeout=BUILD_PATIENCE_MS
    )
    expect(home.locator("section[aria-labelledby=running]").locator(f"li[data-build='{uid}']")).to_have_count(0)
    assert home.evaluate("window.neverLoadedAgain") is True


def test_history_updates_its_rows_and_offers_new_ones(visitor: Visitor) -> None:
    first = uid_of(sample_build(visitor))
    history = visitor.page("/builds/")
    row = history.locator(f"li[data-build='{first}']")
    expect(row).to_contain_text("Simulated", timeout=BUILD_PATIENCE_MS)
    second = uid_of(sample_build(visitor))
    history.bring_to_front()
    offer = history.locator("#builds-new")
    expect(offer).to_be_visible()
    expect(history.locator(f"li[data-build='{second}']")).to_have_count(0)
    offer.get_by_role("link").click()
    expect(history.locator(f"li[data-build='{second}']")).to_be_visible()


def test_twelve_tabs_work_and_share_one_connection(visitor: Visitor) -> None:
    build = sample_build(visitor)
    visitor.context.add_init_script(COUNT_STREAMS)
    uid = uid_of(build)
    homes = [visitor.page("/" if number % 2 else "/builds/") for number in range(TABS)]
    # A stream that is still open is in no list of resources: the pages count what they open themselves.
    assert [page.evaluate("window.streamsOpened") for page in homes] == [0] * TABS, "the shared worker has the one connection"
    one_more = visitor.page("/builds/new/")
    expect(one_more.get_by_role("heading", level=1)).to_be_visible()
    for page in homes:
        page.bring_to_front()
        expect(page.locator(f"li[data-build='{uid}']")).to_contain_text("Simulated", timeout=BUILD_PATIENCE_MS)
