"""What every driver has in common: the facts that go into the provenance, and the steps that it may take."""

import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kettle_web.builder.errors import SourceError
from kettle_web.builder.sandbox.walls import Room

MAX_LOCKFILE_BYTES = 32 << 20
"""The largest lockfiles of real workspaces are a few megabytes."""


@dataclass(frozen=True)
class Tool:
    """One tool of the toolchain: its own word on its version, and its binary's SHA-256 in hex."""

    version: str
    sha256: str


@dataclass(frozen=True)
class Dependency:
    """One resolved dependency as the provenance names it; `algorithm` is "sha256", "sha512" or "gitCommit"."""

    name: str
    uri: str
    algorithm: str
    digest: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    """What else is known of it (nix only)."""


@dataclass(frozen=True)
class Inputs:
    """Everything that goes into a build beside its source. Tools and dependencies in the order of the document."""

    tools: dict[str, Tool]
    lockfile_sha256: str
    dependencies: tuple[Dependency, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What this toolchain alone puts at the head of `internalParameters` (nix only), JSON values."""


class Steps(Protocol):
    """What a driver can have done, inside walls. Paths are the host's."""

    project: Path
    scratch: Path
    """A folder beside the project for caches."""

    def run(self, room: Room, command: Sequence[str], *, seconds: float, failed: str) -> None:
        """Run a command, its output going to the build's log; raises BuildFailed, beginning with `failed`."""

    def ask(self, room: Room, command: Sequence[str], *, seconds: float) -> tuple[list[str], int]:
        """Run a command that says little, and give its lines and its exit status."""

    def say(self, text: str) -> None:
        """Put a line of the builder's own into the build's log."""

    def place(self, room: Room, host: Path) -> str:
        """Give the path that a file of the host has inside of a room."""

    def source_hosts(self) -> tuple[str, ...]:
        """Give the hosts that the operator allows although their addresses are not public."""

    def network(self) -> dict[str, str]:
        """Give the environment of a step with network: the way out, and what must not be done there."""

    def limit_fetch(self) -> float:
        """Give the seconds that fetching dependencies may take."""

    def limit_build(self) -> float:
        """Give the seconds that the build may take."""


class Driver(Protocol):
    """One toolchain."""

    name: str
    lockfile: str
    outputs: tuple[str, ...]
    """What the build makes in the project; removed before it starts."""

    @property
    def command(self) -> str:
        """Give the command that builds, as the provenance states it."""

    def inputs(self, steps: Steps) -> Inputs:
        """Read what goes in, before any code of the project runs."""

    def build(self, steps: Steps) -> None:
        """Fetch and build."""

    def artifacts(self, project: Path, take: Callable[[str, int], None]) -> None:
        """Call `take` with the name and the open file descriptor of each artifact."""


def file_read(path: Path, *, max_bytes: int) -> bytes:
    """Read a file of a hostile project: a regular file only, never through a link, never more than `max_bytes`."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{path.name} is not a regular file.")
    if status.st_size > max_bytes:
        raise SourceError(f"{path.name} is larger than {max_bytes} bytes.")
    return path.read_bytes()
