"""Machines supplied by the operator's program or webhook: asked again after any crash, with the same key; ended at the deadline."""

from __future__ import annotations

import contextlib
import json
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from kettle_web.builds.endpoints import endpoint_token
from kettle_web.builds.models import Endpoint, Pool
from kettle_web.builds.provisioner import ProvisionError, machine_create, machine_destroy
from kettle_web.builds.provisioning import machine_provision, pools_supply
from kettle_web.builds.services import build_create
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit
from kettle_web.env import env_read
from tests.at_once import at_once
from tests.fakes.kettle_server import KettleServer
from tests.running import gone

pytestmark = pytest.mark.django_db(transaction=True)

PROGRAM = """#!/usr/bin/env python3
import json, os, sys, time
folder = {folder!r}
question = json.load(sys.stdin)
with open(folder + "/asked", "a") as file:
    file.write(json.dumps([question, "SECRET_KEY" in os.environ]) + "\\n")
{body}
"""
SUPPLIES = """
if question["action"] == "create":
    print(json.dumps({"url": open(folder + "/url").read(), "token": "sesam", "ref": "vm-" + question["key"][:4]}))
else:
    print("{}")
"""


class Program:
    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "program"

    def write(self, body: str) -> None:
        self.path.write_text(PROGRAM.format(folder=str(self.folder), body=body))
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    @property
    def asked(self) -> list[Any]:
        file = self.folder / "asked"
        return [json.loads(line)[0] for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def program(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Program:
    made = Program(tmp_path)
    made.write(SUPPLIES)
    monkeypatch.setenv("SECRET_KEY", "hush")
    settings.ENV = replace(env_read({"KETTLE_PROVISIONER": str(made.path)}), redis_url="", provisioner_seconds=20.0)
    return made


@pytest.fixture
def pool(db: None) -> Pool:
    return Pool.objects.create(name="machines", is_provisioned=True, max_machines=3)


def supply() -> None:
    """What the worker does: look, then make the calls."""
    pools_supply(timezone.now())
    for machine in Endpoint.objects.order_by("id"):
        machine_provision(machine.id)


def test_machine_is_supplied_for_a_build_and_destroyed_after_it(program: Program, pool: Pool, owner: User) -> None:
    build = build_create(owner=owner, pool=pool, origin="repository", repo_url="https://example.org/a/b")
    with KettleServer() as server:
        (program.folder / "url").write_text(server.url)
        supply()
        machine = Endpoint.objects.get()
        assert (machine.provision, machine.base_url, endpoint_token(machine)) == ("ready", server.url, "sesam")
        build_submit(build.id)
        build.refresh_from_db()
        assert build.state == State.BUILDING
        supply()
        assert [row["action"] for row in program.asked] == ["create"]
    build.state = State.VERIFYING
    build.save()
    supply()
    machine.refresh_from_db()
    assert (machine.provision, machine.token_encrypted) == ("destroyed", "")
    create, destroy = program.asked
    assert create == {"version": 1, "action": "create", "pool": "machines", "key": machine.provision_key}
    assert destroy == {**create, "action": "destroy", "ref": machine.provision_ref}
    assert '"SECRET_KEY" in' not in (program.folder / "asked").read_text()
    assert all(not json.loads(line)[1] for line in (program.folder / "asked").read_text().splitlines())


def test_pool_keeps_its_least_and_never_passes_its_most(program: Program, pool: Pool, owner: User) -> None:
    (program.folder / "url").write_text("http://127.0.0.1:9")
    Pool.objects.update(min_ready=1)
    supply()
    supply()
    assert Endpoint.objects.count() == 1
    for _ in range(5):
        build_create(owner=owner, pool=pool, origin="repository", repo_url="https://example.org/a/b")
    at_once(lambda _number: pools_supply(timezone.now()))
    assert Endpoint.objects.count() == 3


def test_workers_at_once_ask_once_for_each_machine(program: Program, pool: Pool) -> None:
    (program.folder / "url").write_text("http://127.0.0.1:9")
    Pool.objects.update(min_ready=1)
    pools_supply(timezone.now())
    machine = Endpoint.objects.get()
    at_once(lambda _number: machine_provision(machine.id))
    assert len(program.asked) == 1


def test_call_whose_worker_died_is_made_again_with_the_same_key(program: Program, pool: Pool) -> None:
    (program.folder / "url").write_text("http://127.0.0.1:9")
    Pool.objects.update(min_ready=1)
    pools_supply(timezone.now())
    machine = Endpoint.objects.get()
    Endpoint.objects.update(provision_until=timezone.now() + timedelta(seconds=60))
    machine_provision(machine.id)
    assert program.asked == []
    Endpoint.objects.update(provision_until=timezone.now() - timedelta(seconds=1))
    supply()
    assert [row["key"] for row in program.asked] == [machine.provision_key]
    assert Endpoint.objects.count() == 1


def test_machine_on_its_way_is_asked_after_later(program: Program, pool: Pool) -> None:
    program.write('print(\'{"pending": true, "ref": "vm-1"}\')')
    Pool.objects.update(min_ready=1)
    supply()
    machine = Endpoint.objects.get()
    assert (machine.provision, machine.provision_ref, machine.provision_error) == ("requested", "vm-1", "")
    assert machine.provision_next_at is not None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('print("no quota", file=sys.stderr); sys.exit(3)', "status 3: no quota"),
        ('print("hello")', "not JSON"),
        ('print("[]")', "not a JSON object"),
        ('print("{}")', "neither «url» nor «pending»"),
        ('print(json.dumps({"error": "region is full"}))', "region is full"),
        ('print(json.dumps({"url": 7}))', "must be texts"),
        ('print(json.dumps({"url": "ftp://x"}))', "must look like"),
        ('print(json.dumps({"url": "http://vm.internal", "token": "t"}))', "HTTPS only"),
        ('print("x" * 200000); sys.stdout.flush(); time.sleep(60)', "more than it may"),
    ],
)
def test_failure_is_kept_for_the_page_and_tried_again_later(program: Program, pool: Pool, body: str, said: str) -> None:
    program.write(body)
    Pool.objects.update(min_ready=1)
    supply()
    machine = Endpoint.objects.get()
    assert said in machine.provision_error
    assert (machine.provision, machine.provision_tries, machine.provision_until) == ("requested", 1, None)
    asked = len(program.asked)
    supply()
    assert len(program.asked) == asked


