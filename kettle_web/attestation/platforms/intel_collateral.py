"""Steps about what Intel publishes beside the machine: TCB info, the quoting enclave's identity, and two revocation lists.

1. `collateral.lists`: they are at hand, can be taken apart, and are for this family of machines.
2. `collateral.signatures`: each leads to the same pinned root as the chip key.
3. `collateral.validity`: the time of the check lies within the dates of all of them.
4. `revocation`: neither chip key, nor intermediate, nor the signer of the lists is revoked.
5. `qe.identity`: the enclave that made the quote is Intel's quoting enclave, and not a revoked version of it.
6. `tcb-status`: Intel's word on this firmware level, by dcap-qvl. «OutOfDate» is shown; «Revoked» and no level at all fail.

None of them is required unless collateral is: the evidence does not bring it.

Source: evidence facts, sections 6 and 9.4; Intel, «SGX PCK Certificate and CRL Profile Specification».
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ..anchors import Anchor
from ..checks import CheckFailed, CheckImpossible, Passed, Step, require
from ..collateral.intel_dcap import dcap_judge
from ..formats.intel_crl import IntelCrl
from ..formats.intel_lists import Dated, IntelLists, intel_lists_parse
from ..formats.pck import ecdsa_signature_decode, is_authority
from ..signatures import ecdsa_p256_sha256_verify, p256_point
from .context import Context
from .intel_chain import issued_by_cached

_TCB_SIGNER: Final = "Intel SGX TCB Signing"
_REVOKED: Final = "Revoked"
_UP_TO_DATE: Final = "UpToDate"


def lists(context: Context) -> Passed:
    pck = context.pck.pck
    found = context.source.intel_for(pck.fmspc, context.pck.ca)
    parsed = intel_lists_parse(found)
    if (parsed.fmspc, parsed.pceid) != (pck.fmspc, pck.pceid):
        raise CheckImpossible("collateral.other-family", "the collateral that was given is for another family of machines")
    context.collateral_keep(found)
    context.intel_lists = parsed
    return Passed(expected=f"FMSPC {pck.fmspc.hex()}", actual=f"issued {parsed.tcb_info.issue_date:%Y-%m-%d}")


def signatures(context: Context) -> Passed:
    found, anchor, issuer = context.lists, context.root_of_intel, context.pck.intermediate
    for dated, what in _dated(found):
        _signer(dated, what, anchor)
        ecdsa_p256_sha256_verify(
            p256_point(dated.signer.spki), int.from_bytes(dated.signature[:32], "big"), int.from_bytes(dated.signature[32:], "big"),
            dated.text, code="collateral.signature", failure=f"{what} is not signed by Intel's key for such lists.",
        )  # fmt: skip
    _root(found.pck_crl_root.raw, anchor)
    same = (found.pck_crl_signer.subject, found.pck_crl_signer.spki) == (issuer.subject, issuer.spki)
    require(same, "collateral.crl-issuer", "The revocation list is not of the authority that issued the chip key.")
    failure = "The revocation list's authority was not certified by the root."
    issued_by_cached(found.pck_crl_signer, anchor.spki, "collateral.crl-issuer-signature", failure)
    _crl_signed(found.pck_crl, issuer.subject, issuer.spki, "The chip keys' revocation list")
    _crl_signed(found.root_crl, anchor.subject, anchor.spki, "The root's revocation list")
    for what, not_before, not_after in _periods(found):
        context.validity.append((what, not_before, not_after))
    return Passed(expected=anchor.name, actual="four signatures verified", anchor=anchor.name)


def validity(context: Context) -> Passed:
    for what, not_before, not_after in _periods(context.lists):
        _current(what, not_before, not_after, context.now)
    until = min(not_after for _, _, not_after in _periods(context.lists))
    return Passed(expected=f"until {until:%Y-%m-%d %H:%M:%S} UTC", actual=context.now.isoformat())


def revocation(context: Context) -> Passed:
    """What an old list says of a certificate stays true; that it says nothing means something only while the list is valid."""
    found, chain = context.lists, context.pck
    for crl, certificate, what in (
        (found.pck_crl, chain.pck.certificate, "The chip key's certificate"),
        (found.root_crl, chain.intermediate, "The intermediate"),
        (found.root_crl, found.tcb_info.signer, "The signer of Intel's TCB info"),
        (found.root_crl, found.qe_identity.signer, "The signer of the quoting enclave's identity"),
    ):
        require(
            certificate.serial not in crl.serials, "revocation.revoked", f"{what} was revoked by Intel.", expected="not on the list",
            actual=f"serial number {certificate.serial:x}",
        )  # fmt: skip
    for crl, what in ((found.pck_crl, "The chip keys' revocation list"), (found.root_crl, "The root's revocation list")):
        _current(what, crl.this_update, crl.next_update, context.now)
    return Passed(expected="not on the lists", actual=f"{len(found.pck_crl.serials)} and {len(found.root_crl.serials)} are")


def qe_identity(context: Context) -> Passed:
    report, identity = context.qe, context.lists.qe
    require(
        report.mrsigner == identity.mrsigner, "qe.signer", "The quoting enclave is not signed by Intel.",
        expected=identity.mrsigner.hex(), actual=report.mrsigner.hex(),
    )  # fmt: skip
    require(
        report.isvprodid == identity.isvprodid, "qe.product", "The enclave is not Intel's quoting enclave for TDX.",
        expected=str(identity.isvprodid), actual=str(report.isvprodid),
    )  # fmt: skip
    for name, found, wanted, mask in (
        ("miscselect", report.miscselect.to_bytes(4, "little"), identity.miscselect, identity.miscselect_mask),
        ("attributes", report.attributes, identity.attributes, identity.attributes_mask),
    ):
        masked = bytes(one & other for one, other in zip(found, mask, strict=True))
        failure = f"The quoting enclave's {name} are not Intel's."
        require(masked == wanted, f"qe.{name}", failure, expected=wanted.hex(), actual=masked.hex())
    level = next((level for level in identity.levels if level.isvsvn <= report.isvsvn), None)
    if level is None or level.status == _REVOKED:
        raise CheckFailed("qe.revoked", "The quoting enclave is of a version that Intel revoked.", actual=str(report.isvsvn))
    context.claims["qe_status"] = level.status
    return Passed(expected=f"not {_REVOKED}", actual=f"version {report.isvsvn}: {level.status}")


def tcb_status(context: Context) -> Passed:
    anchor, collateral = context.root_of_intel, context.collateral_used.intel
    if collateral is None or anchor.certificate is None or context.td_quote_bytes is None:
        raise CheckImpossible("tcb.nothing", "there is nothing to judge the firmware level by")
    judged = dcap_judge(context.td_quote_bytes, collateral, anchor.certificate, context.now)
    context.claims["tcb_status"], context.claims["advisories"] = judged.status, list(judged.advisories)
    named = f"{judged.status} ({', '.join(judged.advisories)})" if judged.advisories else judged.status
    return Passed(expected=f"{_UP_TO_DATE}, or a status that Intel has not revoked", actual=named, anchor=anchor.name)


def _dated(found: IntelLists) -> tuple[tuple[Dated, str], ...]:
    return (found.tcb_info, "TCB info of Intel"), (found.qe_identity, "The quoting enclave's identity")


def _periods(found: IntelLists) -> tuple[tuple[str, datetime, datetime], ...]:
    """(what, from, until) of every signed thing, and of the certificates that only the lists bring."""
    dated = tuple((what, one.issue_date, one.next_update) for one, what in _dated(found))
    signers = tuple((f"Signer of: {what}", one.signer.not_before, one.signer.not_after) for one, what in _dated(found))
    crls = (("The chip keys' revocation list", found.pck_crl), ("The root's revocation list", found.root_crl))
    return (*dated, *signers, *((what, crl.this_update, crl.next_update) for what, crl in crls))


def _current(what: str, not_before: datetime, not_after: datetime, now: datetime) -> None:
    """Lists out of their dates are as good as none, so this raises `CheckImpossible`."""
    if now < not_before:
        raise CheckImpossible("collateral.early", f"{what} was issued on {not_before:%Y-%m-%d}, after the time that is asked about")
    if now > not_after:
        raise CheckImpossible("collateral.expired", f"{what} expired on {not_after:%Y-%m-%d %H:%M:%S} UTC")


def _signer(dated: Dated, what: str, anchor: Anchor) -> None:
    _root(dated.root.raw, anchor)
    signer = dated.signer
    fitting = signer.issuer == anchor.subject and signer.subject_common_name == _TCB_SIGNER and not is_authority(signer)
    require(fitting, "collateral.signer", f"{what} is signed by somebody else than Intel's signer of such lists.")
    failure = f"The signer of this list was not certified by the root: {what}."
    issued_by_cached(signer, anchor.spki, "collateral.signer-signature", failure)


def _root(certificate: bytes, anchor: Anchor) -> None:
    require(certificate == anchor.certificate, "collateral.root", "A list leads to another root than the chip key.")


def _crl_signed(crl: IntelCrl, issuer: bytes, spki: bytes, what: str) -> None:
    require(crl.issuer == issuer, "collateral.crl-issuer", f"{what} is of another authority.")
    r, s = ecdsa_signature_decode(crl.signature, what)
    ecdsa_p256_sha256_verify(p256_point(spki), r, s, crl.tbs, code="collateral.crl-signature", failure=f"{what} is not signed by it.")


def collateral_steps(prefix: str) -> tuple[Step[Context], ...]:
    code = f"{prefix}.{{}}".format
    authentic = (code("collateral.signatures"),)

    def step(name: str, title: str, link: str, proves: str, does_not: str, run: object, after: tuple[str, ...]) -> Step[Context]:
        assert callable(run)
        return Step(code(name), title, link, proves, does_not, run, after, required=False, rests_on_collateral=True)

    return (
        step("collateral.lists", "Intel's lists are at hand", "chip-key", "There are lists for this family of machines, in their form.",
             "That Intel issued them.", lists, (code("pck.signature"),)),
        step("collateral.signatures", "Intel signed the lists", "intermediate", "Each list leads to the root that the chip key leads to.",
             "That they are the newest: Intel issues them every month.", signatures, (code("collateral.lists"),)),
        step("collateral.validity", "The lists are valid at this time", "intermediate",
             "The time of the check lies within the dates of each list.", "That no newer list says otherwise.", validity, authentic),
        step("revocation", "Neither chip key nor intermediate is revoked", "intermediate",
             "Intel's revocation lists name neither the chip key, nor its issuer, nor the signer of the lists.",
             "That Intel knows of every key that was extracted.", revocation, authentic),
        step("qe.identity", "The quote was made by Intel's quoting enclave", "report",
             "Signer, product, attributes and version of the enclave are those that Intel names.", "That the enclave is free of errors.",
             qe_identity, (code("qe.signature"), code("collateral.validity"))),
        step("tcb-status", "Intel's word on the firmware level", "report",
             "Intel has not revoked this level of firmware and TDX module, and says whether it is up to date.",
             "That there are no weaknesses that Intel does not know yet.", tcb_status,
             (code("quote.signature"), code("qe.identity"), code("revocation"))),
    )  # fmt: skip
