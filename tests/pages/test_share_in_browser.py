"""What a stranger's browser does on a share page: verifies by itself, compares a file, is broken on purpose; and the separate verifier."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.pages.axe import axe_install, axe_violations
from tests.pages.conftest import Visitor
from tests.pages.shares import OTHER, build_bring, bundle_write, link_make
from tests.running import CHECKOUT
from tests.verifications.bundles import HELLO

pytestmark = [pytest.mark.browser, pytest.mark.stack]

CHECK, FILE, BREAK = "[data-browser-check]", "[data-file-check]", "[data-break-it]"
ENTRY = {
    "name": "A picture of ours", "kettle_release": "1.0", "platform": "snp", "measurement": "ab" * 48, "pinned_by": "a visitor",
    "reason": "ours", "derivation": "measured", "from": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_install(tmp_path_factory.mktemp("axe"))


@pytest.fixture
def link(visitor: Visitor, tmp_path: Path) -> str:
    return link_make(build_bring(visitor, tmp_path))


@pytest.fixture
def shared(link: str, stranger: Visitor) -> Page:
    """The page behind a link, checked by the browser."""
    page = stranger.page()
    page.goto(link)
    expect(page.locator(CHECK)).to_have_attribute("data-state", "done")
    expect(page.locator(FILE)).to_have_attribute("data-state", "ready")
    return page


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_browser_and_site_agree_check_by_check(shared: Page) -> None:
    section = shared.locator(CHECK)
    expect(section).to_have_attribute("data-agrees", "yes")
    expect(section.locator("[data-slot=verdict]")).to_have_text("Simulated")
    section.get_by_text("Check by check").click()
    row = section.locator("tr[data-code='snp.report.signature']")
    expect(row.locator("td")).to_have_text(["passes", "passes"])
    # What only the site's records tell, a browser does not claim to know.
    expect(section.locator("tr[data-code='artifacts.digests']")).to_have_attribute("data-relation", "not-here")
    expect(section.locator("tr[data-relation='differs']")).to_have_count(0)
    assert section.locator("tr[data-relation='same']").count() > 30


def test_disagreement_is_said_loudly(link: str, stranger: Visitor) -> None:
    page = stranger.page()

    def lie(route: Route) -> None:
        material = route.fetch().json()
        for check in material["server"]["checks"]:
            if check["code"] == "inputs.merkle-root":
                check["outcome"] = "fail"
        route.fulfill(json=material)

    page.route("**/material.json", lie)
    page.goto(link)
    section = page.locator(CHECK)
    expect(section).to_have_attribute("data-agrees", "no")
    expect(section.get_by_role("alert").first).to_contain_text("do not agree")
    expect(section.locator("tr[data-code='inputs.merkle-root']")).to_have_attribute("data-relation", "differs")


@pytest.mark.parametrize("where", ["", "card"])
def test_verdict_better_than_the_sites_own_checks_is_a_contradiction(link: str, stranger: Visitor, where: str) -> None:
    page = stranger.page()

    def lie(route: Route) -> None:
        material = route.fetch().json()
        material["server"]["verdict"] = "confirmed"
        route.fulfill(json=material)

    page.route("**/material.json", lie)
    page.goto(link + where)
    if where:
        expect(page.locator("#embed-own")).to_have_text("Simulated: something else than this site")
        return
    expect(page.locator(CHECK)).to_have_attribute("data-agrees", "no")
    expect(page.locator(CHECK).locator("[data-slot=comparison]")).to_contain_text("does not follow from the checks")


def test_other_bytes_than_the_site_checked_are_noticed(link: str, stranger: Visitor) -> None:
    page = stranger.page()
    page.route("**/files/provenance.json", lambda route: route.fulfill(body=route.fetch().body() + b" "))
    page.goto(link)
    section = page.locator(CHECK)
    expect(section).to_have_attribute("data-agrees", "no")
    expect(section.locator("[data-slot=verdict]")).to_have_text("Failed")
    expect(section.locator("[data-slot=comparison]")).to_contain_text("provenance.json")


def test_everything_goes_on_without_a_network(shared: Page, tmp_path: Path) -> None:
    shared.context.set_offline(True)
    section = shared.locator(CHECK)
    section.get_by_text("Use an allow-list of your own").click()
    section.get_by_label("Policy file").set_input_files(
        written(tmp_path, "policy.json", json.dumps({"schema": 1, "entries": [ENTRY]}).encode())
    )
    expect(section.locator("[data-slot=list]")).to_contain_text("your own list policy.json")
    shared.locator("#own-file-input").set_input_files(written(tmp_path, "hello", HELLO))
    expect(shared.locator(FILE).locator("[data-slot=answer]")).to_have_text("hello is hello, byte for byte.")
    shared.get_by_role("switch").click()
    expect(shared.locator(BREAK)).to_have_attribute("data-state", "broken")


def test_own_list_names_who_pinned_and_can_be_taken_back(shared: Page, tmp_path: Path) -> None:
    section = shared.locator(CHECK)
    section.get_by_text("Use an allow-list of your own").click()
    field = section.get_by_label("Policy file")
    field.set_input_files(written(tmp_path, "broken.json", b'{"schema": 1, "anchors": []}'))
    expect(section.locator("[data-slot=own-list-problem]")).to_contain_text("can never add a trust anchor")
    code = "async () => (await (await fetch(document.querySelector('[data-material]').dataset.material)).json()).documents.evidence.url"
    evidence = shared.request.get(shared.url.split("/s/")[0] + shared.evaluate(code)).json()
    report = base64.b64decode(evidence["evidence"]["attestation_report"])
    policy = {"schema": 1, "entries": [ENTRY | {"measurement": report[0x90:0xC0].hex()}]}
    field.set_input_files(written(tmp_path, "mine.json", json.dumps(policy).encode()))
    expect(section.locator("[data-slot=list]")).to_contain_text("builder image A picture of ours, pinned by a visitor")
    # A list recognises images; it makes no hardware of a test key.
    expect(section.locator("[data-slot=verdict]")).to_have_text("Simulated")
    section.get_by_role("button", name="Back to the list of this site").click()
    expect(section.locator("[data-slot=list]")).not_to_contain_text("a visitor")


def test_a_file_is_found_or_not_and_never_leaves(shared: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    shared.on("request", lambda request: asked.append(request.url))
    section = shared.locator(FILE)
    answer, field = section.locator("[data-slot=answer]"), shared.locator("#own-file-input")
    field.set_input_files(written(tmp_path, "renamed.bin", OTHER))
    expect(answer).to_have_text("renamed.bin is other-file, byte for byte.")
    # The verdict comes before the match.
    assert re.search(r"(?s)Simulated.*rehearsal.*byte for byte", section.inner_text())
    field.set_input_files(written(tmp_path, "strange", b"something else"))
    expect(answer).to_contain_text("none of the 2 files")
    expect(section).to_have_attribute("data-match", "none")
    field.set_input_files(written(tmp_path, "empty", b""))
    expect(answer).to_contain_text("empty is none of")
    assert asked == []


def test_a_result_archive_is_looked_into(shared: Page, tmp_path: Path) -> None:
    shared.locator("#own-file-input").set_input_files(bundle_write(tmp_path))
    section = shared.locator(FILE)
    expect(section.locator("[data-slot=answer]")).to_contain_text("2 of the 2 files in it are among the 2")
    expect(section.locator("[data-slot=entries] [data-match=yes]")).to_have_count(2)
    expect(section.locator("[data-slot=entries]")).to_contain_text("a document of the proof")


def test_a_digest_is_compared_in_any_spelling(shared: Page) -> None:
    section = shared.locator(FILE)
    digest = hashlib.sha256(HELLO)
    spellings = (
        digest.hexdigest(), digest.hexdigest().upper(), f"sha256:{digest.hexdigest()}", f"{digest.hexdigest()}  hello",
        "sha256-" + base64.b64encode(digest.digest()).decode(), f"SHA256 (hello) = {digest.hexdigest()}",
    )  # fmt: skip
    for spelling in spellings:
        section.get_by_label("Or paste its SHA-256").fill(spelling)
        section.get_by_role("button", name="Compare").click()
        expect(section.locator("[data-slot=answer]")).to_have_text("The digest is hello, byte for byte.")
        expect(section.locator("[data-slot=digest]")).to_have_text(digest.hexdigest())
    section.get_by_label("Or paste its SHA-256").fill("no digest")
    section.get_by_role("button", name="Compare").click()
    expect(section.locator("[data-slot=paste-problem]")).to_contain_text("no SHA-256")


def test_hashing_can_be_cancelled_and_another_file_chosen(shared: Page, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(3 * 2**30)
    section = shared.locator(FILE)
    shared.locator("#own-file-input").set_input_files(large)
    expect(section.locator("[data-slot=progress]")).to_contain_text(re.compile(r": [1-9]\d* %"))
    section.get_by_role("button", name="Cancel").click()
    expect(section).to_have_attribute("data-state", "ready")
    shared.locator("#own-file-input").set_input_files(written(tmp_path, "hello", HELLO))
    expect(section.locator("[data-slot=answer]")).to_have_text("hello is hello, byte for byte.")


@pytest.mark.parametrize("target", ["evidence", "provenance"])
def test_one_flipped_bit_is_refused_and_undone(shared: Page, target: str) -> None:
    section, switch = shared.locator(BREAK), shared.get_by_role("switch")
    section.get_by_label("Change a byte of").select_option(target)
    before = section.locator("[data-slot=hex]").inner_text()
    switch.click()
    expect(section).to_have_attribute("data-state", "broken")
    expect(section).to_have_attribute("data-refused", "yes")
    expect(section.get_by_text("You changed this")).to_be_visible()
    expect(switch).to_have_attribute("aria-checked", "true")
    assert section.locator("[data-slot=hex]").inner_text() != before
    expect(section.locator("[data-slot=failed] li").first).to_be_visible()
    # The site's documents, and the verdict over them, are what they were.
    expect(shared.locator(CHECK).locator("[data-slot=verdict]")).to_have_text("Simulated")
    section.get_by_role("button", name="Somewhere else").click()
    expect(section).to_have_attribute("data-refused", "yes")
    section.get_by_role("button", name="Undo").click()
    expect(section).to_have_attribute("data-state", "whole")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(switch).to_be_focused()
    expect(section.get_by_text("You changed this")).to_be_hidden()


def test_a_flipped_bit_of_the_nonce_is_refused(link: str, stranger: Visitor) -> None:
    """An import has no nonce of ours: the one in its evidence stands in, as if it had been asked for."""
    page = stranger.page()

    def asked(route: Route) -> None:
        material = route.fetch().json()
        evidence = page.request.get(link.split("/s/")[0] + material["documents"]["evidence"]["url"]).json()
        report = base64.b64decode(evidence["evidence"]["attestation_report"])
        route.fulfill(json=material | {"nonce_hex": report[0x50 + 32 : 0x50 + 48].hex()})

    page.route("**/material.json", asked)
    page.goto(link)
    section = page.locator(BREAK)
    section.get_by_label("Change a byte of").select_option("nonce")
    page.get_by_role("switch").click()
    expect(section).to_have_attribute("data-refused", "yes")
    expect(section.locator("[data-slot=failed]")).to_contain_text("made for this request")


def test_hidden_documents_are_not_claimed_to_be_checked(visitor: Visitor, stranger: Visitor, tmp_path: Path) -> None:
    url = link_make(build_bring(visitor, tmp_path), leave_out=("Dependencies",))
    page = stranger.page()
    page.goto(url)
    section = page.locator(CHECK)
    expect(section).to_have_attribute("data-state", "done")
    expect(section).to_have_attribute("data-agrees", "yes")
    expect(section.locator("tr[data-code='documents.provenance']")).to_have_attribute("data-relation", "not-here")
    page.locator("#own-file-input").set_input_files(written(tmp_path, "hello", HELLO))
    expect(page.locator(FILE).locator("[data-slot=answer]")).to_have_text("hello is hello, byte for byte.")


def judged(page: Page, axe: str) -> None:
    """Nothing for axe-core in light, dark and at a phone's width; nothing scrolls sideways."""
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    assert axe_violations(page, axe) == []
    page.emulate_media(color_scheme="dark")
    assert axe_violations(page, axe, "color-contrast", "link-in-text-block") == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert axe_violations(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_all_states_are_accessible(shared: Page, tmp_path: Path, axe: str) -> None:
    shared.locator(CHECK).get_by_text("Check by check").click()
    shared.locator(CHECK).get_by_text("Use an allow-list of your own").click()
    shared.locator("#own-file-input").set_input_files(bundle_write(tmp_path))
    shared.get_by_role("switch").click()
    expect(shared.locator(BREAK)).to_have_attribute("data-state", "broken")
    expect(shared.locator(FILE)).to_have_attribute("data-state", "answered")
    judged(shared, axe)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The separate verifier, written as for a release; twice, because it must be the same."""
    folder = tmp_path_factory.mktemp("verifier")
    for name in ("verifier.html", "again.html"):
        subprocess.run(
            [CHECKOUT / ".venv" / "bin" / "python", "manage.py", "verifier_html", str(folder / name)], cwd=CHECKOUT, check=True,
            capture_output=True,
        )  # fmt: skip
    assert (folder / "verifier.html").read_bytes() == (folder / "again.html").read_bytes()
    return folder / "verifier.html"


@pytest.fixture
def opened(browser: Browser, verifier: Path) -> Iterator[Page]:
    """The verifier from a disk, in a browser without a network that complains about nothing."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(verifier.as_uri())
    yield page
    context.close()
    assert said == []


def test_separate_verifier_reads_a_result_without_a_network(opened: Page, tmp_path: Path, axe: str) -> None:
    opened.get_by_label("Drop a result").set_input_files(bundle_write(tmp_path))
    section = opened.locator(CHECK)
    expect(section).to_have_attribute("data-state", "done")
    expect(section.locator("[data-slot=verdict]")).to_have_text("Simulated")
    section.get_by_text("Check by check").click()
    expect(section.locator("tr[data-code='artifacts.digests'] td").last).to_have_text("passes")
    opened.locator("#own-file-input").set_input_files(written(tmp_path, "hello", HELLO))
    expect(opened.locator(FILE).locator("[data-slot=answer]")).to_have_text("hello is hello, byte for byte.")
    opened.get_by_role("switch").click()
    expect(opened.locator(BREAK)).to_have_attribute("data-refused", "yes")
    judged(opened, axe)


@pytest.mark.parametrize("kind", ["proof.html", "proof.zip"])
def test_separate_verifier_reads_a_proof(opened: Page, link: str, stranger: Visitor, tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind, stranger.context.request.get(link + kind).body())
    opened.get_by_label("Drop a result").set_input_files(path)
    expect(opened.locator(CHECK)).to_have_attribute("data-agrees", "yes")
    expect(opened.locator(CHECK).locator("[data-slot=verdict]")).to_have_text("Simulated")


def test_separate_verifier_says_what_it_cannot_read(opened: Page, tmp_path: Path) -> None:
    field, problem = opened.get_by_label("Drop a result"), opened.locator("[data-slot=problem]")
    field.set_input_files(written(tmp_path, "page.html", b"<p>no proof</p>"))
    expect(problem).to_contain_text("no portable proof")
    field.set_input_files(written(tmp_path, "some.file", b"x"))
    expect(problem).to_contain_text("Neither provenance.json nor evidence.json")
    opened.get_by_label("Or paste the address").fill("https://example.org/")
    opened.get_by_role("button", name="Check the link").click()
    expect(problem).to_contain_text("no address of a shared build")


def test_separate_verifier_reads_a_link(browser: Browser, verifier: Path, link: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(verifier.as_uri())
    page.get_by_label("Or paste the address").fill(link)
    page.get_by_role("button", name="Check the link").click()
    expect(page.locator(CHECK)).to_have_attribute("data-agrees", "yes")
    context.close()
