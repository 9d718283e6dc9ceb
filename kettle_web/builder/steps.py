"""Runs a build's commands inside the walls, under its limits, into its log."""

from collections.abc import Sequence
from pathlib import Path

from kettle_web.builder.errors import BuildFailed, LimitExceeded
from kettle_web.builder.eventlog import EventWriter, event_line
from kettle_web.builder.jobs import Job
from kettle_web.builder.options import Options
from kettle_web.builder.outlet import Outlet
from kettle_web.builder.sandbox.cgroups import Cgroup
from kettle_web.builder.sandbox.process import Bounds, Lines, process_run
from kettle_web.builder.sandbox.walls import Bubblewrap, Room, Walls
from kettle_web.builder.sources import certificate_environment, git_environment

ASKED_BYTES = 1 << 20
"""Of an answer that is read whole (git's words on a commit)."""


class StepRunner:
    """See drivers.base.Steps. One cgroup for all steps of a build."""

    def __init__(self, job: Job, options: Options, events: EventWriter, walls: Walls) -> None:
        self._job, self._options, self._events, self._walls = job, options, events, walls
        limits = options.limits
        self._cgroup = Cgroup(job.id, memory_bytes=limits.memory_bytes, processes=limits.processes)
        self._outlet: Outlet | None = None
        self.project = job.work
        self.scratch = job.work / "scratch"
        self.scratch.mkdir()

    def begin(self, project: Path) -> None:
        """Name the project's folder, once there is one."""
        self.project = project

    def end(self) -> None:
        """End whatever is left of the steps."""
        self._cgroup.end()
        if self._outlet is not None:
            self._outlet.close()
            self._outlet = None

    def say(self, text: str) -> None:
        """See Steps."""
        self._log([text])

    def place(self, room: Room, host: Path) -> str:
        """See Steps."""
        return self._walls.place(room, host)

    def source_hosts(self) -> tuple[str, ...]:
        """See Steps."""
        return self._options.source_hosts

    def network(self) -> dict[str, str]:
        """See Steps."""
        proxy = self._way_out().address
        cargo = {"CARGO_NET_GIT_FETCH_WITH_CLI": "true", "CARGO_HTTP_PROXY": proxy}
        return git_environment(proxy) | certificate_environment() | cargo

    def limit_fetch(self) -> float:
        """See Steps."""
        return self._options.limits.fetch_seconds

    def limit_build(self) -> float:
        """See Steps."""
        return self._options.limits.seconds

    def run(self, room: Room, command: Sequence[str], *, seconds: float, failed: str) -> None:
        """See Steps."""
        status = self._run(room, command, seconds, self._options.limits.log_bytes, self._log)
        if status == 0:
            return
        exceeded = self._cgroup.exceeded()
        if exceeded:
            raise LimitExceeded(f"{failed}: {exceeded}.")
        raise BuildFailed(f"{failed} ({_status_text(status)}). The log says why.")

    def ask(self, room: Room, command: Sequence[str], *, seconds: float) -> tuple[list[str], int]:
        """See Steps."""
        said: list[str] = []
        status = self._run(room, command, seconds, ASKED_BYTES, said.extend)
        return said, status

    def _run(self, room: Room, command: Sequence[str], seconds: float, log_bytes: int, on_lines: Lines) -> int:
        limits = self._options.limits
        bounds = Bounds(
            seconds=seconds,
            log_bytes=log_bytes,
            disk_bytes=limits.disk_bytes,
            disk=(self._job.work,),
            memory_bytes=0 if "memory" in self._cgroup.limits() else limits.memory_bytes,
        )
        environment = self._walls.environment(room)
        if room.network:
            room, command = self._way_out().through(room, command)
        line = self._walls.arguments(room, command)
        status = process_run(line, environment=environment, bounds=bounds, on_lines=on_lines, cgroup=self._cgroup)
        if status and room.network and self._way_out().exceeded():
            raise LimitExceeded(f"It wanted to fetch more than {limits.fetch_bytes} bytes, so it was ended.")
        return status

    def _way_out(self) -> Outlet:
        """Give the way out of steps with network, made when the first one comes."""
        if self._outlet is None:
            walled, limits = isinstance(self._walls, Bubblewrap), self._options.limits
            self._outlet = Outlet(self._job.work, hosts=self._options.source_hosts, max_bytes=limits.fetch_bytes, walled=walled)
        return self._outlet

    def _log(self, lines: list[str]) -> None:
        self._events.write(event_line("build", msg=line) for line in lines)


def _status_text(status: int) -> str:
    return f"ended by signal {-status}" if status < 0 else f"exit status {status}"
