"""Every page in light, in dark and at the width of a phone: nothing for axe-core to object to, nothing that scrolls sideways."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.axe import axe_install, axe_violations
from tests.pages.conftest import Visitor, sample_build, wait_for_verdict
from tests.running import RunningSite

pytestmark = [pytest.mark.browser, pytest.mark.stack]

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
REFLOW = {"width": 320, "height": 640}
"""What a desk's width becomes at 400 % (WCAG 1.4.10)."""
PAGES = [
    "/",
    "/builds/",
    "/builds/?q=nothing-is-called-so",
    "/builds/new/",
    "/builds/new/?way=upload",
    "/builds/import/",
    "/account/password/",
    "/account/people/",
    "/policy/",
    "/policy/add/",
    "/endpoints/",
    "/endpoints/add/",
    "/endpoints/pools/add/",
]


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_install(tmp_path_factory.mktemp("axe"))


def _judge(page: Page, axe: str) -> None:
    """Look at the page that is open in each of its three shapes."""
    # Colours that are still changing would be judged halfway.
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    page.set_viewport_size({**DESK})
    found = {"light": axe_violations(page, axe)}
    page.emulate_media(color_scheme="dark")
    # Nothing but colours differs.
    found["dark"] = axe_violations(page, axe, "color-contrast", "link-in-text-block")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({**PHONE})
    found["phone"] = axe_violations(page, axe)
    assert not any(found.values()), found
    for size in (PHONE, REFLOW):
        page.set_viewport_size({**size})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"scrolls sideways at {size}"


def test_axe_finds_what_is_wrong(stranger: Visitor, axe: str) -> None:
    page = stranger.page("/account/sign-in/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
    assert [rule.partition(":")[0] for rule in axe_violations(page, axe)] == ["button-name"]


@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible(visitor: Visitor, axe: str, path: str) -> None:
    _judge(visitor.page(path), axe)


@pytest.mark.parametrize("path", ["/account/sign-in/", "/s/" + "A" * 43 + "/", "/nothing-is-here/"])
def test_page_for_strangers_is_accessible(stranger: Visitor, axe: str, path: str) -> None:
    _judge(stranger.page(path), axe)
    if path != "/account/sign-in/":
        stranger.expect_complaint("404")


@pytest.mark.needs("cargo")
def test_build_and_its_share_page_are_accessible(visitor: Visitor, stranger: Visitor, axe: str) -> None:
    page = sample_build(visitor)
    assert axe_violations(page, axe) == []
    wait_for_verdict(page, "Simulated")
    page.get_by_label("For whom").fill("إصدار العميل " + "x" * 60)
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#links .note a").get_attribute("href")
    assert link is not None
    _judge(page, axe)
    guest = stranger.page()
    guest.goto(link)
    guest.set_viewport_size({**PHONE})
    guest.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert axe_violations(guest, axe) == []
    assert guest.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"


@pytest.fixture
def scriptless(site: RunningSite, browser: Browser, signed_in_state: object) -> Iterator[Visitor]:
    context = browser.new_context(storage_state=str(signed_in_state), java_script_enabled=False)
    person = Visitor(context, site.address)
    yield person
    context.close()
    assert person.complaints == []


def test_everything_begins_without_scripts(scriptless: Visitor) -> None:
    page = scriptless.page("/builds/new/")
    expect(page.locator("#repository-form [name=nonce]")).to_have_value("")
    page.get_by_role("button", name="Build the sample").click()
    expect(page).to_have_url(re.compile(r"/builds/[0-9a-z]{16}/$"))
    expect(page.locator("#verdict-sentence")).to_be_visible()
    expect(page.locator(".copy:visible, .connection:visible")).to_have_count(0)
    page.locator("#search").fill("kettle")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/builds/\?q=kettle"))
    expect(page.locator(".build-row").first).to_be_visible()


def test_chosen_theme_is_there_before_the_first_paint(visitor: Visitor) -> None:
    page = visitor.page("/")
    page.emulate_media(color_scheme="light")
    page.locator("summary", has=page.locator(".menu-name")).click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    # What the root element says when the body comes into being, which is before anything is painted.
    page.add_init_script(
        """new MutationObserver((changes, watcher) => {
            if (!document.body) return;
            window.themeAtBody = document.documentElement.dataset.theme ?? "none";
            watcher.disconnect();
        }).observe(document, {childList: true, subtree: true});"""
    )
    page.goto(visitor.address + "/builds/")
    assert page.evaluate("window.themeAtBody") == "dark"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark


def test_keyboard_reaches_search_and_content(visitor: Visitor) -> None:
    page = visitor.page("/account/password/")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.goto(visitor.address + "/builds/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.needs("cargo")
def test_keyboard_makes_the_address_of_a_line(visitor: Visitor) -> None:
    page = sample_build(visitor)
    wait_for_verdict(page, "Simulated")
    page.reload()
    page.locator("#log-scroll").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#L1 .log-no")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#L3$"))
    assert page.locator(".log-no[tabindex='0']").count() == 1


def test_password_form_names_its_account(visitor: Visitor) -> None:
    said: list[str] = []
    page = visitor.page()
    page.on("console", lambda message: said.append(message.text))
    page.goto(visitor.address + "/account/password/", wait_until="networkidle")
    assert said == []


def test_long_table_is_narrowed_down(visitor: Visitor, samples: object) -> None:
    page = visitor.page("/builds/import/")
    page.get_by_label("provenance.json").set_input_files(f"{samples}/bundles/ripgrep-2026-03/provenance.json")
    page.get_by_label("evidence.json").set_input_files(f"{samples}/bundles/ripgrep-2026-03/evidence.json")
    page.get_by_role("button", name="Check it").click()
    wait_for_verdict(page, "Not established")
    page.locator("summary", has_text="resolved dependencies").click()
    rows = page.locator("#dependency-table tbody tr:visible")
    everything = rows.count()
    assert everything > 50
    digest = page.locator("#dependency-table [data-digest]").nth(7).get_attribute("data-digest") or ""
    page.get_by_label("Find a dependency").fill(digest)
    expect(rows).to_have_count(1)
    page.get_by_label("Find a dependency").fill("memchr")
    expect(rows).not_to_have_count(everything)
    expect(rows.first).to_contain_text("memchr")
