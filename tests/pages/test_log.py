"""The log in a real browser: however long, whoever joins when, and whatever happens to the connection.

The acceptance list of woodpecker-ci/woodpecker#6875, point by point: mounted elements stay bounded (200,000 lines), all lines are
searched and not only those in view, Ctrl+F in the viewer opens its own search, a found line is scrolled to and highlighted, ANSI
colours, wrapped lines, timestamps, links to lines, scrolling with a live log, download of the whole log. Command groups do not
exist in this log, so that nothing can be hidden in one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.logfeed import LogFeed
from tests.pages.axe import axe_install, axe_violations
from tests.pages.conftest import Visitor
from tests.pages.cutting import CuttingProxy
from tests.running import RunningSite

pytestmark = pytest.mark.browser
MAX_ROWS = 1000

READ_ALL = """async () => {
  const scroller = document.querySelector("#log-scroll");
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const seen = [];
  let most = 0;
  scroller.scrollTop = 0;
  for (;;) {
    do { await frame(); await frame(); } while (document.querySelector(".log-row-wait"));
    const rows = document.querySelectorAll(".log-row");
    most = Math.max(most, rows.length);
    for (const row of rows) {
      const line = Number(row.id.slice(1));
      const text = row.querySelector(".log-text").textContent;
      if (seen[line] !== undefined && seen[line] !== text) throw new Error(`line ${line} was ${seen[line]} and is ${text}`);
      seen[line] = text;
    }
    if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1) break;
    scroller.scrollTop += scroller.clientHeight * 2;
  }
  return {texts: seen.slice(1), most};
}"""
"""Scrolls from the first line to the last; gives what each line said, and the largest number of rows in the page."""


@pytest.fixture
def feed(site: RunningSite, visitor: Visitor) -> Iterator[LogFeed]:
    with LogFeed.of(site) as feed:
        yield feed
        # A build that ran on would keep other pages' streams open.
        feed.end(state="abandoned", is_sealed=False)


def opened(visitor: Visitor, feed: LogFeed, path: str = "") -> Page:
    page = visitor.page(f"/builds/{feed.uid}/{path}")
    if path.startswith("log/"):
        expect(page.locator(".log-block .log-row").first).to_be_visible()
    page.locator("#log-scroll").evaluate("(box) => box.scrollIntoView({block: 'center'})")
    return page


def rows(page: Page) -> int:
    return page.locator(".log-row").count()


def lines_in_view(page: Page) -> list[int]:
    """Wait until what is to be in view is there; give its numbers."""
    found: list[int] = page.evaluate(
        """async () => {
          const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
          for (;;) {
            await frame();
            await frame();
            const box = document.querySelector("#log-scroll").getBoundingClientRect();
            const rows = [...document.querySelectorAll(".log-row")].filter((row) => {
              const at = row.getBoundingClientRect();
              return at.bottom > box.top + 1 && at.top < box.bottom - 1;
            });
            if (rows.length && !document.querySelector(".log-row-wait")) {
              return rows.map((row) => Number(row.id.slice(1))).sort((a, b) => a - b);
            }
          }
        }"""
    )
    return found


def expect_in_view(page: Page, line: int) -> None:
    expect(page.locator(f"#L{line}:not(.log-row-wait)")).to_be_in_viewport()


def cut_in_the_middle(proxy: CuttingProxy, page: Page) -> int:
    """Wait for the page's stream and cut it; the browser is told at once that the network is back."""
    deadline = time.monotonic() + 20
    while not proxy.streams:
        assert time.monotonic() < deadline, "the page did not come back"
        # Not the wait that spreads out a crowd.
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.wait_for_timeout(10)
    return min(proxy.cut(), 1)


