"""The pages of servers and pools: who gets in, what they change, and what they never let out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from kettle_web.builds.endpoint_admin import endpoint_add, machine_remove
from kettle_web.builds.endpoints import endpoint_token, endpoints_sync
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Attempt, Build, Endpoint, Pool, Queue
from kettle_web.builds.services import build_create
from kettle_web.builds.states import State
from kettle_web.builds.submit import build_submit
from kettle_web.core.secrets import decrypt, encrypt
from kettle_web.env import EndpointEnv, EnvError, env_read
from tests.at_once import at_once
from tests.fakes.kettle_server import KettleServer

pytestmark = pytest.mark.django_db(transaction=True)
SITE = Endpoint.ManagedBy.SITE
FIELDS = {"kind": "service", "dialect": "json", "attests": "on", "operator": "Grace Ltd", "max_running": ""}


@pytest.fixture
def admin(administrator: User) -> Client:
    client = Client()
    client.force_login(administrator)
    return client


@pytest.fixture(autouse=True)
def _loopback_allowed(settings) -> None:
    settings.ALLOWED_SOURCE_HOSTS = ("127.0.0.1",)


def added(admin: Client, url: str, **fields: Any) -> Endpoint:
    admin.post("/endpoints/add/", {**FIELDS, "name": "mine", "base_url": url, **fields})
    return Endpoint.objects.get(name="mine")


def test_pages_do_not_exist_for_members(owner: User, endpoint: Endpoint) -> None:
    client = Client()
    client.force_login(owner)
    for path in ("/endpoints/", "/endpoints/add/", f"/endpoints/{endpoint.pk}/", "/endpoints/pools/add/"):
        assert client.get(path).status_code == 404
    assert client.post(f"/endpoints/{endpoint.pk}/default/").status_code == 404


def test_administrator_adds_a_server_which_is_asked_at_once(admin: Client) -> None:
    with KettleServer() as server:
        row = added(admin, server.url + "/", token="sesam")
        page = admin.get(f"/endpoints/{row.pk}/").content.decode()
        assert (row.managed_by, row.base_url, row.operator, row.max_running) == (SITE, server.url, "Grace Ltd", None)
    assert "answers." in page
    assert endpoint_token(row) == "sesam"
    assert "sesam" not in page
    assert "sesam" not in row.token_encrypted


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost", "https://10.0.0.1", "http://[::1]:8000", "https://169.254.169.254"]
)
def test_private_address_is_refused_unless_the_environment_allows_its_host(admin: Client, settings, url: str) -> None:
    settings.ALLOWED_SOURCE_HOSTS = ()
    answer = admin.post("/endpoints/add/", {**FIELDS, "name": "mine", "base_url": url})
    assert answer.status_code == 422
    assert "ALLOWED_SOURCE_HOSTS" in answer.content.decode()
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("url", ["ftp://a.example", "https://user:word@a.example", "https://a.example/?x=1", "nonsense", "https://"])
def test_what_is_no_address_of_a_server_is_refused_beside_its_field(admin: Client, url: str) -> None:
    answer = admin.post("/endpoints/add/", {**FIELDS, "name": "mine", "base_url": url})
    assert answer.status_code == 422
    assert "base_url" in answer.context["form"].errors


def test_site_server_is_vetted_whenever_it_is_asked_not_only_when_it_is_saved(admin: Client, settings) -> None:
    with KettleServer() as server:
        row = added(admin, server.url)
        settings.ALLOWED_SOURCE_HOSTS = ()
        admin.post(f"/endpoints/{row.pk}/test/")
    row.refresh_from_db()
    assert row.health_failures == 1
    assert "loopback" in row.health_error


def test_token_over_plain_http_is_refused(admin: Client, settings) -> None:
    settings.ALLOWED_SOURCE_HOSTS = ("10.0.0.1",)
    answer = admin.post("/endpoints/add/", {**FIELDS, "name": "mine", "base_url": "http://10.0.0.1", "token": "sesam"})
    assert answer.status_code == 422
    assert "token" in answer.context["form"].errors
    assert b"sesam" not in answer.content


def test_other_address_drops_the_token(admin: Client) -> None:
    with KettleServer() as server, KettleServer() as other:
        row = added(admin, server.url, token="sesam")
        same = {**FIELDS, "name": "mine", "base_url": server.url, "max_running": "3"}
        admin.post(f"/endpoints/{row.pk}/", same)
        row.refresh_from_db()
        assert (row.max_running, endpoint_token(row)) == (3, "sesam")
        answer = admin.post(f"/endpoints/{row.pk}/", {**same, "base_url": other.url}, follow=True)
        row.refresh_from_db()
        assert (row.base_url, row.token_encrypted, row.token_origin) == (other.url, "", "")
    assert "the token was removed" in answer.content.decode()


def test_token_is_replaced_and_removed(admin: Client) -> None:
    with KettleServer() as server:
        row = added(admin, server.url)
        admin.post(f"/endpoints/{row.pk}/token/", {"token": "one"})
        row.refresh_from_db()
        assert endpoint_token(row) == "one"
        admin.post(f"/endpoints/{row.pk}/token/", {"token": ""})
        row.refresh_from_db()
        assert endpoint_token(row) == "one"
        admin.post(f"/endpoints/{row.pk}/token-remove/")
    row.refresh_from_db()
    assert endpoint_token(row) == ""


def test_server_of_the_environment_cannot_be_changed_here(admin: Client, endpoint: Endpoint) -> None:
    before = Endpoint.objects.values().get()
    admin.post(f"/endpoints/{endpoint.pk}/", {**FIELDS, "name": "other", "base_url": "https://a.example"})
    for action in ("disable", "token-remove", "remove"):
        admin.post(f"/endpoints/{endpoint.pk}/{action}/")
    assert Endpoint.objects.values().get() == before
    assert "from the environment" in admin.get(f"/endpoints/{endpoint.pk}/").content.decode()


def test_site_servers_and_the_chosen_default_survive_a_start(admin: Client) -> None:
    env = replace(env_read({}), endpoints=(EndpointEnv("env", "https://kettle.example"),))
    endpoints_sync(env)
    assert Endpoint.objects.get(name="env").is_default
    with KettleServer() as server:
        row = added(admin, server.url)
    admin.post(f"/endpoints/{row.pk}/default/")
    endpoints_sync(env)
    row.refresh_from_db()
    assert (row.is_enabled, row.is_default, Endpoint.objects.get(name="env").is_default) == (True, True, False)
    admin.post(f"/endpoints/{row.pk}/disable/")
    endpoints_sync(env)
    row.refresh_from_db()
    assert (row.is_enabled, Endpoint.objects.get(name="env").is_default) == (False, True)


def test_switched_off_server_is_not_offered_and_takes_nothing(admin: Client) -> None:
    with KettleServer() as server:
        row = added(admin, server.url)
    admin.post(f"/endpoints/{row.pk}/disable/")
    answer = admin.post("/builds/new/", {"way": "repository", "repo_url": "https://example.org/a", "endpoint": f"endpoint-{row.pk}"})
    assert answer.status_code == 422
    assert not Build.objects.exists()


def test_machines_come_and_go_by_hand(admin: Client, owner: User) -> None:
    admin.post("/endpoints/pools/add/", {"name": "pool", "dialect": "json", "attests": "on", "min_ready": "0", "max_machines": "4"})
    pool = Pool.objects.get()
    with KettleServer() as server:
        for name in ("a", "b"):
            admin.post(f"/endpoints/pools/{pool.pk}/machines/", {"name": name, "base_url": server.url})
    first, second = pool.machines.order_by("name")
    assert (first.kind, first.managed_by) == ("one-shot", SITE)
    admin.post(f"/endpoints/{first.pk}/remove/")
    assert list(pool.machines.all()) == [second]
    build = build_create(owner=owner, pool=pool, origin="repository", repo_url="https://example.org/a/b")
    Attempt.objects.filter(build=build).update(endpoint=second)
    admin.post(f"/endpoints/{second.pk}/remove/")
    second.refresh_from_db()
    assert second.spent_at is not None
    assert "took it out" in admin.get(f"/endpoints/pools/{pool.pk}/").content.decode()


def test_machine_stays_what_its_pool_says(admin: Client) -> None:
    pool = Pool.objects.create(name="machines", operator="Machines Inc")
    machine = endpoint_add(name="one", base_url="http://127.0.0.1:9", pool=pool)
    shown = admin.get(f"/endpoints/{machine.pk}/").content.decode()
    assert 'name="base_url"' in shown
    assert 'name="kind"' not in shown
    answer = admin.post(
        f"/endpoints/{machine.pk}/",
        {"name": "two", "base_url": machine.base_url, "kind": "service", "dialect": "multipart", "max_running": "7"},
    )
    assert answer.status_code == 302
    machine.refresh_from_db()
    assert (machine.name, machine.kind, machine.dialect, machine.attests, machine.max_running) == ("two", "one-shot", "json", True, None)
    assert machine.operator == "Machines Inc"


def test_machine_is_either_removed_or_given_to_a_build(admin: Client, owner: User) -> None:
    pool = Pool.objects.create(name="machines")
    with KettleServer() as server:
        machine = endpoint_add(name="one", base_url=server.url, pool=pool)
        build = build_create(owner=owner, pool=pool, origin="repository", repo_url="https://example.org/a/b")

        def work(number: int) -> None:
            if number % 2:
                build_submit(build.id)
            else:
                with suppress(BuildError):
                    machine_remove(machine)

        at_once(work)
        build.refresh_from_db()
        assert len(server.submissions) == (1 if build.state == State.BUILDING else 0)
    assert Endpoint.objects.filter(id=machine.id).exists() is (build.state == State.BUILDING)


def test_name_that_the_environment_takes_leaves_the_other_server_and_its_builds_alone(owner: User) -> None:
    mine = endpoint_add(name="mine", base_url="http://127.0.0.1:9", kind="service")
    build = build_create(owner=owner, endpoint=mine, origin="repository", repo_url="https://example.org/a/b")
    for _ in range(2):
        endpoints_sync(env_read({"KETTLE_ENDPOINTS": '[{"name": "mine", "url": "https://other.example"}]'}))
    build.refresh_from_db()
    assert (build.endpoint.base_url, build.endpoint.managed_by) == ("http://127.0.0.1:9", "site")
    assert "added here" in build.endpoint.name
    assert Endpoint.objects.get(name="mine").base_url == "https://other.example"


def test_machine_with_a_build_on_it_is_not_removed(admin: Client, owner: User) -> None:
    pool = Pool.objects.create(name="pool")
    build = build_create(owner=owner, pool=pool, origin="repository", repo_url="https://example.org/a/b")
    machine = Endpoint.objects.create(name="m", base_url="https://a.example", pool=pool, kind="one-shot", leased_build=build)
    admin.post(f"/endpoints/{machine.pk}/remove/")
    machine.refresh_from_db()
    assert machine.spent_at is None


def test_machines_of_pools_and_spent_ones_are_not_offered(admin: Client, endpoint: Endpoint) -> None:
    pool = Pool.objects.create(name="the pool", operator="Machines Inc")
    Endpoint.objects.create(name="machine one", base_url="https://a.example", pool=pool, kind="one-shot")
    Endpoint.objects.create(name="used up", base_url="https://b.example", kind="one-shot", spent_at=timezone.now())
    page = admin.get("/builds/new/").content.decode()
    assert "the pool" in page
    assert "Machines Inc operates it and may be able to read the source." in page
    assert "1 machine is free now." in page
    assert "machine one" not in page
    assert "used up" not in page


def test_build_goes_to_the_pool_that_was_chosen(admin: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kettle_web.builds.views.repository_commit", lambda repository: "")
    pool = Pool.objects.create(name="pool")
    admin.post("/builds/new/", {"way": "repository", "repo_url": "https://example.org/a", "endpoint": f"pool-{pool.pk}"})
    build = Build.objects.get()
    assert (build.pool_id, build.endpoint_id) == (pool.pk, None)
    page = admin.get(f"/builds/{build.uid}/").content.decode()
    assert "pool" in page


def test_limit_of_a_person_is_set_and_taken_back(admin: Client) -> None:
    admin.post("/endpoints/limits/", {"per_user": "2"})
    assert Queue.objects.get().per_user == 2
    admin.post("/endpoints/limits/", {"per_user": ""})
    assert Queue.objects.get().per_user is None
    assert admin.post("/endpoints/limits/", {"per_user": "-1"}).status_code == 422


def test_number_of_queries_of_the_list_is_constant(admin: Client, django_assert_max_num_queries) -> None:
    for number in range(30):
        pool = Pool.objects.create(name=f"pool {number}")
        Endpoint.objects.create(name=f"e{number}", base_url="https://a.example")
        Endpoint.objects.create(name=f"m{number}", base_url="https://a.example", pool=pool, kind="one-shot")
    with django_assert_max_num_queries(14):
        assert admin.get("/endpoints/").status_code == 200


def test_tokens_are_encrypted_with_the_newest_key(settings, capsys) -> None:
    from cryptography.fernet import Fernet

    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = (old,)
    row = Endpoint.objects.create(name="a", base_url="https://a.example", token_encrypted=encrypt("sesam"))
    settings.FIELD_ENCRYPTION_KEYS = (new, old)
    call_command("rotate_keys")
    settings.FIELD_ENCRYPTION_KEYS = (new,)
    row.refresh_from_db()
    assert decrypt(row.token_encrypted) == "sesam"
    assert "1 tokens" in capsys.readouterr().out
    Endpoint.objects.create(name="b", base_url="https://b.example", token_encrypted="nonsense")
    with pytest.raises(CommandError, match="No key opens the tokens of: b"):
        call_command("rotate_keys")


def test_environment_says_kind_dialect_and_limits() -> None:
    rows = '[{"name": "a", "url": "https://a.example", "kind": "one-shot", "dialect": "multipart", "operator": "A", "max_running": 2}]'
    env = env_read({"KETTLE_ENDPOINTS": rows, "BUILDS_PER_USER": "3", "KETTLE_PROVISIONER": "/bin/prog 'an argument'"})
    assert env.endpoints == (EndpointEnv("a", "https://a.example", "", True, "one-shot", "multipart", "A", 2),)
    assert (env.builds_per_user, env.builds_per_endpoint, env.provisioner) == (3, 0, ("/bin/prog", "an argument"))
    for wrong in ({"BUILDS_PER_USER": "-1"}, {"KETTLE_PROVISIONER": "'"}, {"KETTLE_ENDPOINTS": rows.replace("one-shot", "two")}):
        with pytest.raises(EnvError):
            env_read(wrong)
