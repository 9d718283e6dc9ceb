"""flake.lock, the derivation graph in its old and new forms, and what the provenance makes of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from kettle_web.builder.drivers.nix import build_outputs
from kettle_web.builder.drivers.nix_lock import flake_fetches, flake_inputs, graph_dependencies, graph_fetchers, graph_read
from kettle_web.builder.drivers.nix_store import StorePath, link_resolve
from kettle_web.builder.errors import BuildFailed, SourceError

HASH = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DRV = "/nix/store/9hiqx1ajl57zd6d5975f7qwldxaf3sld-source.drv"
OUT = "/nix/store/00cb8lq18qzxdi33q0cq2p78qqvbxgvs-hello"


def lock(version: int = 7, **nodes: Any) -> bytes:
    return json.dumps({"nodes": {"root": {}} | nodes, "root": "root", "version": version}).encode()


def node(**locked: Any) -> dict[str, Any]:
    return {"locked": {"type": "github", "narHash": HASH} | locked}


def test_inputs_are_given_by_name_with_their_hashes() -> None:
    assert flake_inputs(lock(b=node(), a=node())) == [{"name": "a", "narHash": HASH}, {"name": "b", "narHash": HASH}]
    assert flake_inputs(lock()) == []


def test_a_real_lockfile(samples: Path) -> None:
    data = (samples / "flake.lock").read_bytes()
    inputs = flake_inputs(data)
    assert [one["name"] for one in inputs] == ["fenix", "flakeCompat", "nixpkgs", "rust-analyzer-src"]
    assert inputs[0]["narHash"] == "sha256-f09fAifGPEuRrz1DFY910jexq0DaBuQBbq7WcxQIUgs="
    assert flake_fetches(data)


@pytest.mark.parametrize(
    "data",
    [
        b"{", b"\xff", b"[]", b"[" * 5000, b"{}", lock(version=4), lock(a={}), lock(a=5), lock(a=node(narHash=None)),
        lock(a=node(narHash="main")), json.dumps({"nodes": [], "version": 7}).encode(),
    ],
)  # fmt: skip
def test_what_nothing_pins_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError):
        flake_inputs(data)


def test_which_inputs_need_a_network() -> None:
    assert not flake_fetches(lock())
    assert not flake_fetches(lock(a=node(type="path")))
    assert flake_fetches(lock(a=node(type="path"), b=node(type="tarball")))
    with pytest.raises(SourceError, match="not known"):
        flake_fetches(lock(a=node(type="indirect")))


OLD = {"outputs": {"out": {"path": OUT, "hash": HEX, "hashAlgo": "r:sha256"}}, "builder": "/bin/sh", "env": {"name": "source"}}
MIDDLE = {"outputs": {"out": {"hash": HEX, "hashAlgo": "sha256", "method": "nar"}}, "name": "source", "builder": "/bin/sh", "env": {}}
NEW = {"outputs": {"out": {"hash": HASH, "method": "nar"}}, "name": "source", "builder": "/bin/sh", "env": {}, "version": 4}
BUILT = {"outputs": {"out": {"path": OUT}}, "builder": "/bin/sh", "env": {"name": "hello"}}


@pytest.mark.parametrize(
    ("derivation", "text", "uri"),
    [
        (OLD, HEX, f"pkg:nix-fetch/source?hash=sha256:{HEX}"),
        (MIDDLE, HEX, f"pkg:nix-fetch/source?hash=sha256:{HEX}"),
        (NEW, HASH.removeprefix("sha256-"), f"pkg:nix-fetch/source?hash=sha256:{HASH.removeprefix('sha256-')}"),
        ({"outputs": {"out": {"hash": HASH}}, "env": {}}, HASH[7:], f"pkg:nix-fetch/source?hash=sha256:{HASH[7:]}"),
    ],
)
def test_a_fetch_is_named_as_nix_writes_its_hash(derivation: dict[str, Any], text: str, uri: str) -> None:
    (found,) = graph_dependencies({DRV: derivation, "other": BUILT})
    assert (found.name, found.uri, found.algorithm, found.digest) == ("source", uri, "sha256", text)
    assert found.annotations["drvPath"] == DRV


def test_annotations_say_where_it_comes_from() -> None:
    plain = NEW | {"env": {"url": "https://host.example/a", "urls": "", "outputHashMode": "recursive", "other": "x"}}
    assert graph_dependencies({DRV: plain})[0].annotations == {
        "drvPath": DRV, "outputHashMode": "recursive", "url": "https://host.example/a",
    }  # fmt: skip
    for structured in ({"structuredAttrs": {"urls": ["a", "b"]}}, {"env": {"__json": '{"urls": ["a", "b"]}'}}):
        assert graph_dependencies({DRV: NEW | structured})[0].annotations["urls"] == "a b"


def test_fetches_are_sorted_by_name_and_only_nixs_own_are_made() -> None:
    graph = {
        "b": NEW | {"name": "b", "builder": "builtin:fetchurl"},
        "a": NEW | {"name": "a"},
        "c": BUILT | {"builder": "builtin:fetchurl"},
    }
    assert [one.name for one in graph_dependencies(graph)] == ["a", "b"]
    assert graph_fetchers(graph) == ["b"]


def test_graphs_of_every_age_are_read() -> None:
    assert graph_read(json.dumps({DRV: OLD}).encode()) == {DRV: OLD}
    assert graph_read(json.dumps({"derivations": {DRV: NEW}, "version": 4}).encode()) == {DRV: NEW}
    for broken in (b"", b"[]", b"{}", b'{"a": 5}', b'{"derivations": {}}', b"[" * 5000):
        with pytest.raises(SourceError):
            graph_read(broken)


@pytest.mark.parametrize("derivation", [NEW | {"outputs": {"out": {"hash": HEX}}}, NEW | {"outputs": {"out": {"hash": "sha256-"}}}])
def test_a_hash_of_no_kind_is_refused(derivation: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        graph_dependencies({DRV: derivation})


def test_outputs_are_read_in_both_forms() -> None:
    assert build_outputs(f"{OUT}\n{OUT}-man\n".encode()) == [OUT, f"{OUT}-man"]
    assert build_outputs(json.dumps([{"drvPath": DRV, "outputs": {"out": OUT}}]).encode()) == [OUT]
    for broken in (b"", b"[]", b"/etc/passwd", b"../x", json.dumps([{"outputs": {"out": 5}}]).encode()):
        with pytest.raises(BuildFailed):
            build_outputs(broken)


def test_links_lead_nowhere_but_into_the_store(tmp_path: Path) -> None:
    name = OUT.rpartition("/")[2]
    other = tmp_path / "11cb8lq18qzxdi33q0cq2p78qqvbxgvs-lib"
    (tmp_path / name / "bin").mkdir(parents=True)
    (other / "lib").mkdir(parents=True)
    (other / "lib" / "real").write_text("x")
    links = {
        "near": "real", "far": f"/nix/store/{other.name}/lib/real", "up": f"../../{other.name}/lib/real", "folder": "../libs/real",
        "host": "/etc/passwd", "out": "../../../secret", "loop": "loop", "gone": "nothing",
    }  # fmt: skip
    (tmp_path / name / "bin" / "real").write_text("y")
    (tmp_path / name / "libs").symlink_to(f"/nix/store/{other.name}/lib")
    for link, target in links.items():
        (tmp_path / name / "bin" / link).symlink_to(target)
    output = StorePath(tmp_path, OUT)
    found = {link: link_resolve(output, f"bin/{link}") for link in links}
    assert found["near"] == tmp_path / name / "bin" / "real"
    assert {found[link] for link in ("far", "up", "folder")} == {other / "lib" / "real"}
    assert [found[link] for link in ("host", "out", "loop", "gone")] == [None] * 4
