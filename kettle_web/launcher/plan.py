"""What a start was asked for, and the commands and variables that follow from it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kettle_web.env import EnvError, env_read
from kettle_web.launcher.children import Child
from kettle_web.launcher.errors import LaunchError

TASK_THREADS: Final = 4
"""Tasks wait for networks and disks; the follower and the sweeper have threads of their own beside these."""


@dataclass(frozen=True)
class Wish:
    """The arguments of a start."""

    checkout: Path
    data: Path
    host: str
    port: int
    web_processes: int = 1
    with_builder: bool = True
    sandbox: bool = True
    make_admin: bool = True


def environ_make(wish: Wish, *, port: int, builder_port: int, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of every child. What the operator has set stands; the launcher fills in what it alone knows.

    Raises `LaunchError` for a variable that cannot be used.
    """
    made = dict(os.environ if environ is None else environ)
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        made.pop(name, None)
    made["PYTHONUNBUFFERED"] = "1"
    made["DATA_DIR"] = str(wish.data)
    made["PORT"] = str(port)
    if wish.with_builder:
        made["BUILDER_URL"] = f"http://127.0.0.1:{builder_port}"
    try:
        env_read(made)
    except EnvError as error:
        raise LaunchError(f"{error}.") from error
    return made


def address_of(environ: Mapping[str, str]) -> str:
    """Where a person finds the site."""
    return env_read(dict(environ)).public_url


def web_child(environ: Mapping[str, str], *, listener: int, lock: int, number: int = 1) -> Child:
    command = [sys.executable, "-m", "kettle_web.launcher.web", "--fd", str(listener)]
    # WhiteNoise hands style sheets and scripts, a few kilobytes each, over in one piece; what is large streams asynchronously.
    more = {"PYTHONWARNINGS": "ignore:StreamingHttpResponse must consume synchronous iterators"}
    return Child("web server" if number == 1 else f"web server {number}", command, {**environ, **more}, pass_fds=(listener, lock))


def worker_child(environ: Mapping[str, str], *, lock: int) -> Child:
    command = [
        *(sys.executable, "-m", "celery", "--quiet", "-A", "kettle_web.celery", "worker"),
        *("--pool", "threads", "--concurrency", str(TASK_THREADS), "--loglevel", "WARNING"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    more = {
        # A stop does not wait for tasks: each can run twice and picks up from what is stored.
        "REMAP_SIGTERM": "SIGQUIT",
        # Tasks are JSON, never pickles, so root is no worse for the worker than for the rest of the site.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    return Child("worker", command, {**environ, **more}, pass_fds=(lock,))


def builder_child(environ: Mapping[str, str], wish: Wish, *, port: int, lock: int) -> Child:
    command = [sys.executable, "-m", "kettle_web.builder", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--data", str(wish.data / "builder")]
    if not wish.sandbox:
        command.append("--no-sandbox")
    for host in env_read(dict(environ)).allowed_source_hosts:
        command += ["--allow-source-host", host]
    # Submitted source is hostile code; what the site's own variables hold is none of its business.
    kept = {name: value for name, value in environ.items() if name not in _SECRETS}
    return Child("builder", command, kept, pass_fds=(lock,))


_SECRETS: Final = frozenset(
    {"SECRET_KEY", "FIELD_ENCRYPTION_KEY", "DATABASE_URL", "REDIS_URL", "STORAGE_URL", "KETTLE_ENDPOINTS", "EMAIL_URL"}
    | {"KETTLE_PROVISIONER", "KETTLE_PROVISIONER_URL", "KETTLE_PROVISIONER_TOKEN"}
    | {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_S3_ACCESS_KEY_ID", "AWS_S3_SECRET_ACCESS_KEY"}
)
