"""The browser's modules as one script text, for pages that must work from a file, and their digests.

Our modules keep to a few forms of `import` and `export`; anything else is refused, so that nothing is inlined half. Each module becomes
a function that gives what it exports; the order is that of their imports, so the same files give the same bytes.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings

BROWSER_MODULES: Final = ("verify/*.js", "share/*.js", "hash-worker.js", "material-input.js")
"""What of `static/js` verifies in the visitor's browser, as patterns."""
_IMPORT = re.compile(r'^import (?:\{(?P<names>[^{}]*)\}|\* as (?P<all>\w+)) from "(?P<path>\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_REEXPORT = re.compile(r'^export \{(?P<names>[^{}]*)\} from "(?P<path>\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{(?P<names>[^{}]*)\};\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function\*?|function\*?|class|const) (?P<name>[\w$]+))", re.MULTILINE)
_LEFT = re.compile(r"^\s*(?:import|export)\b|\bimport\s*\(|\bimport\.meta\b", re.MULTILINE)


class NotInlinable(Exception):
    """A module is written in a form that the inliner does not know; the message names it."""


def modules_folder() -> Path:
    return Path(settings.BASE_DIR) / "static" / "js"


@cache
def modules_inlined(entry: str) -> str:
    """Give one script text of the module `entry` below `static/js` and of all that it imports. Raises `NotInlinable`."""
    parts: list[str] = []
    _add(entry, parts, [], {})
    return '"use strict";\nconst modules = Object.create(null);\n' + "".join(parts)


def _add(path: str, parts: list[str], above: list[str], done: dict[str, None]) -> None:
    if path in above:
        raise NotInlinable(f"{path} imports itself by way of {above[-1]}")
    if path in done:
        return
    source = (modules_folder() / path).read_text("utf-8")
    for found in (*_IMPORT.finditer(source), *_REEXPORT.finditer(source)):
        _add(_path_of(path, found["path"]), parts, [*above, path], done)
    done[path] = None
    parts.append(_wrapped(path, source))


def _path_of(importer: str, relative: str) -> str:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), relative))
    if path.startswith(".."):
        raise NotInlinable(f"{importer} imports from outside: {relative}")
    return path


def _wrapped(path: str, source: str) -> str:
    exports: list[str] = []

    def imported(found: re.Match[str]) -> str:
        module = f'modules["{_path_of(path, found["path"])}"]'
        return f"const {found['all'] or _pattern(found['names'])} = {module};\n"

    def passed_on(found: re.Match[str]) -> str:
        module = f'modules["{_path_of(path, found["path"])}"]'
        exports.extend(f"{given}: {module}.{own}" for own, given in _names(found["names"]))
        return ""

    def listed(found: re.Match[str]) -> str:
        exports.extend(f"{given}: {own}" for own, given in _names(found["names"]))
        return ""

    def exported(found: re.Match[str]) -> str:
        exports.append(found["name"])
        return ""

    body = _EXPORT.sub(exported, _EXPORT_LIST.sub(listed, _REEXPORT.sub(passed_on, _IMPORT.sub(imported, source))))
    if left := _LEFT.search(_without_comments(body)):
        raise NotInlinable(f"{path}: {left[0].strip()}")
    # A script element would end at this text, wherever it stands.
    body = body.replace("</script", "<\\/script")
    return f'\n// {path}\nmodules["{path}"] = (() => {{\n{body}return {{ {", ".join(exports)} }};\n}})();\n'


def _names(text: str) -> list[tuple[str, str]]:
    """Pairs of a name and the name that it is given: `a as b`."""
    pairs = (item.split(" as ") for item in re.split(r"\s*,\s*", text.strip().strip(",")) if item.strip())
    return [(pair[0].strip(), pair[-1].strip()) for pair in pairs]


def _pattern(names: str) -> str:
    return "{ " + ", ".join(own if own == given else f"{own}: {given}" for own, given in _names(names)) + " }"


def _without_comments(source: str) -> str:
    return re.sub(r"^\s*(?://|/?\*).*$", "", source, flags=re.MULTILINE)


def module_digests() -> tuple[tuple[str, str], ...]:
    """Path below `static/js` and SHA-256 in hex of each module that verifies in the visitor's browser, sorted by path."""
    folder = modules_folder()
    paths = sorted(path for pattern in BROWSER_MODULES for path in folder.glob(pattern))
    return tuple((path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths)
