"""The synchronous client against a server that does exactly what a test says."""

import base64
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.kettle_api import client as client_module
from kettle_web.kettle_api.body import BuildBody
from kettle_web.kettle_api.client import KettleClient
from kettle_web.kettle_api.endpoint import endpoint_parse
from kettle_web.kettle_api.errors import (
    BadAnswer,
    CutOff,
    KettleError,
    NotFound,
    Refused,
    Spent,
    TooLarge,
    Unanswered,
    Unreachable,
)
from kettle_web.kettle_api.texts import SHOWN_CHARS, text_shown
from kettle_web.outbound.transport import vetted_transport
from tests.outbound.serving import Connection, Served, answering, serving

NONCE = bytes(range(16))
JOB = "0b54d9a5-7f57-4f0e-9a2b-3a5a6d3f1c11"
URL = "https://git.example/p"


def accepted() -> Callable[[Connection, Served], None]:
    return answering(json.dumps({"job_id": JOB}).encode(), Content_Type="application/json")


def test_repository_is_submitted() -> None:
    with serving(accepted()) as served, KettleClient(served.url, token="t0ken") as client:
        assert client.submit(NONCE, repo_url=URL, repo_ref="main") == JOB
    head = served.heads[0].decode()
    assert head.startswith("POST /build HTTP/1.1\r\n")
    assert "Authorization: Bearer t0ken" in head
    assert "Content-Type: application/json" in head
    assert "chunked" not in head
    assert json.loads(served.bodies[0]) == {"nonce": NONCE.hex(), "repo_url": URL, "repo_ref": "main"}


def test_empty_ref_is_left_out() -> None:
    with serving(accepted()) as served, KettleClient(served.url + "/") as client:
        client.submit(NONCE, repo_url=URL)
    assert "repo_ref" not in json.loads(served.bodies[0])
    assert b"Authorization" not in served.heads[0]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 196_607, 196_608, 196_609, 1_000_000])
def test_archive_is_submitted_as_it_is(size: int, tmp_path: Path) -> None:
    data = bytes(n % 251 for n in range(size))
    (tmp_path / "a").write_bytes(data)
    with serving(accepted()) as served, KettleClient(served.url) as client:
        assert client.submit(NONCE, source=tmp_path / "a", source_name='my "project".zip') == JOB
    body = json.loads(served.bodies[0])
    assert base64.b64decode(body.pop("source_data"), validate=True) == data
    assert body == {"nonce": NONCE.hex(), "source_name": 'my "project".zip'}


@given(st.binary(max_size=50), st.text(max_size=10))
def test_length_of_the_body_is_what_was_told(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    path = tmp_path_factory.mktemp("body") / "a"
    path.write_bytes(data)
    body = BuildBody(NONCE, source=path, source_name=name)
    assert not body.is_handed_over
    sent = b"".join(body)
    assert body.is_handed_over
    assert len(sent) == body.length
    assert base64.b64decode(json.loads(sent)["source_data"]) == data


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"nonce": b"short", "repo_url": URL}, "nonce.length"),
        ({"nonce": bytes(17), "repo_url": URL}, "nonce.length"),
        ({"nonce": NONCE}, "source.one"),
        ({"nonce": NONCE, "repo_url": URL, "source": Path(__file__)}, "source.one"),
    ],
)
def test_unusable_request_is_never_sent(arguments: dict[str, Any], code: str) -> None:
    with serving(accepted()) as served, KettleClient(served.url) as client, pytest.raises(KettleError) as caught:
        client.submit(arguments.pop("nonce"), **arguments)
    assert (caught.value.code, caught.value.fault, caught.value.retry) == (code, "us", False)
    assert served.heads == []


STATUSES: list[tuple[str, dict[str, str], type[KettleError], str, bool, str]] = [
    ("400 Bad Request", {}, Refused, "build.bad-request", False, "us"),
    ("401 Unauthorized", {}, Refused, "build.forbidden", False, "us"),
    ("403 Forbidden", {}, Refused, "build.forbidden", False, "us"),
    ("404 Not Found", {}, NotFound, "build.not-found", False, "us"),
    ("409 Conflict", {}, Spent, "build.spent", False, "builder"),
    ("413 Content Too Large", {}, TooLarge, "build.too-large", False, "source"),
    ("415 Unsupported Media Type", {}, Refused, "build.not-understood", False, "us"),
    ("418 Teapot", {}, Refused, "build.refused", False, "builder"),
    ("422 Unprocessable", {}, Refused, "build.not-understood", False, "us"),
    ("429 Too Many Requests", {"Retry_After": "30"}, Refused, "build.busy", True, "builder"),
    ("500 Internal Server Error", {}, Refused, "build.server-error", False, "builder"),
    ("502 Bad Gateway", {}, Unanswered, "build.gateway", False, "network"),
    ("503 Service Unavailable", {}, Unanswered, "build.gateway", False, "network"),
    ("503 Service Unavailable", {"Retry_After": "5"}, Refused, "build.server-error", True, "builder"),
    ("504 Gateway Timeout", {}, Unanswered, "build.gateway", False, "network"),
    ("504 Gateway Timeout", {"Retry_After": "5"}, Unanswered, "build.gateway", False, "network"),
    ("500 Internal Server Error", {"Retry_After": "5"}, Refused, "build.server-error", False, "builder"),
    ("202 Accepted", {}, BadAnswer, "build.unexpected", False, "builder"),
    ("302 Found", {"Location": "http://169.254.169.254/"}, BadAnswer, "build.redirect", False, "builder"),
]


