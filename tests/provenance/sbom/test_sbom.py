"""Both kinds of documents are held to the official schemas: CycloneDX's as its library brings them, SPDX's as the specification has it
(`spdx-2.3.schema.json` beside this module, from the specification's repository, CC-BY-3.0).
"""

import base64
import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from kettle_web.provenance.sbom.content import purl
from kettle_web.provenance.sbom.cyclonedx import cyclonedx_bytes
from kettle_web.provenance.sbom.spdx import spdx_bytes
from kettle_web.provenance.statement import statement_parse
from tests.provenance.samples import cargo_document, changed, sample_bytes, to_bytes

_SCHEMAS = files("cyclonedx.schema") / "_res"
SPDX = json.loads((Path(__file__).parent / "spdx-2.3.schema.json").read_text())
DEPENDENCIES = "predicate/buildDefinition/resolvedDependencies"
SHA512 = base64.b64encode(bytes(range(64))).decode()
SHA256 = base64.b64encode(bytes(range(32))).decode()


def _cyclonedx_validator():
    main = json.loads((_SCHEMAS / "bom-1.6.SNAPSHOT.schema.json").read_text())
    others = [json.loads((_SCHEMAS / name).read_text()) for name in ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")]
    registry = Registry().with_resources([(found["$id"], Resource.from_contents(found, default_specification=DRAFT7)) for found in others])
    return jsonschema.Draft7Validator(main, registry=registry)


CYCLONEDX = _cyclonedx_validator()


def _statement(dependencies=None, **overrides):
    document = cargo_document()
    if dependencies is not None:
        document = changed(document, DEPENDENCIES, dependencies)
    for path, value in overrides.items():
        document = changed(document, path, value)
    return statement_parse(to_bytes(document))


def _dependency(uri, name, algorithm, text):
    return {"uri": uri, "name": name, "digest": {algorithm: text}}


EVERY_FORM = [
    _dependency("pkg:cargo/serde@1.0.228?checksum=sha256:" + "ab" * 32, "serde", "sha256", "ab" * 32),
    _dependency("pkg:cargo/fork@0.1.0?vcs_url=git+https://example.org/fork@" + "cd" * 20, "fork", "gitCommit", "cd" * 20),
    _dependency(f"pkg:npm/@scope/name@2.0.0?checksum=sha512-{SHA512}", "@scope/name", "sha512", f"sha512-{SHA512}"),
    _dependency(f"pkg:npm/plain@1.0.0?checksum=sha512-{SHA512}", "plain", "sha512", f"sha512-{SHA512}"),
    _dependency(f"pkg:nix-fetch/source.tar.gz?hash=sha256:{SHA256}", "source.tar.gz", "sha256", SHA256),
    _dependency("https://codeload.github.com/team/thing/tar.gz/" + "ef" * 20, "thing", "gitCommit", "ef" * 20),
    _dependency("something:else", "strange <name>\u202e", "sha256", "not a digest"),
]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(lambda: _statement(), id="cargo"),
        pytest.param(lambda: _statement(EVERY_FORM), id="every form of address"),
        pytest.param(lambda: _statement([]), id="no dependencies"),
        pytest.param(lambda: _statement(EVERY_FORM * 2), id="twice the same"),
        pytest.param(lambda: _statement(subject=[]), id="no files"),
        pytest.param(lambda: _statement(**{"subject/0/digest/sha256": "no digest"}), id="unreadable digest"),
        pytest.param(lambda: _statement(**{"predicate/buildDefinition/externalParameters/source/uri": ""}), id="no address"),
        pytest.param(lambda: _statement(**{"predicate/buildDefinition/externalParameters/source/uri": "a b\n<c>"}), id="hostile address"),
        pytest.param(lambda: statement_parse(sample_bytes("bundles", "kex", "provenance.json")), id="recorded: kex"),
        pytest.param(lambda: statement_parse(sample_bytes("bundles", "ripgrep-2026-03", "provenance.json")), id="recorded: ripgrep"),
    ],
)
def test_documents_keep_to_the_official_schemas(statement):
    found = statement()
    jsonschema.Draft201909Validator(SPDX).validate(json.loads(spdx_bytes(found)))
    CYCLONEDX.validate(json.loads(cyclonedx_bytes(found)))


