"""The allow-list: which builder images are recognised, who pinned them, and why.

A policy can recognise images; it can never add an anchor. An empty policy recognises nothing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Final

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.strict_json import json_parse

POLICY_LIMIT: Final = 1024 * 1024
"""Bytes; an entry has a few hundred."""
SCHEMA: Final = 1
PLATFORM_FAMILIES: Final = {"snp": "snp", "gcp-snp": "snp", "az-snp": "az-snp"}
"""Tags by what their measurement means. `gcp-snp` is `snp` with another, unsigned, tag."""
_MEASUREMENT = re.compile(r"[0-9a-f]{96}")
_PCR = re.compile(r"[0-9a-f]{64}")


class PolicyError(ValueError):
    """A policy file cannot be used. The message says where."""


@dataclass(frozen=True)
class PolicyEntry:
    """One recognised builder image."""

    name: str
    """Of the image, as headlines give it: ``Kettle 1.0``."""
    platform: str
    """``snp`` or ``az-snp``."""
    measurement: str
    """Launch measurement, 48 bytes in lower-case hex."""
    pinned_by: str
    reason: str
    derivation: str
    """How the values were derived, so that another can do it again."""
    pcrs: dict[int, str] = field(default_factory=dict)
    """SHA-256 PCR values by index. Needed on Azure: there the launch measurement covers only the paravisor."""
    isolates_build: bool = False
    """Whether the image keeps project code apart from the attester."""

    def matches(self, platform: str, claims: dict[str, Any]) -> bool:
        """Whether evidence of a platform with these verified claims is of this image."""
        if PLATFORM_FAMILIES.get(platform) != self.platform or claims.get("measurement") != self.measurement:
            return False
        if self.platform == "az-snp" and not self.pcrs:
            return False
        attested = _pcrs_of(claims)
        return all(attested.get(index) == value for index, value in self.pcrs.items())

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "platform": self.platform,
            "measurement": self.measurement,
            "pcrs": {str(index): value for index, value in self.pcrs.items()},
            "pinned_by": self.pinned_by,
            "reason": self.reason,
            "derivation": self.derivation,
            "isolates_build": self.isolates_build,
        }


@dataclass(frozen=True)
class Policy:
    """A version of the allow-list. The default recognises nothing."""

    version: str = ""
    entries: tuple[PolicyEntry, ...] = ()

    def entry_for(self, platform: str, claims: dict[str, Any]) -> PolicyEntry | None:
        """The first entry that matches, or None."""
        return next((entry for entry in self.entries if entry.matches(platform, claims)), None)


def _pcrs_of(claims: dict[str, Any]) -> dict[int, str]:
    """PCR values by index, from a list in order or an object by index."""
    pcrs = claims.get("pcrs")
    if isinstance(pcrs, list):
        return {index: value for index, value in enumerate(pcrs) if isinstance(value, str)}
    if isinstance(pcrs, dict):
        return {int(index): value for index, value in pcrs.items() if str(index).isdigit() and isinstance(value, str)}
    return {}


def policy_parse(data: bytes) -> Policy:
    """Reads `{"schema": 1, "version": …, "entries": […]}`; unknown and missing names are refused. Raises `PolicyError`."""
    try:
        document = json_parse(data, max_bytes=POLICY_LIMIT, what="the policy")
    except ProvenanceError as error:
        raise PolicyError(str(error)) from error
    if not isinstance(document, dict) or document.keys() - {"version"} != {"schema", "entries"}:
        raise PolicyError("the policy is not an object of schema, version and entries")
    if document["schema"] is True or document["schema"] != SCHEMA:
        raise PolicyError(f"only schema {SCHEMA} is known")
    version = document.get("version", "") or hashlib.sha256(data).hexdigest()
    if not isinstance(version, str) or len(version) > 64:
        raise PolicyError("the version is not a text of at most 64 characters")
    if not isinstance(document["entries"], list):
        raise PolicyError("entries is not a list")
    return Policy(version, tuple(_entry(number, item) for number, item in enumerate(document["entries"], 1)))


_TEXTS: Final = ("name", "platform", "measurement", "pinned_by", "reason", "derivation")


def _entry(number: int, item: Any) -> PolicyEntry:
    if not isinstance(item, dict):
        raise PolicyError(f"entry {number} is not an object")
    unknown = item.keys() - {*_TEXTS, "pcrs", "isolates_build"}
    if unknown:
        raise PolicyError(f"entry {number} has the unknown field {min(unknown)!r}")
    for name in _TEXTS:
        if not isinstance(item.get(name), str) or not item[name].strip():
            raise PolicyError(f"entry {number} has no {name}")
    if item["platform"] not in set(PLATFORM_FAMILIES.values()):
        raise PolicyError(f"entry {number} is for the unknown platform {item['platform']!r}")
    if not _MEASUREMENT.fullmatch(item["measurement"]):
        raise PolicyError(f"the measurement of entry {number} is not 96 lower-case hex digits")
    isolates = item.get("isolates_build", False)
    if not isinstance(isolates, bool):
        raise PolicyError(f"isolates_build of entry {number} is neither true nor false")
    pcrs = _pcrs(number, item.get("pcrs", {}))
    if item["platform"] == "az-snp" and not pcrs:
        raise PolicyError(f"entry {number} is for Azure and pins no PCR: every Azure machine would match it")
    if item["platform"] == "snp" and pcrs:
        raise PolicyError(f"entry {number} pins PCRs, which this platform does not attest")
    return PolicyEntry(**{name: item[name] for name in _TEXTS}, pcrs=pcrs, isolates_build=isolates)


def _pcrs(number: int, value: Any) -> dict[int, str]:
    if not isinstance(value, dict):
        raise PolicyError(f"pcrs of entry {number} is not an object")
    pcrs = {}
    for index, digest in value.items():
        if index not in {str(known) for known in range(24)}:
            raise PolicyError(f"entry {number} pins the unknown PCR {index!r}")
        if not isinstance(digest, str) or not _PCR.fullmatch(digest):
            raise PolicyError(f"PCR {index} of entry {number} is not 64 lower-case hex digits")
        pcrs[int(index)] = digest
    return pcrs
