"""Where fetched collateral is kept: in memory, or in a folder that several processes share.

A cache also makes sure that one thing is fetched once at a time: whoever holds `alone(key)` looks again before it asks.
Nothing is trusted because it lies here: steps judge it as if it had just come.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

MAX_KEPT: Final = 4096
"""In memory; a chip key has some 1,400 bytes."""
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
"""Of one file of the folder; the largest answer that is kept has a megabyte."""


@dataclass(frozen=True)
class Kept:
    data: bytes
    """Empty: it was asked for, and there is none."""
    fetched_at: datetime
    until: datetime | None
    """When to ask again; None: never, it cannot change."""

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


class CollateralCache(Protocol):
    def get(self, key: str) -> Kept | None:
        """What is kept under a key, also when its time is over."""

    def put(self, key: str, kept: Kept) -> None: ...

    def alone(self, key: str) -> AbstractContextManager[None]:
        """Waits until nobody else is inside for the same key."""


class MemoryCache:
    """Of one process; forgets what was used least recently."""

    def __init__(self, size: int = MAX_KEPT) -> None:
        self._size = size
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    def get(self, key: str) -> Kept | None:
        with self._guard:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: str, kept: Kept) -> None:
        with self._guard:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        with self._guard:
            lock, waiting = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = lock, waiting + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, waiting = self._locks[key]
                if waiting == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = lock, waiting - 1


class FolderCache:
    """One file per key, named by the key's SHA-256. A file that cannot be read counts as none; writing is whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Kept | None:
        try:
            with self._path(key).open("rb") as stream:
                found = json.loads(stream.read(MAX_FILE_BYTES))
            if found["key"] != key:
                return None
            until = found["until"]
            fetched_at = datetime.fromisoformat(found["fetched_at"])
            kept = Kept(base64.b64decode(found["data"], validate=True), fetched_at, datetime.fromisoformat(until) if until else None)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return kept if all(moment is None or moment.tzinfo for moment in (kept.fetched_at, kept.until)) else None

    def put(self, key: str, kept: Kept) -> None:
        text = json.dumps({
            "key": key, "fetched_at": kept.fetched_at.isoformat(), "until": kept.until.isoformat() if kept.until else None,
            "data": base64.b64encode(kept.data).decode(),
        })  # fmt: skip
        # A full disk costs the cache, not the answer.
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            try:
                with os.fdopen(descriptor, "w") as stream:
                    stream.write(text)
                Path(name).replace(self._path(key))
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """A lock on one of 64 files, also between processes; it ends with the process that holds it."""
        number = int(hashlib.sha256(key.encode()).hexdigest()[:2], 16) % 64
        with (self._folder / f".lock-{number}").open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
