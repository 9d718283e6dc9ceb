"""The whole site as a person starts and ends it: nothing left behind, one clear line where it cannot start."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.running import RunningSite, gone, run_once

pytestmark = [pytest.mark.stack]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def site(data: Path) -> Iterator[RunningSite]:
    running = RunningSite(data, "--no-builder")
    yield running
    running.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_leaves_no_process(site: RunningSite, number: int) -> None:
    processes = site.processes()
    assert len(processes) >= 4, "launcher, guard, web server, worker"
    assert site.end(number) == 0
    assert gone(processes)


def test_killed_launcher_leaves_no_process_and_starts_again(site: RunningSite, data: Path) -> None:
    processes = site.processes()
    os.kill(site.process.pid, signal.SIGKILL)
    # At once, while the others may still be on their way out: the start waits for them instead of sharing the folder.
    again = RunningSite(data, "--no-builder")
    try:
        assert gone(processes)
        assert "One-time password" not in again.output
    finally:
        assert again.end() == 0


def test_launcher_and_guard_killed_together_leave_no_process(site: RunningSite) -> None:
    processes = site.processes()
    guards = [process for process in processes if any("guard.py" in word for word in process.cmdline())]
    assert len(guards) == 1
    guards[0].kill()
    os.kill(site.process.pid, signal.SIGKILL)
    assert gone(processes)


def test_dead_worker_is_started_again_and_said(site: RunningSite) -> None:
    worker = site.process_of("worker")
    worker.kill()
    site.wait_for_line(r"The worker ended \(signal SIGKILL\)")
    site.wait_for_line(r"The worker is started again")
    assert site.process_of("worker").pid != worker.pid


def test_connection_during_a_web_restart_waits_instead_of_failing(site: RunningSite) -> None:
    site.process_of("kettle_web.launcher.web").kill()
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_taken_port_is_one_line(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_once("--no-builder", "--data", str(data), "--port", str(port))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"Port {port} is taken on 127.0.0.1: name another one with --port (0 takes any free one)."]


def test_data_folder_in_use_is_one_line(site: RunningSite, data: Path) -> None:
    done = run_once("--no-builder", "--data", str(data), "--port", "0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "end that one, or name another folder with --data" in done.stderr
    assert psutil.pid_exists(site.process.pid)


def test_unusable_data_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run_once("--no-builder", "--data", str(tmp_path / "file" / "data"), "--port", "0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be used" in done.stderr


def test_unusable_variable_is_one_line_naming_it(data: Path) -> None:
    done = run_once("--no-builder", "--data", str(data), "--port", "0", environ={"MAX_UPLOAD_BYTES": "much"})
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["MAX_UPLOAD_BYTES must be a whole number of bytes."]


def test_first_password_is_printed_once(site: RunningSite, data: Path) -> None:
    assert site.one_time_password
    assert site.end() == 0
    again = RunningSite(data, "--no-builder")
    assert again.end() == 0
    assert "password" not in again.output
