"""Making the environment: what is missing is said in one line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kettle_web.launcher import environment
from kettle_web.launcher.errors import LaunchError

CHECKOUT = Path(__file__).resolve().parents[2]


def _checkout(folder: Path) -> Path:
    for name in ("requirements.lock", "requirements-dev.lock"):
        # An empty lock installs nothing: these tests never touch a network.
        (folder / name).write_text("")
    return folder


@pytest.fixture(autouse=True)
def _without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETTLE_WITHOUT_UV", "1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose environment was made with pip alone."""
    checkout = _checkout(tmp_path_factory.mktemp("checkout"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("KETTLE_WITHOUT_UV", "1")
        environment.environment_ensure(checkout)
    return checkout


def test_environment_is_made_once(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    python = environment.environment_ensure(made)
    assert capfd.readouterr().err == ""
    assert subprocess.run([python, "-c", "import pip"], check=False).returncode == 0


def test_changed_lock_is_installed(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (made / "requirements.lock").write_text("# nothing new\n")
    environment.environment_ensure(made)
    assert "Setting up" in capfd.readouterr().err


def test_environment_of_development_serves_the_site_too(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (made / "requirements.lock").write_text("# another one\n")
    environment.environment_ensure(made, dev=True)
    assert "Setting up" in capfd.readouterr().err
    environment.environment_ensure(made)
    assert capfd.readouterr().err == ""


def test_failing_installer_is_quoted(made: Path) -> None:
    (made / "requirements.lock").write_text("not a requirement\n")
    with pytest.raises(LaunchError, match=r"Setting up .venv failed; python said: (?s:.*)not a requirement"):
        environment.environment_ensure(made)
    (made / "requirements.lock").write_text("")


def test_environment_whose_python_is_gone_is_made_anew(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path)
    python = environment.python_of(checkout)
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "gone")
    environment.environment_ensure(checkout)
    assert subprocess.run([python, "-c", ""], check=False).returncode == 0


def test_missing_ensurepip_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LaunchError, match="install the package python3-venv"):
        environment.environment_ensure(_checkout(tmp_path))


def test_full_disk_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda folder: usage._replace(free=1024))
    with pytest.raises(LaunchError, match="No disk space"):
        environment.environment_ensure(_checkout(tmp_path))
    assert not (tmp_path / ".venv").exists()


def test_missing_lock_is_named(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"requirements\.lock is missing"):
        environment.environment_ensure(tmp_path)


@pytest.mark.parametrize("script", ["run", "test", "bench"])
def test_old_python_is_one_line(tmp_path: Path, script: str) -> None:
    bin_folder, programs = tmp_path / "bin", tmp_path / "programs"
    bin_folder.mkdir()
    programs.mkdir()
    for name in (script, "python.sh"):
        shutil.copy(CHECKOUT / "bin" / name, bin_folder / name)
    for name in ("sh", "dirname"):
        (programs / name).symlink_to(shutil.which(name) or name)
    old = programs / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run([bin_folder / script], env={"PATH": str(programs)}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["Kettle Web needs Python 3.11 or newer; found: Python 3.9.2."]


def test_launcher_needs_nothing_but_the_standard_library() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import kettle_web.launcher.__main__"
    # -S: without any folder of installed packages.
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, str(CHECKOUT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
