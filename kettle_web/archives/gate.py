"""The common gate: what every entry of every archive passes, whatever its format."""

from kettle_web.archives.entries import Entry, Kind
from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.limits import MIB, RATIO_FLOOR_BYTES, Limits
from kettle_web.archives.names import REPACK, link_climb, name_check, name_key, name_shown


class Gate:
    """Admits entries one by one and keeps the counts. Holds one small record per name, never content."""

    def __init__(self, limits: Limits, packed_bytes: int) -> None:
        self._limits = limits
        self._packed_bytes = packed_bytes
        self._kinds: dict[str, Kind] = {}
        self._climbs: list[tuple[str, int]] = []
        self._tops: dict[str, Kind] = {}
        self._total = 0
        self.count = 0

    def admit(self, raw_name: bytes, kind: Kind, size: int, executable: bool | None, raw_target: bytes = b"") -> Entry | None:
        """Give the entry, or None for the archive's own root. Raises `ArchiveError`."""
        self.count += 1
        if self.count > self._limits.max_files:
            raise ArchiveError(
                "archive.too-many-files",
                f"The archive holds more than {self._limits.max_files} files.",
                "Leave build outputs and dependency folders out.",
            )
        path = name_check(raw_name, max_depth=self._limits.max_depth)
        if not path:
            if kind is not Kind.FOLDER:
                raise ArchiveError("archive.name-empty", "The archive holds an entry without a name.", REPACK)
            return None
        self._place(path, kind)
        target = ""
        if kind is Kind.LINK:
            target, climb = link_climb(path, raw_target)
            self._climbs.append((path, climb))
        elif kind is Kind.FILE and size > self._limits.max_file_bytes:
            raise ArchiveError(
                "archive.file-too-large",
                f"«{name_shown(path)}» is larger than {self._limits.max_file_bytes // MIB} MiB.",
                "Leave it out.",
                paths=(name_shown(path),),
            )
        return Entry(path, kind, size if kind is Kind.FILE else 0, executable, target)

    def _place(self, path: str, kind: Kind) -> None:
        """Enter the name and its parents. A name is free once; a parent is a folder, never a file or a link."""
        parts = path.split("/")
        self._tops.setdefault(parts[0], Kind.FOLDER if len(parts) > 1 else kind)
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            held = self._kinds.setdefault(name_key(parent, fold_case=self._limits.fold_case), Kind.FOLDER)
            if held is not Kind.FOLDER:
                raise ArchiveError(
                    "archive.name-conflict",
                    f"«{name_shown(parent)}» is both a {held.value} and a folder.",
                    REPACK,
                    paths=(name_shown(path),),
                )
        key = name_key(path, fold_case=self._limits.fold_case)
        before = self._kinds.get(key)
        if before is not None and not (before is kind is Kind.FOLDER):
            code = "archive.duplicate-name" if before is kind else "archive.name-conflict"
            raise ArchiveError(
                code,
                f"The archive holds «{name_shown(path)}» twice, or two names that differ only in how they are written.",
                REPACK,
                paths=(name_shown(path),),
            )
        self._kinds[key] = kind

    def took(self, count: int) -> None:
        """Count unpacked bytes as they appear. Raises `ArchiveError` for a bomb before it is large."""
        self._total += count
        if self._total > self._limits.max_total_bytes:
            raise ArchiveError(
                "archive.unpacked-too-large",
                f"Unpacked, the archive is larger than {self._limits.max_total_bytes // MIB} MiB.",
                "Leave build outputs and large files out.",
            )
        if self._total > RATIO_FLOOR_BYTES and self._total > self._packed_bytes * self._limits.max_ratio:
            raise ArchiveError(
                "archive.bomb",
                f"The archive unpacks to more than {self._limits.max_ratio} times its size: that is how archive bombs look.",
                "Leave out large files of repeated bytes.",
            )

    def finish(self) -> str:
        """Give the single top-level folder's name, or "" when there is none. Raises `ArchiveError` for what only the end shows."""
        if not self._kinds:
            raise ArchiveError("archive.empty", "The archive is empty.", "Upload an archive of the project's folder.")
        top = next(iter(self._tops)) if len(self._tops) == 1 and Kind.FOLDER in self._tops.values() else ""
        for path, climb in self._climbs:
            # A link of the project must stay in the project's folder, not only in the folder that it is unpacked into.
            if climb > path.count("/") - bool(top):
                shown = name_shown(path)
                raise ArchiveError(
                    "archive.symlink-escape",
                    f"The archive holds «{shown}»: a symbolic link that leads out of the project.",
                    "Remove the link, or make it point to a file inside the project.",
                    paths=(shown,),
                )
        return top
