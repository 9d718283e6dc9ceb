"""What a reader gives for each entry of an archive."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    FILE = "file"
    FOLDER = "folder"
    LINK = "symbolic link"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, folder or symbolic link, its name already checked."""

    path: str
    """Relative, components parted by `/`, none of them empty, `.` or `..`."""
    kind: Kind
    size: int
    """Unpacked bytes of a file; 0 for folders and links."""
    executable: bool | None = None
    """The owner's execute bit; None where the archive holds no Unix modes (ZIP made on Windows)."""
    target: str = ""
    """Of a link, as written."""


Contents = Iterator[bytes]
"""A file's bytes in pieces, sizes and checksums verified at the end. What is not taken is read and checked all the same."""
