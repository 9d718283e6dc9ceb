"""What happened: one build after the other, oldest first. No database."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kettle_web.history.seed.world import DAYS, ECOSYSTEMS, VERDICTS, Machine, Project, World, digest_of, hex_of

FAILED_SHARE: Final = 0.04
ABANDONED_SHARE: Final = 0.01
PackageUse = tuple[str, int, int]
"""Ecosystem, number of the name, number of the version."""


@dataclass(frozen=True)
class File:
    name: str
    sha256: bytes
    size: int


@dataclass(frozen=True)
class Lock:
    """A set of dependencies as a lockfile pins them."""

    number: int
    packages: tuple[PackageUse, ...]


@dataclass(frozen=True)
class Event:
    """One build."""

    number: int
    """From 0."""
    project: Project
    owner: int
    created_at: datetime
    seconds: float
    state: str
    verdict: str
    origin: str
    label: str
    ref: str
    commit: str
    tree: str
    lock: Lock | None
    """None: it ended without a result."""
    files: tuple[File, ...]
    machine: Machine | None
    tool_version: str


def story(world: World, *, builds: int, now: datetime) -> Iterator[Event]:
    """Tell the builds in the order in which they were submitted."""
    draw = world.random
    begin = now - timedelta(days=DAYS)
    locks = 0
    used: dict[int, Lock] = {}
    for number in range(builds):
        # The density of builds grows evenly, so the share of them before a day grows with its square.
        share = math.sqrt((number + 0.5) / builds)
        created_at = begin + (now - begin) * share
        day = int(share * DAYS)
        project = world.projects[draw.choices(range(len(world.projects)), cum_weights=world.popularity)[0]]
        is_repeated = bool(project.commit) and draw.random() < 0.1
        if not is_repeated:
            project.commit = number + 1
        if not project.packages or (not is_repeated and draw.random() < 0.125):
            _lock_move(world, project, day)
            locks += 1
            project.lock = locks
            ecosystem = ECOSYSTEMS[project.toolchain]
            uses = tuple(sorted((ecosystem, name, version) for name, version in project.packages.items()))
            used[project.number] = Lock(locks, uses)
        yield _event(world, project, number, created_at, day, used[project.number])


def _lock_move(world: World, project: Project, day: int) -> None:
    """A new lockfile: all of it the first time, later some of it."""
    draw = world.random
    if not project.packages:
        wanted = min(100, max(20, round(draw.gauss(60, 15))))
        while len(project.packages) < wanted:
            name = draw.choices(range(len(world.use)), cum_weights=world.use)[0]
            project.packages[name] = world.version(name, day)
        return
    for name in draw.sample(sorted(project.packages), k=draw.randint(1, 5)):
        project.packages[name] = world.version(name, day)


def _event(world: World, project: Project, number: int, created_at: datetime, day: int, lock: Lock) -> Event:
    draw = world.random
    fate = draw.random()
    state = "failed" if fate < FAILED_SHARE else "abandoned" if fate < FAILED_SHARE + ABANDONED_SHARE else "done"
    verdict = draw.choices(list(VERDICTS), list(VERDICTS.values()))[0] if state == "done" else ""
    origin = draw.choices(("repository", "upload", "import"), (80, 12, 8))[0] if state == "done" else "repository"
    label = ""
    if draw.random() < 0.1:
        label = draw.choice((f"release 1.{day // 30}.{number % 9}", "nightly", f"hotfix {number % 50}", "before the audit"))
    return Event(
        number=number,
        project=project,
        owner=project.owner,
        created_at=created_at,
        seconds=draw.lognormvariate(math.log(180), 0.9),
        state=state,
        verdict=verdict,
        origin=origin,
        label=label,
        ref=draw.choices(("main", "", f"v1.{day // 30}.0", "develop"), (60, 20, 12, 8))[0],
        commit=hex_of(20, world.seed, "commit", project.number, project.commit),
        tree=hex_of(20, world.seed, "tree", project.number, project.commit),
        lock=lock if state == "done" else None,
        files=_files(world, project, number, lock) if state == "done" else (),
        machine=world.machine(day) if verdict not in ("", "unattested") else None,
        tool_version={"cargo": f"1.{70 + day // 45}.0", "pnpm": f"{18 + day // 365 * 2}.{day % 12}.0", "nix": "2.18.1"}[project.toolchain],
    )


def _files(world: World, project: Project, number: int, lock: Lock) -> tuple[File, ...]:
    """The same commit and lockfile give the same bytes, but for two builds in ten."""
    draw = world.random
    salt = number if draw.random() < 0.2 else 0
    if not project.files:
        base = project.url.rsplit("/", 1)[-1].removesuffix(".git")
        project.files = (base, f"{base}-cli", f"lib{base}.so")[: draw.choices((1, 2, 3), (70, 20, 10))[0]]
    return tuple(
        File(
            name,
            digest_of(world.seed, "file", project.number, project.commit, lock.number, salt, name),
            200_000 + (number * 7919) % 40_000_000,
        )
        for name in project.files
    )
