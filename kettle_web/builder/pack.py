"""Packing a result: `<project>/artifacts/…`, provenance.json, and evidence.json where there is one."""

import io
import os
import tarfile
from pathlib import Path

PACK_LEVEL = 6


class ResultWriter:
    """Writes the tarball beside its final place and moves it there when it is whole."""

    def __init__(self, path: Path, project: str) -> None:
        self._path, self._project = path, project
        self._part = path.with_name(path.name + ".part")
        self._file = self._part.open("wb")
        self._tar = tarfile.open(mode="w:gz", fileobj=self._file, compresslevel=PACK_LEVEL, format=tarfile.PAX_FORMAT)  # noqa: SIM115
        for folder in (project, f"{project}/artifacts"):
            head = tarfile.TarInfo(folder)
            head.type, head.mode = tarfile.DIRTYPE, 0o755
            self._tar.addfile(head)

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a document."""
        head = tarfile.TarInfo(f"{self._project}/{name}")
        head.size, head.mode = len(data), 0o644
        self._tar.addfile(head, io.BytesIO(data))

    def add_artifact(self, name: str, path: Path) -> None:
        """Add a kept copy of an artifact."""
        head = tarfile.TarInfo(f"{self._project}/artifacts/{name}")
        head.size, head.mode = path.stat().st_size, 0o755
        with path.open("rb") as file:
            self._tar.addfile(head, file)

    def finish(self) -> int:
        """Put the tarball in its place, durably; give its size in bytes."""
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        self._part.rename(self._path)
        return size
