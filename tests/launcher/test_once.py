"""The main job as one command: phases on standard error, the report on standard output, a status that tells."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from kettle_web.builder.sample import sample_git_tree, sample_write
from tests.running import CHECKOUT, environ_plain, gone, run_once

pytestmark = [pytest.mark.stack]

ONCE_SECONDS = 120.0


@pytest.mark.needs("cargo")
def test_sample_ends_simulated_with_status_zero() -> None:
    done = run_once("--once", seconds=ONCE_SECONDS)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["now"]["verdict"] == "simulated"
    assert report["exit_status"] == 4, "as any other verifier would end"
    assert report["anchor_kind"] == "test"
    assert report["provenance"]["git_tree"] == sample_git_tree()
    assert [check["code"] for check in report["checks"] if check["outcome"] == "fail"] == []
    assert [artifact["outcome"] for artifact in report["artifacts"]] == ["pass"]
    for phase in ("Queued", "Building", "Done", "Compiling hello-kettle", "Simulated: signed by a public test key."):
        assert phase in done.stderr


@pytest.mark.needs("cargo", "bwrap")
def test_folder_is_built_without_what_git_does_not_track(tmp_path: Path) -> None:
    folder = tmp_path / "my-kettle"
    folder.mkdir()
    sample_write(folder)
    (folder / "target" / "release").mkdir(parents=True)
    (folder / "target" / "release" / "smuggled").write_bytes(b"not built here")
    (folder / "notes.txt").write_text("private")
    done = run_once("--once", str(folder), seconds=ONCE_SECONDS)
    assert done.returncode == 0, done.stderr
    assert "Left out, because git does not track it: notes.txt, target." in done.stderr
    names = [artifact["name"] for artifact in json.loads(done.stdout)["artifacts"]]
    assert names == ["hello-kettle"]


@pytest.mark.needs("cargo", "bwrap")
def test_source_that_does_not_compile_fails_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "broken-kettle"
    folder.mkdir()
    sample_write(folder)
    (folder / "src" / "main.rs").write_text("fn main() { boil }\n")
    who = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, "commit", "--quiet", "-am", "Break it."], check=True)
    done = run_once("--once", str(folder), seconds=ONCE_SECONDS)
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert answer["state"] == "failed"
    assert answer["failure"]["fault"] == "source"
    assert "cannot find value `boil`" in done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no-such-file.zip", "No such file or directory"),
        ("file:///etc", "file"),
        ("ext::sh -c true", "No such file or directory"),
        ("https://name:secret@example.org/x.git", "user name or password"),
    ],
)
def test_unusable_source_ends_with_status_two(tmp_path: Path, source: str, said: str) -> None:
    done = run_once("--once", source, "--data", str(tmp_path / "data"), seconds=ONCE_SECONDS)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_stop_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = subprocess.Popen(
        [str(CHECKOUT / "bin" / "run"), "--once", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ_plain(),
    )
    launcher = psutil.Process(process.pid)
    deadline = time.monotonic() + ONCE_SECONDS
    while len(launcher.children(recursive=True)) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    below = launcher.children(recursive=True)
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Ended before there was a report." in output
    assert gone(below)