def test_hundred_cuts_while_twenty_thousand_lines_arrive_lose_and_double_none(site, visitor: Visitor, feed: LogFeed) -> None:
    proxy = CuttingProxy(site.port)
    page = visitor.page()
    page.add_init_script(
        """window.heard = [];
        document.addEventListener("kettle:rows", ({detail}) => window.heard.push([detail.seq, detail.line]));"""
    )
    page.goto(f"{proxy.address}/builds/{feed.uid}/")
    cuts = 0
    for _ in range(100):
        feed.lines(200)
        cuts += cut_in_the_middle(proxy, page)
    expect(page.locator("#log-count")).to_have_text("20,000")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    proxy.cut()
    read = page.evaluate(READ_ALL)
    assert read["texts"] == [f"line {number} of the log" for number in range(1, 20_001)]
    assert read["most"] < MAX_ROWS
    heard = page.evaluate("window.heard")
    assert [seq for seq, _line in heard] == sorted({seq for seq, _line in heard})
    assert heard[-1] == [20_000, 20_000]
    assert cuts == 100
    assert proxy.opened > cuts
    page.close()
    proxy.close()
    visitor.expect_complaint("ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_SOCKET")


def test_long_log_of_a_running_build_goes_on_in_the_page_until_it_is_sealed(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(3000)
    page = opened(visitor, feed)
    expect_in_view(page, 3000)
    feed.lines(500)
    expect(page.locator("#log-count")).to_have_text("3,500")
    expect_in_view(page, 3500)
    feed.texts("error: it broke")
    feed.end()
    expect(page.locator("#connection")).to_have_attribute("data-state", "ended")
    expect(page.locator("#verdict-sentence")).to_contain_text("Build failed")
    page.get_by_role("link", name="Go to the first error in the log").click()
    expect(page.locator("#L3501.marked")).to_be_in_viewport()
    assert page.url.endswith("#L3501")


def test_two_hundred_thousand_lines_are_few_rows_wherever_one_looks(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(200_000)
    feed.end()
    page = opened(visitor, feed, "log/?from=1")
    scroller = page.locator("#log-scroll")
    for part in (0, 0.25, 0.5, 0.999, 0.1, 1):
        scroller.evaluate("(box, part) => { box.scrollTop = part * box.scrollHeight; }", part)
        assert lines_in_view(page)
        assert rows(page) < MAX_ROWS
    assert lines_in_view(page)[-1] == 200_000
    page.goto(f"{page.url.partition('/log/')[0]}/log/#L123456-L123460")
    page.reload()
    expect_in_view(page, 123_458)
    expect(page.locator(".log-row.marked")).to_have_count(5)
    expect(page.locator("#L123456 .log-text")).to_have_text("line 123456 of the log")


def test_wrapped_lines_of_any_height_keep_what_is_read_where_it_is(visitor: Visitor, feed: LogFeed) -> None:
    for _ in range(20):
        feed.lines(40, width=20)
        feed.lines(10, width=3000)
    feed.end()
    page = opened(visitor, feed, "log/#L777")
    expect_in_view(page, 777)
    page.set_viewport_size({"width": 390, "height": 844})
    expect_in_view(page, 777)
    page.get_by_role("button", name="Wrap").click()
    expect_in_view(page, 777)
    assert page.locator("#log-scroll").evaluate("(box) => box.scrollWidth > box.clientWidth")
    page.get_by_role("button", name="Wrap").click()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Start", exact=True).click()
    expect_in_view(page, 1)
    read = page.evaluate(READ_ALL)
    assert [int(text.split()[1]) for text in read["texts"]] == list(range(1, 1001))


def test_reader_stays_where_they_read_while_lines_arrive_and_follows_from_the_end(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(400)
    page = opened(visitor, feed)
    expect_in_view(page, 400)
    page.locator("#log-scroll").hover()
    page.mouse.wheel(0, -2000)
    expect(page.get_by_role("button", name="Follow the end")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#L400")).not_to_be_in_viewport()
    before = lines_in_view(page)
    feed.lines(300)
    expect(page.locator("#log-count")).to_have_text("700")
    assert lines_in_view(page) == before
    page.get_by_role("button", name="Follow the end").click()
    expect_in_view(page, 700)
    feed.lines(300)
    expect_in_view(page, 1000)


def test_search_covers_all_lines_and_goes_through_them_in_order(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(5000)
    feed.end(state="done")
    page = opened(visitor, feed, "log/")
    page.get_by_role("searchbox", name="Search all lines of this log").fill("LINE 49")
    expect(page.locator("#log-hits")).to_have_text("1 of 111 lines")
    expect_in_view(page, 49)
    expect(page.locator("#L49")).to_have_class(re.compile("log-row-here"))
    page.get_by_role("button", name="Next line that has it").click()
    expect_in_view(page, 490)
    page.get_by_role("button", name="Previous line that has it").click()
    page.get_by_role("button", name="Previous line that has it").click()
    expect(page.locator("#log-hits")).to_have_text("111 of 111 lines")
    expect_in_view(page, 4999)
    assert page.evaluate("CSS.highlights.get('log-here').size") == 1
    page.get_by_label("Match case").check()
    expect(page.locator("#log-hits")).to_have_text("No line has it")


def test_log_is_worked_by_keyboard_while_the_focus_is_in_it(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(2000)
    feed.texts("error: it broke", "and ends")
    feed.end()
    page = opened(visitor, feed)
    page.locator("#log-scroll").focus()
    page.keyboard.press("g")
    expect_in_view(page, 1)
    page.keyboard.press("Shift+G")
    expect_in_view(page, 2002)
    page.keyboard.press("/")
    field = page.locator("#log-needle")
    expect(field).to_be_focused()
    field.fill("line 77")
    expect(page.locator("#log-hits")).to_have_text("1 of 11 lines")
    page.locator("#log-scroll").focus()
    page.keyboard.press("n")
    expect(page.locator("#log-hits")).to_have_text("2 of 11 lines")
    page.keyboard.press("Shift+N")
    expect(page.locator("#log-hits")).to_have_text("1 of 11 lines")
    page.keyboard.press("f")
    expect_in_view(page, 2001)
    page.keyboard.press("Control+f")
    expect(field).to_be_focused()
    field.press("Escape")
    field.press("Escape")
    expect(page.locator("#log-scroll")).to_be_focused()
    # Elsewhere the key is the site's own search.
    page.locator("main").focus()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()


def test_numbers_of_lines_are_one_stop_and_the_arrows_go_through_all_of_them(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(500)
    feed.end(state="done")
    page = opened(visitor, feed, "log/?from=1")
    page.locator("#log-scroll").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#L1 .log-no")).to_be_focused()
    for _ in range(120):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#L121 .log-no")).to_be_focused()
    expect_in_view(page, 121)
    page.keyboard.press("Enter")
    assert page.url.endswith("#L121")
    expect(page.locator("#L121")).to_have_class(re.compile("marked"))


def test_lines_are_linked_and_copied_by_click_and_shift_click(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(2000)
    feed.end(state="done")
    page = opened(visitor, feed, "log/?from=1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#L3 .log-no").click()
    page.get_by_role("button", name="Copy line 3").click()
    expect(page.locator("#log-said")).to_have_text("Copied")
    page.locator("#log-scroll").evaluate("(box) => { box.scrollTop = 9000; }")
    line = lines_in_view(page)[3]
    page.locator(f"#L{line}:not(.log-row-wait) .log-no").click(modifiers=["Shift"])
    assert page.url.endswith(f"#L3-L{line}")
    page.get_by_role("button", name=f"Copy lines 3 to {line}").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text == "".join(f"line {number} of the log\n" for number in range(3, line + 1))


def test_selection_over_lines_that_are_not_in_the_page_is_copied_whole(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(2000)
    feed.end(state="done")
    page = opened(visitor, feed, "log/?from=1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("getSelection().setBaseAndExtent(document.querySelector('#L2 .log-text'), 0, document.querySelector('#L4 .log-text'), 1)")
    page.locator("#log-scroll").evaluate("(box) => { box.scrollTop = 20000; }")
    line = lines_in_view(page)[2]
    page.evaluate(f"getSelection().extend(document.querySelector('#L{line} .log-text'), 1)")
    page.keyboard.press("Control+c")
    expect(page.locator("#log-said")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text == "".join(f"line {number} of the log\n" for number in range(2, line + 1))


def test_times_are_shown_on_demand_and_remembered(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(60)
    feed.end(state="done")
    page = opened(visitor, feed, "log/")
    expect(page.locator(".log-time")).to_have_count(0)
    page.get_by_role("button", name="Times").click()
    expect(page.locator("#L1 .log-time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.001$"))
    expect(page.get_by_role("link", name="Raw")).to_have_attribute("href", re.compile(r"log\.txt\?times=1$"))
    page.reload()
    expect(page.locator("#L1 .log-time")).to_be_visible()


def test_hostile_and_endless_lines_are_shown_as_text_and_cut(visitor: Visitor, feed: LogFeed) -> None:
    feed.texts("<img src=x onerror=alert(1)>", "\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07", "10%\r100%", "x" * 250_000, "after")
    feed.end(state="done")
    page = opened(visitor, feed, "log/")
    expect(page.locator("#L1 .log-text")).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#L2 .log-text")).to_have_text("link")
    expect(page.locator("#L3 .log-text")).to_have_text("100%")
    assert page.locator("#L4 .log-text").inner_text().startswith("x" * 4000)
    expect(page.get_by_role("link", name="246,000 more characters: open the whole line")).to_have_attribute(
        "href", f"/builds/{feed.uid}/log.txt?lines=4-4"
    )
    expect(page.locator("#L5 .log-text")).to_have_text("after")


def test_log_that_the_server_replaced_is_shown_anew_without_loading_the_page_again(visitor: Visitor, feed: LogFeed) -> None:
    feed.lines(300)
    page = opened(visitor, feed)
    expect_in_view(page, 300)
    feed.replace(100)
    feed.texts(*(f"replayed {number}" for number in range(101, 131)))
    expect(page.locator("#log-count")).to_have_text("130")
    expect(page.locator("#L130 .log-text")).to_have_text("replayed 130")
    read = page.evaluate(READ_ALL)
    assert read["texts"] == [f"line {n} of the log" for n in range(1, 101)] + [f"replayed {n}" for n in range(101, 131)]


def test_connection_that_is_gone_is_said_and_comes_back(site, visitor: Visitor, feed: LogFeed) -> None:
    proxy = CuttingProxy(site.port)
    feed.lines(10)
    page = visitor.page()
    page.goto(f"{proxy.address}/builds/{feed.uid}/")
    state = page.locator("#connection")
    expect(state).to_have_text("live")
    proxy.refuses = True
    proxy.cut()
    expect(state).to_have_text("reconnecting")
    feed.lines(10)
    proxy.refuses = False
    expect(state).to_have_text("live")
    expect(page.locator("#log-count")).to_have_text("20")
    page.context.set_offline(True)
    expect(state).to_have_text("offline")
    feed.lines(10)
    page.context.set_offline(False)
    expect(state).to_have_text("live")
    expect(page.locator("#log-count")).to_have_text("30")
    page.close()
    proxy.close()
    visitor.expect_complaint("ERR_|net::")


def test_without_javascript_the_log_is_there_page_by_page_with_a_search(site, browser: Browser, signed_in_state, feed: LogFeed) -> None:
    feed.lines(1200)
    context = browser.new_context(storage_state=signed_in_state, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.address}/builds/{feed.uid}/")
    expect(page.locator("#L1200")).to_be_attached()
    expect(page.get_by_role("link", name="Refresh this page").first).to_be_visible()
    page.get_by_role("link", name="Read the log from its beginning").click()
    expect(page.locator("#L1 .log-text")).to_have_text("line 1 of the log")
    page.get_by_role("link", name="Later lines").click()
    expect(page.locator("#L501")).to_be_visible()
    page.get_by_role("searchbox", name="Search all lines of this log").fill("line 777")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name="777", exact=True).first.click()
    expect(page.locator("#L777")).to_be_in_viewport()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_log_breaks_no_rule_of_accessibility(visitor: Visitor, feed: LogFeed, tmp_path_factory, scheme) -> None:
    source = axe_install(tmp_path_factory.mktemp("axe"))
    feed.texts("ready", kind="init")
    feed.texts("\x1b[31mred\x1b[0m \x1b[42mground\x1b[0m \x1b[2mdim\x1b[0m", "a note")
    feed.texts("something of ours", kind="site")
    feed.lines(300)
    for path in ("", "log/#L3-L5"):
        page = opened(visitor, feed, path)
        page.emulate_media(color_scheme=scheme)
        page.get_by_role("button", name="Times").click()
        page.locator("#log-needle").fill("line 3")
        expect(page.locator("#log-hits")).to_contain_text("of 15 lines")
        assert axe_violations(page, source) == []
        page.get_by_role("button", name="Times").click()
        page.close()
