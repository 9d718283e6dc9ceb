"""Links for browser tests: a small bundle signed by the test root, brought in through the page, and shared through the page."""

from __future__ import annotations

import secrets
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.pages.conftest import Visitor, wait_for_verdict
from tests.verifications.bundles import HELLO, result_make

OTHER = b"another file\n"


def bundle_write(folder: Path) -> Path:
    """A result of two files, of its own kind each time."""
    path = folder / f"result-{secrets.token_hex(4)}.tar.gz"
    path.write_bytes(result_make(nonce=secrets.token_bytes(16), subjects={"hello": HELLO, "other-file": OTHER}).tarball)
    return path


def build_bring(visitor: Visitor, folder: Path) -> Page:
    """Import a bundle; give the page of its build, judged."""
    page = visitor.page("/builds/import/")
    page.locator("[type=file]").first.set_input_files(bundle_write(folder))
    page.get_by_role("button", name="Check it").click()
    wait_for_verdict(page, "Simulated")
    return page


def link_make(page: Page, *, leave_out: tuple[str, ...] = (), log: bool = False, passphrase: str = "", opens: str = "") -> str:
    """Make a link on the page of a build; give its address. `leave_out`: titles of parts."""
    if opens:
        page.get_by_label("What it opens").select_option(label=opens)
    for title in leave_out:
        page.get_by_label(title, exact=True).uncheck()
    if log:
        page.get_by_label("Log", exact=True).check()
    if passphrase:
        page.get_by_label("Passphrase").fill(passphrase)
    before = page.locator("#links .note-confirmed a").first
    earlier = before.get_attribute("href") if before.count() else None
    page.get_by_role("button", name="Make a link").click()
    found = page.locator("#links .note-confirmed a").first
    # Each link has an address of its own: the earlier one may still stand there.
    expect(found).not_to_have_attribute("href", earlier or "-")
    return str(found.get_attribute("href"))
