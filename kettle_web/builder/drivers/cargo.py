"""Rust projects: `cargo build --locked --release`, dependencies fetched beforehand by cargo alone.

In the fetch phase no code of the project runs: cargo starts in an empty folder, so that the project's own
`.cargo/config.toml` (credential helpers, compiler wrappers) is not read, and the toolchain's binaries are called
themselves, so that a `rust-toolchain.toml` downloads nothing. The build phase has no network.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kettle_web.builder.drivers.base import MAX_LOCKFILE_BYTES, Inputs, Steps, Tool, file_read
from kettle_web.builder.drivers.cargo_lock import git_urls, lock_dependencies, outside_paths_refuse, toml_read
from kettle_web.builder.errors import BuildFailed, LimitExceeded, SourceError
from kettle_web.builder.sandbox.walls import Mount, Room
from kettle_web.builder.sources import url_allowed
from kettle_web.builder.toolchains import CargoToolchain, cargo_toolchain, tool_sha256, tool_version

TOOLCHAIN, PROJECT, CACHE = "/toolchain", "/build/project", "/build/cargo"
SYSTEM_ROOTS = (Path("/usr"), Path("/usr/local"))
"""A toolchain of the system is there already."""
NOT_PUBLIC = "(«response 403» there means: the host's address is not public; the operator can allow it with --allow-source-host.)"
MAX_ARTIFACTS = 1_000
CONFIGS = (".cargo/config.toml", ".cargo/config")
MAX_CONFIG_BYTES = 1 << 20


class CargoDriver:
    """See drivers.base.Driver."""

    name = "cargo"
    lockfile = "Cargo.lock"
    command = "cargo build --locked --release"
    outputs: tuple[str, ...] = ("target",)

    def inputs(self, steps: Steps) -> Inputs:
        """See Driver."""
        outside_paths_refuse(steps.project)
        lock = file_read(steps.project / self.lockfile, max_bytes=MAX_LOCKFILE_BYTES)
        tools = cargo_toolchain()
        return Inputs(
            tools={"cargo": _tool(tools.cargo), "rustc": _tool(tools.rustc)},
            lockfile_sha256=hashlib.sha256(lock).hexdigest(),
            dependencies=lock_dependencies(lock),
        )

    def build(self, steps: Steps) -> None:
        """See Driver."""
        tools = cargo_toolchain()
        lock = file_read(steps.project / self.lockfile, max_bytes=MAX_LOCKFILE_BYTES)
        if lock_dependencies(lock) and not _vendored(steps.project):
            for url in git_urls(lock):
                url_allowed(url, steps.source_hosts())
            self._fetch(steps, tools)
        # The project's own configuration may not move the output out of where the artifacts are looked for.
        room = self._room(steps, tools, writable=True)
        target = {"CARGO_NET_OFFLINE": "true", "CARGO_TARGET_DIR": _target(steps, room)}
        room = self._room(steps, tools, writable=True, environment=target)
        steps.run(room, self.command.split(), seconds=steps.limit_build(), failed="cargo build failed")

    def _fetch(self, steps: Steps, tools: CargoToolchain) -> None:
        room = self._room(steps, tools, writable=False, network=True, environment=steps.network())
        manifest = steps.place(room, steps.project / "Cargo.toml")
        line = ["cargo", "fetch", "--locked", "--manifest-path", manifest]
        try:
            steps.run(room, line, seconds=steps.limit_fetch(), failed="The dependencies could not be fetched")
        except BuildFailed as error:
            raise SourceError(f"{error} {NOT_PUBLIC}") from error

    def _room(
        self,
        steps: Steps,
        tools: CargoToolchain,
        *,
        writable: bool,
        network: bool = False,
        environment: dict[str, str] | None = None,
    ) -> Room:
        cache = steps.scratch / "cargo"
        cache.mkdir(exist_ok=True)
        mounts: tuple[Mount, ...] = (
            Mount(tools.root, TOOLCHAIN),
            Mount(steps.project, PROJECT, writable),
            Mount(cache, CACHE, True),
        )
        if tools.root in SYSTEM_ROOTS:
            mounts = mounts[1:]
        room = Room(mounts, folder=steps.project if not network else None, tools=(tools.cargo.parent,), network=network)
        own = {"CARGO_HOME": steps.place(room, cache), "CARGO_TERM_COLOR": "always", "CARGO_TERM_PROGRESS_WHEN": "never"}
        return Room(room.mounts, room.folder, room.tools, network, own | (environment or {}))

    def artifacts(self, project: Path, take: Callable[[str, int], None]) -> None:
        """Regular files in `target/release` without extension or with `.exe`, dotfiles left out.

        The build could have put links anywhere: no component is ever followed.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            target = os.open(project / "target", flags | os.O_DIRECTORY)
            try:
                release = os.open("release", flags | os.O_DIRECTORY, dir_fd=target)
            finally:
                os.close(target)
        except OSError as error:
            raise BuildFailed("The build made no target/release.") from error
        try:
            names = sorted(name for name in os.listdir(release) if _is_artifact(name))
            taken = 0
            for name in names:
                if stat.S_ISREG(os.stat(name, dir_fd=release, follow_symlinks=False).st_mode):
                    taken += 1
                    if taken > MAX_ARTIFACTS:
                        raise LimitExceeded(f"The build made more than {MAX_ARTIFACTS} artifacts.")
                    take(name, os.open(name, flags, dir_fd=release))
        finally:
            os.close(release)
        if not taken:
            raise BuildFailed("The build made no program: target/release holds no file without an extension.")


def _is_artifact(name: str) -> bool:
    extension = os.path.splitext(name)[1]
    return not name.startswith(".") and (not extension or extension == ".exe") and name.isprintable()


def _tool(path: Path) -> Tool:
    return Tool(version=tool_version(path), sha256=tool_sha256(path))


def _target(steps: Steps, room: Room) -> str:
    return steps.place(room, steps.project / "target")


def _vendored(project: Path) -> bool:
    """Say whether the project brings its dependencies along and tells cargo so: then nothing is fetched."""
    for name in CONFIGS:
        path = project / name
        if path.is_file() and not path.is_symlink() and not path.parent.is_symlink():
            config: Any = toml_read(file_read(path, max_bytes=MAX_CONFIG_BYTES), name).get("source", {})
            if isinstance(config, dict) and any(isinstance(one, dict) and "replace-with" in one for one in config.values()):
                return True
    return False
