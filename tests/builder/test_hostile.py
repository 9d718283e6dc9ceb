"""Build scripts that mean harm: each is kept in, ended, and reported."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kettle_web.builder.sandbox.cgroups import Cgroup
from tests.builder.running import Builder, builder_running, crate

pytestmark = [pytest.mark.needs("cargo", "bwrap")]
SECRET = "a secret of the host"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    words = ["--max-seconds", "6", "--max-disk", "300", "--max-processes", "120", "--max-memory", "700", "--max-log", "4"]
    with builder_running(tmp_path_factory.mktemp("strict"), *words, environ={"HOST_SECRET": SECRET}) as running:
        yield running


def script(body: str) -> dict[str, str]:
    return crate(build='use std::process::Command;\nfn main() { let _ = Command::new("true"); ' + body + " }")


def told(builder: Builder, body: str) -> tuple[dict[str, str], str]:
    events = builder.events(builder.submit_files(script(body)))
    return events[-1]["result"], "\n".join(event.get("msg", "") for event in events if event["type"] == "build")


def test_secrets_of_the_host_cannot_be_read(strict: Builder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    places = [str(secret), "/etc/shadow", "/etc/passwd", str(strict.data / "lock"), os.path.expanduser("~/.cargo/env"), "/proc/1/environ"]
    tries = "".join(f'println!("cargo:warning={{:?}}", std::fs::read_to_string("{place}"));' for place in places)
    tries += 'for (name, value) in std::env::vars() { println!("cargo:warning=ENV {name}={value}"); }'
    tries += 'println!("cargo:warning=tmp {:?}", std::fs::read_dir("/tmp").unwrap().count());'
    result, log = told(strict, tries)
    assert result == {"status": "ok"}
    assert log.count("NotFound") >= 5
    assert SECRET not in log
    assert "tmp 0" in log
    assert "65534" not in os.environ.get("USER", "")


def test_loopback_and_network_cannot_be_reached(strict: Builder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        port = listener.getsockname()[1]
        places = (f"127.0.0.1:{port}", strict.address.removeprefix("http://"), "192.0.2.1:80")
        tries = "".join(f'println!("cargo:warning={{:?}}", std::net::TcpStream::connect("{place}").is_ok());' for place in places)
        result, log = told(strict, tries)
        assert result == {"status": "ok"}
        assert (log.count("false"), log.count("true")) == (3, 0)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_it_has_no_rights_and_cannot_make_itself_some(strict: Builder) -> None:
    body = 'let s = std::fs::read_to_string("/proc/self/status").unwrap();'
    body += 'for l in s.lines().filter(|l| l.starts_with("Cap") || l.starts_with("Uid")) { println!("cargo:warning={l}"); }'
    body += 'println!("cargo:warning=mine {:?}", Command::new("unshare").arg("--user").arg("true").status());'
    body += 'println!("cargo:warning=usr {:?}", std::fs::write("/usr/bin/evil", "x").is_err());'
    result, log = told(strict, body)
    assert result == {"status": "ok"}
    assert "65534\t65534" in log
    assert log.count("0000000000000000") == 5
    assert "usr true" in log


def test_a_fork_bomb_ends_and_leaves_nothing(strict: Builder) -> None:
    mark = f"4242.{os.getpid()}"
    body = f'loop {{ if Command::new("sleep").arg("{mark}").spawn().is_err() {{ panic!("no more"); }} }}'
    result, _ = told(strict, body)
    assert result["error_type"] in ("LimitExceeded", "Timeout", "BuildFailed")
    probe = Cgroup("probe", memory_bytes=1 << 30, processes=9)
    probe.end()
    if "pids" in probe.limits():
        assert result["error_type"] == "LimitExceeded"
        assert "processes" in result["error"]
    assert not [process for process in psutil.process_iter(["cmdline"]) if mark in (process.info["cmdline"] or [])]


def test_filling_the_disk_ends(strict: Builder) -> None:
    body = 'let out = std::env::var("OUT_DIR").unwrap(); let data = vec![1u8; 8 << 20];'
    body += 'for i in 0.. { std::fs::write(format!("{out}/{i}"), &data).unwrap(); }'
    result, _ = told(strict, body)
    assert result["error_type"] == "LimitExceeded"
    assert "disk" in result["error"]


def test_folders_too_deep_to_look_into_hide_nothing_and_leave_nothing(strict: Builder) -> None:
    body = 'for _ in 0..2000 { std::fs::create_dir("a-long-name").unwrap(); std::env::set_current_dir("a-long-name").unwrap(); }'
    body += 'std::fs::write("hidden", vec![1u8; 9 << 20]).unwrap();'
    job_id = strict.submit_files(script(body))
    events = strict.events(job_id)
    assert events[-1]["result"]["error_type"] == "LimitExceeded"
    assert [event["type"] for event in events].count("complete") == 1
    assert {path.name for path in (strict.data / "jobs" / job_id).iterdir()} == {"events.ndjson", "request.json", "started", "worker.log"}


def test_too_much_memory_ends(strict: Builder) -> None:
    body = "let mut all = vec![]; loop { all.push(vec![1u8; 16 << 20]); if all.len() > 200 { break; } }"
    result, _ = told(strict, body)
    assert result["error_type"] in ("LimitExceeded", "BuildFailed")


def test_hanging_ends_by_the_clock_and_leaves_nothing(strict: Builder) -> None:
    started = time.monotonic()
    mark = f"5151.{os.getpid()}"
    result, _ = told(strict, f'let _ = Command::new("sleep").arg("{mark}").status();')
    assert result["error_type"] == "Timeout"
    assert "6 seconds" in result["error"]
    assert time.monotonic() - started < 15
    assert not [process for process in psutil.process_iter(["cmdline"]) if mark in (process.info["cmdline"] or [])]


def test_a_flood_of_log_ends(strict: Builder) -> None:
    result, _ = told(strict, 'for i in 0..200_000 { println!("cargo:warning=line {i} of a very long flood of words"); }')
    assert result["error_type"] == "LimitExceeded"
    assert "log" in result["error"]


def test_every_line_of_a_fast_log_is_there_once(builder: Builder) -> None:
    result, log = told(builder, 'for i in 0..50_000 { println!("cargo:warning=<{i}>"); }')
    assert result == {"status": "ok"}
    found = [line[line.index("<") + 1 : -1] for line in log.splitlines() if line.endswith(">") and "<" in line]
    assert found == [str(number) for number in range(50_000)]


def test_links_out_of_the_project_are_no_artifacts(strict: Builder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    body = f'std::os::unix::fs::symlink("{tmp_path}/secret", "/build/project/target/release/stolen").unwrap();'
    body += 'std::fs::write("/build/project/target/release/extra", "made").unwrap();'
    job_id = strict.submit_files(script(body))
    assert strict.outcome(job_id) == {"status": "ok"}
    assert {name.rpartition("/")[2] for name in strict.result(job_id) if "/artifacts/" in name} == {"tried", "extra"}
    body = 'std::fs::rename("/build/project/target/release", "/build/project/r").unwrap();'
    body += f'std::os::unix::fs::symlink("{tmp_path}", "/build/project/target/release").unwrap();'
    assert strict.outcome(strict.submit_files(script(body)))["status"] == "failed"


def test_folders_that_nobody_may_enter_are_cleaned_up(strict: Builder) -> None:
    body = 'use std::os::unix::fs::PermissionsExt; let p = "/build/project/shut"; std::fs::create_dir_all(format!("{p}/in")).unwrap();'
    body += "std::fs::set_permissions(p, std::fs::Permissions::from_mode(0)).unwrap();"
    job_id = strict.submit_files(script(body))
    assert strict.outcome(job_id) == {"status": "ok"}
    assert not (strict.data / "jobs" / job_id / "work").exists()
