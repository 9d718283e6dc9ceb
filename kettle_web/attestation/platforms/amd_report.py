"""Steps about the SEV-SNP report itself, the same for every platform that carries one.

Each function is one step's check; `report_steps` gives them their codes under a platform's prefix.
"""

from __future__ import annotations

from typing import Final

from ..anchors import Anchor
from ..checks import CheckFailed, Passed, Step, require
from ..formats.snp_report import SIGNED_BYTES, generations_possible, reserved_not_zero, snp_report_parse
from ..formats.tcb import TURIN, Tcb, tcb_parse
from ..formats.vek import VCEK, VLEK
from ..signatures import ecdsa_p384_sha384_verify
from .claims import report_claims
from .context import Context

_POLICY_MUST_BE_ONE: Final = 1 << 17
_POLICY_MIGRATE_MA: Final = 1 << 18
_POLICY_DEBUG: Final = 1 << 19
_POLICY_RESERVED: Final = ~((1 << 26) - 1)
_SIGNING_KEYS: Final = {0: VCEK, 1: VLEK}
_LINK: Final = "report"


def parse(context: Context) -> Passed:
    context.snp_report = snp_report_parse(context.report_bytes or b"")
    return Passed(expected="1184 bytes", actual="1184 bytes")


def version(context: Context, allowed: tuple[int, ...]) -> Passed:
    found, expected = context.report.version, f"{allowed[0]} to {allowed[-1]}"
    require(found in allowed, "report.version", "The report is of a version that is not known.", expected=expected, actual=str(found))
    return Passed(expected=expected, actual=str(found))


def reserved(context: Context) -> Passed:
    found = reserved_not_zero(context.report)
    require(not found, "report.reserved", "Reserved fields of the report are not zero.", expected="all zero", actual=", ".join(found))
    return Passed(expected="all zero", actual="all zero")


def generation(context: Context) -> Passed:
    return Passed(actual=" or ".join(generations_possible(context.report)))


def algorithm(context: Context) -> Passed:
    found = context.report.signature_algorithm
    require(found == 1, "report.algorithm", "The report names an unknown signature algorithm.", expected="1", actual=str(found))
    return Passed(expected="1 (ECDSA P-384 with SHA-384)", actual="1")


def signature(context: Context) -> Passed:
    report = context.report
    ecdsa_p384_sha384_verify(
        context.vek.certificate.spki,
        int.from_bytes(report.signature_r[:48], "little"),
        int.from_bytes(report.signature_s[:48], "little"),
        (context.report_bytes or b"")[:SIGNED_BYTES],
        code="report.signature",
        failure="The report is not signed by the chip key: the report or its signature was changed, or another chip made it.",
    )
    context.claims.update(report_claims(report, turin=_is_turin(context)))
    return Passed(actual="ECDSA P-384 over SHA-384 of 672 bytes")


def signature_padding(context: Context) -> Passed:
    report = context.report
    unused = report.signature_r[48:] + report.signature_s[48:] + report.reserved_330
    require(not any(unused), "report.signature-padding", "Bytes around the report's signature are not zero.", expected="all zero")
    return Passed(expected="all zero", actual="all zero")


def vmpl(context: Context) -> Passed:
    found = context.report.vmpl
    require(found == 0, "report.vmpl", "The report was asked for at a lower privilege level.", expected="0", actual=str(found))
    return Passed(expected="0", actual="0")


def debug(context: Context) -> Passed:
    allowed = context.report.policy & _POLICY_DEBUG
    require(not allowed, "report.debug", "The machine may be debugged: its host can read its memory.", expected="off", actual="on")
    return Passed(expected="off", actual="off")


def policy(context: Context) -> Passed:
    found = context.report.policy
    actual = f"{found:#x}"
    require(bool(found & _POLICY_MUST_BE_ONE), "report.policy.reserved-one", "Policy bit 17 is not one.", expected="1", actual=actual)
    require(not found & _POLICY_RESERVED, "report.policy.reserved", "Reserved policy bits are not zero.", expected="0", actual=actual)
    require(
        not found & _POLICY_MIGRATE_MA, "report.policy.migration", "The machine may be moved by a migration agent.",
        expected="no migration agent", actual=actual,
    )  # fmt: skip
    return Passed(expected="no migration agent, reserved bits as specified", actual=actual)


