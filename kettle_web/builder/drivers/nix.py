"""Nix flakes: `nix build`, in a store of its own at /nix inside the walls, so that nothing of the machine is writable or trusted.

1. inputs       what flake.lock pins is fetched by nix itself, from a folder that holds flake.nix and flake.lock alone
2. evaluation   without network: which derivations there are, and which of them fetch something
3. fetches      with network, by nix's own `builtin:fetchurl` alone. A fetcher that is a script (curl in a build) is code of the
                project: it runs in the build phase, without network, and fails there
4. build        without network

Nothing but what is fetched in 1 and 3 may come out of the binary cache; what is not fetched is built. A flake that builds with the
standard environment of nixpkgs would so have to build its compilers first, from sources that scripts fetch: it fails. Flakes
whose builders are programs of their own, or that only put fetched files together, are built.

The flake's own settings (`nixConfig`) are never accepted.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from kettle_web.builder.drivers.base import MAX_LOCKFILE_BYTES, Inputs, Steps, Tool, file_read
from kettle_web.builder.drivers.nix_lock import flake_fetches, flake_inputs, graph_dependencies, graph_fetchers, graph_read
from kettle_web.builder.drivers.nix_store import StorePath, link_resolve
from kettle_web.builder.errors import BuildFailed, LimitExceeded, LockfileMissing, SourceError
from kettle_web.builder.sandbox.walls import Mount, Room
from kettle_web.builder.toolchains import NixToolchain, nix_toolchain, tool_sha256, tool_version

PROJECT, FLAKE, WORDS, NIX = "/build/project", "/build/flake", "/build/words", "/nix"
MAX_FLAKE_BYTES = 4 << 20
MAX_WORDS_BYTES = 256 << 20
"""Of the derivation graph: that of a large system takes tens of megabytes."""
MAX_ARTIFACTS = 1_000
CACHE = "https://cache.nixos.org"
CACHE_KEY = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
"""The public cache of nixpkgs and its signing key, as nix itself has them by default."""
TO_FILE = 'out="$1"; shift; exec "$@" > "$out"'
SETUP_SECONDS = 60.0
OUTPUT = re.compile(r"/\S*/[0-9a-z]{32}-[^\s/]+")
NEW_BUILD, NEW_SHOW = (2, 9), (2, 14)
"""The versions from which `build --print-out-paths` and `derivation show` exist."""


class NixDriver:
    """See drivers.base.Driver."""

    name = "nix"
    lockfile = "flake.lock"
    outputs: tuple[str, ...] = ("result",)

    def __init__(self) -> None:
        self._tools: NixToolchain | None = None
        self._paths: list[str] = []
        self._store = Path()
        self._fetchers: list[str] = []

    @property
    def tools(self) -> NixToolchain:
        """Give the nix that runs; looked for once."""
        self._tools = self._tools or nix_toolchain()
        return self._tools

    @property
    def command(self) -> str:
        """Give the command that really runs: old versions lack an option."""
        return f"nix build --no-link {'--print-out-paths' if self.tools.version >= NEW_BUILD else '--json'}"

    def inputs(self, steps: Steps) -> Inputs:
        """See Driver. The project's expressions are evaluated here, inside the walls and without network."""
        project = steps.project
        if not (project / self.lockfile).exists():
            raise LockfileMissing("There is a flake.nix, but no flake.lock. Run «nix flake lock» and commit the file.")
        lock = file_read(project / self.lockfile, max_bytes=MAX_LOCKFILE_BYTES)
        flake = file_read(project / "flake.nix", max_bytes=MAX_FLAKE_BYTES)
        inputs = flake_inputs(lock)
        tools = self.tools
        self._prepare(steps)
        if flake_fetches(lock):
            self._inputs_fetch(steps, flake, lock)
        graph = graph_read(self._graph(steps))
        dependencies = graph_dependencies(graph)
        self._fetchers = graph_fetchers(graph)
        return Inputs(
            tools={"nix": Tool(version=tool_version(tools.nix), sha256=tool_sha256(tools.nix))},
            lockfile_sha256=hashlib.sha256(lock).hexdigest(),
            dependencies=dependencies,
            parameters={
                "evaluation": {"derivationCount": len(graph), "fetchCount": len(dependencies)},
                "flakeInputs": inputs,
            },
        )

    def build(self, steps: Steps) -> None:
        """See Driver."""
        if self._fetchers:
            self._derivations_fetch(steps)
        line, seconds = self.command.split(), steps.limit_build()
        said = self._to_file(steps, self._room(steps), line, "built", seconds=seconds, failed="nix build failed")
        self._paths = build_outputs(said)

    def _prepare(self, steps: Steps) -> None:
        for name in ("nix/store", "nix/var/nix", "nix/var/log/nix", "words", "flake"):
            (steps.scratch / name).mkdir(parents=True, exist_ok=True)
        self._store = steps.scratch / "nix" / "store"
        if known := self.tools.registration():
            # A nix that lives in a store itself: its paths are seen in ours, and known there, so that no build writes them anew.
            (steps.scratch / "flake" / "registration").write_bytes(known)
            room = self._room(steps)
            line = ["/bin/sh", "-c", 'nix-store --load-db < "$1"', "sh", steps.place(room, steps.scratch / "flake" / "registration")]
            steps.run(room, line, seconds=SETUP_SECONDS, failed="The build's own store could not be made")
            (steps.scratch / "flake" / "registration").unlink()

    def _inputs_fetch(self, steps: Steps, flake: bytes, lock: bytes) -> None:
        folder = steps.scratch / "flake"
        (folder / "flake.nix").write_bytes(flake)
        (folder / "flake.lock").write_bytes(lock)
        room = self._room(steps, network=True, folder=folder)
        line = ["nix", "flake", "archive", "--no-write-lock-file", f"path:{steps.place(room, folder)}"]
        self._fetch(steps, room, line, "The flake's inputs could not be fetched")

    def _graph(self, steps: Steps) -> bytes:
        words = ["nix", "derivation", "show"] if self.tools.version >= NEW_SHOW else ["nix", "show-derivation"]
        failed = "The flake could not be evaluated"
        return self._to_file(steps, self._room(steps), [*words, "--recursive"], "graph", seconds=steps.limit_build(), failed=failed)

    def _derivations_fetch(self, steps: Steps) -> None:
        room = self._room(steps, network=True, folder=steps.scratch / "flake")
        new = self.tools.version >= NEW_SHOW
        fetches = [f"{path}^out" if new else path for path in self._fetchers]
        self._fetch(steps, room, ["nix", "build", "--no-link", *fetches], "What the flake fetches could not be had")

    def _fetch(self, steps: Steps, room: Room, line: list[str], failed: str) -> None:
        try:
            steps.run(room, line, seconds=steps.limit_fetch(), failed=failed)
        except BuildFailed as error:
            raise SourceError(str(error)) from error

    def _to_file(self, steps: Steps, room: Room, line: list[str], name: str, *, seconds: float, failed: str) -> bytes:
        """Run a command whose standard output is its answer; the log gets the rest."""
        path = steps.scratch / "words" / name
        steps.run(room, ["/bin/sh", "-c", TO_FILE, "sh", steps.place(room, path), *line], seconds=seconds, failed=failed)
        return file_read(path, max_bytes=MAX_WORDS_BYTES)

    def _room(self, steps: Steps, *, network: bool = False, folder: Path | None = None) -> Room:
        scratch = steps.scratch
        project = (Mount(steps.project, PROJECT),) if not network else ()
        mounts = (
            *project,
            Mount(scratch / "flake", FLAKE),
            Mount(scratch / "words", WORDS, True),
            Mount(scratch / "nix", NIX, True),
            *self.tools.mounts(),
        )
        room = Room(mounts, folder=folder or steps.project, tools=(self.tools.nix.parent,), network=network)
        nix = steps.place(room, scratch / "nix")
        environment = {
            "NIX_STORE_DIR": f"{nix}/store",
            "NIX_STATE_DIR": f"{nix}/var/nix",
            "NIX_LOG_DIR": f"{nix}/var/log/nix",
            "NIX_CONFIG": _config(network),
            "USER": "build",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        return Room(room.mounts, room.folder, room.tools, network, environment | (_way_out(steps) if network else {}))

    def artifacts(self, project: Path, take: Callable[[str, int], None]) -> None:
        """The files in `bin/` of each store path that the build printed; a link counts where it leads to a file of the store."""
        taken: set[str] = set()
        for path in dict.fromkeys(self._paths):
            for name, descriptor in _programs(StorePath(self._store, path)):
                if name in taken:
                    os.close(descriptor)
                    raise BuildFailed(f"Two outputs of the build have a program of the same name: {name}.")
                taken.add(name)
                take(name, descriptor)
                if len(taken) > MAX_ARTIFACTS:
                    raise LimitExceeded(f"The build made more than {MAX_ARTIFACTS} artifacts.")
        if not taken:
            raise BuildFailed("The build made no program: no output has a file in bin/.")


def _programs(output: StorePath) -> Iterator[tuple[str, int]]:
    folder = link_resolve(output, "bin")
    if folder is None or not stat.S_ISDIR(folder.lstat().st_mode):
        return
    for name in sorted(os.listdir(folder)):
        found = link_resolve(output, f"bin/{name}") if name.isprintable() else None
        if found is not None and stat.S_ISREG(found.lstat().st_mode):
            yield name, os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def build_outputs(said: bytes) -> list[str]:
    """Give the store paths that a build printed: a line each, or (`--json`) objects with their outputs."""
    text = said.decode("utf-8", "replace").strip()
    paths = text.split("\n")
    if text.startswith("["):
        paths = [path for one in json.loads(text) for path in one.get("outputs", {}).values()]
    if not paths or not all(isinstance(path, str) and OUTPUT.fullmatch(path) for path in paths):
        raise BuildFailed("nix did not say what it built.")
    return paths


def _config(network: bool) -> str:
    settings = {
        "experimental-features": "nix-command flakes",
        "build-users-group": "",
        "sandbox": "false",  # The walls stand around nix as a whole; inside them it may not make more.
        "accept-flake-config": "false",
        "allow-import-from-derivation": "false" if network else "true",
        "log-lines": "200",
        "substitute": "true" if network else "false",
        "substituters": CACHE if network else "",
        "trusted-public-keys": CACHE_KEY,
        "flake-registry": "",
    }
    return "\n".join(f"{name} = {value}" for name, value in settings.items())


def _way_out(steps: Steps) -> dict[str, str]:
    network = dict(steps.network())
    proxy = network.get("CARGO_HTTP_PROXY", "")
    certificates = {"NIX_SSL_CERT_FILE": network["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in network else {}
    return network | certificates | dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), proxy)
