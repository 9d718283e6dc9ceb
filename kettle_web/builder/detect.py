"""Which toolchain a project is for, by the files in its folder, in Kettle's order."""

from collections.abc import Callable
from pathlib import Path

from kettle_web.builder.drivers.base import Driver
from kettle_web.builder.drivers.cargo import CargoDriver
from kettle_web.builder.drivers.nix import NixDriver
from kettle_web.builder.drivers.pnpm import PnpmDriver
from kettle_web.builder.errors import LockfileMissing, SourceError, ToolchainMissing

ORDER = (("flake.nix", "nix"), ("Cargo.lock", "cargo"), ("pnpm-lock.yaml", "pnpm"))
UNLOCKED = (("Cargo.toml", "Cargo.lock", "cargo generate-lockfile"), ("package.json", "pnpm-lock.yaml", "pnpm install"))
DRIVERS: dict[str, Callable[[], Driver]] = {"cargo": CargoDriver, "nix": NixDriver, "pnpm": PnpmDriver}


def driver_for(project: Path) -> Driver:
    """Give the driver of a project.

    Raises:
        LockfileMissing: a manifest is there, but nothing that pins the dependencies.
        SourceError: nothing that could be built.
        ToolchainMissing: a toolchain that this server has no driver for.
    """
    for name, toolchain in ORDER:
        if (project / name).exists():
            if toolchain not in DRIVERS:
                raise ToolchainMissing(f"This is a {toolchain} project ({name}); this server builds {', '.join(DRIVERS)} projects only.")
            return DRIVERS[toolchain]()
    for manifest, lockfile, command in UNLOCKED:
        if (project / manifest).exists():
            raise LockfileMissing(f"There is a {manifest}, but no {lockfile}. Run «{command}» and commit the file.")
    raise SourceError("There is nothing to build: neither flake.nix nor Cargo.lock nor pnpm-lock.yaml lies in the project's folder.")
