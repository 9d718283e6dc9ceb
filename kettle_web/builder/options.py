"""What the embedded server is told at its start, and its limits with their reasons."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MIB = 1 << 20
MAX_BODY_BYTES = 512 * MIB
"""A request's body. Base64 makes three bytes of archive four of body."""
MAX_SECONDS = 1800.0
"""Wall clock of the build phase; half an hour builds large Rust projects on two cores."""
FETCH_SECONDS = 600.0
"""Wall clock of fetching a source, and of fetching its dependencies."""
MAX_FETCH_BYTES = 4096 * MIB
"""What one build may bring in over the network: its source with submodules, and its dependencies."""
MAX_DISK_BYTES = 8192 * MIB
"""What a build may write: sources, dependencies and `target/`. Large workspaces take some gigabytes."""
MAX_MEMORY_BYTES = 6144 * MIB
"""Memory of a build, where a cgroup enforces it: linking a large program takes 2 to 4 GiB."""
MAX_PROCESSES = 4096
"""Processes and threads of a build, where a cgroup enforces it. A compiler on a machine of 64 cores takes many hundreds."""
MAX_LOG_BYTES = 256 * MIB
"""Output of one build; more is a runaway, not a log."""
MAX_RESULT_BYTES = 2048 * MIB
"""All artifacts together."""

KEEP_HOURS = 24.0 * 7
"""Of a result after its build's end: a week's work can still be fetched."""
KEEP_BYTES = 20480 * MIB
"""Of all results together; the oldest go first."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one build. Bytes and seconds."""

    seconds: float = MAX_SECONDS
    fetch_seconds: float = FETCH_SECONDS
    fetch_bytes: int = MAX_FETCH_BYTES
    disk_bytes: int = MAX_DISK_BYTES
    memory_bytes: int = MAX_MEMORY_BYTES
    processes: int = MAX_PROCESSES
    log_bytes: int = MAX_LOG_BYTES
    result_bytes: int = MAX_RESULT_BYTES


@dataclass(frozen=True)
class Options:
    """How one server runs."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    single_build: bool = False
    sandbox: bool = True
    attest: str = "simulated"
    """See attesters.attest.WAYS."""
    simulate: str = "snp-v3-milan"
    """See attesters.simulated.FORMS."""
    build_type: str = "current"
    strict_git: bool = False
    concurrency: int = 2
    source_hosts: tuple[str, ...] = ()
    web_hosts: tuple[str, ...] = ()
    max_body_bytes: int = MAX_BODY_BYTES
    keep_hours: float = KEEP_HOURS
    keep_bytes: int = KEEP_BYTES
    die_with_parent: bool = False
    limits: Limits = field(default_factory=Limits)

    def to_json(self) -> dict[str, Any]:
        """Give what the process of one build must know, as JSON values."""
        return asdict(self) | {"data": str(self.data)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Options":
        """Read what `to_json` gave."""
        known = dict(values)
        known["data"] = Path(known["data"])
        known["limits"] = Limits(**known["limits"])
        for name in ("source_hosts", "web_hosts"):
            known[name] = tuple(known[name])
        return cls(**known)
