"""Puts the invented history into the database, a hundred thousand builds at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Max

from kettle_web.builds.models import Build, Project
from kettle_web.builds.projects import project_key
from kettle_web.core.ids import ALPHABET, LENGTH
from kettle_web.history.days import days_count
from kettle_web.history.seed.bulk import indexes_off, rows_write, tokens_value
from kettle_web.history.seed.story import Event, Lock, PackageUse, story
from kettle_web.history.seed.world import World, digest_of, hex_of
from kettle_web.verifications.models import (
    Artifact,
    BuildIndex,
    BuildPackage,
    DayStale,
    Package,
    PackageDigest,
    Repository,
    SearchRow,
)  # fmt: skip
from kettle_web.verifications.search.rows import terms_keep
from kettle_web.verifications.search.tables import tables_prepare
from kettle_web.verifications.search.tokens import Family, Kind, TermKey, address_parts, term_text, token, tool_spellings

AT_ONCE: Final = 100_000
"""Builds whose rows are in memory together."""
CHANGED_DIGEST_EVERY: Final = 500
"""One package in so many has two digests under one version."""
PERSON: Final = "seeded-{:02d}"
HEADLINE: Final = "Seeded: invented by manage.py seed for measurements. Nothing was built, nothing was signed, and nothing was checked."
_BUILD: Final = (
    "id", "uid", "owner", "project", "created_at", "label", "origin", "repo_url", "repo_ref", "resolved_commit", "source_name",
    "source_sha256", "state", "state_since", "finished_at", "fault", "failure_code", "failure_message", "job_id", "provenance_sha256",
    "evidence_sha256", "verdict", "headline", "platform", "log_removed_at", "result_removed_at", "artifacts_removed_at",
    "source_removed_at",
)  # fmt: skip
_INDEX: Final = (
    "build", "repository", "git_commit", "git_tree", "toolchain", "toolchain_version", "lockfile_sha256", "merkle_root", "measurement",
    "chip_id", "nonce", "dependency_count", "started_on", "finished_on", "duration_ms", "artifact_bytes", "is_seeded",
)  # fmt: skip


class Seeder:
    """One run. Everything shared between builds is made once and remembered."""

    def __init__(self, *, builds: int, seed: int, now: datetime, say: Callable[[str], None]) -> None:
        self.builds, self.now, self.say = builds, now, say
        self.world = World(builds=builds, seed=seed)
        self.first_id = (Build.objects.aggregate(last=Max("pk"))["last"] or 0) + 1
        self.owners = [User.objects.get_or_create(username=PERSON.format(number + 1))[0].pk for number in range(12)]
        self.terms: dict[TermKey, int] = {}
        self.repositories, self.projects = self._repositories()
        self.package_ids: dict[PackageUse, int] = {}
        self.digest_ids: dict[int, list[int]] = {}
        self.lock_tokens: dict[int, tuple[int, ...]] = {}
        self.lock_ids: set[int] = set()

    def run(self) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET maintenance_work_mem = '512MB'")
            else:
                cursor.execute("PRAGMA temp_store = FILE")
                cursor.execute("PRAGMA cache_size = -400000")
            cursor.execute("CREATE TEMPORARY TABLE seed_lock (lock_id integer, package_id bigint, digest_id bigint)")
            cursor.execute("CREATE TEMPORARY TABLE seed_use (build_id bigint, lock_id integer)")
        with indexes_off(Build, BuildIndex, Artifact, SearchRow):
            self._builds_write()
        self.say("Builds are stored. Now their packages.")
        with indexes_off(BuildPackage), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO verifications_buildpackage (package_id, build_id, digest_id)"
                " SELECT l.package_id, u.build_id, l.digest_id FROM seed_use u JOIN seed_lock l ON l.lock_id = u.lock_id"
                " ORDER BY l.package_id, u.build_id"
            )
            cursor.execute("DROP TABLE seed_lock")
            cursor.execute("DROP TABLE seed_use")
        self._finish()

    def _finish(self) -> None:
        tables_prepare(connection)
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(
                    "INSERT INTO verifications_search_fts(rowid, tokens) SELECT build_id, tokens FROM verifications_searchrow"
                    " WHERE build_id >= %s ORDER BY build_id",
                    [self.first_id],
                )
            for statement in connection.ops.sequence_reset_sql(_no_style(), [Build, Artifact]):
                cursor.execute(statement)
        self.say("The search index is made. Now the days.")
        first_day = (self.now - timedelta(days=1100)).date()
        DayStale.objects.bulk_create([DayStale(day=first_day + timedelta(days=offset)) for offset in range(1100)], ignore_conflicts=True)
        while days_count(self.now):
            pass
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")

    def _builds_write(self) -> None:
        told = story(self.world, builds=self.builds, now=self.now)
        done = 0
        while events := list(islice(told, AT_ONCE)):
            with transaction.atomic():
                self._shared_write(events)
                rows_write(Build, _BUILD, (self._build_row(event) for event in events))
                rows_write(BuildIndex, _INDEX, (self._index_row(event) for event in events))
                rows_write(Artifact, ("build", "name", "sha256", "size", "is_stored"), self._artifact_rows(events))
                rows_write(SearchRow, ("build", "tokens"), ((self._id(event), tokens_value(self._tokens(event))) for event in events))
                self._uses_write(events)
            done += len(events)
            self.say(f"{done} of {self.builds} builds")

    def _id(self, event: Event) -> int:
        return self.first_id + event.number

    def _repositories(self) -> tuple[dict[str, int], dict[str, int]]:
        urls = [project.url for project in self.world.projects]
        Repository.objects.bulk_create([Repository(url=url) for url in urls], ignore_conflicts=True, batch_size=400)
        Project.objects.bulk_create([Project(key=project_key(url), url=url) for url in urls], ignore_conflicts=True, batch_size=400)
        keys = dict(Project.objects.values_list("key", "pk"))
        return dict(Repository.objects.values_list("url", "pk")), {url: keys[project_key(url)] for url in urls}

    def _shared_write(self, events: list[Event]) -> None:
        """Make the packages, sets of dependencies and terms that these builds are the first to have."""
        locks = {event.lock.number: event.lock for event in events if event.lock and event.lock.number not in self.lock_ids}
        self._packages_write({use for lock in locks.values() for use in lock.packages})
        names = {name for lock in locks.values() for name in self._names(lock)}
        keys = {(Kind.DEPENDENCY.value, term_text(name)) for name in names}
        for event in events:
            keys.update(self._term_keys(event))
        self.terms |= terms_keep(keys - self.terms.keys())
        with connection.cursor() as cursor:
            rows = [(lock.number, pk, digest) for lock in locks.values() for pk, digest in self._lock_rows(lock)]
            cursor.executemany("INSERT INTO seed_lock (lock_id, package_id, digest_id) VALUES (%s, %s, %s)", rows)
        for lock in locks.values():
            tokens = {token(Family.PACKAGE, self.package_ids[use]) for use in lock.packages}
            tokens |= {token(Family.TERM, self.terms[Kind.DEPENDENCY.value, term_text(name)]) for name in self._names(lock)}
            self.lock_tokens[lock.number] = tuple(sorted(tokens))
        self.lock_ids |= locks.keys()

    def _names(self, lock: Lock) -> Iterator[str]:
        return (self.world.names[ecosystem][name] for ecosystem, name, _version in lock.packages)

    def _packages_write(self, uses: Iterable[PackageUse]) -> None:
        missing = sorted(set(uses) - self.package_ids.keys())
        if not missing:
            return
        wanted = {
            (eco, self.world.names[eco][name], self.world.version_text(name, version)): (eco, name, version)
            for eco, name, version in missing
        }
        rows = [Package(ecosystem=eco, name=name, version=version) for eco, name, version in wanted]
        Package.objects.bulk_create(rows, ignore_conflicts=True, batch_size=300)
        found = {}
        for pk, *key in Package.objects.values_list("pk", "ecosystem", "name", "version").iterator():
            if use := wanted.get((key[0], key[1], key[2])):
                found[use] = pk
        self.package_ids |= found
        digests = []
        for use, pk in found.items():
            for turn in range(2 if pk % CHANGED_DIGEST_EVERY == 0 else 1):
                digests.append(PackageDigest(package_id=pk, digest=f"sha256:{hex_of(32, 'package', *use, turn)}"))
        PackageDigest.objects.bulk_create(digests, ignore_conflicts=True, batch_size=400)
        known = set(found.values())
        for pk, package_id in PackageDigest.objects.order_by("pk").values_list("pk", "package_id").iterator():
            if package_id in known:
                self.digest_ids.setdefault(package_id, []).append(pk)

    def _lock_rows(self, lock: Lock) -> Iterator[tuple[int, int]]:
        for use in lock.packages:
            pk = self.package_ids[use]
            digests = self.digest_ids[pk]
            yield pk, digests[lock.number % len(digests)]

    def _uses_write(self, events: list[Event]) -> None:
        with connection.cursor() as cursor:
            rows = [(self._id(event), event.lock.number) for event in events if event.lock]
            cursor.executemany("INSERT INTO seed_use (build_id, lock_id) VALUES (%s, %s)", rows)

    def _term_keys(self, event: Event) -> set[TermKey]:
        """As `verifications.index` gives them for a real build."""
        pairs: list[tuple[Kind, str]] = [
            (Kind.ALL, "all"), (Kind.ORIGIN, event.origin), (Kind.LABEL, event.label), (Kind.STATE, event.state),
            (Kind.VERDICT, event.verdict), (Kind.REF, self._ref(event)),
            *((Kind.ADDRESS, part) for part in address_parts(event.project.url)),
        ]  # fmt: skip
        if event.lock is not None:
            pairs.append((Kind.TOOLCHAIN, event.project.toolchain))
            tool = {"cargo": "rustc", "pnpm": "node", "nix": "nix"}[event.project.toolchain]
            pairs += [(Kind.TOOL, spelling) for spelling in tool_spellings(tool, event.tool_version)]
            pairs += [(Kind.FILE, file.name) for file in event.files]
        if event.machine is not None:
            machine = event.machine
            pairs += [(Kind.PLATFORM, machine.platform), (Kind.MEASUREMENT, machine.measurement), (Kind.CHIP, machine.chip_id)]
            pairs += [(Kind.PCR, value) for value in machine.pcrs]
        return {(kind.value, term_text(text)) for kind, text in pairs if text}

    def _tokens(self, event: Event) -> list[int]:
        tokens = {token(Family.TERM, self.terms[key]) for key in self._term_keys(event)}
        tokens.add(token(Family.OWNER, self.owners[event.owner]))
        tokens.add(token(Family.REPOSITORY, self.repositories[event.project.url]))
        if event.lock is not None:
            tokens.update(self.lock_tokens[event.lock.number])
        return sorted(tokens)

    def _ref(self, event: Event) -> str:
        return event.ref if event.origin == "repository" else ""

    def _build_row(self, event: Event) -> tuple[Any, ...]:
        is_ours, is_upload = event.origin == "repository", event.origin == "upload"
        ended = event.created_at + timedelta(seconds=event.seconds)
        is_failed = event.state == "failed"
        unique = digest_of(self.world.seed, self.first_id, "build", event.number)
        uid = "".join(ALPHABET[byte % 32] for byte in unique[:LENGTH])
        documents = (hex_of(32, unique, "provenance"), hex_of(32, unique, "evidence")) if event.state == "done" else ("", "")
        return (
            self._id(event), uid, self.owners[event.owner], self.projects[event.project.url] if is_ours else None, event.created_at,
            event.label, event.origin, event.project.url if is_ours else "", self._ref(event), event.commit if is_ours else "",
            f"{event.project.url.rsplit('/', 1)[-1]}.zip" if is_upload else "", unique.hex() if is_upload else "",
            event.state, ended, ended, "source" if is_failed else "", "seeded" if is_failed else "", HEADLINE if is_failed else "",
            "" if event.origin == "import" else _uuid(unique), documents[0], documents[1] if event.machine else "",
            event.verdict, HEADLINE if event.state == "done" else "", event.machine.platform if event.machine else "",
            ended, ended, ended, ended,
        )  # fmt: skip

    def _index_row(self, event: Event) -> tuple[Any, ...]:
        lock, machine = event.lock, event.machine
        unique = (self.world.seed, self.first_id, event.number)
        ended = event.created_at + timedelta(seconds=event.seconds) if lock else None
        return (
            self._id(event), self.repositories[event.project.url], event.commit, event.tree, event.project.toolchain if lock else "",
            event.tool_version if lock else "", hex_of(32, "lock", self.world.seed, lock.number) if lock else "",
            hex_of(32, "root", self.world.seed, lock.number, event.commit) if lock else "",
            machine.measurement if machine else "", machine.chip_id if machine else "",
            hex_of(16, "nonce", *unique) if machine else "", len(lock.packages) if lock else 0,
            event.created_at if lock else None, ended, round(event.seconds * 1000) if lock else None,
            sum(file.size for file in event.files) if lock else None, True,
        )  # fmt: skip

    def _artifact_rows(self, events: list[Event]) -> Iterator[tuple[Any, ...]]:
        for event in events:
            for file in event.files:
                yield self._id(event), file.name, file.sha256, file.size, False


def _uuid(unique: bytes) -> str:
    text = unique.hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def _no_style() -> Any:
    from django.core.management.color import no_style

    return no_style()
