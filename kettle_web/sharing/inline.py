"""Our ES modules as one text, for files that have to stand alone: a portable proof, and the separate verifier.

A module becomes a function that gives what it exports; modules come in the order in which they need each other. The same sources give
the same text, byte for byte, and each module's own text stays readable in it. Only the forms that our modules use are understood, and
anything else is refused: named imports of relative paths, `export` before a declaration, and `export { name, … }`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

JS: Final = Path(__file__).resolve().parent.parent.parent / "static" / "js"
VERIFIER: Final = "verify/index.js"
WORKER: Final = "hash-worker.js"
_IMPORT: Final = re.compile(r'^import \{([^{}]*)\} from "(\.[^"]+)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)
_NAMED: Final = re.compile(r"^export (?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
_LISTED: Final = re.compile(r"^export \{([^{}]*)\};\n", re.MULTILINE)
_LEFT: Final = re.compile(r"^(?:import|export)\b|\bimport\s*\(|import\.meta", re.MULTILINE)


class NotInlinable(Exception):
    """A module has a form that is not understood here."""


def modules_inlined(entry: str = VERIFIER, *, expose: str = "") -> str:
    """The module `entry` (a path under `static/js`) and all that it needs, as the text of one script of type module.

    `expose`: a global name for what the entry exports; empty: none, the entry runs by itself.
    """
    parts = []
    for path in _ordered(entry):
        name = _variable(path)
        body, exported = _body(path)
        names = f"\n  return {{ {', '.join(exported)} }};" if exported else ""
        parts.append(f"/* {path} */\nconst {name} = (() => {{\n{body.rstrip()}{names}\n}})();\n")
    if expose:
        parts.append(f"globalThis.{expose} = {_variable(entry)};\n")
    text = "\n".join(parts)
    if "</script" in text.lower() or "<!--" in text:
        raise NotInlinable("a module holds what would end a script in HTML")
    return text


def modules_digests(entries: Iterable[str] = (VERIFIER, WORKER)) -> list[tuple[str, str]]:
    """(path under `static/js`, SHA-256 in hex) of these modules and all that they need, sorted by path."""
    paths = sorted({path for entry in entries for path in _ordered(entry)})
    return [(path, hashlib.sha256((JS / path).read_bytes()).hexdigest()) for path in paths]


def csp_hash(text: str) -> str:
    """The source expression by which a Content-Security-Policy allows exactly this inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def script_safe_json(value: object) -> str:
    """JSON that can stand inside of a `script` element: nothing in it ends the element or begins a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _ordered(entry: str) -> list[str]:
    """Paths in the order in which they need each other, the entry last; each is sorted among its neighbours by how it is imported."""
    done: list[str] = []
    doing: list[str] = []

    def visit(path: str) -> None:
        if path in done:
            return
        if path in doing:
            raise NotInlinable(f"modules need each other in a circle: {' → '.join([*doing, path])}")
        doing.append(path)
        for _, wanted in _IMPORT.findall(_source(path)):
            visit(_resolved(path, wanted))
        doing.pop()
        done.append(path)

    visit(entry)
    return done


def _body(path: str) -> tuple[str, list[str]]:
    """A module's text as the body of a function, and the names that it exports."""
    source = _source(path)
    exported = _NAMED.findall(source)
    listed = [name.strip() for names in _LISTED.findall(source) for name in names.split(",") if name.strip()]
    body = _LISTED.sub("", _EXPORT.sub("", _IMPORT.sub(lambda found: _import(path, found), source)))
    if (left := _LEFT.search(body)) is not None:
        raise NotInlinable(f"{path} has a form that is not understood: {body[left.start() : left.start() + 60]!r}")
    if any(" as " in name for name in listed):
        raise NotInlinable(f"{path} exports under another name")
    return body, sorted({*exported, *listed})


def _import(path: str, found: re.Match[str]) -> str:
    names = [name.strip() for name in found.group(1).split(",") if name.strip()]
    taken = ", ".join(re.sub(r"^(\w+) as (\w+)$", r"\1: \2", name) for name in names)
    return f"const {{ {taken} }} = {_variable(_resolved(path, found.group(2)))};\n"


def _source(path: str) -> str:
    return (JS / path).read_text(encoding="utf-8")


def _resolved(path: str, wanted: str) -> str:
    """The path under `static/js` of what a module imports. Raises `NotInlinable` for anything outside."""
    found = (JS / path).parent.joinpath(wanted).resolve()
    if not found.is_relative_to(JS) or not found.is_file():
        raise NotInlinable(f"{path} needs {wanted}, which is none of our modules")
    return found.relative_to(JS).as_posix()


def _variable(path: str) -> str:
    return "module_" + re.sub(r"\W", "_", path.removesuffix(".js"))
