"""Single steps inside the walls, and the process that watches over them."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from kettle_web.builder.errors import LimitExceeded, Timeout
from kettle_web.builder.outlet import python_inside, python_mounts
from kettle_web.builder.sandbox.process import LINE_BYTES, Bounds, process_run
from kettle_web.builder.sandbox.walls import TMP_BYTES, Bubblewrap, Mount, NoWalls, Room, Walls
from kettle_web.builder.trees import disk_used


def run(line: list[str], **more: object) -> tuple[int, list[str]]:
    said: list[str] = []
    bounds = Bounds(**({"seconds": 10.0, "log_bytes": 1 << 20, "disk_bytes": 1 << 30} | more))  # type: ignore[arg-type]
    status = process_run(line, environment={"PATH": "/usr/bin:/bin"}, bounds=bounds, on_lines=said.extend)
    return status, said


def inside(walls: Walls, room: Room, script: str) -> list[str]:
    said: list[str] = []
    bounds = Bounds(seconds=10, log_bytes=1 << 20, disk_bytes=1 << 30)
    line, environment = walls.arguments(room, ["/bin/sh", "-c", script]), walls.environment(room)
    assert process_run(line, environment=environment, bounds=bounds, on_lines=said.extend) == 0, said
    return said


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_lines_and_status_come_through() -> None:
    assert run(["/bin/sh", "-c", "echo one; echo two >&2; printf 'three\\r\\n'; printf last; exit 3"]) == (
        3,
        ["one", "two", "three", "last"],
    )


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert run(["/bin/sh", "-c", r"printf '\377\n'"]) == (0, ["\ufffd"])


def test_a_long_line_comes_in_pieces_and_whole() -> None:
    status, said = run(python(f"print('x' * {3 * LINE_BYTES + 5})"))
    assert status == 0
    assert "".join(said) == "x" * (3 * LINE_BYTES + 5)
    assert max(map(len, said)) <= LINE_BYTES


def test_the_clock_ends_a_command_and_its_children() -> None:
    started = time.monotonic()
    with pytest.raises(Timeout):
        run(["/bin/sh", "-c", "sleep 60 & sleep 60"], seconds=0.3)
    assert time.monotonic() - started < 5


def test_a_child_that_keeps_the_pipe_open_does_not_hold_the_build_up() -> None:
    started = time.monotonic()
    assert run(["/bin/sh", "-c", "sleep 60 & echo done"]) == (0, ["done"])
    assert time.monotonic() - started < 5


def test_output_and_disk_have_bounds(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="log"):
        run(["/bin/sh", "-c", "yes"], log_bytes=100_000)
    write = f"import time\nfor i in range(9): open(f'{tmp_path}/{{i}}', 'wb').write(b'x' * 300_000)\ntime.sleep(60)"
    with pytest.raises(LimitExceeded, match="disk"):
        run(python(write), disk=(tmp_path,), disk_bytes=1 << 20)


def test_disk_use_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("/usr")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "file").write_bytes(b"x" * 100_000)
    assert 100_000 <= disk_used(tmp_path) < 200_000


def test_nothing_of_the_servers_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_SECRET", "x")
    for walls in (NoWalls(), Bubblewrap()):
        assert "HOST_SECRET" not in walls.environment(Room(mounts=()))


@pytest.mark.needs("bwrap")
def test_a_mounted_folder_of_a_closed_home_is_seen_and_nothing_beside_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    tools = home / "tools"
    tools.mkdir(parents=True)
    (tools / "tool").write_text("#!/bin/sh\necho it runs\n")
    (tools / "tool").chmod(0o700)
    (home / "secret").write_text("x")
    home.chmod(0o700)
    room = Room((Mount(tools, "/toolchain"),), tools=(tools,))
    said = inside(Bubblewrap(), room, f"tool; ls /toolchain; ls {home} 2>/dev/null; touch /toolchain/x 2>/dev/null || echo read-only")
    assert said == ["it runs", "tool", "read-only"]


@pytest.mark.needs("bwrap")
def test_inside_there_is_little(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    room = Room((Mount(work, "/build/project", True),), folder=work)
    script = "pwd; id -u; echo $HOME; ls /; ls -A /tmp $HOME /home; cat /proc/net/dev | wc -l; touch made; hostname"
    said = inside(Bubblewrap(), room, script)
    assert said[:3] == ["/build/project", "65534", "/home/build"]
    assert not {"root", "etc/shadow", "var", "run", "work"} & set(said)
    assert said[-1] == "kettle"
    assert (work / "made").exists()


@pytest.mark.needs("bwrap")
def test_nothing_that_lives_in_memory_is_without_a_bound() -> None:
    script = "for at in / /dev /usr /run /etc /home; do touch $at/x 2>/dev/null && echo $at; done; echo void > /dev/null && echo null; "
    script += "for at in /tmp /dev/shm $HOME; do stat -f -c '%b %S' $at; done"
    said = inside(Bubblewrap(), Room(mounts=()), script)
    assert said[0] == "null"
    assert [int(blocks) * int(size) for blocks, size in (row.split() for row in said[1:])] == [TMP_BYTES] * 3


@pytest.mark.needs("bwrap")
def test_what_namespaces_do_not_cover_is_filtered() -> None:
    program = """
import ctypes, errno, socket
for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_VSOCK, socket.AF_ALG):
    try:
        socket.socket(family, socket.SOCK_SEQPACKET if family == socket.AF_ALG else socket.SOCK_STREAM)
        print(family.name, "made")
    except OSError as error:
        print(family.name, errno.errorcode[error.errno])
libc = ctypes.CDLL(None, use_errno=True)
for number in ((250, 321, 323, 425) if __import__("os").uname().machine == "x86_64" else (219, 280, 282, 425)):
    print(libc.syscall(number, 0, 0, 0), errno.errorcode[ctypes.get_errno()])
print(sorted(int(name) for name in __import__("os").listdir("/proc/self/fd"))[:3])
"""
    room = Room(python_mounts())
    bounds = Bounds(seconds=10, log_bytes=1 << 20, disk_bytes=1 << 30)
    said: list[str] = []
    walls, command = Bubblewrap(), [str(python_inside()), "-I", "-S", "-c", program]
    assert process_run(walls.arguments(room, command), environment=walls.environment(room), bounds=bounds, on_lines=said.extend) == 0
    assert said[:5] == ["AF_UNIX made", "AF_INET made", "AF_INET6 made", "AF_VSOCK EAFNOSUPPORT", "AF_ALG EAFNOSUPPORT"]
    assert said[5:9] == ["-1 ENOSYS"] * 4
    assert said[9] == "[0, 1, 2]"


@pytest.mark.needs("bwrap")
def test_what_it_starts_ends_with_it() -> None:
    mark = f"7171.{os.getpid()}"
    inside(Bubblewrap(), Room(mounts=()), f"setsid sleep {mark} & exit 0")
    assert not [process for process in psutil.process_iter(["cmdline"]) if mark in (process.info["cmdline"] or [])]
