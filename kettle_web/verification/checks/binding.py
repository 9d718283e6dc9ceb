"""Did the hardware sign this very document, for this very request?

Source: facts of the format: report data is SHA-256 of provenance.json (32 bytes) and the nonce (16 bytes), in a field of
48, 50 or 64 bytes; early evidence signs 32 bytes, the SHA-256 of the compact form of the document.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from kettle_web.attestation.checks import CheckFailed, CheckImpossible, Passed, Step
from kettle_web.provenance.serialise import provenance_to_bytes, provenance_to_compact_bytes
from kettle_web.verification.checks import documents
from kettle_web.verification.inquiry import Inquiry, NotAsked, SignedData
from kettle_web.verification.report import Link

LAYOUT = "signed-data.layout"
NONCE_SIZE = 16
LAYOUT_TITLES = {
    "digest-nonce-48": "digest and nonce, 48 bytes",
    "digest-nonce-50": "digest and nonce, 50 bytes (mid-2026)",
    "digest-nonce-64": "digest and nonce in a field of 64 bytes",
    "compact-digest-32": "digest of the compact form, 32 bytes (early 2026), no place for a nonce",
    "compact-digest-64": "digest of the compact form in a field of 64 bytes, no place for a nonce",
}


def signed_data_match(signed_field: bytes, inquiry: Inquiry) -> SignedData:
    """The layout in which a signed field covers the document, byte for byte. Raises `CheckFailed`."""
    length = len(signed_field)
    if length not in (32, 48, 50, 64):
        raise CheckFailed(
            "signed-data.length", f"signed data of {length} bytes has no known layout", expected="48, 50, 32 or 64 bytes",
            actual=f"{length} bytes: {signed_field.hex()}",
        )  # fmt: skip
    raw_digest = inquiry.document.raw_sha256
    if length != 32 and hmac.compare_digest(signed_field[:32], raw_digest):
        if any(signed_field[48:]):
            raise CheckFailed("signed-data.tail", "the bytes behind the nonce are not zero", expected="zeros", actual=signed_field.hex())
        nonce = signed_field[32:48]
        return SignedData(f"digest-nonce-{length}", signed_field, nonce if any(nonce) else b"", has_nonce_slot=True)
    if length == 32 or (length == 64 and not any(signed_field[32:])):
        compact_digest = hashlib.sha256(provenance_to_compact_bytes(inquiry.document.document)).digest()
        if hmac.compare_digest(signed_field[:32], compact_digest):
            # The compact digest does not see white space, so the file must be exactly what Kettle writes for this data.
            if provenance_to_bytes(inquiry.document.document) != inquiry.document.raw:
                raise CheckFailed(
                    "signed-data.not-canonical",
                    "the signature covers the data of provenance.json, but the file is not written as Kettle writes it",
                )
            return SignedData(f"compact-digest-{length}", signed_field, b"", has_nonce_slot=False)
    raise CheckFailed(
        "signed-data.digest",
        "the hardware signed another document than this provenance.json",
        expected=raw_digest.hex(),
        actual=signed_field[:32].hex(),
    )


def _layout(inquiry: Inquiry) -> Passed:
    if inquiry.signed_field is None:
        raise CheckImpossible("signed-data.absent", "the evidence gave no signed data")
    inquiry.signed_data = signed_data_match(inquiry.signed_field, inquiry)
    return Passed(
        expected=inquiry.document.raw_sha256.hex(),
        actual=f"{LAYOUT_TITLES[inquiry.signed_data.layout]}: {inquiry.signed_field.hex()}",
    )


def _nonce(inquiry: Inquiry) -> Passed:
    if inquiry.nonce is None:
        raise NotAsked("nonce.not-given", "no nonce was given to compare with")
    expected = inquiry.nonce
    if len(expected) != NONCE_SIZE:
        raise CheckFailed("nonce.length", f"a nonce has {NONCE_SIZE} bytes, the expected one {len(expected)}")
    if not any(expected):
        raise CheckFailed("nonce.zero", "an all-zero nonce is no nonce: zeros are what evidence without one carries")
    found = inquiry.signed_data
    if found is None or not found.has_nonce_slot:
        raise CheckFailed("nonce.no-slot", "the signed data has no place for a nonce", expected=expected.hex())
    if not found.nonce:
        raise CheckFailed("nonce.absent", "the evidence was made without a nonce", expected=expected.hex(), actual="zeros")
    if not hmac.compare_digest(found.nonce, expected):
        raise CheckFailed("nonce.differs", "the evidence was made for another request", expected=expected.hex(), actual=found.nonce.hex())
    return Passed(expected=expected.hex(), actual=found.nonce.hex())


def _replay(inquiry: Inquiry) -> Passed:
    if inquiry.evidence_seen_in is None:
        raise NotAsked("replay.not-looked", "there are no records of earlier evidence here")
    if inquiry.evidence_seen_in:
        raise CheckFailed("replay.seen", f"the same evidence is already stored with the build {inquiry.evidence_seen_in}")
    return Passed(actual="in no other build")


@lru_cache(maxsize=32)
def steps(attestation_codes: tuple[str, ...]) -> tuple[Step[Inquiry], ...]:
    """The steps, given the codes of the hardware checks that the signed data rests on."""
    return (
        Step(
            code=LAYOUT,
            title="The hardware signed this provenance",
            link=Link.SIGNED_DATA,
            proves="The signed data is the SHA-256 of exactly these bytes of provenance.json.",
            does_not_prove="That what the document says is true: that rests on the software that wrote it.",
            run=_layout,
            depends_on=(documents.EVIDENCE, documents.PROVENANCE, *attestation_codes),
        ),
        Step(
            code="signed-data.nonce",
            title="The evidence was made for this request",
            link=Link.SIGNED_DATA,
            proves="The nonce of the request is in the signed data: the evidence is not older than the nonce.",
            does_not_prove="Who asked, and what for.",
            run=_nonce,
            depends_on=(LAYOUT,),
        ),
        Step(
            code="signed-data.replay",
            title="The evidence is not another build's",
            link=Link.SIGNED_DATA,
            proves="The same evidence is not stored with another build of this site.",
            does_not_prove="That it was never shown elsewhere.",
            run=_replay,
            depends_on=(documents.EVIDENCE,),
        ),
    )
