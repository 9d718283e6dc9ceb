import pytest

from kettle_web.provenance.inputs import inputs
from kettle_web.provenance.merkle import merkle_leaves
from kettle_web.provenance.statement import statement_parse
from tests.provenance.samples import cargo_document, changed, sample_bytes, to_bytes

TOOLS = "predicate/buildDefinition/internalParameters/toolchain"
NIX = {
    "uri": "pkg:nix-fetch/a?hash=sha256:" + "A" * 43 + "=",
    "name": "a",
    "digest": {"sha256": "A" * 43 + "="},
}


def _tools(*names):
    return {name: {"digest": {"sha256": f"{at}{at}" * 32}, "version": f"{name} 1"} for at, name in enumerate(names, 1)}


@pytest.mark.parametrize(
    ("tools", "dependencies"),
    [(("rustc", "cargo"), None), (("node", "pnpm"), None), (("nix",), [NIX])],
)
def test_inputs_are_the_entries_of_the_root_in_its_order(tools, dependencies):
    document = changed(cargo_document(), TOOLS, _tools(*tools))
    if dependencies is not None:
        document = changed(document, "predicate/buildDefinition/resolvedDependencies", dependencies)
    statement = statement_parse(to_bytes(document))
    found = inputs(statement)
    assert tuple(item.entry for item in found) == merkle_leaves(statement)
    assert [item.index for item in found] == list(range(len(found)))
    by_kind = {(item.kind, item.name): item.entry for item in found}
    assert by_kind["commit", ""] == statement.git_commit
    assert by_kind["tree", ""] == statement.git_tree
    assert by_kind["lockfile", ""] == statement.lockfile_digest_text
    for name in tools:
        assert by_kind["tool", name] == statement.tools[name].digest_text
        assert by_kind["version", name] == statement.tools[name].version


def test_unknown_toolchain_has_dependencies_without_places():
    found = inputs(statement_parse(to_bytes(changed(cargo_document(), TOOLS, _tools("abacus")))))
    assert [(item.index, item.kind, item.name) for item in found] == [(-1, "dependency", "aho-corasick")]


def test_recorded_build_has_all_its_inputs():
    statement = statement_parse(sample_bytes("bundles", "ripgrep-2026-03", "provenance.json"))
    assert len(inputs(statement)) == 7 + len(statement.dependencies)
