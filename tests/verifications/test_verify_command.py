import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verifications.bundles import HELLO, NONCE, result_make

ROOT = Path(__file__).resolve().parents[2]


def _verify(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", "verify", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DATA_DIR": str(tmp_path / "data"), "DJANGO_SETTINGS_MODULE": "kettle_web.settings"},
    )


@pytest.fixture
def bundle(tmp_path):
    result = result_make()
    folder = tmp_path / "hello"
    (folder / "artifacts").mkdir(parents=True)
    (folder / "provenance.json").write_bytes(result.provenance)
    (folder / "evidence.json").write_bytes(result.evidence)
    (folder / "artifacts" / "hello").write_bytes(HELLO)
    return folder


def test_simulated_bundle_ends_with_4_and_json(tmp_path, bundle):
    done = _verify(tmp_path, bundle, "--nonce", NONCE.hex(), "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["now"]["verdict"] == "simulated"


def test_tarball_is_taken_too(tmp_path):
    path = tmp_path / "result.tar.gz"
    path.write_bytes(result_make().tarball)
    assert _verify(tmp_path, path).returncode == 4


def test_changed_file_ends_with_1(tmp_path, bundle):
    (bundle / "artifacts" / "hello").write_bytes(b"hello, mallory")
    assert _verify(tmp_path, bundle).returncode == 1


def test_unusable_arguments_end_with_2(tmp_path, bundle):
    done = _verify(tmp_path, bundle, "--nonce", "xyz")
    assert done.returncode == 2
    assert "--nonce" in done.stderr


def test_recorded_bundle_ends_with_3_and_with_0_when_accepted(tmp_path, samples):
    kex = samples / "bundles" / "kex"
    assert _verify(tmp_path, kex).returncode == 3
    assert _verify(tmp_path, kex, "--no-artifacts").returncode == 3
    assert _verify(tmp_path, kex, "--no-artifacts", "--accept-unpinned").returncode == 0
