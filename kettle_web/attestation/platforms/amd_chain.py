"""Steps about the chip key's certificate (VCEK or VLEK) and the vendor's chain above it, the same for every AMD platform.

The chain of the evidence (`ask`, `ark`) is never used: issuers come from the anchors. The anchor whose name stands in the certificate,
byte for byte, and whose key verifies its signature, alone decides whether this is hardware or simulated.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from ..anchors import ARK, ASK, ASVK, TEST, Anchor
from ..checks import CheckFailed, CheckImpossible, CheckSkipped, Malformed, Passed, Step, require
from ..formats.certificate import Certificate, certificate_parse
from ..formats.snp_report import generations_possible
from ..formats.vek import VLEK, vek_parse
from ..signatures import p384_key_load, rsa_pss_sha384_verify
from .amd_revocation import revocation
from .claims import vek_claims
from .context import Context

_ROLE_FOR_KIND: Final = {VLEK: ASVK}


def parse(context: Context) -> Passed:
    asked = context.vek_bytes is None
    context.chip_key = vek_parse(context.vek_bytes or _vek_ask(context))
    certificate = context.chip_key.certificate
    p384_key_load(certificate.spki)
    what = f"Certificate of the chip key ({context.chip_key.kind.upper()})"
    context.validity.append((what, certificate.not_before, certificate.not_after))
    origin = ", from the collateral" if asked else ""
    return Passed(actual=f"{certificate.subject_common_name}, issued by {certificate.issuer_common_name}{origin}")


def _vek_ask(context: Context) -> bytes:
    """The VCEK that the evidence does not bring, from the collateral's source by chip id and reported firmware level.

    A masked chip id cannot be asked for, so nothing could ever help; a VLEK is handed out by the cloud provider alone.
    """
    report = context.report
    if not any(report.chip_id):
        raise CheckFailed("vek.missing-and-masked", "There is no certificate of the chip key, and the report hides which chip it is.")
    if report.key_info >> 2 & 7 == 1:
        raise CheckImpossible("vek.missing-vlek", "The evidence lacks the certificate of its VLEK, which only the cloud provider has.")
    possible = generations_possible(report)
    if context.collateral is None or len(possible) != 1:
        raise CheckImpossible("vek.missing", context.vek_missing or "The evidence has no certificate of the chip key.")
    found = context.source.amd_vek_for(possible[0], report.chip_id, report.reported_tcb)
    context.collateral_keep(found)
    return found.der


def signature(context: Context) -> Passed:
    vek = context.vek
    certificate, role = vek.certificate, _ROLE_FOR_KIND.get(vek.kind, ASK)
    named = context.anchors.issuers_named(certificate.issuer)
    fitting = [anchor for anchor in named if anchor.role == role]
    require(
        bool(named), "vek.unknown-issuer", "The chip key's certificate was issued by nobody whom this program trusts.",
        actual=certificate.issuer_common_name,
    )  # fmt: skip
    require(bool(fitting), "vek.wrong-role", f"The issuer of the chip key's certificate does not issue any for a {vek.kind.upper()}.")
    for anchor in fitting:
        try:
            _issued_by(certificate, anchor)
        except CheckFailed:
            continue
        context.anchor = anchor
        context.claims.update(vek_claims(vek, anchor.generation))
        return Passed(expected=anchor.name, actual=certificate.issuer_common_name, anchor=anchor.name)
    raise CheckFailed(
        "vek.signature", "The chip key's certificate names a trusted issuer, but that issuer did not sign it.", expected=fitting[0].name
    )


def intermediate(context: Context) -> Passed:
    anchor, root = _anchors(context)
    context.validity.append((anchor.name, anchor.not_before, anchor.not_after))
    context.validity.append((root.name, root.not_before, root.not_after))
    if anchor.certificate is not None and root.certificate is not None:
        _intermediate_verify(anchor, root)
        return Passed(expected="signed by the root", actual="signature verified", anchor=anchor.name)
    require(anchor.kind != TEST, "chain.intermediate.certificate", "A test anchor without certificates cannot be followed to its root.")
    pinned = f"pinned certificate {anchor.certificate_sha256}"
    return Passed(expected=pinned, actual=pinned, anchor=anchor.name)


def root(context: Context) -> Passed:
    _, root = _anchors(context)
    if root.certificate is not None:
        _root_verify(root)
    pinned = f"pinned certificate {root.certificate_sha256}"
    return Passed(expected=pinned, actual=pinned, anchor=root.name)


@lru_cache(maxsize=64)
def _intermediate_verify(anchor: Anchor, root: Anchor) -> None:
    """Once per process and pair: anchors are values that do not change. Only a success is remembered."""
    certificate = _pinned(anchor, anchor.certificate or b"")
    require(certificate.issuer == root.subject, "chain.intermediate.issuer", "The intermediate names another issuer than its root.")
    _issued_by(certificate, root, code="chain.intermediate.signature", failure="The root did not sign the intermediate.")


@lru_cache(maxsize=64)
def _root_verify(root: Anchor) -> None:
    certificate = _pinned(root, root.certificate or b"")
    _issued_by(certificate, root, code="chain.root.signature", failure="The root certificate is not signed by its own key.")


def vek_validity(context: Context) -> Passed:
    certificate = context.vek.certificate
    return _valid("vek.validity", "The certificate of the chip key", certificate.not_before, certificate.not_after, context)


def chain_validity(context: Context) -> Passed:
    passed = [_valid("chain.validity", anchor.name, anchor.not_before, anchor.not_after, context) for anchor in _anchors(context)]
    return Passed(expected="; ".join(one.expected for one in passed), actual=passed[0].actual)


def minimum_tcb(context: Context) -> Passed:
    """The reported level: the one that the chip key was derived for."""
    wanted = context.minimum_tcb_for(context.claims)
    if wanted is None:
        raise CheckSkipped("minimum-tcb.none", "no minimum firmware level was given")
    reported: dict[str, int] = context.claims["tcb"]["reported"]
    expected = ", ".join(f"{name} {level}" for name, level in wanted.items())
    actual = ", ".join(f"{name} {level}" for name, level in reported.items())
    for name, level in wanted.items():
        require(
            name in reported, "minimum-tcb.component", f"A minimum is set for {name}, which this processor's firmware lacks.",
            expected=expected, actual=actual,
        )  # fmt: skip
        require(
            reported[name] >= level, f"minimum-tcb.{name}", f"The firmware level of {name} is below the wanted one.", expected=expected,
            actual=actual,
        )  # fmt: skip
    return Passed(expected=f"at least {expected}", actual=actual)


def _valid(code: str, what: str, not_before: datetime, not_after: datetime, context: Context) -> Passed:
    expected = _dates(not_before, not_after)
    actual = context.now.isoformat()
    require(context.now >= not_before, f"{code}.early", f"{what} is not valid yet.", expected=expected, actual=actual)
    require(context.now <= not_after, f"{code}.expired", f"{what} is no longer valid.", expected=expected, actual=actual)
    return Passed(expected=expected, actual=actual)


@lru_cache(maxsize=256)
def _dates(not_before: datetime, not_after: datetime) -> str:
    return f"{not_before:%Y-%m-%d %H:%M:%S} to {not_after:%Y-%m-%d %H:%M:%S} UTC"


def _issued_by(certificate: Certificate, anchor: Anchor, *, code: str = "vek.signature", failure: str = "Not signed by it.") -> None:
    rsa_pss_sha384_verify(anchor.spki, certificate.signature, certificate.tbs, code=code, failure=failure)


def _pinned(anchor: Anchor, data: bytes) -> Certificate:
    """The anchor's own certificate, which must say what the anchor's data say."""
    certificate = certificate_parse(data, f"The certificate of {anchor.name}")
    if (certificate.subject, certificate.spki) != (anchor.subject, anchor.spki):
        raise Malformed("chain.anchor-data", f"The certificate of {anchor.name} is not the anchor's.")
    return certificate


def _anchors(context: Context) -> tuple[Anchor, Anchor]:
    """The matching intermediate and its root."""
    if context.anchor is None:
        raise CheckFailed("chain.no-anchor", "No anchor signed the chip key's certificate.")
    found = context.anchors.root_of(context.anchor)
    if found is None or found.role != ARK:
        raise CheckFailed("chain.no-root", "The anchors hold no root above the chip key's issuer.")
    return context.anchor, found


def chain_steps(prefix: str, *, after: tuple[str, ...]) -> tuple[Step[Context], ...]:
    """From the certificate's bytes to the vendor's root. `after`: codes of the steps that found the bytes and parsed the report."""
    code = f"{prefix}.{{}}".format
    signed = (code("vek.signature"),)
    return (
        Step(code("vek.parse"), "The chip key's certificate can be read", "chip-key",
             "The certificate is in the one canonical form that the vendor uses, for a P-384 key.", "That the vendor issued it.",
             parse, after),
        Step(code("vek.signature"), "The vendor's intermediate signed the chip key's certificate", "chip-key",
             "The holder of the pinned intermediate key certified this chip key: name byte for byte, and signature.",
             "That the chip key was never extracted from its chip.", signature, (code("vek.parse"),)),
        Step(code("chain.intermediate"), "The intermediate belongs to the root", "intermediate",
             "The issuer is one of the pinned intermediates. The vendor's were each checked to be signed by their root when they were "
             "pinned; an anchor that brings its certificates is verified again here.",
             "That the intermediate was not revoked: that is a check of its own.", intermediate, signed),
        Step(code("chain.root"), "The root is a pinned one", "vendor-root",
             "The root above this chain is one that this program carries by key, name and certificate fingerprint.",
             "That the vendor guards the root's private key.", root, signed),
        Step(code("vek.validity"), "The chip key's certificate is valid at this time", "chip-key",
             "The time of the check lies within the certificate's dates.", "That it was within them when the evidence was made.",
             vek_validity, signed),
        Step(code("chain.validity"), "Intermediate and root are valid at this time", "intermediate",
             "The time of the check lies within the dates of both.", "That neither was revoked.", chain_validity, signed),
        Step(code("revocation"), "The intermediate is not revoked", "intermediate",
             "The vendor's revocation list, signed by the root and within its dates, names neither root nor intermediate.",
             "Anything about single chips: their certificates all have serial number 0, so a list cannot name one.", revocation, signed,
             required=False, rests_on_collateral=True),
    )  # fmt: skip


def minimum_tcb_step(prefix: str) -> Step[Context]:
    return Step(
        f"{prefix}.minimum-tcb", "The firmware is at least of the wanted level", "report",
        "Each component of the firmware has at least the level that was asked for.", "That the wanted level is high enough.",
        minimum_tcb, (f"{prefix}.report.signature",), required=False,
    )  # fmt: skip