def key_info(context: Context) -> Passed:
    found, kind = context.report.key_info, context.vek.kind
    named = _SIGNING_KEYS.get(found >> 2 & 7, "none")
    require(not found >> 5, "report.key-info.reserved", "Reserved bits of the key information are not zero.", actual=f"{found:#x}")
    require(
        named == kind, "report.key-info.signing-key", "The report was signed by another kind of key than the certificate is for.",
        expected=kind, actual=named,
    )  # fmt: skip
    require(not found & 2, "report.key-info.masked", "The report hides which chip made it.", expected="chip not masked", actual="masked")
    return Passed(expected=kind, actual=named)


def tcb_order(context: Context) -> Passed:
    """Firmware reports at most what is committed, and runs at least that: else the report contradicts itself."""
    report, turin = context.report, _is_turin(context)
    reported, committed, current, launch = (
        tcb_parse(raw, turin=turin) for raw in (report.reported_tcb, report.committed_tcb, report.current_tcb, report.launch_tcb)
    )
    for tcb in (reported, committed, current, launch):
        require(not any(tcb.reserved), "report.tcb.reserved", "Reserved bytes of a firmware level are not zero.", expected="all zero")
    if not committed.at_least(reported):
        raise CheckFailed(
            "report.tcb.reported", "The reported firmware level is above the committed one.", expected=f"at most {committed.text}",
            actual=reported.text,
        )  # fmt: skip
    if not current.at_least(committed):
        raise CheckFailed(
            "report.tcb.committed", "The committed firmware level is above the running one.", expected=f"at most {current.text}",
            actual=committed.text,
        )  # fmt: skip
    if report.committed_version > report.current_version:
        raise CheckFailed(
            "report.tcb.version", "The committed firmware version is above the running one.",
            expected=f"at most {report.current_version}", actual=str(report.committed_version),
        )  # fmt: skip
    return Passed(expected="reported ≤ committed ≤ running", actual=reported.text)


def chip(context: Context) -> Passed:
    """A VCEK names its chip. A VLEK is loaded into many and names none; where it names one, that must be this chip."""
    vek, chip_id = context.vek, context.report.chip_id
    if vek.hwid is None:
        require(vek.kind == VLEK, "chip.hwid-missing", "The chip key's certificate does not name its chip.")
        return Passed(expected="a VLEK names no chip", actual=vek.csp_id or "no chip named")
    wanted_length = 8 <= len(vek.hwid) <= 64 if _is_turin(context) else len(vek.hwid) == 64
    require(wanted_length, "chip.hwid-length", "The chip id in the certificate has the wrong length.", actual=f"{len(vek.hwid)} bytes")
    require(
        vek.hwid.ljust(64, b"\0") == chip_id, "chip.hwid", "The certificate is another chip's.", expected=vek.hwid.hex(),
        actual=chip_id.hex(),
    )  # fmt: skip
    return Passed(expected=vek.hwid.hex(), actual=chip_id.hex())


def tcb(context: Context) -> Passed:
    """The key is derived from the firmware level, so the certificate's levels and the report's are the same."""
    reported: Tcb = tcb_parse(context.report.reported_tcb, turin=_is_turin(context))
    stated = {"fmc": 0} | context.vek.levels
    actual = {"fmc": 0} | reported.components()
    for name, level in stated.items():
        if level != actual[name]:
            raise CheckFailed(
                f"chip.tcb.{name}", f"The certificate is for another firmware level of {name} than the report states.",
                expected=f"{name} {level}", actual=f"{name} {actual[name]}",
            )  # fmt: skip
    return Passed(expected=reported.text, actual=reported.text)


def chain_generation(context: Context) -> Passed:
    """Report, certificate and anchor speak of the same processor generation."""
    anchor = _anchor(context)
    possible = generations_possible(context.report)
    require(
        anchor.generation in possible, "chip.generation", "The chip key's issuer is of another processor generation than the report.",
        expected=" or ".join(possible), actual=anchor.generation,
    )  # fmt: skip
    product = context.vek.product.lower().split("-")[0]
    require(
        product == anchor.generation, "chip.product", "The certificate names another product than its issuer.",
        expected=anchor.generation, actual=product or "none",
    )  # fmt: skip
    return Passed(expected=anchor.generation, actual=context.vek.product)