@pytest.mark.parametrize(("status", "headers", "kind", "code", "retry", "fault"), STATUSES)
def test_every_status_has_its_error(
    status: str, headers: dict[str, str], kind: type[KettleError], code: str, retry: bool, fault: str
) -> None:
    with (
        serving(answering(b"the reason", status=status, **headers)) as served,
        KettleClient(served.url) as client,
        pytest.raises(KettleError) as caught,
    ):
        client.submit(NONCE, repo_url=URL)
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.retry, error.fault) == (code, retry, fault)
    assert len(served.heads) == 1
    if kind is not BadAnswer:
        assert "the reason" in error.message
    if isinstance(error, Refused) and "Retry_After" in headers:
        assert error.retry_after == int(headers["Retry_After"])


def test_413_says_what_to_do() -> None:
    with serving(answering(b"", status="413 x")) as served, KettleClient(served.url) as client, pytest.raises(TooLarge) as caught:
        client.submit(NONCE, repo_url=URL)
    assert "about 1.5 MB" in caught.value.message


def test_servers_words_are_capped_and_escaped() -> None:
    words = b"\x1b[31mred\x00\r\n\xe2\x80\xae" + b"x" * 100_000
    with serving(answering(words, status="400 x")) as served, KettleClient(served.url) as client, pytest.raises(Refused) as caught:
        client.submit(NONCE, repo_url=URL)
    assert "\\u001b[31mred\\u0000 \\u202ex" in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < SHOWN_CHARS + 100


def test_html_of_an_error_page_is_not_shown() -> None:
    page = answering(b"<html><script>x</script>", status="500 x", Content_Type="text/html")
    with serving(page) as served, KettleClient(served.url) as client, pytest.raises(Refused) as caught:
        client.submit(NONCE, repo_url=URL)
    assert "script" not in caught.value.message


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (b"<html>Sign in</html>", "text/html", "build.html"),
        (b"  <!doctype html>", "text/plain", "build.html"),
        (b"ok", "text/plain", "build.not-json"),
        (b"", "application/json", "build.not-json"),
        (b"[" * 50_000, "application/json", "build.not-json"),
        (b"[]", "application/json", "build.no-job-id"),
        (b"{}", "application/json", "build.no-job-id"),
        (b'{"job_id": 5}', "application/json", "build.no-job-id"),
        (b'{"job_id": ""}', "application/json", "build.no-job-id"),
        (b'{"job_id": "../../admin"}', "application/json", "build.no-job-id"),
        (b'{"job_id": "' + b"a" * 65 + b'"}', "application/json", "build.no-job-id"),
    ],
)
def test_answer_without_a_job_is_refused(body: bytes, media_type: str, code: str) -> None:
    with (
        serving(answering(body, Content_Type=media_type)) as served,
        KettleClient(served.url) as client,
        pytest.raises(BadAnswer) as caught,
    ):
        client.submit(NONCE, repo_url=URL)
    assert (caught.value.code, caught.value.retry) == (code, False)


def test_closed_port_is_unreachable() -> None:
    with serving(accepted()) as served:
        url = served.url
    with KettleClient(url) as client, pytest.raises(Unreachable) as caught:
        client.submit(NONCE, repo_url=URL)
    assert (caught.value.code, caught.value.retry) == ("network.unreachable", True)


def test_reset_before_the_body_was_sent_is_unreachable(tmp_path: Path) -> None:
    def handle(connection: Connection, served: Served) -> None:
        served.heads.append(connection.read_head())
        connection.reset()

    (tmp_path / "a").write_bytes(b"x" * 30_000_000)
    with serving(handle) as served, KettleClient(served.url) as client, pytest.raises(Unreachable) as caught:
        client.submit(NONCE, source=tmp_path / "a")
    assert (caught.value.code, caught.value.retry) == ("network.reset", True)
    assert len(served.heads) == 1


