"""Steps about the chip key's certificate (PCK) and Intel's chain above it, the same for every Intel platform.

The evidence brings its whole chain. Its root must be a pinned one, byte for byte; that pinned root alone decides whether this is
hardware.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from ..checks import CheckFailed, Passed, Step, require
from ..formats.certificate import Certificate
from ..formats.pck import CA_NAMES, ecdsa_signature_decode, intel_certificate_parse, pck_chain_parse
from ..signatures import ecdsa_p256_sha256_verify, p256_point
from .context import Context
from .intel_claims import pck_claims


def parse(context: Context) -> Passed:
    chain = pck_chain_parse(context.tdx.chain)
    context.pck_chain = chain
    for what, certificate in (
        ("Certificate of the chip key (PCK)", chain.pck.certificate),
        (chain.intermediate.subject_common_name, chain.intermediate),
        (chain.root.subject_common_name, chain.root),
    ):
        context.validity.append((what, certificate.not_before, certificate.not_after))
    leaf = chain.pck.certificate
    return Passed(expected="three certificates", actual=f"{leaf.subject_common_name}, issued by {leaf.issuer_common_name}")


def root(context: Context) -> Passed:
    certificate = context.pck.root
    anchor = context.anchors.intel_root_of(certificate.raw)
    if anchor is None or (anchor.subject, anchor.spki) != (certificate.subject, certificate.spki):
        raise CheckFailed(
            "chain.root.unknown", "The root of the chip key's chain is none that this program trusts.",
            expected="a pinned certificate", actual=certificate.subject_common_name,
        )  # fmt: skip
    issued_by_cached(certificate, certificate.spki, "chain.root.signature", "The root is not signed by its own key.")
    context.intel_root = anchor
    pinned = f"pinned certificate {anchor.certificate_sha256}"
    return Passed(expected=pinned, actual=pinned, anchor=anchor.name)


def intermediate(context: Context) -> Passed:
    certificate, anchor = context.pck.intermediate, context.root_of_intel
    require(certificate.issuer == anchor.subject, "chain.intermediate.issuer", "The intermediate names another issuer than its root.")
    require(
        certificate.subject_common_name in CA_NAMES, "chain.intermediate.name", "The intermediate is not one that issues chip keys.",
        expected=" or ".join(CA_NAMES), actual=certificate.subject_common_name,
    )  # fmt: skip
    require(context.pck.intermediate_is_authority, "chain.intermediate.authority", "The intermediate may not issue certificates.")
    failure = "The root did not sign the intermediate."
    issued_by_cached(certificate, anchor.spki, "chain.intermediate.signature", failure)
    return Passed(expected=anchor.name, actual="signature verified", anchor=anchor.name)


def signature(context: Context) -> Passed:
    pck, issuer, anchor = context.pck.pck, context.pck.intermediate, context.root_of_intel
    require(pck.certificate.issuer == issuer.subject, "pck.issuer", "The chip key's certificate names another issuer.")
    issued_by(pck.certificate, issuer.spki, "pck.signature", "The intermediate did not sign the chip key's certificate.")
    context.anchor = anchor
    context.claims.update(pck_claims(pck, context.pck.ca))
    return Passed(expected=issuer.subject_common_name, actual="signature verified", anchor=anchor.name)


def pck_validity(context: Context) -> Passed:
    certificate = context.pck.pck.certificate
    return valid("pck.validity", "The certificate of the chip key", certificate.not_before, certificate.not_after, context.now)


def chain_validity(context: Context) -> Passed:
    passed = [
        valid("chain.validity", one.subject_common_name, one.not_before, one.not_after, context.now)
        for one in (context.pck.intermediate, context.pck.root)
    ]
    return Passed(expected="; ".join(one.expected for one in passed), actual=passed[0].actual)


def valid(code: str, what: str, not_before: datetime, not_after: datetime, now: datetime) -> Passed:
    """Raises `CheckFailed` unless `now` lies within the dates."""
    expected = _period(not_before, not_after)
    actual = now.isoformat()
    require(now >= not_before, f"{code}.early", f"{what} is not valid yet.", expected=expected, actual=actual)
    require(now <= not_after, f"{code}.expired", f"{what} is no longer valid.", expected=expected, actual=actual)
    return Passed(expected=expected, actual=actual)


@lru_cache(maxsize=256)
def _period(not_before: datetime, not_after: datetime) -> str:
    return f"{not_before:%Y-%m-%d %H:%M:%S} to {not_after:%Y-%m-%d %H:%M:%S} UTC"


def issued_by(certificate: Certificate, issuer_spki: bytes, code: str, failure: str) -> None:
    """Raises `CheckFailed` unless the key in `issuer_spki` signed the certificate."""
    r, s = ecdsa_signature_decode(certificate.signature, "a certificate")
    ecdsa_p256_sha256_verify(p256_point(issuer_spki), r, s, certificate.tbs, code=code, failure=failure)


def issued_by_cached(certificate: Certificate, issuer_spki: bytes, code: str, failure: str) -> None:
    """The same, remembered by the certificate's bytes, which decide everything in it: roots and intermediates are few."""
    _verified(certificate.raw, issuer_spki, code, failure)


@lru_cache(maxsize=64)
def _verified(raw: bytes, issuer_spki: bytes, code: str, failure: str) -> None:
    """Only a success is remembered: an exception is not."""
    issued_by(intel_certificate_parse(raw, "A certificate"), issuer_spki, code, failure)


def chain_steps(prefix: str) -> tuple[Step[Context], ...]:
    """From the chain's bytes to the pinned root and back to the chip key."""
    code = f"{prefix}.{{}}".format
    parsed, signed = (code("pck.parse"),), (code("pck.signature"),)
    return (
        Step(code("pck.parse"), "The chip key's certificates can be read", "chip-key",
             "The chain is three certificates in the one canonical form, and says which chip and firmware the key is for.",
             "That Intel issued any of them.", parse, (code("quote.parse"),)),
        Step(code("chain.root"), "The root is a pinned one", "vendor-root",
             "The root of the chain is, byte for byte, one that this program carries.",
             "That the vendor guards the root's private key.", root, parsed),
        Step(code("chain.intermediate"), "The intermediate belongs to the root", "intermediate",
             "The root certified the authority that issues chip keys.",
             "That the intermediate was not revoked: that is a check of its own.", intermediate, (code("chain.root"),)),
        Step(code("pck.signature"), "The vendor's intermediate signed the chip key's certificate", "chip-key",
             "The vendor certified this chip key for this chip and firmware level.",
             "That the chip key was never extracted from its chip.", signature, (code("chain.intermediate"),)),
        Step(code("pck.validity"), "The chip key's certificate is valid at this time", "chip-key",
             "The time of the check lies within the certificate's dates.", "That it was within them when the evidence was made.",
             pck_validity, signed),
        Step(code("chain.validity"), "Intermediate and root are valid at this time", "intermediate",
             "The time of the check lies within the dates of both.", "That neither was revoked.", chain_validity, signed),
    )  # fmt: skip
