"""The settings that come from the environment, read once, with their defaults.

Every variable is optional: without any, Kettle Web runs on one machine from one data folder. The README's table of settings
lists the same names.
"""

import json
import os
import shlex
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

CHECKOUT = Path(__file__).resolve().parent.parent


class EnvError(ValueError):
    """A variable holds something that cannot be used; the message names it and says what it may hold."""


@dataclass(frozen=True)
class EndpointEnv:
    """One Kettle server from ``KETTLE_ENDPOINTS``."""

    name: str
    url: str
    token: str = ""
    attests: bool = True
    kind: str = "service"
    """``service`` or ``one-shot``."""
    dialect: str = "json"
    """``json`` or ``multipart``."""
    operator: str = ""
    """Who runs it and may read the source, in words."""
    max_running: int | None = None
    """Builds at a time; 0: any number; None: `Env.builds_per_endpoint`."""


@dataclass(frozen=True)
class TimeoutsEnv:
    """After how many seconds this site gives a build up, by phase. 0: never."""

    queue: float = 24 * 3600
    """Since the person's click, while it waits for its turn."""
    submit: float = 3600
    """For bringing the source to the server and hearing its answer."""
    lost: float = 300
    """While it builds: a server that cannot be reached, or ends its stream at once."""
    silence: float = 2 * 3600
    """While it builds: no event, though the connection stands. Linking a large program says nothing for long."""
    build: float = 12 * 3600
    """From the server's answer to the end of the build."""
    fetch: float = 2 * 3600
    """For bringing the result here."""
    verify: float = 3600


@dataclass(frozen=True)
class KeepEnv:
    """How long what belongs to a build is kept after its end, in days, and archives that no build uses, in hours. 0: for ever.

    Provenance, evidence and reports are always kept for ever.
    """

    logs_days: float = 365
    results_days: float = 90
    artifacts_days: float = 0
    sources_days: float = 90
    uploads_hours: float = 24
    refused_uploads_hours: float = 24


@dataclass(frozen=True)
class EmailEnv:
    """The mail server of ``EMAIL_URL``, and what messages name as their sender."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    security: str
    """``none``, ``starttls`` or ``tls``."""
    sender: str
    folder: str = ""
    """Messages become files here instead of being sent; empty: they are sent."""


@dataclass(frozen=True)
class Env:
    """What the environment says."""

    data_dir: Path
    """Folder of everything that is kept: database, files, keys."""
    database_url: str
    """Empty: SQLite in the data folder."""
    redis_url: str
    """Empty: the broker is a folder, live pages poll the database."""
    storage_url: str
    """Empty: files in the data folder. ``s3://bucket/prefix`` otherwise."""
    public_url: str
    """Scheme and host that links and badges use, without a slash at the end."""
    secret_key: str
    """Empty: made at first start and kept in the data folder."""
    field_encryption_keys: tuple[str, ...]
    """Fernet keys, newest first. Empty: made at first start and kept in the data folder."""
    debug: bool
    allowed_hosts: tuple[str, ...]
    builder_url: str
    """Base URL of the embedded Kettle server; empty when none runs beside this site."""
    endpoints: tuple[EndpointEnv, ...] = field(default=())
    """Other Kettle servers."""
    allowed_source_hosts: tuple[str, ...] = ()
    """Hosts whose private or loopback addresses the operator allows as source and endpoint."""
    builds_visible_to: str = "owner"
    """``owner`` (and administrators) or ``everyone`` who is signed in."""
    max_upload_bytes: int = 0
    collateral_from_vendors: bool = False
    """Whether judging may ask AMD and Intel for revocation lists, firmware levels and missing chip keys."""
    amd_kds_url: str = ""
    """A mirror of AMD's key service; empty: AMD's own."""
    intel_pcs_url: str = ""
    """A PCCS; empty: Intel's own service."""
    policy_needs_second_approver: bool = False
    """An entry of the allow-list counts only when another administrator approved it."""
    reverify_every_days: tuple[float, float, float] | None = (1, 7, 30)
    """Days between two judgements of a build that is younger than a month, than a year, and older; None: never by itself."""
    email: EmailEnv | None = None
    """None: nothing is sent by e-mail."""
    builds_per_user: int = 0
    """Of one person at a time; 0: any number. Administrators may set another number on the page of the servers."""
    builds_per_endpoint: int = 0
    """At a time on a server that says nothing else; 0: any number."""
    provisioner: tuple[str, ...] = ()
    """Program and arguments that supply one-shot machines and destroy spent ones; empty: none."""
    provisioner_url: str = ""
    """Webhook that does the same; used where there is no program."""
    provisioner_token: str = ""
    """Bearer token for the webhook; sent to its origin only."""
    provisioner_seconds: float = 300.0
    """Deadline of one call."""
    timeouts: TimeoutsEnv = field(default_factory=lambda: TimeoutsEnv())
    keep: KeepEnv = field(default_factory=lambda: KeepEnv())