@pytest.mark.parametrize("how", ["reset", "close", "half a status line", "half an answer"])
def test_no_answer_after_the_body_was_sent_is_unanswered(how: str) -> None:
    def handle(connection: Connection, served: Served) -> None:
        connection.read_head()
        served.bodies.append(connection.read_body())
        if how == "reset":
            connection.reset()
        elif how == "half a status line":
            connection.socket.sendall(b"HTTP/1.1 2")
        elif how == "half an answer":
            connection.answer(b'{"job', length=60)

    with serving(handle) as served, KettleClient(served.url) as client, pytest.raises(Unanswered) as caught:
        client.submit(NONCE, repo_url=URL)
    assert (caught.value.code, caught.value.retry) == ("build.unanswered", False)
    assert len(served.bodies) == 1


def test_silence_after_the_body_was_sent_is_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "SUBMIT_READ_SECONDS", 0.2)

    def handle(connection: Connection, served: Served) -> None:
        connection.read_head()
        connection.read_body()
        connection.socket.recv(1)

    with serving(handle) as served, KettleClient(served.url) as client, pytest.raises(Unanswered):
        client.submit(NONCE, repo_url=URL)


def test_refusal_while_the_body_is_sent_is_heard(tmp_path: Path) -> None:
    """Stock servers answer 413 at the limit and stop reading."""

    def handle(connection: Connection, served: Served) -> None:
        connection.read_head()
        connection.answer(b"length limit exceeded", status="413 Payload Too Large", Connection="close")
        connection.socket.shutdown(1)
        while connection.socket.recv(65536):
            pass

    (tmp_path / "a").write_bytes(b"x" * 5_000_000)
    with serving(handle) as served, KettleClient(served.url) as client, pytest.raises(TooLarge):
        client.submit(NONCE, source=tmp_path / "a")


def test_private_address_other_than_the_endpoints_own_is_refused() -> None:
    with (
        serving(accepted()) as served,
        KettleClient(served.url, transport=vetted_transport()) as client,
        pytest.raises(Unreachable) as caught,
    ):
        client.submit(NONCE, repo_url=URL)
    assert (caught.value.code, caught.value.retry) == ("address.refused", False)


@pytest.mark.parametrize(
    ("url", "token", "code"),
    [
        ("ftp://x", "", "endpoint.url"),
        ("x", "", "endpoint.url"),
        ("https://user:pw@x", "", "endpoint.url"),
        ("https://x/?a=1", "", "endpoint.url"),
        ("https://x/#a", "", "endpoint.url"),
        ("http://kettle.example", "s3cret", "endpoint.token-plain"),
        ("https://x", "to\nken", "endpoint.token"),
        ("https://x", "tökén", "endpoint.token"),
    ],
)
def test_unusable_endpoint_is_refused(url: str, token: str, code: str) -> None:
    with pytest.raises(KettleError) as caught:
        KettleClient(url, token=token)
    assert caught.value.code == code
    assert not token or token not in caught.value.message


def test_base_path_is_kept() -> None:
    with serving(answering(b"ok")) as served, KettleClient(served.url + "/kettle/") as client:
        client.health()
    assert served.heads[0].startswith(b"GET /kettle/health ")


def test_health() -> None:
    with serving(answering(b"ok\n")) as served, KettleClient(served.url) as client:
        assert client.health() == "ok"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(b"<html>", "200 OK", "health.unexpected"), (b"", "404 x", "health.not-found"), (b"", "503 x", "health.server-error")],
)
def test_unhealthy(body: bytes, status: str, code: str) -> None:
    with serving(answering(body, status=status)) as served, KettleClient(served.url) as client, pytest.raises(KettleError) as caught:
        client.health()
    assert caught.value.code == code


GZIP = b"\x1f\x8b" + b"x" * 200_000


def download(url: str, max_bytes: int = 10_000_000, **more: Any) -> bytes:
    to = io.BytesIO()
    with KettleClient(url) as client:
        assert client.result_download(JOB, to, max_bytes=max_bytes, **more) == len(to.getvalue())
    return to.getvalue()


def test_result_is_downloaded_with_progress() -> None:
    seen: list[tuple[int, int | None]] = []
    with serving(answering(GZIP, Content_Type="application/gzip")) as served:
        assert download(served.url, on_progress=lambda got, total: seen.append((got, total))) == GZIP
    assert served.heads[0].startswith(f"GET /build/{JOB}/result ".encode())
    assert b"Accept-Encoding: identity" in served.heads[0]
    assert seen[-1] == (len(GZIP), len(GZIP))


