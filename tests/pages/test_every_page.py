"""Every page opens without a complaint of the browser: no error, no exception, nothing that the content policy stops."""

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import Visitor

RESTS = "new Promise((done) => requestIdleCallback(done, {timeout: 2000}))"
"""Until the modules of a page have run. Its network is never idle: a live stream stays open."""

pytestmark = [pytest.mark.browser, pytest.mark.stack]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/builds/",
        "/builds/?q=kettle&verdict=simulated",
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
        "/policy/import/",
    ],
)
@pytest.mark.parametrize("width", [1280, 375])
def test_page_opens_quietly_and_fits(visitor: Visitor, path: str, width: int) -> None:
    page = visitor.page()
    page.set_viewport_size({"width": width, "height": 800})
    answer = page.goto(visitor.address + path)
    assert answer is not None
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    page.evaluate(RESTS)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"


def test_page_asks_no_other_party_for_anything(visitor: Visitor) -> None:
    asked: set[str] = set()
    page = visitor.page()
    page.on("request", lambda request: asked.add(request.url))
    page.goto(visitor.address + "/")
    page.evaluate(RESTS)
    assert all(url.startswith((visitor.address, "data:")) for url in asked), asked
