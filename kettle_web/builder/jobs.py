"""The jobs of a server as folders: what was asked, the events, the result. The folders are the only memory.

jobs/<id>/request.json     nonce, where the source comes from, when
jobs/<id>/source           the uploaded archive, until the build ends
jobs/<id>/events.ndjson    see eventlog
jobs/<id>/started          there once the build has left the queue
jobs/<id>/result.tar.gz    there once the build has succeeded
jobs/<id>/removed          there once all but this and request.json is gone (see retention): the reason, one sentence
jobs/<id>/work/            the build's own files, until it ends
"""

import contextlib
import json
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kettle_web.builder.eventlog import EventWriter, log_repair
from kettle_web.builder.sandbox.cgroups import cgroup_end
from kettle_web.builder.trees import tree_remove

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
STOPPED = "The server stopped while this build was running, so it was not finished. Submit it again."


@dataclass(frozen=True)
class Request:
    """What one accepted POST /build asks for. Either `repo_url` or an archive; `source_name` only names the latter."""

    nonce_hex: str
    repo_url: str = ""
    repo_ref: str = ""
    source_name: str = ""
    received_at: str = ""


@dataclass(frozen=True)
class Job:
    """One job's folder."""

    id: str
    folder: Path

    @property
    def events(self) -> Path:
        """The file of its events."""
        return self.folder / "events.ndjson"

    @property
    def source(self) -> Path:
        """The uploaded archive; absent for a repository."""
        return self.folder / "source"

    @property
    def result(self) -> Path:
        """The tarball that the build gave."""
        return self.folder / "result.tar.gz"

    @property
    def work(self) -> Path:
        """Where the build's process works; gone after the end."""
        return self.folder / "work"

    @property
    def started(self) -> bool:
        """Whether the build has left the queue."""
        return (self.folder / "started").exists()

    @property
    def removed(self) -> str:
        """Why the build's events and result are gone; "" while they are here."""
        mark = self.folder / "removed"
        return mark.read_text() if mark.exists() else ""

    def remove(self, reason: str) -> None:
        """Remove what the build gave. The mark comes first, so that a half removed build is a removed one."""
        part = self.folder / "removed.part"
        part.write_text(reason)
        part.rename(self.folder / "removed")
        self.clean()
        for path in self.folder.iterdir():
            if path.name not in ("removed", "request.json"):
                path.unlink(missing_ok=True)

    def request(self) -> Request:
        """Read what was asked."""
        return Request(**json.loads((self.folder / "request.json").read_bytes()))

    def start(self) -> None:
        """Mark that it has left the queue."""
        (self.folder / "started").touch()

    def clean(self) -> None:
        """Remove what only the build itself needed. A build may have left folders that nobody may enter."""
        self.source.unlink(missing_ok=True)
        tree_remove(self.work)


class JobStore:
    """All jobs of one data folder."""

    def __init__(self, data: Path) -> None:
        self._jobs = data / "jobs"
        self._jobs.mkdir(parents=True, exist_ok=True)
        self.incoming = data / "incoming"
        """Where bodies are spooled while they come; emptied at the start."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir(mode=0o700)

    def create(self, request: Request, archive: Path | None) -> Job:
        """Make a job; `archive` is moved into it. Its folder appears under its name only when it is whole."""
        job_id = str(uuid.uuid4())
        new = self.incoming / job_id
        new.mkdir(mode=0o700)
        (new / "request.json").write_text(json.dumps(asdict(request)))
        (new / "events.ndjson").touch()
        if archive is not None:
            archive.rename(new / "source")
        new.rename(self._jobs / job_id)
        return Job(job_id, self._jobs / job_id)

    def find(self, job_id: str) -> Job | None:
        """Give the job of that id, or None."""
        folder = self._jobs / job_id
        return Job(job_id, folder) if ID.match(job_id) and folder.is_dir() else None

    def all(self) -> Iterator[Job]:
        """Give every job, oldest first."""
        asked = {folder: folder / "request.json" for folder in self._jobs.iterdir() if ID.match(folder.name)}
        whole = {folder: request.stat().st_mtime_ns for folder, request in asked.items() if request.exists()}
        for folder in sorted(whole, key=whole.__getitem__):
            yield Job(folder.name, folder)

    def empty(self) -> bool:
        """Whether no job was ever accepted here."""
        return not any(ID.match(folder.name) for folder in self._jobs.iterdir())

    def recover(self) -> list[Job]:
        """After a start: end the jobs that were running when the last server stopped; give those that still wait."""
        waiting = []
        for job in self.all():
            if job.removed or log_repair(job.events):
                continue
            if job.started:
                job_fail(job, STOPPED, "Interrupted")
            else:
                waiting.append(job)
        return waiting


def job_fail(job: Job, error: str, error_type: str) -> None:
    """Write the last event of a job whose own process cannot do it any more, and tidy up."""
    cgroup_end(job.id)
    log_repair(job.events)
    job.result.unlink(missing_ok=True)
    writer = EventWriter(job.events)
    writer.complete(error=error, error_type=error_type)
    writer.close()
    with contextlib.suppress(OSError):  # The build has ended, whatever is left of it; the keeper tries again.
        job.clean()
