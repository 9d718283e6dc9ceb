"""On a machine without any toolchain: Node.js (from PyPI, into the environment) and pnpm, so that the sample can be built.

Left out with KETTLE_WITHOUT_NODE=1, and where there is cargo, or Node.js with pnpm. When it fails, the site runs all the same and its
pages say what to install.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kettle_web.builder.toolchain_node import ADVICE, node_path, pnpm_found
from kettle_web.launcher.environment import lock_install, room_check
from kettle_web.launcher.errors import LaunchError

NODE_LOCK: Final = "requirements-node.lock"
"""What the extra `node` of pyproject.toml names, and nothing else."""
ROOM_BYTES: Final = 300 * 1024**2
"""Node.js takes some 200 MB, pnpm 20."""
OBTAIN_SECONDS: Final = 400.0
FAILED_NAME: Final = "kettle-node-failed"
AGAIN_SECONDS: Final = 24 * 3600
"""After a failure (a machine without network) it is tried again a day later and not at every start."""


def toolchain_lacking() -> bool:
    """Whether there is neither cargo nor Node.js with pnpm. Looks at paths only: it is asked at every start."""
    if os.environ.get("KETTLE_WITHOUT_NODE"):
        return False
    home = os.environ.get("CARGO_HOME") or os.path.join(os.path.expanduser("~"), ".cargo")
    cargo = shutil.which("cargo") or shutil.which("cargo", path=os.path.join(home, "bin"))
    return cargo is None and pnpm_found() is None


def toolchain_ensure(checkout: Path, *, log: Callable[[str], None]) -> None:
    """Get Node.js and pnpm where nothing else is there to build the sample with. Never raises: what fails is said."""
    failed = checkout / ".venv" / FAILED_NAME
    if not toolchain_lacking() or (failed.exists() and time.time() - failed.stat().st_mtime < AGAIN_SECONDS):
        return
    log(f"There is no toolchain on this machine: getting Node.js and pnpm for the sample, from {NODE_LOCK} (once; some 80 MB) …")
    try:
        if node_path() is None:
            room_check(checkout, ROOM_BYTES, "Node.js")
            lock_install(checkout, checkout / NODE_LOCK)
        line = [sys.executable, "-m", "kettle_web.builder.toolchain_node"]
        environ = os.environ | {"PYTHONPATH": str(checkout)}
        done = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=OBTAIN_SECONDS, check=False)
        if done.returncode:
            raise LaunchError(done.stderr.strip()[-1000:])
        failed.unlink(missing_ok=True)
        log(done.stdout.strip())
    except (LaunchError, OSError, subprocess.SubprocessError) as error:
        with contextlib.suppress(OSError):
            failed.touch()
        log(f"{error}\nThe sample cannot be built here. {ADVICE}")