def test_program_that_hangs_is_ended_with_everything_it_started(program: Program, settings) -> None:
    program.write(
        'import subprocess; child = subprocess.Popen(["sleep", "600"]); open(folder + "/child", "w").write(str(child.pid)); child.wait()'
    )
    settings.ENV = replace(settings.ENV, provisioner_seconds=3.0)
    with pytest.raises(ProvisionError, match="did not answer within 3 seconds"):
        machine_create(pool="machines", key="k")
    number = int((program.folder / "child").read_text())
    with contextlib.suppress(psutil.NoSuchProcess):
        assert gone([psutil.Process(number)])


def test_program_that_is_not_there_says_so(settings) -> None:
    settings.ENV = env_read({"KETTLE_PROVISIONER": "/nowhere/at-all"})
    with pytest.raises(ProvisionError, match="cannot be started"):
        machine_destroy(pool="machines", key="k", ref="")


def test_webhook_says_why_and_takes_no_token_in_the_clear(settings) -> None:
    with KettleServer() as server:
        settings.ENV = env_read({"KETTLE_PROVISIONER_URL": server.url + "/nothing-here"})
        with pytest.raises(ProvisionError, match="answered 404"):
            machine_create(pool="machines", key="k")
    settings.ENV = env_read({"KETTLE_PROVISIONER_URL": "http://hook.internal/", "KETTLE_PROVISIONER_TOKEN": "t"})
    with pytest.raises(ProvisionError, match="HTTPS only"):
        machine_create(pool="machines", key="k")
