"""Machines supplied by a webhook, over a real connection: what it is asked, what it may answer, and how long it may take."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from kettle_web.builds.endpoints import endpoint_token
from kettle_web.builds.models import Endpoint, Pool
from kettle_web.builds.provisioner import ANSWER_BYTES, ProvisionError, machine_create, machine_destroy
from kettle_web.builds.provisioning import DEAD_AFTER, machine_provision, pools_supply
from kettle_web.builds.services import build_create
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit
from kettle_web.env import env_read
from tests.fakes.kettle_server import KettleServer

pytestmark = pytest.mark.django_db(transaction=True)
Answer = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


def said(handler: BaseHTTPRequestHandler, body: bytes, *, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@dataclass
class Hook:
    """A webhook that keeps the promise of the contract: the same key is the same machine."""

    machine_url: str = "http://127.0.0.1:9"
    answer: Answer | None = None
    url: str = ""
    asked: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)
    machines: dict[str, str] = field(default_factory=dict)

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        question = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.asked.append((question, {name.lower(): value for name, value in handler.headers.items()}))
        if self.answer is not None:
            self.answer(handler, question)
        elif question["action"] == "create":
            ref = self.machines.setdefault(question["key"], f"vm-{len(self.machines) + 1}")
            said(handler, json.dumps({"url": self.machine_url + "/", "token": "sesam", "ref": ref}).encode())
        else:
            self.machines.pop(question["key"], None)
            said(handler, b"{}")

    @property
    def actions(self) -> list[str]:
        return [question["action"] for question, _headers in self.asked]


@pytest.fixture
def hook(settings: Any) -> Iterator[Hook]:
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/machines"
    settings.ENV = replace(
        env_read({"KETTLE_PROVISIONER_URL": made.url, "KETTLE_PROVISIONER_TOKEN": "open"}), redis_url="", provisioner_seconds=20.0
    )
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pool(db: None) -> Pool:
    return Pool.objects.create(name="machines", is_provisioned=True, max_machines=3)


def supply() -> None:
    """What the worker does: look, then make the calls."""
    pools_supply(timezone.now())
    for machine in Endpoint.objects.order_by("id"):
        machine_provision(machine.id)


def test_webhook_supplies_a_machine_for_a_build_and_destroys_it(hook: Hook, pool: Pool, owner: User) -> None:
    build = build_create(owner=owner, pool=pool, origin="repository", repo_url="https://example.org/a/b")
    with KettleServer() as server:
        hook.machine_url = server.url
        supply()
        machine = Endpoint.objects.get()
        assert (machine.provision, machine.base_url, machine.provision_ref) == ("ready", server.url, "vm-1")
        assert endpoint_token(machine) == "sesam"
        build_submit(build.id)
        supply()
        assert hook.actions == ["create"], "destroyed while its build is on it"
    type(build).objects.filter(id=build.id).update(state=State.DONE, finished_at=timezone.now())
    supply()
    supply()
    machine.refresh_from_db()
    assert (machine.provision, machine.token_encrypted, hook.machines) == ("destroyed", "", {})
    assert hook.actions == ["create", "destroy"]
    (create, headers), (destroy, _headers) = hook.asked
    assert create == {"version": 1, "action": "create", "pool": "machines", "key": machine.provision_key}
    assert destroy == {**create, "action": "destroy", "ref": "vm-1"}
    assert (headers["authorization"], headers["content-type"]) == ("Bearer open", "application/json")


def test_answer_that_got_lost_is_asked_for_again_and_is_one_machine(hook: Hook, pool: Pool) -> None:
    def lose(handler: BaseHTTPRequestHandler, question: dict[str, Any]) -> None:
        hook.machines.setdefault(question["key"], "vm-1")
        handler.close_connection = True

    Pool.objects.update(min_ready=1)
    hook.answer = lose
    supply()
    machine = Endpoint.objects.get()
    assert (machine.provision, "cannot be reached" in machine.provision_error) == ("requested", True)
    hook.answer = None
    Endpoint.objects.update(provision_next_at=None)
    supply()
    machine.refresh_from_db()
    assert (machine.provision, machine.provision_ref, machine.provision_error) == ("ready", "vm-1", "")
    assert len(hook.machines) == Endpoint.objects.count() == 1


def test_destroying_is_asked_again_until_it_is_done(hook: Hook, pool: Pool) -> None:
    Pool.objects.update(min_ready=1)
    supply()
    Pool.objects.update(min_ready=0)
    Endpoint.objects.update(spent_at=timezone.now(), spent_reason="used")
    hook.answer = lambda handler, _question: said(handler, b'{"pending": true}')
    supply()
    machine = Endpoint.objects.get()
    assert (machine.provision, bool(machine.token_encrypted)) == ("ready", True)
    hook.answer = None
    Endpoint.objects.update(provision_next_at=None)
    supply()
    supply()
    machine.refresh_from_db()
    assert (machine.provision, hook.actions) == ("destroyed", ["create", "destroy", "destroy"])


def test_name_said_while_the_machine_starts_is_kept(hook: Hook, pool: Pool) -> None:
    Pool.objects.update(min_ready=1)
    hook.answer = lambda handler, _question: said(handler, b'{"pending": true, "ref": "vm-9"}')
    supply()
    hook.answer = lambda handler, _question: said(handler, b'{"url": "http://127.0.0.1:9"}')
    Endpoint.objects.update(provision_next_at=None)
    supply()
    machine = Endpoint.objects.get()
    assert (machine.provision, machine.provision_ref) == ("ready", "vm-9")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"url": "http://127.0.0.1:9/\\u0000"}', "cannot be kept"),
        (b'{"url": "http://127.0.0.1:9", "ref": "\\ud800"}', "cannot be kept"),
        (b'{"url": "http://127.0.0.1:9", "ref": "\\u0000"}', "cannot be kept"),
        (b'{"url": "http://127.0.0.1:9", "ref": "' + b"x" * 201 + b'"}', "too long"),
        (b'{"url": "http://127.0.0.1:9/?a=b"}', "nothing else"),
        (b'{"url": "http://user:pass@127.0.0.1:9"}', "must look like"),
        (b'{"url": "http://127.0.0.1:9", "token": "a b"}', "cannot be sent"),
        (b'{"error": "\\u202e\\ud800 full"}', "⟨U+202E⟩⟨U+D800⟩ full"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b" " * (ANSWER_BYTES + 1), "more than it may"),
    ],
)
def test_hostile_answer_is_told_on_the_page_and_leaves_no_machine(hook: Hook, pool: Pool, body: bytes, reason: str) -> None:
    hook.answer = lambda handler, _question: said(handler, body)
    Pool.objects.update(min_ready=1)
    supply()
    machine = Endpoint.objects.get()
    assert reason in machine.provision_error
    assert (machine.provision, machine.base_url, machine.provision_tries, machine.provision_until) == ("requested", "", 1, None)
    assert machine.provision_next_at is not None


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [(302, {"Location": "http://127.0.0.1:9/elsewhere"}, "redirect"), (500, {}, "answered 500: no quota"), (201, {}, "answered 201")],
)
def test_other_status_than_200_is_a_failure_and_a_redirect_is_not_followed(hook: Hook, status: int, headers: Any, reason: str) -> None:
    hook.answer = lambda handler, _question: said(handler, b"no quota", status=status, **headers)
    with pytest.raises(ProvisionError, match=reason):
        machine_destroy(pool="machines", key="k", ref="")
    assert len(hook.asked) == 1


def test_webhook_that_sends_a_byte_now_and_then_is_given_up_at_the_deadline(hook: Hook, settings: Any) -> None:
    ended = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler, _question: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not ended.wait(0.05):
                handler.wfile.write(b" ")
        except OSError:
            pass

    settings.ENV = replace(settings.ENV, provisioner_seconds=1.0)
    hook.answer = trickle
    began = time.monotonic()
    with pytest.raises(ProvisionError, match="did not answer within 1 seconds"):
        machine_create(pool="machines", key="k")
    ended.set()
    # Only that it ends: it would go on for ever.
    assert time.monotonic() - began < 60


def test_what_breaks_on_our_side_is_told_and_not_asked_again_at_once(hook: Hook, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_more: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kettle_web.builds.provisioning.machine_create", broken)
    Pool.objects.update(min_ready=1)
    supply()
    machine = Endpoint.objects.get()
    assert "ZeroDivisionError" in machine.provision_error
    assert machine.provision_next_at is not None
    assert machine.provision_until is None


def test_supplied_machine_that_never_answers_is_destroyed_and_replaced(hook: Hook, pool: Pool) -> None:
    Pool.objects.update(min_ready=1, max_machines=1)
    supply()
    first = Endpoint.objects.get()
    Endpoint.objects.update(health_failures=DEAD_AFTER - 1)
    supply()
    assert hook.actions == ["create"]
    Endpoint.objects.update(health_failures=DEAD_AFTER)
    supply()
    supply()
    first.refresh_from_db()
    assert (first.provision, "did not answer" in first.spent_reason) == ("destroyed", True)
    second = Endpoint.objects.exclude(id=first.id).get()
    assert (second.provision, list(hook.machines)) == ("ready", [second.provision_key])