def _chunked(*parts: bytes, finish: bool = True) -> Callable[[Connection, Served], None]:
    def handle(connection: Connection, served: Served) -> None:
        connection.read_head()
        connection.socket.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in parts:
            connection.socket.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        if finish:
            connection.socket.sendall(b"0\r\n\r\n")

    return handle


def test_result_without_length_in_small_pieces_is_downloaded() -> None:
    with serving(_chunked(b"\x1f", b"\x8b", b"rest")) as served:
        assert download(served.url) == b"\x1f\x8brest"


BAD_RESULTS: dict[str, tuple[Callable[[Connection, Served], None], type[KettleError], str]] = {
    "none": (answering(b"", status="404 x"), NotFound, "result.not-found"),
    "server error": (answering(b"", status="500 x"), Refused, "result.server-error"),
    "html": (answering(b"<html>"), BadAnswer, "result.not-gzip"),
    "empty": (answering(b""), BadAnswer, "result.empty"),
    "one byte": (answering(b"\x1f"), BadAnswer, "result.empty"),
    "cut off": (lambda c, s: (c.read_head(), c.answer(GZIP, length=len(GZIP) + 1))[1], CutOff, "result.cut-off"),
    "cut off in chunks": (_chunked(GZIP, finish=False), CutOff, "result.cut-off"),
    "reset": (lambda c, s: (c.read_head(), c.answer(GZIP[:100], length=9999), c.reset())[2], CutOff, "result.cut-off"),
    "told too large": (lambda c, s: (c.read_head(), c.answer(b"", length=10_000_001))[1], BadAnswer, "result.too-large"),
    "too large in chunks": (_chunked(*[b"\x1f\x8b" + b"x" * 999_998] * 11), BadAnswer, "result.too-large"),
    "compressed once more": (answering(GZIP, Content_Encoding="gzip"), BadAnswer, "result.encoded"),
    "redirect": (answering(b"", status="302 x", Location="/elsewhere"), BadAnswer, "result.redirect"),
}


@pytest.mark.parametrize(("handle", "kind", "code"), BAD_RESULTS.values(), ids=BAD_RESULTS)
def test_bad_result_has_its_error(handle: Callable[[Connection, Served], None], kind: type[KettleError], code: str) -> None:
    with serving(handle) as served, pytest.raises(KettleError) as caught:
        download(served.url)
    assert (type(caught.value), caught.value.code) == (kind, code)


def test_slow_result_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "DOWNLOAD_SECONDS", -1.0)
    with serving(answering(GZIP)) as served, pytest.raises(CutOff) as caught:
        download(served.url)
    assert caught.value.code == "result.too-slow"


def test_job_id_cannot_change_the_path() -> None:
    with KettleClient("https://kettle.example") as client, pytest.raises(BadAnswer):
        client.result_download("../x", io.BytesIO(), max_bytes=1)


@given(st.binary(max_size=3000) | st.text(max_size=3000))
def test_shown_text_is_one_short_printable_line(data: bytes | str) -> None:
    shown = text_shown(data)
    assert len(shown) <= SHOWN_CHARS
    assert shown.isprintable()


_MEASURE = """
import resource, sys
from pathlib import Path
from kettle_web.kettle_api.client import KettleClient
with KettleClient(sys.argv[1]) as client:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    client.submit(bytes(16), source=Path(sys.argv[2]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    def handle(connection: Connection, served: Served) -> None:
        connection.read_head()
        left = int(next(line.split(b":")[1] for line in connection.head.split(b"\r\n") if line.startswith(b"Content-Length")))
        left -= len(connection.rest)
        while left:
            left -= len(connection.socket.recv(min(left, 1 << 20)))
        connection.answer(json.dumps({"job_id": JOB}).encode())

    with (tmp_path / "a").open("wb") as file:
        file.truncate(100_000_000)
    with serving(handle) as served:
        done = subprocess.run([sys.executable, "-c", _MEASURE, served.url, tmp_path / "a"], check=True, capture_output=True, text=True)
    unit_bytes = 1024 if sys.platform == "linux" else 1
    assert int(done.stdout) * unit_bytes < 20 * 1024 * 1024


def test_token_is_not_in_the_representation() -> None:
    assert "secret" not in repr(endpoint_parse("https://x", "secret"))


def test_every_request_opens_its_own_connection() -> None:
    """A kept connection that the server has just closed would make «was it sent?» a guess."""
    with serving(answering(b"ok")) as served, KettleClient(served.url) as client:
        client.health()
        client.health()
        assert len(served.heads) == 2
    assert all(b"GET /health" in head for head in served.heads)
