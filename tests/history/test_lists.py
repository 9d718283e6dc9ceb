import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.history.dependencies import lists
from kettle_web.history.dependencies.lists import ListUnreadable, line_parse, list_parse


def _read(text):
    found = list_parse(text)
    return found.kind, [str(package) for package in found.packages]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("xz@5.6.1", "xz@5.6.1"),
        ("xz 5.6.1", "xz@5.6.1"),
        ("xz==5.6.1", "xz@5.6.1"),
        ("xz", "xz"),
        ("@scope/name@1.2.3", "@scope/name@1.2.3"),
        ("cargo:serde@1.0.228", "cargo:serde@1.0.228"),
        ("crates.io:serde", "cargo:serde"),
        ("xz >=5.6.0,<5.6.2", "xz >=5.6.0,<5.6.2"),
        ("xz@>=5.6.0,<5.6.2", "xz >=5.6.0,<5.6.2"),
        ("pkg:cargo/serde@1.0.228?checksum=sha256:00", "cargo:serde@1.0.228"),
        ("pkg:npm/%40scope/name@1.2.3", "npm:@scope/name@1.2.3"),
        ("pkg:npm/@scope/name", "npm:@scope/name"),
    ],
)
def test_lines(line, wanted):
    assert str(line_parse(line)) == wanted


@pytest.mark.parametrize("line", ["pkg:pypi/requests@2", "go:x/y", "two words here", "<script>", "=1+1", "name@", "pkg:cargo", "xz >>1"])
def test_line_that_names_no_package_here(line):
    assert line_parse(line) is None


def test_what_is_left_out_is_counted_and_shown():
    found = list_parse("# incident 7\n- xz@5.6.0\n\nxz@5.6.1  # the other\npkg:pypi/requests@2\nxz@5.6.0,\n???")
    assert [str(package) for package in found.packages] == ["xz@5.6.0", "xz@5.6.1"]
    assert (found.ignored, found.ignored_shown) == (2, ("pkg:pypi/requests@2", "???"))


def test_table_with_a_header():
    text = 'Ecosystem,Package,Version\ncargo,serde,1.0.228\nnpm,"left-pad",">=1,<2"\npypi,requests,2\n'
    assert _read(text) == ("csv", ["cargo:serde@1.0.228", "npm:left-pad >=1,<2"])
    assert list_parse(text).ignored == 1


def test_our_own_export_reads_again():
    text = "build,title,ecosystem,package,version\r\nabc,'=x,cargo,serde,1.0.228\r\n"
    assert _read(text) == ("csv", ["cargo:serde@1.0.228"])


def test_cargo_lock_without_the_project_itself():
    text = """version = 4

[[package]]
name = "mine"
version = "0.1.0"

[[package]]
name = "serde"
version = "1.0.228"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "00"
"""
    assert _read(text) == ("cargo-lock", ["cargo:serde@1.0.228"])


def test_package_lock():
    packages = {"": {"name": "mine"}, "node_modules/a/node_modules/@s/b": {"version": "2.0.0"}, "node_modules/l": {"link": True}}
    assert _read(json.dumps({"lockfileVersion": 3, "packages": packages})) == ("package-lock", ["npm:@s/b@2.0.0"])


def test_sboms():
    components = [{"purl": "pkg:cargo/serde@1.0.228"}, {"group": "@s", "name": "b", "version": "2.0.0"}, {"purl": "pkg:golang/x@1"}]
    assert _read(json.dumps({"bomFormat": "CycloneDX", "components": components})) == ("cyclonedx", ["cargo:serde@1.0.228", "@s/b@2.0.0"])
    refs = [{"referenceType": "purl", "referenceLocator": "pkg:npm/a@1.0.0"}]
    spdx = {"spdxVersion": "SPDX-2.3", "packages": [{"name": "a", "externalRefs": refs}, {"name": "xz", "versionInfo": "5.6.1"}]}
    assert _read(json.dumps(spdx)) == ("spdx", ["npm:a@1.0.0", "xz@5.6.1"])


def test_advisory():
    events = [{"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"last_affected": "2.3.0"}, {"introduced": "3.0.0"}]
    affected = {
        "package": {"ecosystem": "crates.io", "name": "evil"},
        "ranges": [{"type": "SEMVER", "events": events}, {"type": "GIT", "events": [{"introduced": "abc"}]}],
        "versions": ["9.9.9"],
    }
    (package,) = list_parse(json.dumps({"id": "RUSTSEC-1", "affected": [affected]})).packages
    versions = ["0.1.0", "1.1.9", "1.2.0", "2.0.0", "2.3.0", "2.3.1", "3.0.0", "9.9.9"]
    assert [text for text in versions if package.spec.holds(text)] == ["0.1.0", "1.1.9", "2.0.0", "2.3.0", "3.0.0", "9.9.9"]


def test_advisory_without_versions_accuses_nobody():
    git = [{"type": "GIT", "events": [{"introduced": "0"}]}]
    advisory = {
        "affected": [
            {"package": {"ecosystem": "npm", "name": "a"}, "ranges": git},
            {"package": {"ecosystem": "npm", "name": "b"}, "versions": ["1"]},
        ]
    }
    found = list_parse(json.dumps([advisory]))
    assert ([package.name for package in found.packages], found.ignored) == (["b"], 1)


def test_advisory_of_all_versions_means_all():
    ranges = [{"type": "SEMVER", "events": [{"introduced": "0"}]}]
    (package,) = list_parse(json.dumps({"affected": [{"package": {"ecosystem": "npm", "name": "a"}, "ranges": ranges}]})).packages
    assert package.spec.holds("0.0.1")
    assert package.spec.holds("99.0.0")


def test_list_in_json():
    text = json.dumps([{"ecosystem": "npm", "name": "a", "version": "1.0.0"}, {"purl": "pkg:cargo/b@2.0.0"}, "xz@5.6.1"])
    assert _read(text)[1] == ["npm:a@1.0.0", "cargo:b@2.0.0", "xz@5.6.1"]


def test_more_than_the_cap_is_said(monkeypatch):
    monkeypatch.setattr(lists, "MAX_ENTRIES", 3)
    found = list_parse("\n".join(f"a{n}@1.0.0" for n in range(5)))
    assert (len(found.packages), found.is_cut) == (3, True)


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "# nothing", "{}", "[]", '{"affected": []}', "[" * 100_000, "[[package]]\nname = ", "name,version\n", '{"a":' * 5000],
)
def test_text_without_a_package_is_refused(text):
    with pytest.raises(ListUnreadable):
        list_parse(text)


@given(st.text(max_size=300))
def test_any_text_is_a_list_or_refused(text):
    with contextlib.suppress(ListUnreadable):
        assert list_parse(text).packages


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("pkg:cargo/a@1"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["affected", "package", "packages", "components", "ranges", "events", "introduced", "fixed", "versions", "name", "purl"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_values)
def test_any_json_is_a_list_or_refused(value):
    with contextlib.suppress(ListUnreadable):
        assert list_parse(json.dumps(value)).packages
