"""Links as strangers meet them, in a real browser: parts, proof, print, badge and card."""

from __future__ import annotations

import io
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from tests.pages.axe import axe_install, axe_violations
from tests.pages.conftest import Visitor
from tests.pages.shares import build_bring, link_make

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_install(tmp_path_factory.mktemp("axe"))


@pytest.fixture
def brought(visitor: Visitor, tmp_path: Path) -> Page:
    return build_bring(visitor, tmp_path)


def judge(page: Page, axe: str) -> None:
    """Nothing for axe-core in light, in dark and at a phone's width, and nothing that scrolls sideways."""
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    found = {"light": axe_violations(page, axe)}
    page.emulate_media(color_scheme="dark")
    found["dark"] = axe_violations(page, axe, "color-contrast", "link-in-text-block")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    found["phone"] = axe_violations(page, axe)
    assert not any(found.values()), found
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_parts_are_previewed_made_and_kept_hidden(brought: Page, stranger: Visitor, axe: str) -> None:
    brought.get_by_label("Dependencies", exact=True).uncheck()
    with brought.context.expect_page() as opened:
        brought.get_by_role("button", name="Preview").click()
    preview = opened.value
    expect(preview.get_by_text("Preview: this is what")).to_be_visible()
    expect(preview.get_by_text("it is not handed out")).to_be_visible()
    expect(preview.get_by_text("serde")).to_have_count(0)
    preview.close()
    guest = stranger.page()
    guest.goto(link_make(brought, log=True))
    expect(guest.locator("#verdict-sentence")).to_contain_text("Simulated")
    expect(guest.get_by_text("serde")).to_have_count(0)
    expect(guest.get_by_role("heading", name="What this does not prove")).to_be_visible()
    expect(guest.get_by_role("link", name="Log")).to_be_visible()
    judge(guest, axe)


def test_passphrase_opens_without_a_session(brought: Page, stranger: Visitor, axe: str) -> None:
    url = link_make(brought, passphrase=PASSPHRASE)
    page = stranger.page()
    page.goto(url)
    judge(page, axe)
    page.get_by_label("Passphrase").fill("not the right one")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_contain_text("did not open")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Open").click()
    expect(page.locator("#verdict-sentence")).to_contain_text("Simulated")
    expect(page).to_have_url(url)
    cookies = page.context.cookies()
    assert [cookie["name"] for cookie in cookies] == ["kettle-share"]
    stranger.expect_complaint("403")


