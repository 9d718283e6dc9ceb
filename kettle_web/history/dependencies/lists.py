"""Lists of packages and versions as people have them in an incident: lines, CSV, lockfiles, SBOMs, OSV advisories. No database here.

The text is hostile and bounded; what cannot be read is counted and shown, never dropped in silence.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from kettle_web.history.dependencies.versions import ANY, Comparator, Spec, SpecError, spec_parse

MAX_CHARS: Final = 1024 * 1024
"""A lockfile of a thousand packages has a quarter of that."""
MAX_ENTRIES: Final = 2000
IGNORED_SHOWN: Final = 10
_DEPTH: Final = 60
"""Nested brackets in a JSON text: its reader goes down with them."""
_ECOSYSTEMS: Final = {
    "crates.io": "cargo", "cargo": "cargo", "crates": "cargo", "rust": "cargo",
    "npm": "npm", "node": "npm",
    "nix": "nix", "nixpkgs": "nix", "nix-fetch": "nix",
}  # fmt: skip
_PURL = re.compile(r"pkg:(?P<type>[A-Za-z][A-Za-z0-9.+-]*)/(?P<name>[^?#\s]+?)(?:@(?P<version>[^?#@/\s]+))?(?:[?#]\S*)?")
_LINE = re.compile(
    r"(?:(?P<ecosystem>[A-Za-z.]+):)?(?P<name>@?[A-Za-z0-9_][\w.+-]*(?:/[\w.+-]+)*)"
    r"(?:\s*(?:@|==|=|[ \t]+)\s*(?P<version>v?[\w*][\w.+*~^-]*)|\s*(?:@|[ \t]+)?\s*(?P<range>(?:[<>=!^~]=?|~>)\s*.+))?"
)


class ListUnreadable(ValueError):
    """Nothing in the text names a package."""


@dataclass(frozen=True)
class WantedPackage:
    ecosystem: str
    """Empty: any."""
    name: str
    spec: Spec = ANY

    def __str__(self) -> str:
        head = f"{self.ecosystem}:{self.name}" if self.ecosystem else self.name
        if not self.spec.alternatives:
            return head
        text = str(self.spec)
        return f"{head}@{text}" if text in self.spec.exact else f"{head} {text}"


@dataclass(frozen=True)
class WantedList:
    packages: tuple[WantedPackage, ...]
    kind: str
    """How the text was read: `lines`, `csv`, `cargo-lock`, `package-lock`, `cyclonedx`, `spdx`, `osv`."""
    ignored: int
    """Lines or entries that name no package."""
    ignored_shown: tuple[str, ...]
    is_cut: bool
    """There were more than `MAX_ENTRIES`."""


class _Collector:
    def __init__(self) -> None:
        self.packages: dict[WantedPackage, None] = {}
        self.ignored = 0
        self.shown: list[str] = []
        self.is_cut = False

    def add(self, package: WantedPackage | None, source: object) -> None:
        if package is None:
            self.ignored += 1
            if len(self.shown) < IGNORED_SHOWN:
                self.shown.append(str(source)[:120])
        elif len(self.packages) < MAX_ENTRIES:
            self.packages[package] = None
        else:
            self.is_cut = True

    def finish(self, kind: str) -> WantedList:
        if not self.packages:
            raise ListUnreadable(kind)
        return WantedList(tuple(self.packages), kind, self.ignored, tuple(self.shown), self.is_cut)


def list_parse(text: str) -> WantedList:
    """Read a list in any of its forms. Raises `ListUnreadable` when it names no package."""
    text = text.lstrip("\ufeff")[:MAX_CHARS]
    stripped = text.lstrip()
    if stripped.startswith(("{", "[")) and not stripped.startswith("[["):
        try:
            return _json(_json_load(text))
        except (ValueError, RecursionError):
            pass
    if re.search(r"^\s*\[\[package\]\]\s*$", text, re.MULTILINE):
        try:
            return _cargo_lock(tomllib.loads(text))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ListUnreadable("cargo-lock") from error
    lines = text.splitlines()
    header = _csv_header(lines)
    return _csv(text, header) if header is not None else _lines(lines)


def _json_load(text: str) -> Any:
    depth = most = 0
    for letter in text:
        if letter in "[{":
            depth += 1
            most = max(most, depth)
        elif letter in "]}":
            depth -= 1
    if most > _DEPTH:
        raise ListUnreadable("json")
    return json.loads(text)


def _make(ecosystem: object, name: object, spec: Spec) -> WantedPackage | None:
    if not isinstance(name, str) or not name or len(name) > 300 or "\x00" in name:
        return None
    wanted = _ECOSYSTEMS.get(str(ecosystem or "").lower().partition(":")[0])
    if ecosystem and wanted is None:
        # Of an ecosystem that no build here has: the name alone would accuse the innocent.
        return None
    return WantedPackage(wanted or "", name, spec)


def _exact(version: object) -> Spec | None:
    if version in (None, ""):
        return ANY
    if not isinstance(version, str) or len(version) > 200 or "\x00" in version:
        return None
    return Spec(((Comparator("=", version),),))


def _pair(ecosystem: object, name: object, version: object) -> WantedPackage | None:
    spec = _exact(version)
    return None if spec is None else _make(ecosystem, name, spec)


def _purl(text: str) -> WantedPackage | None:
    found = _PURL.fullmatch(text.strip())
    if found is None:
        return None
    return _pair(found["type"], unquote(found["name"]), unquote(found["version"] or ""))


def _lines(lines: Iterable[str]) -> WantedList:
    collected = _Collector()
    for line in lines:
        bare = line.partition("#")[0].strip() if not line.strip().startswith("pkg:") else line.strip()
        bare = re.sub(r"^[-*•]\s+", "", bare).rstrip(",;")
        if bare:
            collected.add(line_parse(bare), line)
    return collected.finish("lines")


def line_parse(text: str) -> WantedPackage | None:
    """Read one line: a purl, `name@version`, `name version`, `name >=1,<2`, or a name alone. None: it is none of these."""
    if text.startswith("pkg:"):
        return _purl(text)
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    try:
        spec = spec_parse(found["version"] or found["range"] or "")
    except SpecError:
        return None
    return _make(found["ecosystem"], found["name"], spec)


_NAMES: Final = ("name", "package", "package_name", "component", "dependency")
_VERSIONS: Final = ("version", "versions", "package_version")
_KINDS: Final = ("ecosystem", "type", "package_type")


def _csv_header(lines: list[str]) -> dict[str, int] | None:
    first = next((line for line in lines if line.strip()), "")
    cells = [cell.strip().strip('"').lower() for cell in first.split(",")]
    if len(cells) < 2 and cells[0] not in ("purl",):
        return None
    found: dict[str, int] = {}
    for role, names in (("name", _NAMES), ("version", _VERSIONS), ("kind", _KINDS), ("purl", ("purl",))):
        for at, cell in enumerate(cells):
            if cell in names:
                found.setdefault(role, at)
    return found if "name" in found or "purl" in found else None


def _csv(text: str, header: dict[str, int]) -> WantedList:
    collected = _Collector()
    try:
        for at, row in enumerate(row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)):
            if at:
                collected.add(_csv_row(row, header), ",".join(row))
    except csv.Error as error:
        raise ListUnreadable("csv") from error
    return collected.finish("csv")


def _csv_row(row: list[str], header: dict[str, int]) -> WantedPackage | None:
    # An apostrophe before a formula is ours: `core.tables`.
    cells = {role: row[at].strip().removeprefix("'") for role, at in header.items() if at < len(row)}
    if cells.get("purl"):
        return _purl(cells["purl"])
    try:
        spec = spec_parse(cells.get("version", ""))
    except SpecError:
        return None
    return _make(cells.get("kind", ""), cells.get("name", ""), spec)


def _cargo_lock(document: dict[str, Any]) -> WantedList:
    collected = _Collector()
    for item in _dicts(document.get("package")):
        # Without a source it is the project itself or a member of its workspace.
        if item.get("source"):
            collected.add(_pair("cargo", item.get("name"), item.get("version")), item.get("name"))
    return collected.finish("cargo-lock")


def _json(value: Any) -> WantedList:
    collected = _Collector()
    if isinstance(value, dict) and isinstance(value.get("components"), list):
        for item in _dicts(value["components"]):
            purl = item.get("purl")
            group, name = item.get("group"), item.get("name")
            full = f"{group}/{name}" if isinstance(group, str) and group else name
            collected.add(_purl(purl) if isinstance(purl, str) else _pair("", full, item.get("version")), purl or name)
        return collected.finish("cyclonedx")
    if isinstance(value, dict) and "spdxVersion" in value:
        for item in _dicts(value.get("packages")):
            purls = [ref.get("referenceLocator") for ref in _dicts(item.get("externalRefs")) if ref.get("referenceType") == "purl"]
            found = _purl(str(purls[0])) if purls else _pair("", item.get("name"), item.get("versionInfo"))
            collected.add(found, item.get("name"))
        return collected.finish("spdx")
    if isinstance(value, dict) and "lockfileVersion" in value and isinstance(value.get("packages"), dict):
        for path, item in value["packages"].items():
            if path and isinstance(item, dict) and not item.get("link"):
                collected.add(_pair("npm", item.get("name") or path.rpartition("node_modules/")[2], item.get("version")), path)
        return collected.finish("package-lock")
    advisories = value if isinstance(value, list) else value.get("vulns", [value]) if isinstance(value, dict) else []
    for advisory in _dicts(advisories):
        if "affected" in advisory:
            for item in _dicts(advisory["affected"]):
                collected.add(_osv(item), item.get("package"))
        else:
            purl = advisory.get("purl")
            pair = _pair(advisory.get("ecosystem"), advisory.get("name") or advisory.get("package"), advisory.get("version"))
            collected.add(_purl(purl) if isinstance(purl, str) else pair, advisory.get("name"))
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            collected.add(line_parse(item.strip()), item)
    return collected.finish("osv")


def _osv(item: dict[str, Any]) -> WantedPackage | None:
    """One `affected` of an advisory. Source: OSV schema 1.6, «affected[].ranges[].events»; ranges of commits name no version."""
    package = item.get("package")
    if not isinstance(package, dict):
        return None
    alternatives: list[tuple[Comparator, ...]] = []
    for part in _dicts(item.get("ranges")):
        if part.get("type") in ("SEMVER", "ECOSYSTEM"):
            alternatives += _osv_events(part.get("events"))
    listed = item.get("versions")
    for version in listed if isinstance(listed, list) else ():
        if isinstance(version, str) and 0 < len(version) <= 200 and len(alternatives) < MAX_ENTRIES:
            alternatives.append((Comparator("=", version),))
    # An advisory without a version that we can read must not accuse every version.
    return _make(package.get("ecosystem"), package.get("name"), Spec(tuple(alternatives))) if alternatives else None


def _osv_events(events: Any) -> Iterator[tuple[Comparator, ...]]:
    start: str | None = None
    for event in _dicts(events):
        for name, value in event.items():
            if not isinstance(value, str) or len(value) > 200:
                continue
            if name == "introduced":
                start = value
            elif name in ("fixed", "last_affected") and start is not None:
                yield (*_from(start), Comparator("<" if name == "fixed" else "<=", value))
                start = None
    if start is not None:
        yield _from(start) or (Comparator(">=", "0"),)


def _from(start: str) -> tuple[Comparator, ...]:
    return () if start == "0" else (Comparator(">=", start),)


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