def _anchor(context: Context) -> Anchor:
    if context.anchor is None:
        raise CheckFailed("chip.no-anchor", "No anchor signed the chip key's certificate.")
    return context.anchor


def _is_turin(context: Context) -> bool:
    return generations_possible(context.report) == (TURIN,)


def report_steps(prefix: str, *, versions: tuple[int, ...], after: str) -> tuple[Step[Context], ...]:
    """What the report's bytes say on their own. `after`: code of the step that found the bytes."""
    code = f"{prefix}.report.{{}}".format
    parsed, known = (code("parse"),), (code("version"),)
    return (
        Step(code("parse"), "The report can be taken apart", _LINK, "The report has the length of a SEV-SNP report.",
             "That anything in it is true.", parse, (after,)),
        Step(code("version"), "The report's version is known", _LINK, "The report is of a version whose fields are known.",
             "That the firmware is up to date.", lambda context: version(context, versions), parsed),
        Step(code("reserved"), "Reserved fields are zero", _LINK, "Nothing hides in fields that the specification keeps empty.",
             "Anything about the fields in use.", reserved, known),
        Step(code("generation"), "The processor generation is known", _LINK, "The report names a processor that this program knows.",
             "That such a processor made it: the signature does.", generation, known),
        Step(code("algorithm"), "The signature algorithm is known", _LINK, "The report says that it is signed with ECDSA P-384.",
             "That the signature holds.", algorithm, known),
        Step(code("padding"), "The signature is padded with zeros", _LINK, "The bytes that the signature does not cover say nothing.",
             "That the signature holds.", signature_padding, known),
        Step(code("vmpl"), "Asked for at the highest privilege level", _LINK, "The report was requested at privilege level 0.",
             "Which software runs at that level.", vmpl, known),
        Step(code("debug"), "Debugging is off", _LINK, "The host cannot read or change the machine's memory by the debug interface.",
             "That the software inside keeps its secrets.", debug, known),
        Step(code("policy"), "The guest policy is sound", _LINK, "No migration agent, and reserved bits as specified.",
             "Anything about threads or sockets that are shared.", policy, known),
        Step(code("tcb-order"), "Firmware levels do not contradict each other", _LINK,
             "The reported level is at most the committed, the committed at most the running one.",
             "That the firmware is free of known weaknesses.", tcb_order, (code("generation"),)),
    )  # fmt: skip


def signature_steps(prefix: str) -> tuple[Step[Context], ...]:
    """What joins the report and the chip key's certificate, once that certificate's chain holds."""
    code = f"{prefix}.report.{{}}".format
    chained = (f"{prefix}.vek.signature", code("generation"))
    return (
        Step(code("signature"), "The report is signed by the chip key", _LINK,
             "The processor that holds this key wrote every field of the report, its report_data among them.",
             "Which software ran: that is what the measurement is compared for.", signature,
             (*chained, code("reserved"), code("algorithm"))),
        Step(code("key-info"), "Signed by the kind of key that the certificate is for", _LINK,
             "The report names the kind of key that signed it, and the chip is not masked.", "That the key was not extracted.",
             key_info, chained),
        Step(f"{prefix}.chip.generation", "Report, certificate and issuer name one processor generation", "chip-key",
             "The certificate was made for this generation of processors.", "Which chip of the generation it is.", chain_generation,
             chained),
        Step(f"{prefix}.chip.id", "The certificate is for this chip", "chip-key",
             "The chip id in the report is the one that the vendor certified. (A VLEK names a cloud provider instead.)",
             "Where the chip stands and who can touch it.", chip, chained),
        Step(f"{prefix}.chip.tcb", "The certificate is for this firmware level", "chip-key",
             "The firmware level in the report is the one that the key was derived for.",
             "That this level is recent enough: no minimum is set.", tcb, chained),
    )  # fmt: skip