def test_schemas_refuse_what_is_wrong():
    """Or the test above could not fail."""
    wrong = json.loads(cyclonedx_bytes(_statement()))
    wrong["components"][0]["hashes"][0]["content"] = "xyz"
    assert not CYCLONEDX.is_valid(wrong)
    wrong = json.loads(spdx_bytes(_statement()))
    del wrong["packages"][0]["downloadLocation"]
    assert not jsonschema.Draft201909Validator(SPDX).is_valid(wrong)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0, "pkg:cargo/serde@1.0.228"),
        (1, "pkg:cargo/fork@0.1.0?vcs_url=git%2Bhttps://example.org/fork%40" + "cd" * 20),
        (2, "pkg:npm/%40scope/name@2.0.0"),
        (3, "pkg:npm/plain@1.0.0"),
        (4, "pkg:generic/source.tar.gz?checksum=sha256:" + bytes(range(32)).hex()),
        (5, "pkg:npm/thing?vcs_url=https://codeload.github.com/team/thing/tar.gz/" + "ef" * 20),
        (6, None),
    ],
)
def test_package_urls_are_right_for_their_kind(at, expected):
    found = purl(_statement(EVERY_FORM).dependencies[at])
    assert (found.to_string() if found else None) == expected


def test_same_provenance_gives_the_same_bytes_and_another_one_others():
    one, again, other = _statement(EVERY_FORM), _statement(EVERY_FORM), _statement(EVERY_FORM[:-1])
    for make in (cyclonedx_bytes, spdx_bytes):
        assert make(one) == make(again) != make(other)
    assert json.loads(cyclonedx_bytes(one))["serialNumber"] != json.loads(cyclonedx_bytes(other))["serialNumber"]


def test_hashes_are_there_where_they_are_known():
    document = json.loads(cyclonedx_bytes(_statement(EVERY_FORM)))
    hashes = {item["name"]: [found["content"] for found in item.get("hashes", [])] for item in document["components"]}
    assert hashes["serde"] == ["ab" * 32]
    assert hashes["plain"] == [bytes(range(64)).hex()]
    assert hashes["source.tar.gz"] == [bytes(range(32)).hex()]
    assert hashes["fork"] == hashes["thing"] == []
    checksums = {item["name"]: item.get("checksums", []) for item in json.loads(spdx_bytes(_statement(EVERY_FORM)))["packages"]}
    assert checksums["serde"] == [{"algorithm": "SHA256", "checksumValue": "ab" * 32}]
    assert checksums["fork"] == []


def test_document_says_what_it_is_not_and_what_it_was_made_from():
    statement = _statement()
    for data in (cyclonedx_bytes(statement, notes={"verdict": "simulated"}), spdx_bytes(statement, notes={"verdict": "simulated"})):
        text = data.decode()
        assert "not a scan" in text
        assert statement.raw_sha256.hex() in text
        assert "simulated" in text


def test_files_and_source_are_in_it():
    document = json.loads(cyclonedx_bytes(_statement()))
    root = document["metadata"]["component"]
    assert (root["version"], root["components"][0]["hashes"][0]["content"]) == ("11" * 20, "77" * 32)
    document = json.loads(spdx_bytes(_statement()))
    assert document["packages"][0]["downloadLocation"] == "git+https://example.org/hello.git@" + "11" * 20
    relations = {(found["spdxElementId"], found["relationshipType"], found["relatedSpdxElement"]) for found in document["relationships"]}
    assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-build") in relations
    assert ("SPDXRef-build", "DEPENDS_ON", "SPDXRef-dependency-0") in relations
