"""`… prove PATH DEPENDENCY` and `… prove --check FILE`: one input of a build, shown without the others.

Exit status: 0 made, or checked and holds; 1 does not hold; 2 unusable arguments or nothing that could be read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.proof import LIMITS, PROOF_LIMIT, proof_check, proof_for_input, proof_parse, proof_to_json
from kettle_web.provenance.statement import DOCUMENT_LIMIT, Statement, statement_parse
from kettle_web.verification.arguments import UNUSABLE, Parser, Unusable
from kettle_web.verification.artifacts import file_open_regular
from kettle_web.verification.visible import visible

COUNT: Final = "Which entry it is, and of how many, is what the proof says: the root does not bind the number of entries."


def prove(argv: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Runs the command on its arguments; gives the exit status."""
    parser = Parser(prog="python -m kettle_web.verification prove", description="Shows one input of a build without the others.")
    parser.add_argument("path", metavar="PATH", type=Path, nargs="?", help="a bundle folder, a result tarball, or a provenance.json")
    parser.add_argument(
        "input", metavar="DEPENDENCY", nargs="?", help="its address, its name, or name@version; or another input's exact text"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the proof there; otherwise it is printed")
    parser.add_argument("--check", metavar="FILE", type=Path, help="check a proof instead of making one")
    parser.add_argument("--root", metavar="HEX", help="with --check: the root that it must be for")
    arguments = parser.parse_args(list(argv))
    if arguments.check is not None:
        if arguments.path is not None or arguments.out is not None:
            raise Unusable("prove: --check FILE stands alone, or with --root HEX.")
        return _check(arguments, stdout, stderr)
    if arguments.path is None or arguments.input is None or arguments.root is not None:
        raise Unusable("prove: give PATH and DEPENDENCY, or --check FILE.")
    return _make(arguments, stdout, stderr)


def _make(arguments: argparse.Namespace, stdout: TextIO, stderr: TextIO) -> int:
    try:
        proof = proof_for_input(_statement(arguments.path), arguments.input)
    except ProvenanceError as error:
        stderr.write(f"prove: {visible(str(error))}.\n")
        return UNUSABLE
    text = json.dumps(proof_to_json(proof), indent=2) + "\n"
    if arguments.out is None:
        stdout.write(text)
    else:
        try:
            arguments.out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Unusable(f"--out: {arguments.out} cannot be written: {error.strerror or error}.") from error
    stderr.write(f"{LIMITS}\n")
    return 0


def _check(arguments: argparse.Namespace, stdout: TextIO, stderr: TextIO) -> int:
    root = _root(arguments.root)
    try:
        proof = proof_parse(_read(arguments.check, PROOF_LIMIT))
    except ProvenanceError as error:
        stderr.write(f"--check: {visible(str(error))}.\n")
        return UNUSABLE
    try:
        proof_check(proof, root=root)
    except ProvenanceError as error:
        stdout.write(f"The proof does not hold: {visible(str(error))}.\n")
        return 1
    stdout.write(
        f"{visible(proof.entry)}\nis entry {proof.index} (from 0) of {proof.count} under the root\n{proof.root.hex()}\n{LIMITS}\n{COUNT}\n"
    )
    if root is None:
        stdout.write("Compare the root with the input_merkle_root of the document, or give it with --root.\n")
    return 0


def _root(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        root = bytes.fromhex(text) if text.isascii() and text.isalnum() else b""
    except ValueError:
        root = b""
    if len(root) != 32:
        raise Unusable("--root: a root is 64 hex digits.")
    return root


def _statement(path: Path) -> Statement:
    """The provenance in a bundle, or in a file of its own."""
    from kettle_web.verification.bundle import BundleError, bundle_open

    try:
        with bundle_open(path) as bundle:
            data = bundle.provenance_bytes
    except BundleError as error:
        if error.code != "bundle.not-evidence":
            raise Unusable(str(error)) from error
        data = _read(path, DOCUMENT_LIMIT)
    if data is None:
        raise Unusable(f"{path} holds no provenance.json.")
    return statement_parse(data)


def _read(path: Path, limit: int) -> bytes:
    try:
        with file_open_regular(path, follow=True) as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror or error}.") from error
