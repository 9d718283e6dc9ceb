"""One question to a vendor's service by HTTP: deadline, byte cap, one at a time per thing, and patience where the service asks for it.

AMD's service gives about one key per ten seconds and address and answers 429 beyond that: after a 429 the host is left alone for as long
as it says, or for a time that doubles, and questions meanwhile fail at once with `retry=True`. The wire is vetted by `outbound`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from kettle_web.outbound.errors import OutboundError
from kettle_web.outbound.limits import TransportLimits
from kettle_web.outbound.transport import vetted_transport

from .cache import CollateralCache, Kept
from .errors import CollateralMissing

DEADLINE_SECONDS: Final = 10.0
"""For one whole question."""
FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=10)
ABSENT_FOR: Final = timedelta(hours=1)
"""How long a 404 is believed: a new chip's key appears late, and hostile evidence may name any chip."""


@dataclass(frozen=True)
class Answer:
    body: bytes
    headers: httpx.Headers


def transport_make(*, allowed_hosts: tuple[str, ...] = ()) -> httpx.BaseTransport:
    """A vetted way out for short questions. `allowed_hosts`: `host:port` of one's own mirror on a private address."""
    return vetted_transport(allowed_hosts=allowed_hosts, limits=TransportLimits(connect_seconds=5.0, connection_seconds=DEADLINE_SECONDS))


class Fetcher:
    """Asks; shared by the threads of a process. `clock` gives the time with its zone."""

    def __init__(
        self,
        cache: CollateralCache,
        *,
        clock: Callable[[], datetime],
        transport: httpx.BaseTransport | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._cache = cache
        self._clock = clock
        self._deadline = deadline_seconds
        self._client = httpx.Client(
            transport=transport or transport_make(), trust_env=False, follow_redirects=False, timeout=httpx.Timeout(deadline_seconds)
        )
        self._guard = threading.Lock()
        self._paused: dict[str, tuple[datetime, timedelta]] = {}

    def now(self) -> datetime:
        return self._clock()

    def close(self) -> None:
        self._client.close()

    def get(
        self,
        key: str,
        url: str,
        *,
        max_bytes: int,
        until: Callable[[Answer], datetime | None],
        pack: Callable[[Answer], bytes] | None = None,
    ) -> Kept:
        """What is kept under `key`, else the answer to a GET of `url`. Raises `CollateralMissing`.

        `until`: until when an answer holds (None: for ever); what it raises (`Malformed`) means that the answer is not what was asked
        for, and nothing is kept. `pack`: the bytes to keep of an answer, its body unless given.
        """
        with self._cache.alone(key):
            kept = self._cache.get(key)
            if kept is None or not kept.holds(self._clock()):
                kept = self._ask(key, url, max_bytes, until, pack)
        if not kept.data:
            raise CollateralMissing("collateral.absent", f"{urlsplit(url).hostname} has none.")
        return kept

    def _ask(
        self, key: str, url: str, max_bytes: int, until: Callable[[Answer], datetime | None], pack: Callable[[Answer], bytes] | None
    ) -> Kept:
        host, now = urlsplit(url).netloc, self._clock()
        with self._guard:
            paused_until, _ = self._paused.get(host, (now, FIRST_PAUSE))
        if now < paused_until:
            raise CollateralMissing("collateral.throttled", f"{host} asked to wait until {paused_until:%H:%M:%S} UTC.", retry=True)
        try:
            status, answer = self._get(url, max_bytes)
        except (httpx.HTTPError, OutboundError) as error:
            raise CollateralMissing("collateral.unreachable", f"{host} could not be asked ({type(error).__name__}).", retry=True) from error
        now = self._clock()
        if status == 429:
            raise self._pause(host, now, answer.headers.get("retry-after", ""))
        with self._guard:
            self._paused.pop(host, None)
        if status in (404, 410):
            kept = Kept(b"", now, now + ABSENT_FOR)
        elif status != 200:
            raise CollateralMissing("collateral.refused", f"{host} answered with status {status}.", retry=status >= 500)
        else:
            holds_until = until(answer)
            body = pack(answer) if pack else answer.body
            if not body:
                raise CollateralMissing("collateral.empty", f"{host} gave an empty answer.", retry=True)
            kept = Kept(body, now, holds_until)
        self._cache.put(key, kept)
        return kept

    def _get(self, url: str, max_bytes: int) -> tuple[int, Answer]:
        end = time.monotonic() + self._deadline
        with self._client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            body = bytearray()
            if response.status_code == 200:
                for part in response.iter_raw():
                    body += part
                    if len(body) > max_bytes:
                        raise httpx.DecodingError("the answer is too large")
                    if time.monotonic() > end:
                        raise httpx.ReadTimeout("the time is over")
            return response.status_code, Answer(bytes(body), response.headers)

    def _pause(self, host: str, now: datetime, wish: str) -> CollateralMissing:
        with self._guard:
            _, last = self._paused.get(host, (now, FIRST_PAUSE / 2))
            pause = min(max(_wished(wish, now) or last * 2, FIRST_PAUSE), LONGEST_PAUSE)
            self._paused[host] = now + pause, pause
        return CollateralMissing("collateral.throttled", f"{host} asked to wait for {pause.total_seconds():.0f} seconds.", retry=True)


def _wished(text: str, now: datetime) -> timedelta | None:
    """What Retry-After says: seconds, or a date."""
    if text.isascii() and text.isdigit() and len(text) < 9:
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(), (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now)
