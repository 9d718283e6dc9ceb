"""Projects, alarms, files and dependencies in a browser."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.axe import axe_install
from tests.pages.conftest import Visitor
from tests.pages.history_data import project_make
from tests.pages.test_accessibility import _judge
from tests.running import RunningSite
from tests.verifications.bundles import HELLO

pytestmark = [pytest.mark.browser, pytest.mark.stack]
SHA256 = hashlib.sha256(HELLO).hexdigest()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_install(tmp_path_factory.mktemp("axe"))


@pytest.fixture(scope="module")
def project(site: RunningSite, signed_in_state: Path) -> str:
    return project_make(site.data)


def _paths(project: str) -> list[str]:
    return [
        "/",
        "/builds/?q=serde&verdict=simulated&dep=-nothing",
        "/builds/?q=nothing:so",
        "/projects/",
        f"/projects/{project}/",
        "/alarms/",
        "/alarms/settings/",
        "/artifacts/",
        f"/artifacts/sha256/{SHA256}",
        f"/artifacts/sha256/{'0' * 64}",
        "/dependencies/?q=serde",
        "/dependencies/cargo/serde/?versions=>=1",
        "/dependencies/affected/?list=serde%0Axz2@0.1.7%0A???",
    ]


def test_pages_are_accessible(visitor: Visitor, axe: str, project: str) -> None:
    for path in _paths(project):
        page = visitor.page(path)
        _judge(page, axe)
        page.close()


def _drop(page: Page, name: str, data: bytes) -> None:
    """Drop a file in the middle of the page, as a person does from a folder."""
    page.evaluate(
        """([name, bytes]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], name));
            for (const kind of ["dragenter", "dragover", "drop"]) {
                document.querySelector("main").dispatchEvent(new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true}));
            }
        }""",
        [name, list(data)],
    )


@pytest.mark.parametrize("path", ["/artifacts/", "/builds/", f"/artifacts/sha256/{'0' * 64}"])
def test_dropped_file_leads_to_its_builds_and_is_not_sent(visitor: Visitor, project: str, path: str) -> None:
    page = visitor.page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {len(request.post_data_buffer or b'')}"))
    page.goto(visitor.address + path)
    _drop(page, "hello", HELLO)
    expect(page).to_have_url(f"{visitor.address}/artifacts/sha256/{SHA256}")
    expect(page.get_by_role("heading", name="Builds that produced these bytes")).to_be_visible()
    assert set(sent) == {"GET 0"}


def test_file_that_nobody_knows_is_said(visitor: Visitor, project: str) -> None:
    page = visitor.page("/artifacts/")
    page.get_by_label("File whose build you look for").set_input_files({"name": "x", "mimeType": "text/plain", "buffer": b"nobody's"})
    expect(page).to_have_url(re.compile(hashlib.sha256(b"nobody's").hexdigest()))
    expect(page.get_by_text("No build that you may see knows this file")).to_be_visible()


def test_alarm_is_acknowledged_from_home(visitor: Visitor, project: str) -> None:
    page = visitor.page("/")
    page.get_by_role("button", name=re.compile("Acknowledge.*Attestation lost")).click()
    expect(page.get_by_text("1 alarm was acknowledged.")).to_be_visible()
    expect(page.get_by_role("heading", name="Alarms")).to_have_count(0)
    page.goto(visitor.address + "/alarms/?all=1")
    expect(page.get_by_text("acknowledged by admin")).to_be_visible()


@pytest.fixture
def scriptless(site: RunningSite, browser: Browser, signed_in_state: Path) -> Iterator[Visitor]:
    context = browser.new_context(storage_state=str(signed_in_state), java_script_enabled=False)
    person = Visitor(context, site.address)
    yield person
    context.close()
    assert person.complaints == []


def test_digest_and_list_are_asked_for_without_scripts(scriptless: Visitor, project: str) -> None:
    page = scriptless.page("/artifacts/")
    page.get_by_label("SHA-256 of the file").fill(SHA256.upper())
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page).to_have_url(f"{scriptless.address}/artifacts/sha256/{SHA256}")
    page.goto(scriptless.address + "/dependencies/")
    page.get_by_label("Packages and versions").fill("serde >=1,<2\nxz2@0.1.7")
    page.get_by_role("button", name="Find affected builds").click()
    # Other tests of this site have builds with these packages, too.
    expect(page.get_by_role("heading", name=re.compile(r"^\d+ affected builds$"))).to_be_visible()
    expect(page.get_by_text("serde@1.0.228 xz2@0.1.7").first).to_be_visible()
    expect(page).to_have_url(re.compile("/dependencies/affected/[?]list="))


def test_search_is_for_the_keyboard(visitor: Visitor, project: str) -> None:
    """Slash, a few letters, arrows, enter: a filter that becomes a chip, and the address shows it again."""
    page = visitor.page("/builds/")
    page.keyboard.press("/")
    box = page.get_by_role("combobox")
    expect(box).to_be_focused()
    page.keyboard.type("serd")
    option = page.get_by_role("option", name="serde")
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", re.compile("."))
    page.keyboard.press("Enter")
    expect(box).to_have_value("dep:serde ")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.type("verdict:simulated")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/builds/\?verdict=simulated&dep=serde$"))
    expect(box).to_have_value("")
    chips = page.get_by_role("list", name="Filters that are on")
    expect(chips.get_by_role("listitem")).to_have_count(2)
    page.reload()
    chips.get_by_role("link", name="Dependency").click()
    expect(page).to_have_url(re.compile(r"/builds/\?verdict=simulated$"))
    page.close()


def test_bar_of_a_plot_leads_to_its_day(visitor: Visitor, project: str) -> None:
    page = visitor.page("/builds/")
    page.locator(".day-plot-picture a").last.click()
    expect(page).to_have_url(re.compile(r"/builds/\?after=[\d-]+&before=[\d-]+$"))
    expect(page.locator("li[data-build]").first).to_be_visible()
    page.close()
