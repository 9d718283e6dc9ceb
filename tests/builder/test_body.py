"""Large JSON bodies in constant memory, against the usual parser and decoder."""

import base64
import contextlib
import json
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kettle_web.builder import body
from kettle_web.builder.body import BodyError, base64_decode, body_slim
from kettle_web.builder.submission import SubmissionError, submission_read

NONCE = "ab" * 16


def slim_of(data: bytes, folder: Path) -> body.Slim:
    (folder / "body").write_bytes(data)
    return body_slim(folder / "body", folder)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=40),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    ),
    st.booleans(),
    st.integers(1, 9),
)
@example({"a\\": '"\\"', "/": "\\\\"}, True, 1)
def test_any_json_reads_as_the_usual_parser_reads_it(value: object, ascii_only: bool, block: int) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(body, "BLOCK", block)
        assert slim_of(json.dumps(value, ensure_ascii=ascii_only).encode(), Path(name)).document == value


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_the_own_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(BodyError):
        slim_of(data, Path(name))


@given(st.binary(max_size=90), st.integers(4, 13), st.sampled_from(["/", "\\/", "\\u002f"]))
def test_base64_is_decoded_across_blocks_and_escapes(data: bytes, block: int, slash: str) -> None:
    text = base64.b64encode(data).decode().replace("/", slash)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(body, "BLOCK", block)
        source, target = Path(name, "in"), Path(name, "out")
        source.write_text(text)
        assert base64_decode(source, target) == len(data)
        assert target.read_bytes() == data


@pytest.mark.parametrize("text", ["abc", "ab=c", "QQ==QQ==", "a b=", "----", "QQ=", "\\x", "é"])
def test_what_is_not_base64_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011
        base64_decode(tmp_path / "in", tmp_path / "out")


def test_escapes_cost_no_more_than_other_text(tmp_path: Path) -> None:
    # Each escape once copied the rest of its block: this took minutes.
    slim = slim_of(b'["' + b"\\/" * 4_000_000 + b'"]', tmp_path)
    assert [path.stat().st_size for path in slim.long_strings.values()] == [8_000_000]


def test_a_large_archive_passes_in_little_memory(tmp_path: Path) -> None:
    piece = b"\x00\xffkettle web" * 1000
    with (tmp_path / "body").open("wb") as file:
        file.write(b'{"nonce": "' + NONCE.encode() + b'", "source_data": "')
        for _ in range(3000):
            file.write(base64.b64encode(piece))
        file.write(b'", "source_name": "a.zip"}')
    tracemalloc.start()
    submission = submission_read(tmp_path / "body", tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert submission.archive is not None
    assert submission.archive.stat().st_size == 3000 * len(piece)
    assert submission.request.source_name == "a.zip"
    assert peak < 16 << 20


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("", 400, "not JSON"),
        ("{", 400, "not JSON"),
        ('{"nonce": "a', 400, "not JSON"),
        ("[" * 100_000, 400, "not JSON"),
        ("[]", 422, "object"),
        ("{}", 422, "nonce is missing"),
        ('{"nonce": 1}', 422, "nonce must be a string"),
        ('{"nonce": null}', 422, "nonce is missing"),
        ('{"nonce": "zz", "source_data": "*"}', 422, "base64"),
        ('{"nonce": "zz", "repo_url": 5}', 422, "repo_url must be a string"),
        ('{"nonce": "' + "a" * 70_000 + '"}', 422, "nonce is too long"),
        ('{"nonce": "ab", "repo_url": "https://x.example/y"}', 400, "32 hexadecimal"),
        ('{"nonce": "' + "ab" * 17 + '", "repo_url": "https://x.example/y"}', 400, "32 hexadecimal"),
        ('{"nonce": "' + "é" * 32 + '", "repo_url": "https://x.example/y"}', 400, "32 hexadecimal"),
        ('{"nonce": "NONCE"}', 400, "Give a source"),
        ('{"nonce": "NONCE", "repo_url": "", "source_data": null}', 400, "Give a source"),
        ('{"nonce": "NONCE", "repo_url": "https://x.example/y", "source_data": "UEsDBA=="}', 400, "not both"),
    ],
)
def test_each_bad_request_has_its_status_and_sentence(text: str, status: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "body").write_text(text.replace("NONCE", NONCE))
    with pytest.raises(SubmissionError) as refused:
        submission_read(tmp_path / "body", tmp_path)
    assert refused.value.status == status
    assert words in str(refused.value)
