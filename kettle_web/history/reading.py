"""How the search box reads what was typed. No database here: a text goes in, what it may mean comes out.

One text may mean several things: sixteen hexadecimal digits may be the beginning of a commit, a build's name, or a word.
All of them are searched, and the page says which.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kettle_web.core.ids import ALPHABET, LENGTH
from kettle_web.history.titles import address_core
from kettle_web.provenance.digests import digest_parse
from kettle_web.provenance.errors import ProvenanceError

MAX_QUERY: Final = 500
"""Characters; more is no search."""
MIN_PREFIX: Final = 4
"""Hexadecimal digits from which on a text may be the beginning of a commit."""
MIN_FILE_PREFIX: Final = 8
"""… of a file's digest: pages shorten digests to as many, and fewer would mean too many files."""
_HEX = re.compile(r"[0-9a-fA-F]+")
_NAMED = re.compile(r"sha-?(384|512)(?=[-:])", re.IGNORECASE)
_UID = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PURL = re.compile(r"pkg:(?P<ecosystem>[a-z][a-z0-9+.-]*)/(?P<name>[^?#]+?)(@(?P<version>[^?#/@]+))?([?#].*)?")
_PACKAGE = re.compile(r"(?P<name>@?[\w.-]+(/[\w.-]+)?)@(?P<version>\d[\w.+-]*)")

REPOSITORY: Final = _("repository")
LABEL: Final = _("label")
ARTIFACT_NAME: Final = _("artifact name")
ARTIFACT_DIGEST: Final = _("artifact digest")
DOCUMENT_DIGEST: Final = _("digest of a document or archive")
LOCKFILE: Final = _("lockfile digest")
MERKLE_ROOT: Final = _("root over the inputs")
DEPENDENCY: Final = _("dependency name")
DEPENDENCY_VERSION: Final = _("dependency name and version")
COMMIT: Final = _("commit")
TREE: Final = _("git tree")
NONCE: Final = _("nonce")
BUILD_UID: Final = _("build id")
JOB_ID: Final = _("job id")
DEPENDENCY_DIGEST: Final = _("dependency digest")
TOOL_DIGEST: Final = _("digest of a tool")
TOOL: Final = _("tool version")
MEASUREMENT: Final = _("launch measurement")
CHIP: Final = _("chip id")
PCR: Final = _("PCR")
RTMR: Final = _("RTMR")
REF: Final = _("branch or tag")
ARCHIVE_NAME: Final = _("archive name")
MEASUREMENT_DIGITS: Final = 96
CHIP_DIGITS: Final = 128
"""Hexadecimal digits of 48 and 64 bytes."""

Word = str | Promise


@dataclass(frozen=True)
class Reading:
    """What a query may mean. Empty fields: it cannot mean that."""

    sentence: Word
    """«a SHA-256 digest»; empty: nothing was typed."""
    fields: tuple[Word, ...] = ()
    """Names of what is searched, for the page."""
    sha256_hex: str = ""
    digest: str = ""
    """Algorithm, colon, hex: of any algorithm."""
    hex_prefix: str = ""
    """Beginning of a commit or tree, lower case."""
    nonce_hex: str = ""
    uid: str = ""
    ecosystem: str = ""
    package: str = ""
    version: str = ""
    """Empty with a package: any version."""
    job_id: str = ""
    tool: str = ""
    """A whole text, like name and version of a tool, or a label of several words."""
    text: str = ""
    """To be looked up as it is; empty: only what the fields above say."""
    address: str = ""
    """Of a repository, as far as all its spellings have it; empty: the text is no address."""


def query_read(typed: str) -> Reading:
    """Give what `typed` may mean."""
    text = typed.replace("\x00", "").strip()[:MAX_QUERY]
    if not text:
        return Reading("")
    return _digest(text) or _digest_other(text) or _value(text) or _package(text) or _job(text) or _words(text)


def _digest(text: str) -> Reading | None:
    spelled = text.replace("-", "+").replace("_", "/") if len(text.rstrip("=")) == 43 else text
    try:
        digest = digest_parse(spelled.lower() if _HEX.fullmatch(spelled) else _prefix_lower(spelled), "sha256")
    except ProvenanceError:
        return None
    fields = (
        ARTIFACT_DIGEST, DOCUMENT_DIGEST, DEPENDENCY_DIGEST, TOOL_DIGEST, LOCKFILE, MERKLE_ROOT, PCR, COMMIT, TREE,
    )  # fmt: skip
    return Reading(_("a SHA-256 digest"), fields, sha256_hex=digest.hex, digest=str(digest), hex_prefix=digest.hex, text=digest.hex)


