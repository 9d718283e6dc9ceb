"""Starts and ends: what is left when a server stops, is killed, or a build's process dies."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from kettle_web.builder.__main__ import options_parse
from kettle_web.builder.options import Options
from tests.builder.running import CHECKOUT, Builder, builder_running, builder_start, crate

MARK = f"6161.{os.getpid()}"
"""Of this test process alone: others may run beside it."""
HANGS = crate(build=f'fn main() {{ std::process::Command::new("sleep").arg("{MARK}").status().unwrap(); }}')


def sleepers() -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if MARK in (process.info["cmdline"] or [])]


def wait_for(count: int) -> None:
    until = time.monotonic() + 20
    while len(sleepers()) != count:
        assert time.monotonic() < until, f"{len(sleepers())} sleepers instead of {count}"
        time.sleep(0.05)


def hanging(data: Path, *words: str) -> tuple[Builder, str]:
    builder = builder_start(data, *words)
    job_id = builder.submit_files(HANGS)
    wait_for(1)
    return builder, job_id


def test_it_listens_within_a_second(data: Path) -> None:
    started = time.monotonic()
    with builder_running(data):
        assert time.monotonic() - started < 1.5


def test_help_documents_every_option() -> None:
    words = [sys.executable, "-m", "kettle_web.builder", "--help"]
    told = subprocess.run(words, capture_output=True, text=True, check=True, cwd=CHECKOUT).stdout
    for word in ("--single-build", "--no-sandbox", "--attest", "--concurrency", "--allow-source-host", "--max-body", "SIGTERM"):
        assert word in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "99999"], "from 0 to 65535"),
        (["--port", "x"], "--port"),
        (["--concurrency", "0"], "at least 1"),
        (["--max-body", "-1"], "at least 1"),
        (["--max-seconds", "nan"], "more than nothing"),
        (["--keep-hours", "inf"], "more than nothing"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options_parse(words)
    assert said in capsys.readouterr().err


def test_a_taken_port_is_one_clear_line(data: Path, builder: Builder) -> None:
    port = builder.address.rpartition(":")[2]
    words = [sys.executable, "-m", "kettle_web.builder", "--port", port, "--data", str(data)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert port in done.stderr


def test_options_survive_the_way_to_the_builds_process(tmp_path: Path) -> None:
    options = options_parse(["--data", str(tmp_path), "--allow-source-host", "a", "--max-log", "3"])
    assert Options.from_json(options.to_json()) == options


@pytest.mark.needs("cargo", "bwrap")
@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_stopping_ends_a_running_build_and_says_so(data: Path, word: signal.Signals) -> None:
    builder, job_id = hanging(data)
    started = time.monotonic()
    assert builder.stop(word) == 0
    assert time.monotonic() - started < 5
    wait_for(0)
    with builder_running(data) as again:
        outcome = again.outcome(job_id)
        assert (outcome["status"], outcome["error_type"]) == ("failed", "Interrupted")
        assert "server stopped" in outcome["error"]


@pytest.mark.needs("cargo", "bwrap")
def test_stopping_does_not_wait_for_followers(data: Path) -> None:
    builder, job_id = hanging(data)
    with httpx.Client(trust_env=False, timeout=30) as http, http.stream("GET", f"{builder.address}/build/{job_id}/events") as stream:
        lines = stream.iter_lines()
        assert any('"type": "init"' in line for line in lines)
        # The head of a stream is its whole answer: it does not wait for the build.
        assert [http.head(f"{builder.address}/build/{job_id}/events").status_code for _ in range(2)] == [200, 200]
        started = time.monotonic()
        builder.process.terminate()
        assert not any('"type": "complete"' in line for line in lines)
        assert builder.stop() == 0
        assert time.monotonic() - started < 5


def test_a_client_that_breaks_off_leaves_nothing(data: Path) -> None:
    with builder_running(data) as builder:
        host, port = builder.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"POST /build HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n".encode())
            client.sendall(b"Content-Length: 1000000\r\n\r\n" + b" " * 1000)
        until = time.monotonic() + 5
        while builder.http.get("/health").status_code != 200 or list((data / "incoming").iterdir()):
            assert time.monotonic() < until
        assert not list((data / "jobs").iterdir())


@pytest.mark.needs("cargo", "bwrap")
@pytest.mark.parametrize("words", [(), ("--no-sandbox",)])
def test_a_killed_server_takes_its_build_along(data: Path, words: tuple[str, ...]) -> None:
    builder, job_id = hanging(data, *words)
    builder.stop(signal.SIGKILL)
    wait_for(0)
    with builder_running(data) as again:
        assert again.outcome(job_id)["error_type"] == "Interrupted"
        assert not (data / "jobs" / job_id / "work").exists()
        assert not list(Path("/sys/fs/cgroup").glob(f"*/**/kettle-{job_id}"))


@pytest.mark.needs("cargo", "bwrap")
def test_a_killed_build_process_is_reported_at_once(data: Path) -> None:
    builder, job_id = hanging(data)
    worker = next(child for child in psutil.Process(builder.process.pid).children() if "worker" in " ".join(child.cmdline()))
    worker.kill()
    assert builder.outcome(job_id)["error_type"] == "Interrupted"
    wait_for(0)
    builder.stop()


@pytest.mark.needs("cargo", "bwrap")
def test_waiting_builds_are_told_their_place_and_outlive_a_restart(data: Path) -> None:
    builder, first = hanging(data, "--concurrency", "1")
    second, third = builder.submit_files({"README": "2"}), builder.submit_files({"README": "3"})
    places = [event["position"] for _, event in zip(range(1), (event for _, event in builder.follow(third)), strict=False)]
    assert places == [2]
    builder.stop()
    with builder_running(data) as again:
        assert again.outcome(first)["error_type"] == "Interrupted"
        assert again.outcome(second)["error_type"] == "SourceError"
        assert again.outcome(third)["error_type"] == "SourceError"


@pytest.mark.needs("cargo", "bwrap")
def test_any_number_follow_and_all_see_the_same(data: Path, builder: Builder) -> None:
    job_id = builder.submit_files(crate())
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: list(builder.follow(job_id)), range(8)))
    assert all(events == seen[0] for events in seen)
    assert seen[0][-1][1]["type"] == "complete"


def test_it_ends_with_its_parent_when_asked(data: Path) -> None:
    code = (
        "import subprocess, sys, os\n"
        "p = subprocess.Popen([sys.executable, '-m', 'kettle_web.builder', '--port', '0', '--die-with-parent', '--data', sys.argv[1]],"
        " stdout=subprocess.PIPE, text=True)\n"
        "p.stdout.readline(); print(p.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    told = subprocess.run([sys.executable, "-c", code, str(data)], capture_output=True, text=True, cwd=CHECKOUT, check=False)
    pid = int(told.stdout)
    until = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)
