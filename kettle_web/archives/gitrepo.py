"""What a packed `.git` folder claims. Source: gitrepository-layout(5)."""

import re
from dataclasses import dataclass, field
from typing import Final

from kettle_web.archives.entries import Contents, Entry
from kettle_web.archives.gitconfig import config_parse, origin_url, secret_found
from kettle_web.archives.gitindex import GitDataError, IndexEntry, index_parse
from kettle_web.archives.limits import KIB, MIB

_INDEX_BYTES: Final = 64 * MIB
"""About half a million tracked files."""
_PACKED_REFS_BYTES: Final = 16 * MIB
_CONFIG_BYTES: Final = 1 * MIB
_REF_BYTES: Final = 4 * KIB
_REF_DEPTH: Final = 5
"""HEAD → branch → …: git itself gives up after five."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CONFIG = re.compile(r"(?:(?:modules|worktrees)/.+/)?config(?:\.worktree)?")
_CREDENTIAL_FILES: Final = frozenset(("credentials", ".git-credentials", ".netrc"))


@dataclass
class GitFolder:
    """The files of `.git` that matter, by their path in it. A file over its limit is kept as None."""

    files: dict[str, bytes | None] = field(default_factory=dict)
    credential_files: list[str] = field(default_factory=list)

    def take(self, inner: str, entry: Entry, contents: Contents) -> None:
        """Keep the file's bytes where they matter."""
        if inner.rpartition("/")[2] in _CREDENTIAL_FILES:
            self.credential_files.append(inner)
        cap = self._cap(inner)
        if cap:
            self.files[inner] = b"".join(contents) if entry.size <= cap else None

    def _cap(self, inner: str) -> int:
        if inner == "index":
            return _INDEX_BYTES
        if inner == "packed-refs":
            return _PACKED_REFS_BYTES
        if _CONFIG.fullmatch(inner) or inner == "objects/info/alternates":
            return _CONFIG_BYTES
        return _REF_BYTES if inner == "HEAD" or inner.startswith("refs/") else 0

    def _text(self, inner: str) -> str:
        return (self.files.get(inner) or b"").decode("utf-8", "replace")

    def head_commit(self) -> str:
        """Give the commit that HEAD names, 40 hex digits (64 in a SHA-256 repository), or "" where it cannot be established."""
        text = self._text("HEAD").strip()
        for _ in range(_REF_DEPTH):
            if _COMMIT.fullmatch(text):
                return text
            if not text.startswith("ref:"):
                return ""
            name = text.removeprefix("ref:").strip()
            text = self._text(name).strip() if name in self.files else self._packed_ref(name)
        return ""

    def _packed_ref(self, name: str) -> str:
        for line in self._text("packed-refs").splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return commit
        return ""

    def origin_url(self) -> str:
        """Give the URL of the remote `origin`, or ""."""
        return origin_url(config_parse(self._text("config")))

    def secrets(self) -> list[tuple[str, str]]:
        """Give files of `.git` with secrets in them and what kind of secret, never the secret itself."""
        found = [(name, "stored passwords") for name in self.credential_files]
        for name, data in self.files.items():
            if _CONFIG.fullmatch(name):
                kind = "too much to be looked through" if data is None else secret_found(data.decode("utf-8", "replace"))
                if kind:
                    found.append((name, kind))
        return sorted(found)

    def is_sha256(self) -> bool:
        """Whether objects are named by SHA-256, which this site does not compute trees for."""
        return any(s.section == "extensions" and s.key == "objectformat" and s.value != "sha1" for s in config_parse(self._text("config")))

    def index(self) -> dict[str, IndexEntry] | None:
        """Give the tracked files, or None without an index. Raises `GitDataError`."""
        if "index" not in self.files:
            return None
        data = self.files["index"]
        if data is None:
            raise GitDataError("The git index is too large.")
        return index_parse(data)
