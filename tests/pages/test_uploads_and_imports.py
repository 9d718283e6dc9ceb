"""Source and bundles that a person brings: an archive in pieces, real documents of another builder."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Request, Route, expect

from kettle_web.archives.pack import folder_pack
from kettle_web.builder.sample import sample_write
from tests.pages.conftest import Visitor, wait_for_verdict

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PIECE_BYTES = 4 * 1024**2
NOISE_BYTES = 5 * 1024**2
"""Does not compress, and is in the archive twice (in the tree and in `.git`): three pieces."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The sample and a large file beside it, as a git repository of two commits."""
    project = tmp_path / "large-kettle"
    project.mkdir()
    sample_write(project)
    (project / "noise.bin").write_bytes(os.urandom(NOISE_BYTES))
    who = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org"]
    for command in (["add", "noise.bin"], [*who, "commit", "--quiet", "-m", "Add noise."]):
        subprocess.run(["git", "-C", str(project), *command], check=True, capture_output=True)
    packed = tmp_path / "large-kettle.tar.gz"
    folder_pack(project, packed)
    return packed


@pytest.mark.needs("cargo", "bwrap")
def test_archive_goes_up_in_pieces_and_is_built(visitor: Visitor, archive: Path) -> None:
    pieces: list[Request] = []
    page = visitor.page("/builds/new/?way=upload")
    page.on("request", lambda request: pieces.append(request) if request.method == "PUT" else None)
    page.get_by_label("Archive of the source").set_input_files(archive)
    page.get_by_role("button", name="Upload and build").click()
    expect(page).to_have_url(re.compile(r"/builds/[0-9a-z]{16}/$"), timeout=60_000)
    offsets = [int(request.headers["upload-offset"]) for request in pieces]
    assert offsets == list(range(0, archive.stat().st_size, PIECE_BYTES))
    wait_for_verdict(page, "Simulated")
    expect(page.get_by_role("heading", name="large-kettle")).to_be_visible()


def test_imported_bundle_without_its_artifact_is_incomplete(visitor: Visitor, samples: Path) -> None:
    page = visitor.page("/builds/import/")
    page.get_by_label("provenance.json").set_input_files(samples / "bundles" / "kex" / "provenance.json")
    page.get_by_label("evidence.json").set_input_files(samples / "bundles" / "kex" / "evidence.json")
    page.get_by_role("button", name="Check it").click()
    wait_for_verdict(page, "Not established")
    expect(page.locator("#link-artifacts")).to_be_visible()
    expect(page.locator("main")).to_contain_text("claimed", ignore_case=True)


def test_imported_bundle_judged_without_artifacts_is_unpinned(visitor: Visitor, samples: Path) -> None:
    page = visitor.page("/builds/import/")
    page.get_by_label("provenance.json").set_input_files(samples / "bundles" / "kex" / "provenance.json")
    page.get_by_label("evidence.json").set_input_files(samples / "bundles" / "kex" / "evidence.json")
    page.get_by_label("Leave the artifacts out").check()
    page.get_by_role("button", name="Check it").click()
    wait_for_verdict(page, "Hardware-signed, builder not recognised")
    expect(page.locator("main")).to_contain_text("0 of 1 files checked")


def test_import_of_nothing_keeps_what_was_typed(visitor: Visitor) -> None:
    page = visitor.page("/builds/import/")
    page.get_by_label("Label").fill("from a friend")
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.get_by_label("Label")).to_have_value("from a friend")
    visitor.expect_complaint("status of 4")


@pytest.mark.needs("cargo", "bwrap")
def test_upload_goes_on_where_it_broke_off(visitor: Visitor, archive: Path) -> None:
    page = visitor.page("/builds/new/?way=upload")
    stored: list[int] = []
    broken = iter([False, True, True])

    def pass_or_break(route: Route) -> None:
        if route.request.method == "PUT" and next(broken, False):
            route.abort("connectionreset")
            return
        if route.request.method == "PUT":
            stored.append(int(route.request.headers["upload-offset"]))
        route.continue_()

    page.route("**/builds/uploads/**", pass_or_break)
    page.get_by_label("Archive of the source").set_input_files(archive)
    page.get_by_role("button", name="Upload and build").click()
    expect(page).to_have_url(re.compile(r"/builds/[0-9a-z]{16}/$"), timeout=60_000)
    # Two pieces were lost on the way; nothing was sent twice, nothing was left out.
    assert stored == list(range(0, archive.stat().st_size, PIECE_BYTES))
    visitor.expect_complaint("ERR_CONNECTION_RESET")


def test_file_dropped_with_the_mouse_is_looked_through(visitor: Visitor) -> None:
    page = visitor.page("/builds/new/?way=upload")
    dropped = page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['not an archive'], 'notes.zip')); return data; }"
    )
    page.dispatch_event("[data-drop]", "dragenter", {"dataTransfer": dropped})
    expect(page.locator("[data-drop]")).to_have_class(re.compile("drop-over"))
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": dropped})
    expect(page.locator("[data-file-name]")).to_contain_text("notes.zip")
    expect(page.locator(".finding-refuse")).to_contain_text("neither a ZIP nor a tar.gz")
