"""How fast a large history answers: every kind of search, first and deep pages, pages of projects, files and dependencies, ingest."""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.rows import Row

BUILDS = 200_000
DATABASE_MS = 50.0
FREE_TEXT_MS = 100.0
"""On PostgreSQL."""
PAGE_MS = 150.0
INGEST_MS = 150.0
REQUESTS = 8
"""Of each kind, for each run, each with another value."""
FREE_TEXT = ("text", "part of a name", "words and filters", "repository")
POSTGRESQL = "postgres://postgres@127.0.0.1:5432"


def history(runs: int, builds: int = BUILDS) -> list[Row]:
    """A seeded history (--builds, 200,000 unless said otherwise) on SQLite and, where a server answers, PostgreSQL: 95th percentiles."""
    rows = _on("SQLite", {}, runs, builds)
    with _postgresql() as url:
        if url:
            rows += _on("PostgreSQL", {"DATABASE_URL": url}, runs, builds)
    return rows


@contextmanager
def _postgresql() -> Iterator[str]:
    """A database of our own, dropped afterwards; empty where no server answers."""
    import psycopg

    name = f"kettle_bench_{uuid.uuid4().hex[:8]}"
    try:
        with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3) as server:
            server.execute(f"CREATE DATABASE {name}")
    except psycopg.OperationalError:
        print("No PostgreSQL answers: left out.", file=sys.stderr)
        yield ""
        return
    try:
        yield f"{POSTGRESQL}/{name}"
    finally:
        with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _on(database: str, environ: dict[str, str], runs: int, builds: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        full = {**os.environ, "DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "kettle_web.settings", **environ}
        full |= {} if environ else {"DATABASE_URL": ""}
        root = Path(__file__).parents[2]
        for command in (["migrate", "-v0"], ["seed", "--builds", str(builds)]):
            begun = time.monotonic()
            subprocess.run([sys.executable, "manage.py", *command], env=full, check=True, cwd=root, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - begun
        line = [sys.executable, "-m", "tests.bench.history", str(runs)]
        done = subprocess.run(line, env=full, capture_output=True, text=True, check=True, cwd=root)
    return [Row(f"{database}, {builds} builds: seed", "s", (seconds,)), *rows(database, json.loads(done.stdout.splitlines()[-1]))]


def rows(database: str, measured: dict[str, dict[str, list[float]]]) -> list[Row]:
    """The figures of one database."""
    found = []
    for name, values in measured.items():
        if name.startswith("ingest"):
            found.append(Row(f"{database}: {name}", "ms", tuple(values["all"]), INGEST_MS, percentile=95.0))
            continue
        target = FREE_TEXT_MS if database == "PostgreSQL" and name.partition(",")[0] in FREE_TEXT else DATABASE_MS
        found.append(Row(f"{database}: {name}, database", "ms", tuple(values["database"]), target, percentile=95.0))
        found.append(Row(f"{database}: {name}, page", "ms", tuple(values["page"]), PAGE_MS, percentile=95.0))
    return found


class Timed:
    """A cursor that adds up the time spent in the database: executing, and fetching, where SQLite does its work."""

    seconds = 0.0

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._cursor, name)
        if name not in ("execute", "executemany", "fetchone", "fetchmany", "fetchall"):
            return value

        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                return value(*args, **kwargs)
            finally:
                Timed.seconds += time.perf_counter() - begun

        return timed

    def __iter__(self) -> Iterator[Any]:
        while row := self.fetchone():
            yield row


def _measure(runs: int) -> dict[str, dict[str, list[float]]]:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    create_cursor = connection.create_cursor
    connection.create_cursor = lambda name=None: Timed(create_cursor(name))  # type: ignore[method-assign, assignment]
    root, _created = User.objects.get_or_create(username="bench-root", is_staff=True)
    count = REQUESTS * runs
    measured = {}
    for viewer, mark in ((root, "all builds"), (User.objects.get(username="seeded-02"), "own builds")):
        client = Client(headers={"host": "localhost"})
        client.force_login(viewer)
        for name, paths in _paths(viewer, count).items():
            measured[f"{name}, {mark}"] = _times(client, paths)
    return measured | _ingest(count)


def _times(client: Any, paths: list[str]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"database": [], "page": []}
    # Warm: the first round loads templates, libraries and the database's pages.
    for is_counted in (False, True):
        for path in paths:
            Timed.seconds = 0.0
            begun = time.perf_counter()
            answer = client.get(path)
            taken = time.perf_counter() - begun
            assert answer.status_code == 200, (path, answer.status_code, answer.get("Location"))
            if is_counted:
                times["database"].append(Timed.seconds * 1000)
                times["page"].append(taken * 1000)
    return times


def _paths(viewer: Any, count: int) -> dict[str, list[str]]:
    """Addresses of each kind, with values out of builds spread over the whole history."""
    import base64
    from urllib.parse import urlencode

    from django.urls import reverse

    from kettle_web.builds.selectors import builds_for_viewer

    builds = builds_for_viewer(viewer).filter(state="done", verdict="confirmed").exclude(project=None)
    last = builds_for_viewer(viewer).order_by("-pk").values_list("pk", flat=True)[0]
    some = []
    for place in range(count):
        found = builds.filter(pk__gte=last * place // count).order_by("pk").select_related("index__repository", "project").first()
        some.append(found or builds.order_by("-pk")[0])

    def searches(value: Callable[[Any], str]) -> list[str]:
        return ["/builds/?" + urlencode({"q": value(build)}) for build in some]

    def plain(value: Callable[[Any, int], dict[str, Any]]) -> list[str]:
        return ["/builds/?" + urlencode(value(build, at), doseq=True) for at, build in enumerate(some)]

    packages = [build.packages.select_related("package").order_by("package_id")[at % 20].package for at, build in enumerate(some)]
    digests = [bytes(build.artifacts.all()[0].sha256) for build in some]
    by_build = dict(zip(some, zip(packages, digests, strict=True), strict=False))
    names = ["serde", "tokio", "react", "lodash", "openssl", "libc", "zlib", "ws"]
    words = ["nightly", "release", "audit", "hotfix", "main", "github.com", "codeberg", "develop"]
    return {
        "history, first page": ["/builds/"] * count,
        "history, deep page": plain(lambda build, _at: {"below": build.pk}),
        "filters": plain(lambda _build, at: {"verdict": ["failed", "confirmed"][at % 2], "platform": ["snp", "tdx", "az-snp"][at % 3]}),
        "filters, rare together": plain(lambda _build, at: {"verdict": "failed", "platform": "gcp-tdx", "toolchain": "nix"}),
        "dates": plain(lambda build, _at: {"after": build.created_at.date(), "before": "today"}),
        "digest": searches(lambda build: by_build[build][1].hex().upper()),
        "digest, as SRI": searches(lambda build: f"sha256-{base64.b64encode(by_build[build][1]).decode()}"),
        "digest that nothing has": plain(lambda _build, at: {"q": f"{at:064x}"}),
        "file": searches(lambda build: build.artifacts.all()[0].name),
        "commit": searches(lambda build: build.index.git_commit[:8]),
        "repository": searches(lambda build: build.index.repository.url.split("//")[1].removesuffix(".git")),
        "part of a name": searches(lambda build: build.index.repository.url.split("/")[-1][2:7]),
        "dependency": plain(lambda _build, at: {"q": names[at % len(names)]}),
        "dependency in one version": searches(lambda build: f"{by_build[build][0].name}@{by_build[build][0].version}"),
        "dependency, as purl": searches(lambda build: f"pkg:{by_build[build][0].ecosystem}/{by_build[build][0].name}"),
        "text": plain(lambda _build, at: {"q": words[at % len(words)]}),
        "words and filters": plain(lambda _build, at: {"q": f"{words[at % 8]} {names[at % 8]}", "verdict": ["failed", "unpinned"][at % 2]}),
        "exclusion": plain(lambda _build, at: {"q": f"-{names[at % len(names)]}", "verdict": "failed"}),
        "tool version": searches(lambda build: build.index.toolchain_version),
        "measurement": searches(lambda build: build.index.measurement),
        "chip id": searches(lambda build: build.index.chip_id),
        "nonce": searches(lambda build: build.index.nonce),
        "lockfile digest": searches(lambda build: build.index.lockfile_sha256),
        "Merkle root": searches(lambda build: build.index.merkle_root),
        "job id": searches(lambda build: build.job_id),
        "build id": searches(lambda build: build.uid),
        "suggestions": ["/builds/suggest/?" + urlencode({"q": word}) for word in (names[at % len(names)][:3] for at in range(count))],
        "project": [reverse("projects:page", args=[build.project.slug]) for build in some],
        "artifact": [f"/artifacts/sha256/{digest.hex()}" for digest in digests],
        "dependency page": [reverse("dependencies:package", args=[package.ecosystem, package.name]) for package in packages],
    }


def _ingest(count: int) -> dict[str, dict[str, list[float]]]:
    """A build of 300 dependencies, half of them new to the site: the whole judgement with its report, and the index's part of it."""
    from unittest import mock

    from django.contrib.auth.models import User
    from django.utils import timezone

    from kettle_web.verifications import services
    from tests.verifications.bundles import build_make, result_make

    whole, part = [], []
    ada = User.objects.create_user(f"bench-{time.time_ns()}")
    write = services.index_write

    def timed(**kwargs: Any) -> None:
        begun = time.perf_counter()
        write(**kwargs)
        part.append((time.perf_counter() - begun) * 1000)

    with mock.patch.object(services, "index_write", timed):
        for number in range(count + 1):
            nonce = (number + 1).to_bytes(16, "big")
            pairs = [(f"crate-{at}", "1.0.0" if at % 2 else f"1.{number}.{time.time_ns() % 997}") for at in range(300)]
            build = build_make(ada, tarball=result_make(nonce=nonce, dependencies=pairs).tarball, nonce=nonce)
            begun = time.perf_counter()
            services.report_create(build=build, now=timezone.now())
            whole.append((time.perf_counter() - begun) * 1000)
    return {"ingest of 300 dependencies, judging and all": {"all": whole[1:]}, "ingest of 300 dependencies, index": {"all": part[1:]}}


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))
