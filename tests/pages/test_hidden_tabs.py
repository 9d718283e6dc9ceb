"""A tab that nobody looks at gives its stream back, and still says in its title how the build ended."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import BUILD_PATIENCE_MS, Visitor, sample_build, wait_for_verdict

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.needs("cargo")]

HIDE = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => window.isHiddenForTest ?? false });
  document.addEventListener("kettle:connection", ({ detail }) => {
    const said = document.documentElement.dataset;
    said.states = `${said.states ?? ""} ${detail.state}`;
  });
}"""


def hidden_set(page: Page, hidden: bool) -> None:
    """Headless pages are always visible: what the browser would say is said in its place."""
    page.evaluate("(hidden) => { window.isHiddenForTest = hidden; document.dispatchEvent(new Event('visibilitychange')); }", hidden)


def test_hidden_tab_pauses_its_stream_and_ends_all_the_same(visitor: Visitor) -> None:
    page = visitor.page()
    page.add_init_script(f"({HIDE})()")
    # At once, so that the pause comes before a quick build has ended.
    page.route("**/js/hidden.js", lambda route: route.fulfill(response=(answer := route.fetch()), body=answer.text().replace("5000", "0")))
    page.add_init_script("window.isHiddenForTest = true")
    page.goto(visitor.address + "/builds/new/")
    page.get_by_role("button", name="Build the sample").click()
    expect(page.locator("html")).to_have_attribute("data-states", re.compile("paused"))
    expect(page).to_have_title(re.compile("^Simulated"), timeout=BUILD_PATIENCE_MS)
    expect(page.locator("html")).to_have_attribute("data-states", re.compile("ended$"))
    expect(page.locator("#verdict-sentence")).to_contain_text("Simulated")


def test_tab_that_is_looked_at_again_continues_where_it_was(visitor: Visitor) -> None:
    page = sample_build(visitor)
    page.evaluate(HIDE)
    hidden_set(page, True)
    hidden_set(page, False)
    wait_for_verdict(page, "Simulated")
    expect(page.locator("html")).not_to_have_attribute("data-states", re.compile("paused"))


def test_notification_is_offered_and_shown_once_nobody_looks(visitor: Visitor) -> None:
    visitor.context.grant_permissions(["notifications"], origin=visitor.address)
    page = visitor.page()
    page.add_init_script("""
      window.notes = [];
      window.Notification = class extends EventTarget {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(title, options) { super(); window.notes.push([title, options.body]); }
      };
      Object.defineProperty(document, "hidden", { get: () => window.isHiddenForTest ?? false });
    """)
    page.goto(visitor.address + "/builds/new/")
    page.get_by_role("button", name="Build the sample").click()
    button = page.get_by_role("button", name="Tell me when it ends")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    page.evaluate("window.isHiddenForTest = true")
    wait_for_verdict(page, "Simulated")
    (note,) = page.evaluate("window.notes")
    assert note[0].startswith("Simulated")
    assert "proves nothing about hardware" in note[1]
