"""The data that both verifiers share, as JavaScript modules: pinned anchors, titles of checks, and what each check means.

Written from the Python side, committed beside the modules by hand, and compared in the tests, so that neither side can drift.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kettle_web.attestation.anchors import anchors_documents
from kettle_web.attestation.checks import Step
from kettle_web.attestation.platforms import procedures
from kettle_web.verification.checks import binding, demands, documents, files, image, inputs, request, statement
from kettle_web.verification.policy import Policy, RequiredSource

VERIFY: Final = Path(__file__).resolve().parent.parent.parent / "static" / "js" / "verify"
_COMMAND: Final = "Written by `manage.py verifier_data`; a test compares it with the Python side. Do not edit."
_DEMANDING: Final = Policy("1", (), ("id",), ("type",), True, True, RequiredSource("repository", "ref"))
"""A policy that makes a step of each demand."""


def modules() -> dict[Path, str]:
    """Text of each module by its path."""
    steps = tuple(_steps())
    titles = _shortened({step.code: step.title for step in steps})
    meanings = _shortened({step.code: [step.proves, step.does_not_prove] for step in steps})
    return {
        VERIFY / "anchors.js": _anchors(),
        VERIFY / "words.js": _module(
            f"Titles of checks by code. {_COMMAND}", "TITLES", titles,
            "/** The title of a check, by its code or by what follows the platform's tag in it. */\nexport function titleOf(code) {\n"
            '  return TITLES[code] ?? TITLES[code.slice(code.indexOf(".") + 1)] ?? code;\n}\n',
        ),
        VERIFY / "meanings.js": _module(
            f"What each check proves, and what it does not. {_COMMAND}", "MEANINGS", meanings,
            "/** `[proves, doesNotProve]` of a check, found as its title is. */\nexport function meaningOf(code) {\n"
            '  return MEANINGS[code] ?? MEANINGS[code.slice(code.indexOf(".") + 1)] ?? ["", ""];\n}\n',
        ),
    }  # fmt: skip


def _steps() -> Iterator[Step[Any]]:
    for procedure in procedures():
        yield from procedure.steps
    yield documents.EVIDENCE_STEP
    yield documents.PROVENANCE_STEP
    yield from binding.steps(())
    yield from (*image.STEPS, *demands.steps(_DEMANDING), *statement.STEPS, *request.STEPS, *inputs.STEPS, *files.STEPS)


def _shortened(by_code: dict[str, Any]) -> dict[str, Any]:
    """Under what follows the platform's tag where all platforms say the same, else under the whole code."""
    tags = {step.code.partition(".")[0] for procedure in procedures() for step in procedure.steps if "." in step.code}
    kept: dict[str, Any] = {}
    by_ending: dict[str, list[Any]] = {}
    for code, value in by_code.items():
        tag, _, ending = code.partition(".")
        if tag in tags:
            by_ending.setdefault(ending, []).append(value)
    for code, value in by_code.items():
        tag, _, ending = code.partition(".")
        alike = tag in tags and all(other == value for other in by_ending[ending])
        kept[ending if alike else code] = value
    return kept


def _anchors() -> str:
    anchors = [anchor for document in anchors_documents() for anchor in document["anchors"]]
    about = (
        "Trust anchors: AMD's pinned keys, Intel's root, and the public test root. An anchor's `kind` is part of its data, and alone\n"
        f" * decides whether evidence is of hardware or simulated. {_COMMAND}"
    )
    return f"/**\n * {about}\n */\n\nexport const ANCHORS = {json.dumps(anchors, indent=2)};\n"


def _module(about: str, name: str, values: dict[str, Any], tail: str) -> str:
    return f"/** {about} */\n\nconst {name} = {json.dumps(values, indent=2, ensure_ascii=False)};\n\n{tail}"
