"""A registry of npm packages that are made at test time, and projects that use them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.builder.file_host import file_host


def package(name: str, version: str, files: dict[str, str], **manifest: object) -> bytes:
    """The tarball of a package."""
    packed = io.BytesIO()
    files = {"package.json": json.dumps({"name": name, "version": version} | manifest)} | files
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(mode="w", fileobj=stream) as tar:
        for path, text in files.items():
            head = tarfile.TarInfo(f"package/{path}")
            head.size, head.mode = len(text.encode()), 0o644
            tar.addfile(head, io.BytesIO(text.encode()))
    return packed.getvalue()


@dataclass(frozen=True)
class Registry:
    """A registry of one package, `is-kettle` 1.0.0, and its lockfile's digest of it."""

    address: str
    integrity: str

    def project(self, **more: str) -> dict[str, str]:
        """The files of a project that depends on the package and writes what it says into dist/."""
        manifest = {
            "name": "tried", "version": "1.0.0", "private": True, "scripts": {"build": "node build.mjs"},
            "dependencies": {"is-kettle": "1.0.0"}, "packageManager": "pnpm@9.9.9",
        }  # fmt: skip
        build = (
            'import { mkdirSync, writeFileSync } from "node:fs";\nimport say from "is-kettle";\n'
            'mkdirSync("dist", { recursive: true });\nwriteFileSync("dist/said.txt", say());\nconsole.log("built with " + say());\n'
        )
        lock = (
            "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:\n\n  .:\n"
            "    dependencies:\n      is-kettle:\n        specifier: 1.0.0\n        version: 1.0.0\n\npackages:\n\n  is-kettle@1.0.0:\n"
            f"    resolution: {{integrity: {self.integrity}}}\n\nsnapshots:\n\n  is-kettle@1.0.0: {{}}\n"
        )
        files = {"package.json": json.dumps(manifest), "build.mjs": build, "pnpm-lock.yaml": lock, ".npmrc": f"registry={self.address}/\n"}
        return files | more


@contextmanager
def npm_registry(folder: Path) -> Iterator[Registry]:
    data = package("is-kettle", "1.0.0", {"index.js": 'module.exports = () => "steam";\n'}, scripts={"install": "echo ran > ../../ran"})
    (folder / "is-kettle" / "-").mkdir(parents=True)
    (folder / "is-kettle" / "-" / "is-kettle-1.0.0.tgz").write_bytes(data)
    with file_host(folder) as address:
        yield Registry(address, "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode())