def _endpoints(text: str) -> tuple[EndpointEnv, ...]:
    if not text:
        return ()
    try:
        rows = json.loads(text)
        return tuple(
            EndpointEnv(
                name=str(row["name"]),
                url=str(row["url"]).rstrip("/"),
                token=str(row.get("token", "")),
                attests=bool(row.get("attests", True)),
                kind=_one_of(row.get("kind", "service"), "service", "one-shot"),
                dialect=_one_of(row.get("dialect", "json"), "json", "multipart"),
                operator=str(row.get("operator", ""))[:200],
                max_running=None if row.get("max_running") is None else _count(row["max_running"]),
            )
            for row in rows
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EnvError('KETTLE_ENDPOINTS must be a JSON list like [{"name": "…", "url": "https://…", "token": "…"}]') from error


_MAIL_SCHEMES = {"smtp": ("none", 25), "smtp+starttls": ("starttls", 587), "smtps": ("tls", 465)}


def _email(url: str, sender: str, public_host: str) -> EmailEnv | None:
    """Give the mail server of ``smtps://user:password@host:port``, or the folder of ``file:///path``."""
    if not url:
        return None
    wrong = "EMAIL_URL must be like smtps://user:password@host, smtp+starttls://…, smtp://… or file:///folder"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EnvError(wrong) from error
    sender = sender or f"Kettle <kettle@{public_host}>"
    if "\n" in sender or "\r" in sender or "@" not in sender:
        raise EnvError("EMAIL_FROM must be an address like «Kettle <kettle@example.org>»")
    if parts.scheme == "file" and parts.path.startswith("/"):
        return EmailEnv("", 0, "", "", "none", sender, folder=unquote(parts.path))
    if parts.scheme not in _MAIL_SCHEMES or not parts.hostname:
        raise EnvError(wrong)
    security, default_port = _MAIL_SCHEMES[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return EmailEnv(parts.hostname, port or default_port, user, password, security, sender)


def _reverify(text: str) -> tuple[float, float, float] | None:
    """Read ``off``, one number of days for every build, or three: for young, grown and old ones."""
    if text == "off":
        return None
    try:
        days = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise EnvError("REVERIFY_EVERY must be «off», a number of days, or three of them like 1,7,30") from error
    if len(days) not in (1, 3) or not all(0 < part < 3660 for part in days):
        raise EnvError("REVERIFY_EVERY must be «off», a number of days, or three of them like 1,7,30")
    return (days[0], days[0], days[0]) if len(days) == 1 else (days[0], days[1], days[2])


def _one_of(value: object, *known: str) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {known}")
    return str(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000:
        raise ValueError(f"{value!r} is no number of builds")
    return value


def _command(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise EnvError("KETTLE_PROVISIONER must be a program and its arguments, quoted as in a shell") from error


def _limit(env: dict[str, str], name: str) -> int:
    text = env.get(name, "").strip() or "0"
    try:
        return _count(int(text))
    except ValueError as error:
        raise EnvError(f"{name} must be a whole number, 0 or more; 0 means without a limit") from error


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


_Numbers = TypeVar("_Numbers", TimeoutsEnv, KeepEnv)


def _numbers(env: dict[str, str], kind: type[_Numbers], prefix: str) -> _Numbers:
    """Read one variable for each field of `kind`, called as the field with `prefix` before it."""
    values = {}
    for each in fields(kind):
        name = f"{prefix}_{each.name.upper()}"
        text = env.get(name, "").strip()
        if not text:
            continue
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value < 10**9:
            raise EnvError(f"{name} must be a number, 0 or more; 0 means without an end")
        values[each.name] = value
    return kind(**values)


def env_read(environ: dict[str, str] | None = None) -> Env:
    """Give the settings of the environment. Raises `EnvError` naming the variable that cannot be used."""
    env = dict(os.environ) if environ is None else environ
    visible = env.get("BUILDS_VISIBLE_TO", "owner")
    if visible not in ("owner", "everyone"):
        raise EnvError("BUILDS_VISIBLE_TO must be «owner» or «everyone»")
    collateral = env.get("COLLATERAL", "off")
    if collateral not in ("off", "vendors"):
        raise EnvError("COLLATERAL must be «off» or «vendors»")
    port = env.get("PORT", "8000")
    try:
        max_upload = int(env.get("MAX_UPLOAD_BYTES", str(1024**3)))
    except ValueError as error:
        raise EnvError("MAX_UPLOAD_BYTES must be a whole number of bytes") from error
    public_url = (env.get("PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/")
    return Env(
        data_dir=Path(env.get("DATA_DIR") or CHECKOUT / "var").resolve(),
        database_url=env.get("DATABASE_URL", ""),
        redis_url=env.get("REDIS_URL", ""),
        storage_url=env.get("STORAGE_URL", ""),
        public_url=public_url,
        secret_key=env.get("SECRET_KEY", ""),
        field_encryption_keys=_words(env.get("FIELD_ENCRYPTION_KEY", "")),
        debug=env.get("DEBUG", "") == "1",
        allowed_hosts=_words(env.get("ALLOWED_HOSTS", "")),
        builder_url=env.get("BUILDER_URL", "").rstrip("/"),
        endpoints=_endpoints(env.get("KETTLE_ENDPOINTS", "")),
        allowed_source_hosts=_words(env.get("ALLOWED_SOURCE_HOSTS", "")),
        builds_visible_to=visible,
        max_upload_bytes=max_upload,
        collateral_from_vendors=collateral == "vendors",
        amd_kds_url=env.get("AMD_KDS_URL", "").rstrip("/"),
        intel_pcs_url=env.get("INTEL_PCS_URL", "").rstrip("/"),
        policy_needs_second_approver=env.get("POLICY_NEEDS_SECOND_APPROVER", "") == "1",
        reverify_every_days=_reverify(env.get("REVERIFY_EVERY") or "1,7,30"),
        email=_email(env.get("EMAIL_URL", ""), env.get("EMAIL_FROM", ""), urlsplit(public_url).hostname or "localhost"),
        builds_per_user=_limit(env, "BUILDS_PER_USER"),
        builds_per_endpoint=_limit(env, "BUILDS_PER_ENDPOINT"),
        provisioner=_command(env.get("KETTLE_PROVISIONER", "")),
        provisioner_url=env.get("KETTLE_PROVISIONER_URL", "").strip(),
        provisioner_token=env.get("KETTLE_PROVISIONER_TOKEN", "").strip(),
        provisioner_seconds=_limit(env, "KETTLE_PROVISIONER_SECONDS") or 300.0,
        timeouts=_numbers(env, TimeoutsEnv, "TIMEOUT"),
        keep=_numbers(env, KeepEnv, "KEEP"),
    )
