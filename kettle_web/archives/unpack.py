"""Writing an archive's entries into a folder, links last."""

import os
from collections.abc import Callable
from pathlib import Path

from kettle_web.archives.entries import Contents, Entry, Kind
from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.limits import Limits
from kettle_web.archives.reader import Reading, archive_open


def archive_unpack(path: Path, into: Path, limits: Limits, *, vet: Callable[[Entry], None] | None = None) -> Reading:
    """Unpack into the empty folder `into` (made where missing) and give the finished reading.

    Files are 0644 or 0755, folders 0755; owner, times and other bits of the archive are dropped. Symbolic links are made after
    everything else, so nothing is ever written through one. `vet` sees each entry first and may raise. Raises `ArchiveError`; what
    was written by then stays: the caller throws the folder away. Raises `OSError` for a full disk.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise FileExistsError(f"{into} is not empty")
    links: list[Entry] = []
    with archive_open(path, limits) as reading:
        for entry, contents in reading:
            if vet is not None:
                vet(entry)
            place = into / entry.path
            if entry.kind is Kind.LINK:
                links.append(entry)
                continue
            folder = place if entry.kind is Kind.FOLDER else place.parent
            folder.mkdir(parents=True, exist_ok=True)
            if entry.kind is Kind.FILE:
                _write(place, contents, executable=bool(entry.executable))
    for link in links:
        place = into / link.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(link.target)
    return reading


def _write(place: Path, contents: Contents, *, executable: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(place, flags, 0o755 if executable else 0o644)
    except (FileExistsError, IsADirectoryError) as error:
        raise ArchiveError("archive.duplicate-name", "The archive holds a name twice.", "Pack the project again.") from error
    with os.fdopen(descriptor, "wb") as file:
        for part in contents:
            file.write(part)
