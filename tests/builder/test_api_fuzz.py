"""The API against whatever comes: in process, with a queue that runs nothing, so that thousands of requests are cheap."""

import asyncio
import base64
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kettle_web.builder.api import Api
from kettle_web.builder.jobs import Job, JobStore, job_fail
from kettle_web.builder.options import Options
from kettle_web.builder.submission import FIELDS

LIMIT = 20_000
AGAIN = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Queue:
    """Stands for the scheduler: every job fails at once."""

    def submit(self, job: Job) -> None:
        job_fail(job, "Nothing is built here.", "SandboxError")

    def active(self, job_id: str) -> bool:
        return False

    async def ended(self, job: Job) -> None:
        return


class Asked:
    """A client of the application itself, one event loop for all requests."""

    def __init__(self, folder: Path) -> None:
        options = Options(data=folder, max_body_bytes=LIMIT)
        self.store = JobStore(folder)
        self._transport = httpx.ASGITransport(Api(options, self.store, Queue()).application())  # type: ignore[arg-type]
        self._runner = asyncio.Runner()

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://localhost") as http:
                return await http.request(method, path, **more)

        return self._runner.run(ask())

    def close(self) -> None:
        self._runner.close()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    one = Asked(tmp_path_factory.mktemp("asked"))
    yield one
    one.close()


def is_a_sentence(answer: httpx.Response) -> bool:
    """A refusal is one plain line, or the same as JSON."""
    if answer.headers["content-type"] == "application/json":
        return bool(answer.json()["error"].strip())
    return answer.headers["content-type"].startswith("text/plain") and answer.text.strip() != "" and answer.text.count("\n") <= 1


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=3))
bodies = st.one_of(
    st.binary(max_size=300),
    st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), json_values, max_size=5).map(lambda body: json.dumps(body).encode()),
    st.text('{}[]":,\\nul1', max_size=60).map(str.encode),
)
types = st.sampled_from(
    ["application/json", "application/json; charset=x", "multipart/form-data; boundary=b", "multipart/form-data", "text/plain", ""]
)


@AGAIN
@given(bodies, types)
def test_no_body_brings_more_than_a_refusal(asked: Asked, body: bytes, kind: str) -> None:
    answer = asked("POST", "/build", content=body, headers={"Content-Type": kind})
    assert answer.status_code in (200, 400, 415, 422), answer.text
    assert answer.status_code == 200 or is_a_sentence(answer)
    assert not list(asked.store.incoming.iterdir())


@AGAIN
@given(st.data())
def test_a_json_request_is_judged_in_the_order_that_is_documented(asked: Asked, data: st.DataObject) -> None:
    nonce = data.draw(st.none() | st.text(string.hexdigits, min_size=30, max_size=34) | st.text(max_size=40) | st.integers())
    url = data.draw(st.none() | st.just("") | st.just("https://host.example/a/b"))
    source = data.draw(st.none() | st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode()) | st.just("!!!!"))
    body = {"nonce": nonce, "repo_url": url, "source_data": source}
    if data.draw(st.booleans()):
        body = {name: value for name, value in body.items() if value is not None}
    answer = asked("POST", "/build", json=body)
    if not isinstance(nonce, str) or source == "!!!!":
        expected = 422
    elif len(nonce) != 32 or not set(nonce) <= set(string.hexdigits):
        expected = 400
    else:
        expected = 200 if bool(url) != bool(source) else 400
    assert answer.status_code == expected, answer.text
    if expected == 200:
        job = asked.store.find(answer.json()["job_id"])
        assert job is not None
        assert job.request().nonce_hex == str(nonce).lower()
        assert job.request().repo_url == (url or "")


@AGAIN
@given(
    st.dictionaries(st.sampled_from(["repo_url", "ref", "repo_ref", "other"]), st.text(max_size=60), max_size=4),
    st.none() | st.binary(max_size=300),
    st.text(max_size=30),
)
def test_a_form_is_refused_or_built_and_never_half(asked: Asked, fields: dict[str, str], source: bytes | None, name: str) -> None:
    parts: dict[str, Any] = {key: (None, value.encode("utf-8", "replace")) for key, value in fields.items()}
    if source is not None:
        parts["source"] = (name.encode("utf-8", "replace").decode() or "x", source)
    answer = asked("POST", "/build", files=parts or {"none": (None, "")})
    accepted = bool(fields.get("repo_url")) != bool(source)
    # The queue of this test fails every build with an error that is the server's.
    assert answer.status_code == (500 if accepted else 400), answer.text
    assert is_a_sentence(answer)
    assert ("x-kettle-nonce" in answer.headers) == accepted


@AGAIN
@given(st.text(max_size=40), st.text(max_size=20))
def test_any_address_and_position_is_answered(asked: Asked, job_id: str, after: str) -> None:
    path = f"/build/{quote(job_id.encode('utf-8', 'replace'), safe='')}/events"
    assert asked("GET", path).status_code == 404
    known = asked("POST", "/build", json={"nonce": "0" * 32, "repo_url": "https://host.example/a"}).json()["job_id"]
    answer = asked("GET", f"/build/{known}/events", params={"from": after.encode("utf-8", "replace").decode()})
    assert answer.status_code == (200 if after.isascii() and after.isdigit() and len(after) < 16 else 400)
    assert asked("GET", f"/build/{known}/result", headers={"Range": f"bytes={after!a}"}).status_code == 404
