"""What every test may use, and what is left out, with its reason, where the machine lacks something."""

import shutil
import socket
import subprocess
import zlib
from functools import cache
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A busy machine is no reason to fail; what must be fast has a measurement of its own.
hypothesis.settings.register_profile("kettle", deadline=None)
hypothesis.settings.load_profile("kettle")

_PROGRAMS = {
    "cargo": ("cargo",),
    "bwrap": ("bwrap",),
    "nix": ("nix",),
    "pnpm": ("pnpm",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
}
_PORTS = {"postgresql": 5432, "redis": 6379}


class ByFile(LoadScopeScheduling):
    """Gives each test process whole files, and the browser flows as two halves: each half shares a running site and a browser."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        # By name, so that a file is in the same half each time.
        return f"tests/pages, half {zlib.crc32(file.encode()) % 2}" if file.startswith("tests/pages/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


@cache
def program_find(name: str) -> str | None:
    """The path of a program that really runs, by the name that tests use for it; None: it is not there."""
    for candidate in _PROGRAMS[name]:
        path = shutil.which(candidate)
        # A shim of a version manager may stand for a program that is not installed.
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


@cache
def _missing(what: str) -> str:
    """Why a test that needs `what` cannot run here; empty: it can."""
    if what in _PROGRAMS:
        return "" if program_find(what) else f"{what} is not installed"
    try:
        socket.create_connection(("127.0.0.1", _PORTS[what]), timeout=1).close()
    except OSError:
        return f"no {what} answers on port {_PORTS[what]} of this machine"
    return ""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name packed bytes by their argument: they hold the time, and each process of a run would name its tests differently."""
    return argname if isinstance(val, bytes) and (len(val) > 32 or not val.isascii()) else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = [what for mark in item.iter_markers("needs") for what in mark.args]
    if item.get_closest_marker("browser"):
        wanted.append("chromium")
    for what in wanted:
        if reason := _missing(what):
            pytest.skip(reason)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The recorded evidence of real machines, which is not part of the checkout."""
    for folder in (Path(__file__).resolve().parents[2] / "shared" / "samples", Path(__file__).resolve().parents[1] / "samples"):
        if folder.is_dir():
            return folder
    pytest.skip("the recorded samples are not on this machine")
