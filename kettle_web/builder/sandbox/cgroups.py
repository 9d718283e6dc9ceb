"""Memory and process limits by control groups, where this user may make them; elsewhere the other limits must do.

Both generations: one tree (v2), or a tree per controller (v1). Source: Documentation/admin-guide/cgroup-v2.rst and
cgroup-v1/{memory,pids}.rst of Linux.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMORY_FILES = (("memory.max", "memory.swap.max"), ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"))
END_SECONDS = 3.0


class Cgroup:
    """The groups of one build, one for each controller or one for all. Empty when none could be made."""

    def __init__(self, name: str, *, memory_bytes: int, processes: int, root: Path = ROOT) -> None:
        self._folders: list[Path] = []
        self._limits: list[str] = []
        for controller in ("memory", "pids"):
            folder = _folder(controller, root)
            if folder is None:
                continue
            group = folder / f"kettle-{name}"
            with contextlib.suppress(OSError):
                group.mkdir(exist_ok=True)
                if _limit(group, controller, memory_bytes, processes):
                    self._limits.append(controller)
                    self._folders += [] if group in self._folders else [group]
                elif group not in self._folders:
                    group.rmdir()

    def limits(self) -> tuple[str, ...]:
        """Give what is really limited: "memory", "pids"."""
        return tuple(self._limits)

    def join(self) -> None:
        """Move the calling process in; its children follow. Called between fork and exec."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text("0")

    def exceeded(self) -> str:
        """Say which limit the build ran into; "" for none."""
        if any(_count(folder / name, "oom_kill") for folder in self._folders for name in ("memory.events", "memory.oom_control")):
            return "it used more memory than is allowed"
        if any(_count(folder / "pids.events", "max") for folder in self._folders):
            return "it started more processes than are allowed"
        return ""

    def end(self) -> None:
        """Kill what is left inside, and remove the groups."""
        _end(self._folders)


def cgroup_end(name: str, *, root: Path = ROOT) -> None:
    """End and remove the groups of a build whose process was killed before it could do that."""
    folders = {_folder(controller, root) for controller in ("memory", "pids")}
    _end([group for folder in folders if folder is not None and (group := folder / f"kettle-{name}").is_dir()])


def _end(folders: list[Path]) -> None:
    until = time.monotonic() + END_SECONDS
    while _kill(folders) and time.monotonic() < until:
        time.sleep(0.01)
    for folder in folders:
        while folder.exists() and time.monotonic() < until:
            with contextlib.suppress(OSError):
                folder.rmdir()
                break
            time.sleep(0.01)


def _kill(folders: list[Path]) -> int:
    found = 0
    for folder in folders:
        with contextlib.suppress(OSError):
            for word in (folder / "cgroup.procs").read_text().split():
                found += 1
                with contextlib.suppress(OSError):
                    os.kill(int(word), signal.SIGKILL)
    return found


def _folder(controller: str, root: Path) -> Path | None:
    """Give the folder of this process's own group for a controller."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            if controller in names.split(","):
                return root / controller / path.lstrip("/")
            if not names and (root / "cgroup.controllers").exists():
                return root / path.lstrip("/")
    return None


def _limit(group: Path, controller: str, memory_bytes: int, processes: int) -> bool:
    """Write the limit; say whether the controller is there."""
    if controller == "pids":
        return _write(group / "pids.max", processes)
    for limit, swap in MEMORY_FILES:
        if _write(group / limit, memory_bytes):
            _write(group / swap, 0 if swap == "memory.swap.max" else memory_bytes)
            return True
    return False


def _write(path: Path, value: int) -> bool:
    if not path.exists():
        return False
    try:
        path.write_text(str(value))
    except OSError:
        return False
    return True


def _count(path: Path, word: str) -> int:
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == word:
                return int(value)
    return 0
