"""What a site holds while it runs: its data folder and its address. Each is taken once, or the start fails with one line."""

import errno
import os
import socket
import time
from pathlib import Path
from typing import Final

from kettle_web.core.errors import FolderInUse
from kettle_web.core.lock import FolderLock, folder_lock
from kettle_web.launcher.environment import room_check
from kettle_web.launcher.errors import LaunchError

ROOM_BYTES: Final = 64 * 1024**2
"""A database, keys and one build; a site that cannot write these had better say so at once."""
REMNANT_SECONDS: Final = 12.0
"""How long the processes of a killed launcher may take to end: the guard's grace, twice."""
BACKLOG: Final = 2048
"""Connections that wait while a web process starts or is started again."""


def data_folder_hold(folder: Path) -> FolderLock:
    """Make the folder and lock it.

    Children inherit the lock's descriptor, so the folder stays held until the last of them is gone, whatever ended the
    launcher. Raises `LaunchError` when another site has it, it cannot be written, or there is no room.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _lock(folder)
    except OSError as error:
        raise LaunchError(f"The data folder {folder} cannot be used: {error.strerror}.") from error
    try:
        room_check(folder, ROOM_BYTES, "the data folder")
    except LaunchError:
        lock.close()
        raise
    return lock


def _lock(folder: Path) -> FolderLock:
    deadline = time.monotonic() + REMNANT_SECONDS
    while True:
        try:
            return folder_lock(folder)
        except FolderInUse as error:
            # A dead launcher's children are on their way out; a live one means to stay.
            if error.holder is None or process_lives(error.holder) or time.monotonic() > deadline:
                raise LaunchError(f"{str(error)[0].upper()}{str(error)[1:]}: end that one, or name another folder with --data.") from None
        time.sleep(0.1)


def process_lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{process_id}/stat").read_text("utf-8", "replace")
    except OSError:
        return True
    # A zombie is dead, only nobody has asked for its exit status yet. Source: proc(5), the state after the name in brackets.
    return status.rpartition(")")[2].split()[0] != "Z"


def address_hold(host: str, port: int) -> socket.socket:
    """Give a listening socket; port 0 takes any free one.

    The launcher keeps it open, so a connection made while the web server is being started again waits instead of failing.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(f"Port {port} is taken on {host}: name another one with --port (0 takes any free one).") from error
        raise LaunchError(f"Cannot listen on {host}, port {port}: {error.strerror or error}.") from error
    return listener


def port_free(preferred: int = 0) -> int:
    """A free port on the loopback address: the preferred one where it is."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise LaunchError("No free port on the loopback address.")
