"""Which toolchains this machine has, and where the tools that really run are (not the rustup shims in front of them)."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from kettle_web.builder.errors import ToolchainMissing
from kettle_web.builder.sandbox.walls import Mount
from kettle_web.builder.toolchain_node import ADVICE as PNPM_ADVICE
from kettle_web.builder.toolchain_node import pnpm_found

ASK_SECONDS = 10.0
LINKER_PATH = "/usr/local/bin:/usr/bin:/bin"
"""Where a build inside the walls finds the linker."""
NIX_STORE = "/nix/store"
ADVICE = {
    "cargo": "Install Rust (https://rustup.rs) and a C compiler for linking, or on Debian «apt install cargo gcc».",
    "nix": "Install Nix (https://nixos.org/download), or on Debian «apt install nix-bin».",
    "pnpm": PNPM_ADVICE,
}


@dataclass(frozen=True)
class CargoToolchain:
    """The binaries that run. `root` holds `bin` and `lib`, and is all that a build needs to see."""

    cargo: Path
    rustc: Path
    root: Path


@dataclass(frozen=True)
class NixToolchain:
    """The nix that runs, its version, and the store paths that it needs where it lives in a store itself."""

    nix: Path
    version: tuple[int, ...]
    closure: tuple[str, ...] = ()

    def mounts(self) -> tuple[Mount, ...]:
        """Give what a room needs besides the system so that nix can start."""
        return tuple(Mount(Path(path), path) for path in self.closure)

    def registration(self) -> bytes:
        """Give what makes the closure known to another store; empty where nix belongs to the system."""
        if not self.closure:
            return b""
        return f"{_ask([str(self.nix.parent / 'nix-store'), '--dump-db', *self.closure])}\n".encode()


def toolchains_found() -> dict[str, str | None]:
    """Give each known toolchain's program on this machine, or None. Quick: nothing is built, a shim is asked at most."""
    try:
        cargo: str | None = str(cargo_toolchain().cargo)
    except ToolchainMissing:
        cargo = None
    return {"cargo": cargo, "nix": shutil.which("nix", path=_nix_path()), "pnpm": pnpm_found()}


def toolchain_advice(name: str) -> str:
    """Give one sentence on how to install a toolchain; "" for one that is not known here."""
    return ADVICE.get(name, "")


def cargo_toolchain() -> CargoToolchain:
    """Find cargo and rustc.

    Raises:
        ToolchainMissing: there is none, or rustup has no toolchain installed.
    """
    found = shutil.which("cargo", path=_search_path())
    if found is None:
        raise ToolchainMissing(f"cargo is not installed on this machine. {ADVICE['cargo']}")
    shim = Path(found).resolve()
    cargo = Path(_ask([str(shim), "which", "cargo"])) if shim.name == "rustup" else _behind(Path(found))
    root = Path(_ask([str(cargo.parent / "rustc"), "--print", "sysroot"])).resolve()
    rustc = root / "bin" / "rustc"
    if not (cargo.is_file() and rustc.is_file()):
        raise ToolchainMissing(f"cargo was found, but not the compiler beside it. {ADVICE['cargo']}")
    if shutil.which("cc", path=LINKER_PATH) is None:
        raise ToolchainMissing(f"Rust is installed, but there is no C compiler (cc) that links its programs. {ADVICE['cargo']}")
    return CargoToolchain(cargo=cargo.resolve(), rustc=rustc.resolve(), root=cargo.resolve().parent.parent)


def nix_toolchain() -> NixToolchain:
    """Find nix.

    Raises:
        ToolchainMissing: there is none, or it does not answer.
    """
    found = shutil.which("nix", path=_nix_path())
    if found is None:
        raise ToolchainMissing(f"nix is not installed on this machine. {ADVICE['nix']}")
    nix = Path(found).resolve()
    version = tuple(int(number) for number in re.findall(r"\d+", tool_version(nix).rpartition(" ")[2])[:3])
    if not nix.is_relative_to(NIX_STORE):
        return NixToolchain(nix, version)
    closure = _ask([str(nix.parent / "nix-store"), "--query", "--requisites", str(nix)]).splitlines()
    return NixToolchain(nix, version, tuple(path for path in closure if Path(path).is_relative_to(NIX_STORE)))


def _nix_path() -> str:
    """Give PATH, and where Nix's installers put it when PATH does not say so."""
    profiles = ("/nix/var/nix/profiles/default/bin", os.path.join(os.path.expanduser("~"), ".nix-profile", "bin"))
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *profiles])


def _behind(cargo: Path) -> Path:
    """Give the real cargo behind a shim that is a copy or hard link of rustup and not a symbolic link."""
    rustup = cargo.parent / "rustup"
    if rustup.exists() and rustup.samefile(cargo):
        return Path(_ask([str(rustup), "which", "cargo"]))
    return cargo.resolve()


def _search_path() -> str:
    """Give PATH, and where rustup installs when PATH does not say so (a service's PATH often does not)."""
    home = os.environ.get("CARGO_HOME") or os.path.join(os.path.expanduser("~"), ".cargo")
    return os.pathsep.join([os.environ.get("PATH", os.defpath), os.path.join(home, "bin")])


def _ask(line: list[str]) -> str:
    """Run a tool outside of any project, whose files could choose another one, and give what it says."""
    environment = os.environ | {"RUSTUP_AUTO_INSTALL": "0"}
    try:
        told = subprocess.run(line, capture_output=True, text=True, timeout=ASK_SECONDS, check=True, cwd="/", env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise ToolchainMissing(f"{Path(line[0]).name} does not answer: {str(said).strip()[-300:]}. {ADVICE['cargo']}") from error
    return told.stdout.strip()


def tool_version(tool: Path) -> str:
    """Give the one line that a tool says of its version."""
    return _ask([str(tool), "--version"]).splitlines()[0]


def tool_sha256(tool: Path) -> str:
    """Give the SHA-256 of a tool's binary, in hex."""
    with tool.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
