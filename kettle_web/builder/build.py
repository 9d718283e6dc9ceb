"""One build from its request to its result, step by step. Runs in a process of its own, as plain blocking code.

1. source       unpack or clone into a fresh folder
2. detect       which toolchain, by the files; outputs that came with the source are removed
3. identity     commit, tree, origin; tools, lockfile, dependencies: all read before project code runs
4. build        the driver's command, inside the walls
5. provenance   artifacts are digested as they are copied out, the document is written
6. attest       evidence over its digest and the nonce
7. result       packed, and in its place before the last event says so
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from kettle_web.archives.gittree import tree_of_folder
from kettle_web.builder.attesters.attest import evidence_make
from kettle_web.builder.attesters.kernel import KernelAttestationError
from kettle_web.builder.clone import Cloner
from kettle_web.builder.detect import driver_for
from kettle_web.builder.document import Artifact, Made, build_type, provenance_make, report_data
from kettle_web.builder.drivers.base import Driver
from kettle_web.builder.errors import BuildFailed, LimitExceeded, SandboxError, SourceError
from kettle_web.builder.eventlog import EventWriter
from kettle_web.builder.jobs import Job
from kettle_web.builder.options import Options
from kettle_web.builder.pack import ResultWriter
from kettle_web.builder.sample import sample_of_tree, sample_write
from kettle_web.builder.sandbox.walls import Bubblewrap, Mount, NoWalls, Room, Walls, sandbox_problem
from kettle_web.builder.sources import (
    Identity,
    archive_project,
    git_environment,
    history_make,
    identity_read,
    project_name,
    ref_allowed,
    url_allowed,
)
from kettle_web.builder.steps import StepRunner

COPY_BYTES = 1 << 20
GIT_SECONDS = 60.0


class Build:
    """The state of one build between its steps."""

    def __init__(self, job: Job, options: Options, events: EventWriter) -> None:
        self._job, self._options, self._events = job, options, events
        self._request = job.request()
        self._started_on = datetime.now(UTC)
        job.work.mkdir(mode=0o700)
        self._walls = self._walls_choose()
        self._steps = StepRunner(job, options, events, self._walls)

    def _walls_choose(self) -> Walls:
        if not self._options.sandbox:
            self._events.say("init", "Warning: this server was started with --no-sandbox. The build's code is not walled in.")
            return NoWalls()
        problem = sandbox_problem()
        if not problem:
            return Bubblewrap()
        if self._request.repo_url:
            self._address()
            raise SandboxError(_refusal(problem))
        return NoWalls()

    def _address(self) -> tuple[str, str]:
        """Give the repository's address and ref, checked."""
        return url_allowed(self._request.repo_url, self._options.source_hosts), ref_allowed(self._request.repo_ref)

    def run(self) -> None:
        """Do all of it. Raises BuildError."""
        try:
            project = self._source()
            name = project_name(
                repo_url=self._request.repo_url,
                folder=project.name if project.parent != self._job.work else "",
                source_name=self._request.source_name,
            )
            driver = driver_for(project)
            if isinstance(self._walls, NoWalls) and self._options.sandbox:
                self._sample_only(project)
            self._clear(project, driver)
            identity = self._identity(project)
            self._steps.begin(project)
            inputs = driver.inputs(self._steps)
            said = ", ".join(tool.version for tool in inputs.tools.values())
            self._events.say("detect", f"{driver.name} project ({driver.lockfile}): {said}; {len(inputs.dependencies)} dependencies.")
            driver.build(self._steps)
            artifacts = self._copy(project, driver)
        finally:
            self._steps.end()
        made = Made(
            command=driver.command,
            identity=identity,
            inputs=inputs,
            artifacts=artifacts,
            started_on=self._started_on,
            finished_on=datetime.now(UTC),
            random_hex=secrets.token_hex(4),
            build_type=build_type(self._options.build_type, driver.name),
        )
        self._finish(name, provenance_make(made), artifacts)

    def _source(self) -> Path:
        folder = self._job.work / "source"
        folder.mkdir()
        if self._request.repo_url:
            return self._clone(folder)
        self._events.say("init", f"Unpacking the archive ({self._job.source.stat().st_size} bytes).")
        project = archive_project(self._job.source, folder)
        self._job.source.unlink()
        return project

    def _sample_only(self, project: Path) -> None:
        """Without walls: build the bundled sample and nothing else, and that from our own copy, not from what was sent."""
        sample = sample_of_tree(tree_of_folder(project))
        if sample is None:
            raise SandboxError(_refusal(sandbox_problem()))
        shutil.rmtree(project)
        project.mkdir(parents=True)
        sample_write(project, sample)
        self._events.say("init", "There is no sandbox on this machine; this is the bundled sample, so it is built all the same.")

    def _clone(self, folder: Path) -> Path:
        Cloner(folder, self._steps, self._options, self._events).clone(*self._address())
        if all(path.name == ".git" for path in folder.iterdir()):
            raise SourceError("The repository is empty at this commit.")
        return folder

    def _clear(self, project: Path, driver: Driver) -> None:
        """Remove outputs that came with the source: they would otherwise be attested as built here."""
        for name in driver.outputs:
            path = project / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.is_symlink() or path.exists():
                path.unlink()
            else:
                continue
            self._events.say("init", f"Removed {name}, which came with the source: only what is built here counts.")

    def _identity(self, project: Path) -> Identity:
        git = project / ".git"
        if git.is_symlink() or (git.exists() and not git.is_dir()):
            raise SourceError(".git is not a folder: submit a whole clone, not a worktree.")
        if not git.exists():
            if self._options.strict_git:
                raise SourceError("The archive has no .git, and this server was started with --strict-git: pack the clone with it.")
            made = history_make(project)
            self._events.say("init", f"The archive has no .git: commit {made} was made of its files; no origin is known.")
        environment = git_environment() | {"GIT_DIR": ".git", "GIT_WORK_TREE": "."}
        room = Room((Mount(project, "/build/project"),), folder=project, environment=environment)
        said, status = self._steps.ask(room, ["git", "rev-parse", "--verify", "HEAD^{commit}"], seconds=GIT_SECONDS)
        tree, _ = self._steps.ask(room, ["git", "rev-parse", "--verify", "HEAD^{tree}"], seconds=GIT_SECONDS)
        origin, none = self._steps.ask(room, ["git", "remote", "get-url", "origin"], seconds=GIT_SECONDS)
        identity = identity_read([] if status else [*said, *tree], "" if none else "".join(origin))
        self._events.say("init", f"Commit {identity.commit}, tree {identity.tree}, origin {identity.uri or 'not known'}.")
        return identity

    def _copy(self, project: Path, driver: Driver) -> list[Artifact]:
        """Copy the artifacts out of the build's reach, digesting the very bytes that will be packed."""
        kept = self._job.work / "artifacts"
        kept.mkdir()
        found: list[Artifact] = []
        left = self._options.limits.result_bytes

        def take(name: str, descriptor: int) -> None:
            nonlocal left
            digest = hashlib.sha256()
            with os.fdopen(descriptor, "rb") as source, (kept / name).open("wb") as copy:
                while piece := source.read(COPY_BYTES):
                    left -= len(piece)
                    if left < 0:
                        raise LimitExceeded(f"The artifacts are larger than {self._options.limits.result_bytes} bytes.")
                    digest.update(piece)
                    copy.write(piece)
                found.append(Artifact(name, digest.hexdigest(), copy.tell()))

        driver.artifacts(project, take)
        return found

    def _finish(self, name: str, provenance: bytes, artifacts: Sequence[Artifact]) -> None:
        for one in artifacts:
            self._events.say("provenance", f"{one.name}: {one.size} bytes, SHA-256 {one.sha256}")
        self._events.say("provenance", f"provenance.json: SHA-256 {hashlib.sha256(provenance).hexdigest()}")
        evidence, said = self._attest(provenance)
        result = ResultWriter(self._job.result, name)
        for one in artifacts:
            result.add_artifact(one.name, self._job.work / "artifacts" / one.name)
        result.add_bytes("provenance.json", provenance)
        if evidence is not None:
            result.add_bytes("evidence.json", evidence)
        self._events.say("attest", said)
        result.finish()

    def _attest(self, provenance: bytes) -> tuple[bytes | None, str]:
        signed = report_data(provenance, bytes.fromhex(self._request.nonce_hex))
        try:
            return evidence_make(signed, way=self._options.attest, form=self._options.simulate)
        except KernelAttestationError as error:
            raise BuildFailed(f"The build was made, but not attested: {error}") from error


def _refusal(problem: str) -> str:
    return f"Only the bundled sample is built without a sandbox: {problem} The operator can also start the server with --no-sandbox."
