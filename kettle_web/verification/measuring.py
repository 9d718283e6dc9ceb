"""`… measurements PATH`: an allow-list entry for the image that made a bundle which its reader trusts.

The values are printed only when the hardware's signature over them holds. That somebody trusts this bundle is the whole derivation, and the
entry says so: whoever can build the image again and compute its measurement has a better one.
What is not given by an option is left empty, and an entry with an empty field does not load: nobody pins an image by accident.
Exit status: 0 printed; 1 the evidence does not hold; 2 unusable arguments or nothing to read; 3 not established; 4 simulated or none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from kettle_web.verification.arguments import Parser, Unusable, moment_parse
from kettle_web.verification.policy import PLATFORM_FAMILIES, REGISTER_COUNTS, REGISTERS, PolicyError
from kettle_web.verification.policy_json import ENTRY_TEXTS, entry_parse
from kettle_web.verification.report import Outcome, Report, Verdict

USUAL_PCRS: Final = (4, 7, 8, 9, 11, 12)
"""Boot loader, secure boot policy, and what boot loaders measure of kernel, initial file system and command line; those that are zero are
left out. The others hold firmware and partition values that differ between machines, or (10) what ran. Source: UAPI group, «Linux TPM PCR
Registry»."""
USUAL_RTMRS: Final = (1, 2)
"""Kernel and boot loader, command line and initial file system. RTMR 0 holds the virtual machine's configuration, RTMR 3 is the guest's."""
_FROM_HARDWARE: Final = (Verdict.CONFIRMED, Verdict.UNPINNED, Verdict.INCOMPLETE)


def measurements(argv: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Runs the command on its arguments; gives the exit status."""
    parser = Parser(prog="python -m kettle_web.verification measurements", description="Prints an allow-list entry for a trusted bundle.")
    parser.add_argument("path", metavar="PATH", type=Path, help="a bundle folder, a result tarball, or an evidence.json")
    parser.add_argument("--now", metavar="TIME", help="judge dates at this time, and let the entry begin then")
    parser.add_argument("--name", default="", help="of the image, as headlines give it")
    parser.add_argument("--kettle-release", default="", help="which release of Kettle the image holds")
    parser.add_argument("--who", default="", help="who recognises the image")
    parser.add_argument("--why", default="", help="the reason")
    parser.add_argument("--pcrs", metavar="N,N,…", help="which PCRs to pin (Azure; usually the ones that name boot loader and kernel)")
    parser.add_argument("--rtmrs", metavar="N,N,…", help="which RTMRs to pin (Intel; usually 1,2)")
    parser.add_argument("--minimum-tcb", action="store_true", help="demand at least this machine's firmware level (AMD)")
    arguments = parser.parse_args(list(argv))
    now = moment_parse(arguments.now)
    chosen = {"pcrs": _indexes(arguments.pcrs, "pcrs"), "rtmrs": _indexes(arguments.rtmrs, "rtmrs")}
    from kettle_web.verification.bundle import BundleError, bundle_open
    from kettle_web.verification.run import run_checks

    try:
        with bundle_open(arguments.path) as bundle:
            report = run_checks(
                provenance_bytes=bundle.provenance_bytes, evidence_bytes=bundle.evidence_bytes, artifacts=None, now=now,
                want_artifacts=False,
            )  # fmt: skip
    except BundleError as error:
        raise Unusable(str(error)) from error
    reason = why_not(report)
    if reason:
        stderr.write(f"No entry: {reason}\n")
        return report.exit_status if report.now.verdict not in (Verdict.CONFIRMED, Verdict.UNPINNED) else 3
    entry = entry_propose(report, chosen) | {
        "name": arguments.name, "kettle_release": arguments.kettle_release, "pinned_by": arguments.who, "reason": arguments.why,
        "from": now.isoformat(),
    }  # fmt: skip
    if arguments.minimum_tcb and report.platform.endswith("snp"):
        entry["minimum_tcb"] = report.claims["tcb"]["reported"]
    stdout.write(json.dumps(entry, indent=2, ensure_ascii=False) + "\n")
    empty = [name for name, value in entry.items() if value == ""]
    if empty:
        stderr.write(f"Fill in before it loads: {', '.join(empty)}.\n")
    if unfit := _unfit(entry):
        stderr.write(f"It does not load with these values: {unfit}.\n")
    stderr.write("Compare the values with a second machine that runs the same image: what differs does not name the image.\n")
    return 0


def _unfit(entry: dict[str, Any]) -> str:
    """Why an entry could not be loaded whatever texts are filled in; empty: it could."""
    texts = dict.fromkeys(ENTRY_TEXTS, "filled in")
    try:
        entry_parse({name: value for name, value in (entry | texts).items() if value != {}})
    except PolicyError as error:
        return str(error)
    return ""


def why_not(report: Report) -> str:
    """Why no entry can be made of a report; empty: one can."""
    if report.now.verdict not in _FROM_HARDWARE or report.anchor_kind != "hardware":
        return report.now.headline.text
    # What is missing may be the provenance or its files; what the hardware says must have been checked in full.
    unmade = [
        check
        for check in report.checks
        if check.required and check.code.startswith(f"{report.platform}.") and check.outcome is not Outcome.PASS
    ]
    return f"«{unmade[0].title}» was not established: {unmade[0].reason}" if unmade else ""


def entry_propose(report: Report, chosen: dict[str, tuple[int, ...] | None]) -> dict[str, Any]:
    """The fields of an entry that follow from a report whose hardware checks hold. `chosen`: register indexes; None: the usual ones."""
    family = PLATFORM_FAMILIES[report.platform]
    entry: dict[str, Any] = {
        "name": "", "kettle_release": "", "platform": family,
        "mr_td" if family.endswith("tdx") else "measurement": report.claims["measurement"],
    }  # fmt: skip
    for name in REGISTERS[family]:
        values, wanted = report.claims[name], chosen.get(name)
        if wanted is None:
            if family == "az-tdx" and name == "rtmrs":
                continue
            usual = USUAL_PCRS if name == "pcrs" else USUAL_RTMRS
            wanted = tuple(index for index in usual if any(bytes.fromhex(values[index])))
        entry[name] = {str(index): values[index] for index in wanted}
    return entry | {
        "pinned_by": "", "reason": "",
        "derivation": f"read from evidence with SHA-256 {report.evidence_sha256}, which whoever pinned this trusts",
        "from": "", "isolates_build_from_attester": None,
    }  # fmt: skip


def _indexes(text: str | None, name: str) -> tuple[int, ...] | None:
    if text is None:
        return None
    known = {str(index): index for index in range(REGISTER_COUNTS[name])}
    parts = text.split(",")
    if not set(parts) <= known.keys():
        raise Unusable(f"--{name}: write numbers from 0 to {REGISTER_COUNTS[name] - 1} with commas between them.")
    return tuple(sorted({known[part] for part in parts}))
