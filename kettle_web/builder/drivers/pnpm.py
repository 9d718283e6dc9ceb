"""Node.js projects: `pnpm install --frozen-lockfile`, then `pnpm build`, both without network.

What the lockfile pins is fetched before by `pnpm fetch` alone, from a folder that holds the lockfile and the addresses of
registries and nothing else of the project: no package.json, no `.pnpmfile.cjs`, no `.npmrc` with proxies or programs of its own,
and no script of any package is run.
"""

import gzip
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from kettle_web.builder.drivers.base import MAX_LOCKFILE_BYTES, Inputs, Steps, Tool, file_read
from kettle_web.builder.drivers.folder_tar import folder_tar
from kettle_web.builder.drivers.npmrc import registries
from kettle_web.builder.drivers.pnpm_lock import PnpmLock, pnpm_lock_read
from kettle_web.builder.errors import BuildFailed, SourceError
from kettle_web.builder.sandbox.walls import Mount, Room
from kettle_web.builder.toolchain_node import PnpmToolchain, pnpm_toolchain
from kettle_web.builder.toolchains import tool_sha256

PROJECT, STORE, FETCH, TOOLS = "/build/project", "/build/store", "/build/fetch", "/build/tools"
ARTIFACT = "dist.tar.gz"
PACK_LEVEL = 6
NOT_PUBLIC = "(A registry whose address is not public is not asked; the operator can allow it with --allow-source-host.)"
SETTINGS = {
    "manage_package_manager_versions": "false",
    "pm_on_fail": "ignore",
    "package_manager_strict": "false",
    "update_notifier": "false",
}
"""Never another pnpm than the one that the provenance names, whatever package.json asks for (its names in pnpm 9, 10 and 11)."""


RETRIES = {"fetch_retries": "2", "fetch_retry_factor": "2", "fetch_retry_mintimeout": "1000", "fetch_retry_maxtimeout": "4000"}
"""Milliseconds. pnpm's own waits of up to a minute make a build that cannot succeed a long one."""


class PnpmDriver:
    """See drivers.base.Driver."""

    name = "pnpm"
    lockfile = "pnpm-lock.yaml"
    command = "pnpm install --frozen-lockfile && pnpm build"
    outputs: tuple[str, ...] = ("dist", "node_modules")

    def inputs(self, steps: Steps) -> Inputs:
        """See Driver."""
        data = file_read(steps.project / self.lockfile, max_bytes=MAX_LOCKFILE_BYTES)
        lock = pnpm_lock_read(data)
        tools = pnpm_toolchain()
        return Inputs(
            tools={
                "pnpm": Tool(version=tools.pnpm_version, sha256=tool_sha256(tools.program)),
                "node": Tool(version=tools.node_version, sha256=tool_sha256(tools.node)),
            },
            lockfile_sha256=hashlib.sha256(data).hexdigest(),
            dependencies=lock.dependencies,
        )

    def build(self, steps: Steps) -> None:
        """See Driver."""
        tools = pnpm_toolchain()
        data = file_read(steps.project / self.lockfile, max_bytes=MAX_LOCKFILE_BYTES)
        lock = pnpm_lock_read(data)
        tools.commands_write(_folder(steps, "tools"))
        if lock.dependencies:
            self._fetch(steps, tools, data)
        room = self._room(steps, tools)
        self._install(steps, room, lock)
        steps.run(room, ["pnpm", "build"], seconds=steps.limit_build(), failed="pnpm build failed")

    def _install(self, steps: Steps, room: Room, lock: PnpmLock) -> None:
        line = ["pnpm", "install", "--frozen-lockfile", "--offline", "--store-dir", steps.place(room, steps.scratch / "store")]
        failed = "pnpm install failed"
        if lock.git_hosted:
            steps.say("Some packages are commits of GitHub repositories: their prepare scripts are not run.")
            steps.run(room, [*line, "--ignore-scripts"], seconds=steps.limit_build(), failed=failed)
            line = ["pnpm", "rebuild"]
        steps.run(room, line, seconds=steps.limit_build(), failed=failed)

    def _fetch(self, steps: Steps, tools: PnpmToolchain, lock: bytes) -> None:
        folder = _folder(steps, "fetch")
        (folder / self.lockfile).write_bytes(lock)
        (folder / ".npmrc").write_text("\n".join(registries(steps.project)) + "\n")
        room = self._room(steps, tools, fetch=folder)
        store = steps.place(room, steps.scratch / "store")
        line = ["pnpm", "fetch", "--ignore-scripts", "--ignore-pnpmfile", "--store-dir", store]
        try:
            steps.run(room, line, seconds=steps.limit_fetch(), failed="The dependencies could not be fetched")
        except BuildFailed as error:
            raise SourceError(f"{error} {NOT_PUBLIC}") from error

    def _room(self, steps: Steps, tools: PnpmToolchain, *, fetch: Path | None = None) -> Room:
        commands = _folder(steps, "tools")
        store = Mount(_folder(steps, "store"), STORE, True)
        place = Mount(steps.project, PROJECT, True) if fetch is None else Mount(fetch, FETCH, True)
        mounts = (store, place, Mount(commands, TOOLS), *tools.mounts())
        network = fetch is not None
        room = Room(mounts, folder=place.host, tools=(commands,), network=network)
        environment = {"CI": "true", **tools.environment(lambda path: steps.place(room, path))}
        for prefix in ("npm_config", "pnpm_config"):
            environment |= {f"{prefix}_{name}": value for name, value in (SETTINGS | RETRIES).items()}
            environment[f"{prefix}_store_dir"] = steps.place(room, store.host)
            environment |= {} if network else {f"{prefix}_offline": "true"}
        return Room(mounts, room.folder, room.tools, network, environment | (_way_out(steps) if network else {}))

    def artifacts(self, project: Path, take: Callable[[str, int], None]) -> None:
        """The folder `dist/` as one archive; the same bytes for the same files."""
        with tempfile.TemporaryFile(dir=project.parent) as packed:
            with (
                gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=PACK_LEVEL) as stream,
                tarfile.open(mode="w", fileobj=stream, format=tarfile.PAX_FORMAT) as archive,
            ):
                count = folder_tar(project, "dist", archive)
            if not count:
                raise BuildFailed("The build made nothing: dist/ holds no file.")
            packed.flush()
            packed.seek(0)
            take(ARTIFACT, os.dup(packed.fileno()))


def _folder(steps: Steps, name: str) -> Path:
    folder = steps.scratch / name
    folder.mkdir(exist_ok=True)
    return folder


def _way_out(steps: Steps) -> dict[str, str]:
    network = dict(steps.network())
    proxy = network.get("CARGO_HTTP_PROXY", "")
    certificates = {"NODE_EXTRA_CA_CERTS": network["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in network else {}
    return network | certificates | dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
