"""Source and bundles that a person brings: an archive in pieces, real documents of another builder."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Request, expect

from kettle_web.archives.pack import folder_pack
from kettle_web.builder.sample import sample_write
from tests.pages.conftest import Visitor, wait_for_verdict

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.xdist_group("pages")]

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
