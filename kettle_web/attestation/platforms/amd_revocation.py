"""The step that asks AMD's revocation list about the chain above a report.

The list is signed by the root (ARK), so it speaks of what the root issued: the intermediates and the root itself. The serial number of
the chip key is looked up too, although it is 0 in every VCEK and VLEK: a list that names 0 revokes them all.
"""

from __future__ import annotations

from ..anchors import TEST, Anchor
from ..checks import CheckFailed, CheckImpossible, CheckSkipped, Passed, require
from ..formats.crl import Crl, crl_parse
from ..signatures import rsa_pss_sha384_verify
from .context import Context


def revocation(context: Context) -> Passed:
    if context.anchor is not None and context.anchor.kind == TEST:
        raise CheckSkipped("revocation.test-root", "nobody publishes a revocation list for the public test root")
    if context.collateral is None:
        raise CheckSkipped("revocation.no-list", "no revocation list was given")
    anchor, root = _anchors(context)
    got = context.source.amd_crl_for(anchor.generation)
    crl = crl_parse(got.der)
    require(crl.issuer == root.subject, "revocation.issuer", "The revocation list is of another issuer than the root.", expected=root.name)
    rsa_pss_sha384_verify(
        root.spki, crl.signature, crl.tbs, code="revocation.signature", failure="The root did not sign the revocation list."
    )
    context.collateral_keep(got, generation=anchor.generation)
    dates = f"list of {crl.this_update:%Y-%m-%d %H:%M:%S} to {crl.next_update:%Y-%m-%d %H:%M:%S} UTC"
    # What a list names stays revoked, also when the list itself is out of its dates.
    _not_listed(crl, root.serial, "root", root.name)
    _not_listed(crl, anchor.serial, "intermediate", anchor.name)
    _not_listed(crl, context.vek.certificate.serial, "vek", "The certificate of the chip key")
    if context.now < crl.this_update:
        raise CheckImpossible("revocation.early", f"The revocation list was made later than the time that is judged ({dates}).")
    if context.now > crl.next_update:
        raise CheckImpossible("revocation.expired", f"The revocation list is out of date ({dates}).")
    context.validity.append((f"Revocation list of {root.name}", crl.this_update, crl.next_update))
    count = "1 certificate" if len(crl.revoked) == 1 else f"{len(crl.revoked)} certificates"
    return Passed(expected="not on the list", actual=f"{dates}, naming {count}", anchor=root.name)


def _not_listed(crl: Crl, serial: int, code: str, what: str) -> None:
    if serial in crl.revoked:
        when = f"{crl.revoked[serial]:%Y-%m-%d %H:%M:%S} UTC"
        raise CheckFailed(
            f"revocation.{code}", f"{what} was revoked on {when}.", expected="not on the list", actual=f"serial number {serial:#x}, {when}"
        )


def _anchors(context: Context) -> tuple[Anchor, Anchor]:
    if context.anchor is None:
        raise CheckFailed("chain.no-anchor", "No anchor signed the chip key's certificate.")
    root = context.anchors.root_of(context.anchor)
    if root is None:
        raise CheckFailed("chain.no-root", "The anchors hold no root above the chip key's issuer.")
    return context.anchor, root
