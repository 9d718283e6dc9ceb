"""Digests in the spellings that occur in lockfiles and provenance documents, and one normal form.

Source: facts of the format (Kettle keeps base64 or SRI text where in-toto wants hex); W3C Subresource Integrity 3.1.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from kettle_web.provenance.errors import ProvenanceError

SIZES: Final = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
"""Bytes of a digest, by the algorithm's name. A git object name is a sha1 (or, in new repositories, a sha256)."""

_HEX = re.compile(r"[0-9a-fA-F]+")
_PREFIX = re.compile(r"(sha1|sha256|sha384|sha512)[-:](.*)", re.DOTALL)
_GIT_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Digest:
    """A digest's value."""

    algorithm: str
    """A key of `SIZES`."""
    value_bytes: bytes

    @property
    def hex(self) -> str:
        return self.value_bytes.hex()

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def digest_parse(text: str, algorithm: str = "") -> Digest:
    """The digest that `text` spells: hex in either case, base64 with or without padding, SRI, or ``ALGORITHM:`` first.

    `algorithm` is the key that the text stood under; a prefix that names another one is an error. Without both, the
    length of a hex text decides. Raises `ProvenanceError`.
    """
    prefixed = _PREFIX.fullmatch(text)
    body = text
    if prefixed:
        named, body = prefixed.group(1), prefixed.group(2)
        if algorithm and named != algorithm:
            raise ProvenanceError("digest.algorithm", f"a {algorithm} digest is spelled as {named}")
        algorithm = named
        named_again = _PREFIX.fullmatch(body)
        if named_again and named_again.group(1) == named:
            body = named_again.group(2)
    if not algorithm:
        algorithm = next((name for name, size in SIZES.items() if len(body) == 2 * size), "")
    if algorithm not in SIZES:
        raise ProvenanceError("digest.algorithm", f"{algorithm or text[:80]!r} names no digest that is known here")
    return Digest(algorithm, _value_bytes(body, SIZES[algorithm], algorithm))


def _value_bytes(body: str, size: int, algorithm: str) -> bytes:
    if len(body) == 2 * size and _HEX.fullmatch(body):
        return bytes.fromhex(body)
    padded = body + "=" * (-len(body) % 4)
    try:
        value = base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProvenanceError("digest.malformed", f"{body[:140]!r} is neither hex nor base64") from error
    if len(value) != size or base64.b64encode(value).decode() != padded:
        raise ProvenanceError("digest.malformed", f"{body[:140]!r} is not a {algorithm} digest")
    return value


def digest_same(left: str, right: str, algorithm: str = "") -> bool:
    """Whether two texts spell one digest. Texts that spell none are the same only when they are equal."""
    if left == right:
        return True
    try:
        return digest_parse(left, algorithm) == digest_parse(right, algorithm)
    except ProvenanceError:
        return False


def is_git_object(text: str) -> bool:
    """Whether a text is a full git object name: 40 (SHA-1) or 64 (SHA-256) hex digits in lower case."""
    return bool(_GIT_OBJECT.fullmatch(text))
