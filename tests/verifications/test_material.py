import os
import time

import pytest

from kettle_web.core.blobs import scratch_folder
from kettle_web.verifications.material import ABANDONED_SECONDS, UNPACKED_PREFIX, abandoned_remove, material_open
from tests.accounts.people import person_make
from tests.verifications.bundles import HELLO, build_make, result_make


def test_folders_of_killed_processes_are_removed_and_fresh_ones_left():
    now = time.time()
    old, fresh = (scratch_folder() / f"{UNPACKED_PREFIX}{name}" for name in ("old", "fresh"))
    for folder in (old, fresh):
        folder.mkdir()
        (folder / "file").write_bytes(b"x")
    os.utime(old, (now - ABANDONED_SECONDS - 1,) * 2)
    try:
        assert abandoned_remove(now=now) == 1
        assert not old.exists()
        assert fresh.exists()
    finally:
        (fresh / "file").unlink()
        fresh.rmdir()


@pytest.mark.django_db
def test_unpacked_files_are_gone_afterwards():
    build = build_make(person_make("ada"), tarball=result_make().tarball)
    with material_open(build) as material, material.artifacts.open("hello") as file:
        assert file.read() == HELLO
        assert list(scratch_folder().glob(f"{UNPACKED_PREFIX}*"))
    assert not list(scratch_folder().glob(f"{UNPACKED_PREFIX}*"))
