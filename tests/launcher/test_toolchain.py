"""A machine without any toolchain gets Node.js and pnpm; one that has something is left alone."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kettle_web.launcher import toolchain
from kettle_web.launcher.errors import LaunchError


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout on a machine with nothing in its PATH; gives its folder."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / "bin").mkdir()
    for name, value in {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CARGO_HOME", raising=False)
    monkeypatch.setattr(toolchain, "node_path", lambda: None)
    return tmp_path


def program(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def installing(monkeypatch: pytest.MonkeyPatch, status: int = 0) -> list[str]:
    """Replace what leaves the machine; gives what is asked for."""
    asked: list[str] = []

    def run(line: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        asked.append(line[-1])
        return subprocess.CompletedProcess(line, status, stdout="pnpm 1: here\n", stderr="no network")

    monkeypatch.setattr(toolchain, "lock_install", lambda checkout, lock: asked.append(lock.name))
    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_a_bare_machine_gets_both(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, said = installing(monkeypatch), []
    toolchain.toolchain_ensure(bare, log=said.append)
    assert asked == ["requirements-node.lock", "kettle_web.builder.toolchain_node"]
    assert "There is no toolchain" in said[0]
    assert said[1:] == ["pnpm 1: here"]


@pytest.mark.parametrize("where", ["bin", ".cargo/bin"])
def test_a_machine_with_cargo_is_left_alone(where: str, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / where, "cargo")
    asked, said = installing(monkeypatch), []
    toolchain.toolchain_ensure(bare, log=said.append)
    assert (asked, said) == ([], [])


def test_a_machine_with_node_and_pnpm_is_left_alone_and_one_with_node_gets_pnpm(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / "bin", "node")
    monkeypatch.setattr(toolchain, "node_path", lambda: "node")
    asked = installing(monkeypatch)
    toolchain.toolchain_ensure(bare, log=lambda line: None)
    assert asked == ["kettle_web.builder.toolchain_node"]
    program(bare / "bin", "pnpm")
    toolchain.toolchain_ensure(bare, log=lambda line: None)
    assert len(asked) == 1


def test_who_does_not_want_it_says_so(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETTLE_WITHOUT_NODE", "1")
    assert not toolchain.toolchain_lacking()


def test_a_failure_is_said_and_not_tried_at_every_start(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, said = installing(monkeypatch, status=1), []
    toolchain.toolchain_ensure(bare, log=said.append)
    assert "no network" in said[-1]
    assert "Install Node.js" in said[-1]
    toolchain.toolchain_ensure(bare, log=said.append)
    assert len(asked) == 2
    os.utime(bare / ".venv" / toolchain.FAILED_NAME, (0, 0))
    toolchain.toolchain_ensure(bare, log=said.append)
    assert len(asked) == 4


def test_a_lock_that_cannot_be_installed_ends_nothing(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def fail(checkout: Path, lock: Path) -> None:
        raise LaunchError("No disk space.")

    monkeypatch.setattr(toolchain, "lock_install", fail)
    toolchain.toolchain_ensure(bare, log=said.append)
    assert said[-1].startswith("No disk space.")
