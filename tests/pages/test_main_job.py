"""The main job in a browser: submit, watch, read the verdict, share, revoke."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import Visitor, sample_build, wait_for_verdict
from tests.running import RunningSite

pytestmark = [pytest.mark.browser, pytest.mark.stack]
needs_cargo = pytest.mark.needs("cargo")

HEADLINE = "Simulated: signed by a public test key. This proves nothing about hardware."


def _log(page: Page) -> list[str]:
    return page.locator("#log-rows .log-text").all_inner_texts()


@needs_cargo
def test_sample_from_the_form_to_a_revoked_link(visitor: Visitor, stranger: Visitor) -> None:
    page = sample_build(visitor)
    page.evaluate("window.neverLoadedAgain = true")
    expect(page.locator("#outcome")).to_contain_text("Nothing is established yet")
    expect(page.locator("#log-rows .log-row").first).to_be_visible()
    wait_for_verdict(page, HEADLINE)
    assert page.evaluate("window.neverLoadedAgain") is True
    assert any("Compiling hello-kettle" in line for line in _log(page))

    chain = page.locator("ol.chain > li")
    for name in ("vendor-root", "report", "signed-data", "provenance", "artifacts"):
        expect(page.locator(f"#link-{name}")).to_be_visible()
    assert chain.count() >= 8
    assert page.locator("ol.chain > li.rail-fail").count() == 0

    page.get_by_label("For whom").fill("A customer")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#links .note a").get_attribute("href")
    assert link is not None
    assert re.search(r"/s/[\w-]{22,}/$", link)

    guest = stranger.page()
    answer = guest.goto(link)
    assert answer is not None
    assert answer.status == 200
    assert answer.headers["x-robots-tag"].startswith("noindex") or guest.locator("meta[name=robots]").count() == 1
    expect(guest.locator("#verdict-sentence")).to_have_text(HEADLINE)
    expect(guest.locator("#link-artifacts")).to_be_visible()

    page.get_by_role("button", name="Revoke").click()
    expect(page.locator("#links")).to_contain_text("revoked", ignore_case=True)
    gone = guest.goto(link)
    assert gone is not None
    assert gone.status == 404
    stranger.expect_complaint("404")


@needs_cargo
def test_reload_and_second_browser_show_the_same_log(visitor: Visitor) -> None:
    page = sample_build(visitor)
    second = visitor.page()
    second.goto(page.url)
    expect(page.locator("#log-rows .log-row").first).to_be_visible()
    page.reload()
    wait_for_verdict(page, HEADLINE)
    wait_for_verdict(second, HEADLINE)
    expect(second.locator("#log-rows .log-row")).to_have_count(page.locator("#log-rows .log-row").count())
    assert _log(page) == _log(second)
    third = visitor.page()
    third.goto(page.url)
    assert _log(third) == _log(page)
    numbers = [int(number) for number in third.locator("#log-rows .log-no").all_inner_texts()]
    assert numbers == list(range(1, len(numbers) + 1)), "no line is lost or doubled"


@needs_cargo
def test_worker_killed_in_the_middle_finishes_the_build(visitor: Visitor, site: RunningSite) -> None:
    page = sample_build(visitor)
    expect(page.locator("#log-rows .log-row").first).to_be_visible()
    site.process_of("worker").kill()
    wait_for_verdict(page, HEADLINE)
    numbers = [int(number) for number in page.locator("#log-rows .log-no").all_inner_texts()]
    assert numbers == list(range(1, len(numbers) + 1))
    # One nonce was sent, so there was one submission.
    page.reload()
    expect(page.locator("#after").get_by_text("Nonce", exact=True)).to_have_count(1)


def test_sign_in_is_asked_for_and_strangers_see_nothing(visitor: Visitor, stranger: Visitor) -> None:
    page = stranger.page("/")
    expect(page).to_have_url(re.compile("/account/sign-in/"))
    answer = page.goto(stranger.address + "/s/" + "A" * 43 + "/")
    assert answer is not None
    assert answer.status == 404
    stranger.expect_complaint("404")
    assert visitor.page("/").title()
