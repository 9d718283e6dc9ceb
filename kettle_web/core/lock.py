"""One server per data folder. Works without Django: the launcher takes the lock before anything else starts."""

import fcntl
import os
from pathlib import Path

from kettle_web.core.errors import FolderInUse


class FolderLock:
    """Holds the folder until it is closed or the process ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def close(self) -> None:
        os.close(self.descriptor)


def folder_lock(folder: Path) -> FolderLock:
    """Take the lock of a data folder. Raises `FolderInUse` naming the process that has it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise FolderInUse(
            f"another server (process {holder or 'unknown'}) runs on the data folder {folder}",
            holder=int(holder) if holder.isdigit() else None,
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return FolderLock(descriptor)