def test_language_is_chosen_by_the_address_without_a_cookie(brought: Page, stranger: Visitor) -> None:
    page = stranger.page()
    page.goto(link_make(brought))
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert page.context.cookies() == []


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """A browser without any network, many years on; the test fails when it complained about anything."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "blob:")) else None)
    page.clock.set_fixed_time(datetime(2051, 3, 1, tzinfo=UTC))
    yield page
    context.close()
    assert said == []


def test_proof_checks_itself_from_a_disk_years_later(brought: Page, stranger: Visitor, offline: Page, tmp_path: Path, axe: str) -> None:
    url = link_make(brought)
    page = stranger.page()
    page.goto(url)
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Portable proof").click()
    path = tmp_path / "proof.html"
    downloaded.value.save_as(path)
    offline.goto(path.as_uri())
    expect(offline.locator("html")).to_have_attribute("data-checked", "yes")
    expect(offline.locator("#own-then")).to_have_text("Simulated")
    expect(offline.locator("#own-today")).to_have_text("Simulated")
    expect(offline.locator("#own-today-at")).to_contain_text("2051-03-01")
    expect(offline.locator("[data-check='snp.report.signature']")).to_have_text("passes")
    expect(offline.get_by_text("cannot vouch for itself")).to_be_visible()
    mine = tmp_path / "mine"
    mine.write_bytes(b"hello, kettle\n")
    offline.locator("#own-file").set_input_files(mine)
    expect(offline.locator("#own-answer")).to_contain_text("It is the file «hello»")
    other = tmp_path / "other"
    other.write_bytes(b"something else\n")
    offline.locator("#own-file").set_input_files(other)
    expect(offline.locator("#own-answer")).to_contain_text("none of these files")
    with offline.expect_download() as document:
        offline.get_by_role("button", name="evidence.json").click()
    assert document.value.suggested_filename == "evidence.json"


def test_proof_with_a_changed_byte_says_so_loudly(brought: Page, stranger: Visitor, offline: Page, tmp_path: Path) -> None:
    answer = stranger.context.request.get(link_make(brought) + "proof.html")
    html = answer.text()
    found = re.search(r'"evidence":\{"base64":"([^"]{400})', html)
    assert found is not None
    at = found.end(1) - 30
    changed = html[:at] + ("A" if html[at] != "A" else "B") + html[at + 1 :]
    path = tmp_path / "changed.html"
    path.write_text(changed)
    offline.goto(path.as_uri())
    expect(offline.locator("html")).to_have_attribute("data-checked", "yes")
    expect(offline.locator("#own-then")).to_contain_text("differs from what the site said")
    expect(offline.locator("#own-then")).to_have_class("differs")


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_report_prints_on_few_pages_without_a_cut_row(brought: Page, stranger: Visitor, paper: str, size: tuple[int, int]) -> None:
    url = link_make(brought)
    page = stranger.page()
    page.goto(url + "report/")
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    rows = page.locator("tr").all_inner_texts()
    pages = PdfReader(io.BytesIO(page.pdf(format=paper))).pages
    texts = [_plain(sheet.extract_text()) for sheet in pages]
    assert 2 <= len(pages) <= 6
    assert [round(float(side)) for side in pages[0].mediabox.upper_right] == pytest.approx(list(size), abs=1)
    assert _plain("Simulated: signed by a public test key.") in texts[0]
    # Every row is whole on one sheet, and no sheet is empty.
    for row in rows:
        pieces = [_plain(piece) for piece in re.split(r"[\t\n]+", row) if piece.strip()]
        assert any(all(piece in text for piece in pieces) for text in texts), row
    assert min(len(text) for text in texts) > 100
    _expect_no_chrome(texts)


def _plain(text: str) -> str:
    # Printed text holds ligatures.
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def _expect_no_chrome(texts: list[str]) -> None:
    assert not any(_plain("Back to the page") in text or "Deutsch" in text for text in texts)


def test_qr_code_is_the_link(brought: Page, stranger: Visitor) -> None:
    from kettle_web.sharing.printed import qr_path

    url = link_make(brought)
    page = stranger.page()
    page.goto(url + "report/")
    # PUBLIC_URL of the running site is its own address, which is what the link was made with.
    assert page.locator(".printed-code path").get_attribute("d") == qr_path(url).path


@pytest.fixture
def foreign(stranger: Visitor) -> Iterator[Callable[[str], Page]]:
    """Pages of somebody else, at another origin, that embed what they are given."""
    served: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(served["html"] if self.path == "/" else b"")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def show(html: str) -> Page:
        served["html"] = f'<!doctype html><link rel="icon" href="data:,"><title>x</title>{html}'.encode()
        page = stranger.page()
        page.goto(f"http://localhost:{server.server_address[1]}/")
        return page

    yield show
    server.shutdown()
    server.server_close()


def test_badge_on_a_foreign_page_follows_the_link(brought: Page, foreign: Callable[[str], Page]) -> None:
    link_make(brought)
    snippet = brought.locator("#links .note-confirmed code").nth(1)
    html = snippet.text_content() or ""
    page = foreign(html)
    image = page.get_by_role("img", name="kettle: attested build, current verdict")
    expect(image).to_be_visible()
    assert page.evaluate("document.images[0].complete && document.images[0].naturalWidth > 100")
    wide = page.evaluate("document.images[0].naturalWidth")
    brought.get_by_role("button", name="Revoke").first.click()
    expect(brought.locator("#links td", has_text="revoked").first).to_be_visible()
    page.reload()
    page.wait_for_function("document.images[0].complete")
    assert page.evaluate("document.images[0].naturalWidth") != wide


def test_card_verifies_by_itself_and_hears_nothing(brought: Page, foreign: Callable[[str], Page]) -> None:
    url = link_make(brought)
    page = foreign(f'<iframe src="{url}card" width="440" height="230" title="kettle"></iframe>')
    card = page.frame_locator("iframe")
    expect(card.locator("#embed-own")).to_have_text("Simulated")
    page.evaluate("""() => { for (const data of ["confirmed", {verdict: "confirmed"}, JSON.stringify({verdict: "confirmed"})])
        document.querySelector("iframe").contentWindow.postMessage(data, "*"); }""")
    expect(card.locator("#embed-own")).to_have_text("Simulated")
    expect(card.locator(".tag")).to_contain_text("Simulated")


def test_page_itself_cannot_be_framed(brought: Page, foreign: Callable[[str], Page], stranger: Visitor) -> None:
    page = foreign(f'<iframe src="{link_make(brought)}" title="x"></iframe>')
    frame = page.frames[-1]
    page.wait_for_load_state("networkidle")
    assert frame.url.startswith("chrome-error:")
    assert "Simulated" not in frame.content()
    stranger.complaints.clear()


def test_card_says_so_when_the_documents_do_not_agree_with_the_site(brought: Page, stranger: Visitor) -> None:
    url = link_make(brought)
    page = stranger.page()

    def lie(route):  # type: ignore[no-untyped-def]
        answer = route.fetch()
        material = answer.json()
        material["server"]["verdict"] = "confirmed"
        route.fulfill(response=answer, json=material)

    page.route("**/material.json", lie)
    page.goto(url + "card")
    expect(page.locator("#embed-own")).to_have_text("Simulated: something else than this site")


def test_pages_of_links_are_accessible(visitor: Visitor, brought: Page, stranger: Visitor, axe: str) -> None:
    url = link_make(brought)
    judge(brought, axe)
    for path in ("/links/", "/verifier/"):
        judge(visitor.page(path), axe)
    page = visitor.page("/links/")
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Looks")).to_be_visible()
    judge(page, axe)
    guest = stranger.page()
    for path in ("", "report/"):
        guest.goto(url + path)
        judge(guest, axe)
    guest.goto(url + "card")
    assert axe_violations(guest, axe) == []


def test_page_asks_nobody_else_and_is_readable_before_any_script(brought: Page, browser: Browser) -> None:
    url = link_make(brought)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    expect(page.locator("#verdict-sentence")).to_be_visible()
    expect(page.get_by_role("heading", name="What this does not prove")).to_be_visible()
    origin = url.split("/s/")[0]
    assert all(address.startswith((origin, "data:")) for address in asked), asked
    context.close()
