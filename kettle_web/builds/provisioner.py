"""Asks the operator's own program or webhook for a fresh machine, or to destroy a spent one. Only the environment names it.

The contract is in deploy/README.md: JSON in, JSON out, the same key again means the same machine. Nothing here touches a row.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import IO, Any, Final
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from kettle_web.core.visible import visible
from kettle_web.env import Env
from kettle_web.outbound.errors import OutboundError
from kettle_web.outbound.limits import TransportLimits
from kettle_web.outbound.transport import vetted_transport

VERSION: Final = 1
ANSWER_BYTES: Final = 64 * 1024
SAID_CHARS: Final = 500
MOST_CHARS: Final = {"url": 500, "token": 4000, "ref": 200}
LOOK_SECONDS: Final = 0.05
WITHHELD: Final = frozenset(
    {"SECRET_KEY", "FIELD_ENCRYPTION_KEY", "DATABASE_URL", "REDIS_URL", "STORAGE_URL", "KETTLE_ENDPOINTS", "EMAIL_URL"}
    | {"KETTLE_PROVISIONER_TOKEN", "AWS_S3_ACCESS_KEY_ID", "AWS_S3_SECRET_ACCESS_KEY"}
)
"""Variables of this site that are no business of the program; what it needs itself (a cloud's credentials) is left to it."""


class ProvisionError(Exception):
    """The program or webhook did not do what it was asked for. `message` is for administrators."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Supplied:
    """A machine that is ready; `url` empty: not yet, ask again with the same key."""

    url: str
    token: str
    ref: str


def provisioner_is_set() -> bool:
    env: Env = settings.ENV
    return bool(env.provisioner or env.provisioner_url)


def machine_create(*, pool: str, key: str) -> Supplied:
    """Ask for the machine with this key. Raises `ProvisionError`."""
    answer = _ask({"version": VERSION, "action": "create", "pool": pool, "key": key})
    texts = {name: answer.get(name) or "" for name in ("url", "token", "ref")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ProvisionError(_("The answer's «url», «token» and «ref» must be texts."))
    for name, text in texts.items():
        # A name that was cut off or cleaned would be another machine's.
        if len(text) > MOST_CHARS[name] or not text.isprintable():
            raise ProvisionError(_("The answer's «%(name)s» is too long, or has characters that cannot be kept.") % {"name": name})
    if not texts["url"] and answer.get("pending") is not True:
        raise ProvisionError(_("The answer has neither «url» nor «pending»."))
    return Supplied(**texts)


def machine_destroy(*, pool: str, key: str, ref: str) -> bool:
    """Ask to destroy the machine; one that is gone already counts as destroyed. False: not yet. Raises `ProvisionError`."""
    return _ask({"version": VERSION, "action": "destroy", "pool": pool, "key": key, "ref": ref}).get("pending") is not True


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    env: Env = settings.ENV
    question = json.dumps(request).encode()
    if env.provisioner:
        raw = _program(env, question)
    elif env.provisioner_url:
        raw = _webhook(env, question)
    else:
        raise ProvisionError(_("Neither KETTLE_PROVISIONER nor KETTLE_PROVISIONER_URL is set."))
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProvisionError(_("The answer is not JSON.")) from error
    if not isinstance(answer, dict):
        raise ProvisionError(_("The answer is not a JSON object."))
    if said := answer.get("error"):
        raise ProvisionError(visible(str(said)[:SAID_CHARS]))
    return answer


def _program(env: Env, question: bytes) -> bytes:
    """Run the program in a process group of its own, so that all of it ends at the deadline; its outputs go to files, capped."""
    environ = {name: value for name, value in os.environ.items() if name not in WITHHELD}
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        asked.write(question)
        asked.seek(0)
        try:
            process = subprocess.Popen(env.provisioner, stdin=asked, stdout=out, stderr=said, env=environ, cwd="/", start_new_session=True)
        except OSError as error:
            raise ProvisionError(_("KETTLE_PROVISIONER cannot be started: %(why)s.") % {"why": error.strerror}) from error
        try:
            _wait(process, out, said, env.provisioner_seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode:
            raise ProvisionError(
                _("KETTLE_PROVISIONER ended with status %(status)s: %(said)s") % {"status": process.returncode, "said": _end_of(said)}
            )
        out.seek(0)
        return out.read(ANSWER_BYTES)


def _wait(process: subprocess.Popen[bytes], out: IO[bytes], said: IO[bytes], seconds: float) -> None:
    end = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > end:
            raise ProvisionError(_("KETTLE_PROVISIONER did not answer within %(seconds)d seconds, and was ended.") % {"seconds": seconds})
        if os.fstat(out.fileno()).st_size > ANSWER_BYTES or os.fstat(said.fileno()).st_size > 16 * ANSWER_BYTES:
            raise ProvisionError(_("KETTLE_PROVISIONER said more than it may, and was ended."))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_SECONDS)


def _end_of(file: IO[bytes]) -> str:
    """The last words on standard error, where the reason is."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - SAID_CHARS))
    return visible(" ".join(file.read(SAID_CHARS).decode("utf-8", "replace").split())) or _("nothing was said")


def _webhook(env: Env, question: bytes) -> bytes:
    parts = urlsplit(env.provisioner_url)
    if env.provisioner_token and parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ProvisionError(_("KETTLE_PROVISIONER_TOKEN is sent over HTTPS only."))
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if env.provisioner_token:
        headers["Authorization"] = f"Bearer {env.provisioner_token}"
    # The operator named the host in the environment: its address may be a private one.
    limits = TransportLimits(max_connections=1, connection_seconds=env.provisioner_seconds)
    transport = vetted_transport(allowed_hosts=(parts.hostname or "",), limits=limits)
    try:
        with (
            httpx.Client(transport=transport, timeout=httpx.Timeout(env.provisioner_seconds, connect=10), trust_env=False) as client,
            client.stream("POST", env.provisioner_url, content=question, headers=headers) as response,
        ):
            body = b""
            for part in response.iter_raw():
                body += part
                if len(body) > ANSWER_BYTES:
                    raise ProvisionError(_("The webhook said more than it may."))
    except OutboundError as error:
        raise ProvisionError(error.message) from error
    except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
        raise ProvisionError(_("The webhook did not answer within %(seconds)d seconds.") % {"seconds": env.provisioner_seconds}) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProvisionError(_("The webhook cannot be reached: %(kind)s.") % {"kind": type(error).__name__}) from error
    if response.status_code != 200:
        said = visible(" ".join(body[:SAID_CHARS].decode("utf-8", "replace").split()))
        raise ProvisionError(_("The webhook answered %(status)s: %(said)s") % {"status": response.status_code, "said": said})
    return body
