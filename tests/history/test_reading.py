import base64
import hashlib

import pytest

from kettle_web.history import reading
from kettle_web.history.reading import query_read

DIGEST = hashlib.sha256(b"hello").digest()
HEX = DIGEST.hex()
BASE64 = base64.b64encode(DIGEST).decode()


@pytest.mark.parametrize(
    "typed",
    [
        HEX,
        HEX.upper(),
        f"  {HEX}\n",
        f"sha256:{HEX}",
        f"SHA256:{HEX.upper()}",
        f"sha256-{BASE64}",
        f"sha256:{BASE64}",
        BASE64,
        BASE64.rstrip("="),
        base64.urlsafe_b64encode(DIGEST).decode(),
        base64.urlsafe_b64encode(DIGEST).decode().rstrip("="),
    ],
)
def test_digest_in_any_spelling(typed):
    read = query_read(typed)
    assert read.sha256_hex == HEX
    assert str(read.sentence) == "a SHA-256 digest"
    assert reading.ARTIFACT_DIGEST in read.fields


@pytest.mark.parametrize("byte", range(0, 256, 5))
def test_base64_that_holds_dashes_and_slashes_is_read_right(byte):
    digest = bytes([byte] * 32)
    for spelled in (base64.b64encode(digest), base64.urlsafe_b64encode(digest)):
        assert query_read(spelled.decode()).sha256_hex == digest.hex()


@pytest.mark.parametrize(
    ("typed", "ecosystem", "name", "version"),
    [
        ("serde@1.0.228", "", "serde", "1.0.228"),
        ("@scope/name@1.0.0-rc.1", "", "@scope/name", "1.0.0-rc.1"),
        ("pkg:cargo/serde@1.0.228", "cargo", "serde", "1.0.228"),
        ("pkg:cargo/serde@1.0.228?checksum=sha256:ab", "cargo", "serde", "1.0.228"),
        ("pkg:cargo/serde", "cargo", "serde", ""),
        ("pkg:npm/%40scope/name@1.0.0", "npm", "@scope/name", "1.0.0"),
        ("pkg:npm/@scope/name@1.0.0", "npm", "@scope/name", "1.0.0"),
    ],
)
def test_dependency_is_read(typed, ecosystem, name, version):
    read = query_read(typed)
    assert (read.ecosystem, read.package, read.version, read.text) == (ecosystem, name, version, "")


@pytest.mark.parametrize(
    ("typed", "sentence", "parts"),
    [
        ("4519153e", "the beginning of a commit, or text", {"hex_prefix": "4519153e", "text": "4519153e"}),
        ("AB" * 20, "a commit", {"hex_prefix": "ab" * 20}),
        ("cafe", "the beginning of a commit, or text", {"hex_prefix": "cafe", "text": "cafe"}),
        ("caf", "text", {"hex_prefix": "", "text": "caf"}),
        ("01" * 16, "a nonce, or the beginning of a commit", {"nonce_hex": "01" * 16}),
        ("0123456789abcdef", "a build id, or text", {"uid": "0123456789abcdef", "hex_prefix": "0123456789abcdef"}),
        ("zzzzzzzzzzzzzzzz", "a build id, or text", {"uid": "zzzzzzzzzzzzzzzz", "hex_prefix": ""}),
        ("11111111-2222-4333-8444-555555555555", "a job id", {"job_id": "11111111-2222-4333-8444-555555555555"}),
        ("burntsushi/ripgrep", "text", {"text": "burntsushi/ripgrep"}),
        ("git@github.com:a/b", "text", {"text": "git@github.com:a/b", "package": ""}),
        ("someone@example.org", "text", {"package": ""}),
        ("sha256:short", "text", {"sha256_hex": "", "text": "sha256:short"}),
        ("a\x00b", "text", {"text": "ab"}),
        ("", "", {"text": ""}),
        ("  ", "", {"text": ""}),
    ],
)
def test_query_is_read_as(typed, sentence, parts):
    read = query_read(typed)
    assert str(read.sentence) == sentence
    assert {name: getattr(read, name) for name in parts} == parts
    assert bool(read.fields) == bool(sentence)


def test_query_of_any_length_is_cut():
    assert len(query_read("x" * 10_000).text) == reading.MAX_QUERY
