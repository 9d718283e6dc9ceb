"""Servers, pools and the line before them, in a real browser: added by hand, waited for by several people, looked at in each shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fakes.kettle_server import KettleServer
from tests.pages.axe import axe_install, axe_violations
from tests.pages.conftest import Visitor
from tests.person import NEW_PASSWORD
from tests.running import RunningSite

pytestmark = [pytest.mark.browser, pytest.mark.stack]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site of its own: what is added and waits here must not be met by other tests."""
    folder = tmp_path_factory.mktemp("endpoints") / "data"
    running = RunningSite(folder, environ={"ALLOWED_SOURCE_HOSTS": "127.0.0.1", "BUILDS_PER_ENDPOINT": "1"})
    yield running
    assert running.end() == 0


@pytest.fixture(scope="module")
def signed_in_state(site: RunningSite, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _sign_in(browser, site.address, "admin", site.one_time_password, tmp_path_factory.mktemp("cookies") / "admin.json")


def _sign_in(browser: Browser, address: str, name: str, one_time: str, state: Path) -> Path:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address + "/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(one_time)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save and continue").click()
    expect(page).to_have_url(address + "/")
    context.storage_state(path=state)
    context.close()
    return state


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_install(tmp_path_factory.mktemp("axe"))


def _judge(page: Page, axe: str) -> None:
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    found = {"light": axe_violations(page, axe)}
    page.emulate_media(color_scheme="dark")
    found["dark"] = axe_violations(page, axe, "color-contrast")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    found["phone"] = axe_violations(page, axe)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not any(found.values()), found


def _add_server(page: Page, address: str, name: str, url: str) -> None:
    page.goto(address + "/endpoints/add/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Address").fill(url)
    page.get_by_label("Operator").fill("Machines Inc")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def _submit(visitor: Visitor, target: str) -> Page:
    page = visitor.page("/builds/new/")
    page.locator("#id_repo_url").fill("https://127.0.0.1/owner/project")
    page.get_by_label(re.compile(f"^{target}")).check()
    page.get_by_role("button", name="Build it").click()
    expect(page).to_have_url(re.compile(r"/builds/[0-9a-z]{16}/$"))
    return page


def test_people_wait_in_turn_and_are_told_why(site: RunningSite, browser: Browser, visitor: Visitor, axe: str, tmp_path: Path) -> None:
    admin = visitor.page("/account/people/")
    admin.get_by_label("Name").fill("grace")
    admin.get_by_role("button", name="Add", exact=True).click()
    one_time = admin.locator(".note-confirmed code").inner_text()
    state = _sign_in(browser, site.address, "grace", one_time, tmp_path / "grace.json")
    grace = Visitor(browser.new_context(storage_state=state), site.address)
    with KettleServer(released=0) as server:
        _add_server(admin, site.address, "busy", server.url)
        expect(admin.locator("main")).to_contain_text("answers")
        _judge(admin, axe)
        first = _submit(visitor, "busy")
        expect(first.locator("#outcome")).to_contain_text("Building")
        second, third = _submit(visitor, "busy"), _submit(grace, "busy")
        # Grace has nothing there yet: hers comes before the second build of the administrator.
        expect(third.locator("#waiting")).to_contain_text("First in line")
        expect(second.locator("#waiting")).to_contain_text("Place 2 in line")
        expect(third.locator("#waiting")).to_contain_text("as many builds as it is given at a time")
        _judge(second, axe)
        first.get_by_text("Stop following", exact=True).click()
        first.get_by_role("button", name="Stop following it").click()
        # Without being loaded again.
        expect(third.locator("#outcome")).to_contain_text("Building")
        expect(second.locator("#waiting")).to_contain_text("First in line")
        admin.goto(site.address + "/endpoints/")
        expect(admin.locator("tr", has_text="busy")).to_contain_text("1 / 1")
        _judge(admin, axe)
    # One missed answer is not yet a server that is down.
    admin.get_by_role("link", name="busy").click()
    for _ in range(2):
        admin.get_by_role("button", name="Test connection now").click()
        expect(admin.locator("main")).to_contain_text("it cannot be used now")
    expect(second.locator("#waiting")).to_contain_text("does not answer just now")
    grace.context.close()
    assert grace.complaints == []


def test_build_waits_for_a_machine_of_its_pool_and_spends_it(site: RunningSite, visitor: Visitor, axe: str) -> None:
    admin = visitor.page("/endpoints/add/")
    _judge(admin, axe)
    admin.goto(site.address + "/endpoints/pools/add/")
    _judge(admin, axe)
    admin.get_by_label("Name").fill("machines")
    admin.get_by_role("button", name="Add", exact=True).click()
    expect(admin.get_by_role("heading", level=1)).to_have_text("machines")
    build = _submit(visitor, "machines")
    expect(build.locator("#waiting")).to_contain_text("No machine of «machines» is free")
    _judge(build, axe)
    form = visitor.page("/builds/new/")
    expect(form.locator(".targets")).to_contain_text("No machine is free just now")
    _judge(form, axe)
    with KettleServer(released=0) as server:
        admin.get_by_role("heading", name="Add a machine").scroll_into_view_if_needed()
        part = admin.locator("section", has=admin.get_by_role("heading", name="Add a machine"))
        part.get_by_label("Name").fill("vm-1")
        part.get_by_label("Address").fill(server.url)
        part.get_by_role("button", name="Add the machine").click()
        expect(build.locator("#outcome")).to_contain_text("Building")
        admin.reload()
        spent = admin.locator("section", has=admin.get_by_role("heading", name=re.compile("^Spent")))
        expect(spent).to_contain_text("vm-1")
        _judge(admin, axe)
