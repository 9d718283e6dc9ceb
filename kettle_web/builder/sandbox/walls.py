"""What a step of a build may see, and how bubblewrap is told.

The system is read-only and by allow-list; the home, /tmp and process numbers are the step's own; it runs as nobody,
without capabilities, without rare system calls (see syscalls) and with a clean environment; there is no network, only a
loopback of its own (a fetching step reaches the egress proxy through it: see outlet; no project code runs in such a
step). The host's paths do not exist inside: what a step needs is mounted at a neutral place.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from kettle_web.builder.sandbox.syscalls import filter_path

NOBODY = "65534"
HOME = "/home/build"
TMP_BYTES = 1 << 30
"""Of /tmp and of the home, which live in memory."""
SYSTEM = (
    *("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/include", "/usr/share"),
    *("/usr/local/bin", "/usr/local/lib", "/usr/local/lib64", "/usr/local/libexec", "/usr/local/include"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"),
)
"""What compilers and git need of the system. Not /etc as a whole: it holds secrets that our own user may read."""
SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
CERTIFICATES = ("/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted")
"""Public certificate authorities; only steps with network see them."""
PATH = "/usr/local/bin:/usr/bin:/bin"
PROBE_SECONDS = 10.0
FILTER_AT = 9
WITH_FILTER = f'filter="$1"; shift; exec "$@" {FILTER_AT}< "$filter"'
"""bubblewrap reads the filter from a descriptor, which it closes before it starts anything."""


@dataclass(frozen=True)
class Mount:
    """A file or folder of the host, and where it is inside."""

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True)
class Room:
    """One step's surroundings. `tools` are folders put first in PATH; `folder` is where it starts. Both are host paths.

    `network` is a wish: the step sees certificate authorities, and whoever runs it gives it the way out.
    """

    mounts: tuple[Mount, ...]
    folder: Path | None = None
    tools: tuple[Path, ...] = ()
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


class Walls(Protocol):
    """How a step is kept in."""

    def place(self, room: Room, host: Path) -> str:
        """Give the path that a file of the host has inside."""

    def arguments(self, room: Room, command: Sequence[str]) -> list[str]:
        """Give the command line that runs `command` inside."""

    def environment(self, room: Room) -> dict[str, str]:
        """Give the whole environment of that command line."""


def _place(room: Room, host: Path) -> str:
    for mount in room.mounts:
        if host.is_relative_to(mount.host):
            return str(Path(mount.inside) / host.relative_to(mount.host))
    return str(host)


class Bubblewrap:
    """The real walls."""

    def place(self, room: Room, host: Path) -> str:
        """See Walls."""
        return _place(room, host)

    def environment(self, room: Room) -> dict[str, str]:
        """See Walls."""
        tools = [_place(room, tool) for tool in room.tools]
        base = {"HOME": HOME, "PATH": ":".join([*tools, PATH]), "LANG": "C.UTF-8", "TMPDIR": "/tmp"}  # noqa: S108 - its own
        return base | dict(room.environment)

    def arguments(self, room: Room, command: Sequence[str]) -> list[str]:
        """See Walls."""
        known = _options_known()
        size = ["--size", str(TMP_BYTES)] if "--size" in known else []
        line = ["bwrap", "--unshare-all", "--unshare-user", "--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL"]
        line += ["--die-with-parent", "--new-session", "--hostname", "kettle"]
        if "--disable-userns" in known:
            line.append("--disable-userns")
        for path in (*SYSTEM, *(CERTIFICATES if room.network else ())):
            line += ["--ro-bind-try", path, path]
        for path in SYSTEM_LINKS:
            link = Path(path)
            line += ["--symlink", str(link.readlink()), path] if link.is_symlink() else ["--ro-bind-try", path, path]
        line += ["--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/tmp", *size, "--tmpfs", HOME]  # noqa: S108
        # Memory-backed places that bubblewrap makes and that would have no bound of their own.
        line += [*size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108
        for mount in room.mounts:
            line += ["--bind" if mount.writable else "--ro-bind", str(mount.host), mount.inside]
        folder = _place(room, room.folder) if room.folder else "/"
        line += ["--remount-ro", "/", "--chdir", folder]
        if path := filter_path():
            line = ["/bin/sh", "-c", WITH_FILTER, "sh", path, *line, "--seccomp", str(FILTER_AT)]
        return [*line, "--", *command]


class NoWalls:
    """No walls at all: for `--no-sandbox`, and for the bundled sample on a machine without bubblewrap."""

    def place(self, room: Room, host: Path) -> str:
        """See Walls."""
        return str(host)

    def environment(self, room: Room) -> dict[str, str]:
        """See Walls. Nothing of the server's own environment is handed on here either."""
        home = next((mount.host for mount in room.mounts if mount.writable), Path("/nonexistent"))
        base = {"HOME": str(home), "PATH": ":".join([*map(str, room.tools), PATH]), "LANG": "C.UTF-8"}
        return base | dict(room.environment)

    def arguments(self, room: Room, command: Sequence[str]) -> list[str]:
        """See Walls."""
        folder = str(room.folder) if room.folder else "/"
        return ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", folder, *command]


@lru_cache(maxsize=1)
def _options_known() -> frozenset[str]:
    """Give the options that this bubblewrap has; older ones lack some of the best."""
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    return frozenset((told.stdout + told.stderr).split())


@lru_cache(maxsize=1)
def sandbox_problem() -> str:
    """Say why there are no real walls on this machine, in one sentence; "" when there are. Tried once, for real."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (on Debian: apt install bubblewrap)."
    try:
        line = Bubblewrap().arguments(Room(mounts=()), ["/bin/sh", "-c", "exit 0"])
        tried = subprocess.run(line, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here: {error}."
    if tried.returncode:
        return f"bubblewrap does not work here: {tried.stderr.strip()[-300:] or tried.returncode}."
    return ""
