"""Finding the node and pnpm that really run, and getting pnpm where there is none."""

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from kettle_web.builder import toolchain_node
from kettle_web.builder.errors import ToolchainMissing
from kettle_web.builder.toolchain_node import pnpm_found, pnpm_obtain, pnpm_toolchain
from tests.builder.file_host import file_host
from tests.builder.npm_registry import package

NODE = shutil.which("node")
pytestmark = [pytest.mark.skipif(NODE is None, reason="node is not installed")]
PROGRAM = 'console.log(process.argv[2] === "--version" ? "9.9.9" : "ran");'


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with node and nothing else; gives the folder of its PATH."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "node").symlink_to(Path(NODE or "").resolve())
    (tools / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COREPACK_HOME", raising=False)
    return tools


def pnpm_make(home: Path, program: str = "dist/pnpm.cjs") -> Path:
    entry = home / "bin" / f"pnpm{Path(program).suffix}"
    for path, text in ((entry, PROGRAM), (home / program, "// the code")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return entry


def test_nothing_is_found_where_there_is_nothing(bare: Path) -> None:
    assert pnpm_found() is None
    with pytest.raises(ToolchainMissing, match="pnpm is not installed"):
        pnpm_toolchain()
    (bare / "node").unlink()
    if toolchain_node._wheel() is None:
        with pytest.raises(ToolchainMissing, match=r"Node\.js is not installed"):
            pnpm_toolchain()


@pytest.mark.parametrize("program", ["dist/pnpm.cjs", "dist/pnpm.mjs"])
def test_a_link_leads_to_the_package(program: str, bare: Path, tmp_path: Path) -> None:
    home = tmp_path / "lib" / "pnpm"
    (bare / "pnpm").symlink_to(pnpm_make(home, program))
    found = pnpm_toolchain()
    assert (found.home, found.program, found.pnpm_version) == (home, home / program, "9.9.9")
    assert found.node == Path(NODE or "").resolve()
    assert found.node_version.startswith("v")


def test_a_shim_of_npm_leads_to_the_package(bare: Path, tmp_path: Path) -> None:
    entry = pnpm_make(tmp_path / "global" / "pnpm")
    shim = '#!/bin/sh\nbasedir=$(dirname "$0")\nexec node  "$basedir/../global/pnpm/bin/pnpm.cjs" "$@"\n'
    (bare / "pnpm").write_text(shim)
    (bare / "pnpm").chmod(0o755)
    assert pnpm_toolchain().entry == entry


def test_a_corepack_shim_leads_to_corepacks_cache(bare: Path, tmp_path: Path) -> None:
    shim = tmp_path / "corepack" / "dist" / "pnpm.js"
    shim.parent.mkdir(parents=True)
    shim.write_text(PROGRAM)
    shim.chmod(0o755)
    (bare / "pnpm").symlink_to(shim)
    with pytest.raises(ToolchainMissing, match="corepack"):
        pnpm_toolchain()
    entry = pnpm_make(tmp_path / "cache" / "node" / "corepack" / "v1" / "pnpm" / "9.9.9")
    assert pnpm_toolchain().entry == entry


def test_a_program_of_its_own_is_its_own_code(bare: Path) -> None:
    """The standalone pnpm is one executable; here another one stands for it, which answers to --version."""
    shutil.copy2(NODE or "", bare / "pnpm")
    found = pnpm_toolchain()
    assert found.entry == found.home == found.program == bare / "pnpm"
    assert found.environment(str)["KETTLE_PNPM_NODE"] == ""


def test_a_wrapper_that_says_nothing_is_refused(bare: Path) -> None:
    (bare / "pnpm").write_text("#!/bin/sh\nexit 0\n")
    (bare / "pnpm").chmod(0o755)
    with pytest.raises(ToolchainMissing, match="wrapper"):
        pnpm_toolchain()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_pnpm_is_installed_by_its_digest_and_by_no_other(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = Path(os.path.realpath(shutil.which("npm", path=os.defpath + ":" + str(Path(NODE or "").parent)) or ""))
    (bare / "npm").symlink_to(npm)
    data = package("pnpm", "9.9.9", {"bin/pnpm.cjs": PROGRAM, "dist/pnpm.cjs": "// the code"}, bin={"pnpm": "bin/pnpm.cjs"})
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    registry = tmp_path / "registry"
    registry.mkdir()
    (registry / "pnpm.tgz").write_bytes(data)
    monkeypatch.setattr(toolchain_node, "PNPM_VERSION", "9.9.9")
    monkeypatch.setattr(toolchain_node, "PNPM_INTEGRITY", integrity)
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with file_host(registry) as address:
        monkeypatch.setenv("npm_config_registry", address)
        dist = {"tarball": f"{address}/pnpm.tgz", "integrity": integrity}
        version = {"name": "pnpm", "version": "9.9.9", "bin": {"pnpm": "bin/pnpm.cjs"}, "dist": dist}
        (registry / "pnpm").write_text(json.dumps({"name": "pnpm", "dist-tags": {"latest": "9.9.9"}, "versions": {"9.9.9": version}}))
        entry = pnpm_obtain()
        assert pnpm_found() == str(entry)
        assert pnpm_toolchain().pnpm_version == "9.9.9"
        shutil.rmtree(tmp_path / "cache")
        monkeypatch.setattr(toolchain_node, "PNPM_INTEGRITY", "sha512-" + "A" * 86 + "==")
        with pytest.raises(ToolchainMissing, match=r"(?i)integrity"):
            pnpm_obtain()
    assert pnpm_found() is None