def _digest_other(text: str) -> Reading | None:
    """A digest that names its algorithm, as lockfiles of pnpm do."""
    named = _NAMED.match(text)
    if named is None:
        return None
    algorithm = f"sha{named[1]}"
    try:
        digest = digest_parse(algorithm + text[named.end() :], algorithm)
    except ProvenanceError:
        return None
    sentence = _("a SHA-512 digest") if algorithm == "sha512" else _("a SHA-384 digest")
    return Reading(sentence, (DEPENDENCY_DIGEST,), digest=str(digest), text=digest.hex)


def _value(text: str) -> Reading | None:
    """What evidence measures, by its length."""
    if not _HEX.fullmatch(text) or len(text) not in (MEASUREMENT_DIGITS, CHIP_DIGITS):
        return None
    lower = text.lower()
    if len(text) == MEASUREMENT_DIGITS:
        return Reading(_("a measurement of 48 bytes"), (MEASUREMENT, RTMR), text=lower)
    return Reading(_("64 bytes: a chip id, or a SHA-512 digest"), (CHIP, DEPENDENCY_DIGEST), digest=f"sha512:{lower}", text=lower)


def _prefix_lower(text: str) -> str:
    return re.sub(r"^sha-?256(?=[-:])", "sha256", text, flags=re.IGNORECASE)


def _package(text: str) -> Reading | None:
    found = _PURL.fullmatch(text) or _PACKAGE.fullmatch(text)
    if found is None:
        return None
    parts = found.groupdict()
    name, version = parts["name"].replace("%40", "@"), parts["version"] or ""
    if not version:
        return Reading(_("a dependency, in any version"), (DEPENDENCY,), ecosystem=parts["ecosystem"], package=name)
    if parts.get("ecosystem"):
        return Reading(_("a dependency in one version"), (DEPENDENCY_VERSION,), ecosystem=parts["ecosystem"], package=name, version=version)
    sentence, fields = _("a dependency or a tool in one version"), (DEPENDENCY_VERSION, TOOL)
    return Reading(sentence, fields, package=name, version=version, tool=f"{name}@{version}")


def _job(text: str) -> Reading | None:
    return Reading(_("a job id"), (JOB_ID,), job_id=text.lower()) if _UUID.fullmatch(text) else None


def _words(text: str) -> Reading:
    lower = text.lower()
    is_hex = bool(_HEX.fullmatch(text)) and MIN_PREFIX <= len(text) <= 64
    nonce = lower if is_hex and len(text) == 32 else ""
    uid = lower if _UID.fullmatch(lower) else ""
    fields: list[Word] = [REPOSITORY, REF, LABEL, ARTIFACT_NAME, ARCHIVE_NAME, DEPENDENCY, TOOL, JOB_ID]
    sentence: Word = _("text")
    if is_hex:
        fields = [COMMIT, TREE, *([ARTIFACT_DIGEST] if len(text) >= MIN_FILE_PREFIX else []), *fields]
        sentence = _("a commit") if len(text) == 40 else _("the beginning of a commit, or text")
    if nonce:
        fields, sentence = [NONCE, CHIP, *fields], _("a nonce, or the beginning of a commit")
    if uid:
        fields, sentence = [BUILD_UID, *fields], _("a build id, or text")
    return Reading(
        sentence,
        tuple(fields),
        hex_prefix=lower if is_hex else "",
        nonce_hex=nonce,
        uid=uid,
        job_id=text[:64],
        text=text,
        address=address_core(text) if "/" in text or ":" in text else "",
    )


def phrase_read(texts: Sequence[str]) -> Reading | None:
    """Give what several words may mean together: a name and a version, or one text with blanks in it. None: there are not several."""
    if len(texts) < 2:
        return None
    phrase = " ".join(texts)
    if len(texts) == 2 and (read := _PACKAGE.fullmatch("@".join(texts))):
        sentence, fields = _("a dependency or a tool in one version"), (DEPENDENCY_VERSION, TOOL)
        return Reading(sentence, fields, package=read["name"], version=read["version"], tool=phrase)
    return Reading("", tool=phrase)
