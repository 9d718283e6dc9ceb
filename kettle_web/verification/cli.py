"""The verifier as a program: `python -m kettle_web.verification [verify] PATH`, and `manage.py verify` on top of it.

`prove` and `measurements` are commands of their own.

Exit status: 0 confirmed (or unpinned and accepted), 1 failed, 2 unusable arguments or nothing that could be read as
evidence, 3 unpinned or incomplete, 4 unattested or simulated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from kettle_web.verification.arguments import UNUSABLE, Parser, Unusable, moment_parse

if TYPE_CHECKING:
    from kettle_web.attestation.collateral import Collateral
    from kettle_web.verification.policy import Policy

COMMANDS: Final = ("verify", "prove", "measurements")
"""Words that begin a command; anything else is the PATH to verify. A bundle of such a name is verified as ``./prove``."""


def parser_make(prog: str = "python -m kettle_web.verification") -> argparse.ArgumentParser:
    """The arguments of the verifier."""
    parser = Parser(
        prog=prog,
        description="Checks a bundle from the vendor's root to the bytes of each file.",
        epilog="Exit status: 0 confirmed, 1 failed, 2 unusable arguments or nothing that could be read as evidence, 3 unpinned or "
        "incomplete, 4 unattested or simulated. Further commands, each with --help: prove, measurements.",
    )
    arguments_add(parser)
    return parser


def arguments_add(parser: argparse.ArgumentParser) -> None:
    """Adds the verifier's arguments to a parser, so that every command that offers it offers the same."""
    parser.add_argument("path", metavar="PATH", type=Path, help="a bundle folder, a result tarball, or an evidence.json")
    parser.add_argument("--nonce", metavar="HEX", help="the nonce of the request, 32 hex digits")
    parser.add_argument("--now", metavar="TIME", help="judge dates at this time and not now (RFC 3339, or seconds since 1970)")
    parser.add_argument("--no-artifacts", action="store_true", help="leave the files out; the headline says so")
    parser.add_argument("--accept-unpinned", action="store_true", help="exit with 0 also when the builder is not recognised")
    parser.add_argument("--policy", metavar="FILE", type=Path, help="an allow-list of builder images, as JSON")
    parser.add_argument("--collateral", metavar="FILE", type=Path, help="the vendor's revocation lists and firmware levels, as JSON")
    parser.add_argument("--require-collateral", action="store_true", help="what cannot be checked for want of collateral counts")
    parser.add_argument("--igvm", metavar="FILE", type=Path, help="the builder image's IGVM file: it must be what was attested (SNP)")
    parser.add_argument("--image", metavar="FILE", type=Path, help="with --igvm: the disk image that it must start from")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def main(argv: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Runs the program on `argv` (without its name); gives the exit status."""
    command, rest = (argv[0], argv[1:]) if argv and argv[0] in COMMANDS else ("verify", argv)
    try:
        if command == "prove":
            from kettle_web.verification.proving import prove

            return prove(rest, stdout, stderr)
        if command == "measurements":
            from kettle_web.verification.measuring import measurements

            return measurements(rest, stdout, stderr)
        arguments = parser_make().parse_args(list(rest))
    except Unusable as error:
        stderr.write(f"{_visible(str(error))}\n")
        return UNUSABLE
    except SystemExit as end:  # --help has printed itself.
        return int(end.code or 0)
    return verify(arguments, stdout, stderr)


def verify(arguments: argparse.Namespace, stdout: TextIO, stderr: TextIO) -> int:
    """Checks what the parsed arguments name, prints the report, gives the exit status."""
    from kettle_web.verification.bundle import BundleError, bundle_open
    from kettle_web.verification.reference_files import reference_open
    from kettle_web.verification.report import Verdict, report_to_json
    from kettle_web.verification.run import run_checks
    from kettle_web.verification.text import report_text

    try:
        nonce = _nonce(arguments.nonce)
        now = moment_parse(arguments.now)
        policy = _policy(arguments.policy)
        collateral = _collateral(arguments.collateral)
        with bundle_open(arguments.path) as bundle, reference_open(arguments.igvm, arguments.image) as reference:
            report = run_checks(
                provenance_bytes=bundle.provenance_bytes,
                evidence_bytes=bundle.evidence_bytes,
                artifacts=bundle.artifacts,
                nonce=nonce,
                policy=policy,
                collateral=collateral,
                require_collateral=arguments.require_collateral,
                now=now,
                want_artifacts=not arguments.no_artifacts,
                reference=reference,
            )
    except (Unusable, BundleError) as error:
        stderr.write(f"{_visible(str(error))}\n")
        return UNUSABLE
    if arguments.json:
        stdout.write(json.dumps(report_to_json(report), indent=2) + "\n")
    else:
        stdout.write(report_text(report))
    if report.now.verdict is Verdict.UNPINNED and arguments.accept_unpinned:
        return 0
    return report.exit_status


def _visible(text: str) -> str:
    from kettle_web.verification.visible import visible

    return visible(text)


def _nonce(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        nonce = bytes.fromhex(text) if text.isascii() and text.isalnum() else b""
    except ValueError:
        nonce = b""
    if len(nonce) != 16:
        raise Unusable("--nonce: a nonce is 32 hex digits (16 bytes).")
    if not any(nonce):
        raise Unusable("--nonce: an all-zero nonce is no nonce; evidence without one carries zeros, so it would prove nothing.")
    return nonce


def _policy(path: Path | None) -> Policy | None:
    if path is None:
        return None
    from kettle_web.verification.artifacts import file_open_regular
    from kettle_web.verification.policy import PolicyError
    from kettle_web.verification.policy_json import POLICY_LIMIT, policy_parse

    try:
        with file_open_regular(path, follow=True) as stream:
            return policy_parse(stream.read(POLICY_LIMIT + 1))
    except OSError as error:
        raise Unusable(f"--policy: {path} cannot be read: {error.strerror or error}.") from error
    except PolicyError as error:
        raise Unusable(f"--policy: {error}.") from error


def _collateral(path: Path | None) -> Collateral | None:
    if path is None:
        return None
    from kettle_web.attestation.checks import AttestationError
    from kettle_web.attestation.collateral import collateral_parse
    from kettle_web.attestation.collateral.bundle import MAX_COLLATERAL_BYTES
    from kettle_web.verification.artifacts import file_open_regular

    try:
        with file_open_regular(path, follow=True) as stream:
            return collateral_parse(stream.read(MAX_COLLATERAL_BYTES + 1))
    except OSError as error:
        raise Unusable(f"--collateral: {path} cannot be read: {error.strerror or error}.") from error
    except AttestationError as error:
        raise Unusable(f"--collateral: {error}") from error
