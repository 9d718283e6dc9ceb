"""Looking inside a real build and comparing it, in a real browser: every page is accessible, and a proof that was downloaded holds."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.pages.axe import axe_install
from tests.pages.conftest import Visitor, sample_build, wait_for_verdict
from tests.pages.test_accessibility import _judge

pytestmark = [pytest.mark.browser, pytest.mark.stack]


@pytest.mark.needs("cargo")
def test_build_is_looked_into_and_compared(visitor: Visitor, tmp_path_factory: pytest.TempPathFactory) -> None:
    axe = axe_install(tmp_path_factory.mktemp("axe"))
    page = sample_build(visitor)
    wait_for_verdict(page, "Simulated")
    page.reload()
    uid = re.search(r"/builds/([0-9a-z]+)/", page.url).group(1)

    page.get_by_role("link", name="Look inside").click()
    expect(page.get_by_role("img", name="The chain from the vendor's root to the files")).to_be_visible()
    _judge(page, axe)

    page.get_by_role("navigation", name="Parts").get_by_role("link", name="Inputs").click()
    # The table follows what is typed, and the address follows the table.
    page.get_by_role("searchbox", name="Find an input").fill("rustc")
    expect(page).to_have_url(re.compile(r"\?q=rustc$"))
    expect(page.locator(".explorer-inputs tbody tr")).to_have_count(2)
    _judge(page, axe)
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^Proof of input")).first.click()

    page.goto(f"{visitor.address}/builds/{uid}/explore/proof/")
    page.get_by_label("A proof file").set_input_files(download.value.path())
    page.get_by_role("button", name="Check the proof").click()
    expect(page.get_by_text("The proof holds")).to_be_visible()
    _judge(page, axe)

    for part in ("evidence/", "raw/provenance.json", "raw/evidence.json"):
        page.goto(f"{visitor.address}/builds/{uid}/explore/{part}")
        _judge(page, axe)

    page.goto(f"{visitor.address}/builds/{uid}/compare/")
    _judge(page, axe)
    page.goto(f"{visitor.address}/compare/{uid}/{uid}/")
    expect(page.get_by_text("Identical")).to_be_visible()
    _judge(page, axe)
    assert visitor.complaints == []
