"""A policy from its JSON form, strictly: what is unknown, empty or unclear is refused with a sentence that says where.

`policy.schema.json`, beside this module, is the same for editors and other programs, and documents every field.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kettle_web.provenance.errors import ProvenanceError
from kettle_web.provenance.statement import BUILD_TYPES
from kettle_web.provenance.strict_json import json_parse
from kettle_web.verification.policy import (
    FAMILIES,
    FIRMWARE_COMPONENTS,
    REGISTER_COUNTS,
    Policy,
    PolicyEntry,
    PolicyError,
    RequiredSource,
)

POLICY_LIMIT: Final = 1024 * 1024
"""Bytes; an entry has a few hundred."""
SCHEMA: Final = 1
SCHEMA_FILE: Final = Path(__file__).with_name("policy.schema.json")
MAX_TEXT: Final = 2000
MAX_VERSION: Final = 64
_HEX: Final = {"measurement": re.compile(r"[0-9a-f]{96}"), "pcrs": re.compile(r"[0-9a-f]{64}"), "rtmrs": re.compile(r"[0-9a-f]{96}")}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
TOP_FIELDS: Final = (
    "schema", "version", "entries", "allowed_builder_ids", "allowed_build_types", "required_nonce", "required_collateral",
    "required_source",
)  # fmt: skip
ENTRY_TEXTS: Final = ("name", "kettle_release", "pinned_by", "reason", "derivation")
ENTRY_FIELDS: Final = (
    *ENTRY_TEXTS, "platform", "measurement", "mr_td", "pcrs", "rtmrs", "minimum_tcb", "from", "until", "isolates_build_from_attester",
)  # fmt: skip


def policy_parse(data: bytes) -> Policy:
    """Reads a policy file. Raises `PolicyError`."""
    try:
        document = json_parse(data, max_bytes=POLICY_LIMIT, what="the policy")
    except ProvenanceError as error:
        raise PolicyError(str(error)) from error
    if not isinstance(document, dict):
        raise PolicyError("the policy is not an object")
    if "anchors" in document:
        raise PolicyError("the policy has the field 'anchors': a policy can never add a trust anchor")
    _known(document, TOP_FIELDS, "the policy")
    if type(document.get("schema")) is not int or document["schema"] != SCHEMA:
        raise PolicyError(f"the policy's schema is not {SCHEMA}, the only one that is known")
    if document.keys() <= {"schema", "version"}:
        raise PolicyError("the policy is empty: it recognises nothing and demands nothing")
    version = hashlib.sha256(data).hexdigest()
    if "version" in document:
        version = _text(document, "version", "the policy", MAX_VERSION)
    return Policy(
        version=version,
        entries=_listed(document, "entries", _entry),
        allowed_builder_ids=_listed(document, "allowed_builder_ids", _text_item),
        allowed_build_types=_listed(document, "allowed_build_types", _build_type),
        required_nonce=_flag(document, "required_nonce"),
        required_collateral=_flag(document, "required_collateral"),
        required_source=_source(document["required_source"]) if "required_source" in document else None,
    )


def policy_to_json(policy: Policy) -> dict[str, Any]:
    """JSON values that `policy_parse` reads as the same policy; what is not set is left out."""
    source = policy.required_source
    values: dict[str, Any] = {
        "version": policy.version,
        "entries": [entry.to_json() for entry in policy.entries],
        "allowed_builder_ids": list(policy.allowed_builder_ids),
        "allowed_build_types": list(policy.allowed_build_types),
        "required_nonce": policy.required_nonce,
        "required_collateral": policy.required_collateral,
        "required_source": {name: text for name, text in (("repository", source.repository), ("ref", source.ref)) if text}
        if source
        else {},
    }
    return {"schema": SCHEMA} | {name: value for name, value in values.items() if value}


def entry_parse(value: object, where: str = "the entry") -> PolicyEntry:
    """One entry, such as `… measurements PATH` prints. Raises `PolicyError`."""
    if not isinstance(value, dict):
        raise PolicyError(f"{where} is not an object")
    _known(value, ENTRY_FIELDS, where)
    texts = {name: _text(value, name, where) for name in ENTRY_TEXTS}
    platform = _text(value, "platform", where)
    if platform not in FAMILIES:
        raise PolicyError(f"{where}: the platform {platform[:40]!r} is not known; use one of {', '.join(FAMILIES)}")
    wanted, other = ("mr_td", "measurement") if platform.endswith("tdx") else ("measurement", "mr_td")
    if other in value:
        raise PolicyError(f"{where} is for {platform}, where the image is named by {wanted}, not by {other}")
    measurement = _text(value, wanted, where)
    if not _HEX["measurement"].fullmatch(measurement):
        raise PolicyError(f"the {wanted} of {where} is not 96 lower-case hex digits")
    isolates = value.get("isolates_build_from_attester")
    if isolates is not None and not isinstance(isolates, bool):
        raise PolicyError(f"isolates_build_from_attester of {where} is neither true, false nor null")
    try:
        return PolicyEntry(
            **texts,
            platform=platform,
            measurement=measurement,
            pcrs=_registers(value, "pcrs", where),
            rtmrs=_registers(value, "rtmrs", where),
            minimum_tcb=_levels(value, where),
            valid_from=_moment(value, "from", where),
            valid_until=_moment(value, "until", where) if value.get("until") is not None else None,
            isolates_build_from_attester=isolates,
        )
    except PolicyError as error:
        raise error if where in str(error) else PolicyError(f"{where}: {error}") from error


def _entry(value: object, where: str) -> PolicyEntry:
    return entry_parse(value, where)


def _known(value: dict[str, Any], fields: tuple[str, ...], where: str) -> None:
    unknown = sorted(value.keys() - set(fields))
    if unknown:
        raise PolicyError(f"{where} has the unknown field {unknown[0][:60]!r}")


def _text(value: dict[str, Any], name: str, where: str, limit: int = MAX_TEXT) -> str:
    if name not in value:
        raise PolicyError(f"{where} has no {name}")
    return _text_item(value[name], f"the {name} of {where}", limit)


def _text_item(value: object, where: str, limit: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PolicyError(f"{where} is not a text, or is empty")
    if len(value) > limit or not value.isprintable():
        raise PolicyError(f"{where} is longer than {limit} characters or has characters that do not show")
    return value


def _build_type(value: object, where: str) -> str:
    text = _text_item(value, where)
    if text not in BUILD_TYPES:
        raise PolicyError(f"{where}: {text[:120]!r} is none of Kettle's build types")
    return text


def _listed(document: dict[str, Any], name: str, read: Callable[[object, str], Any]) -> tuple[Any, ...]:
    if name not in document:
        return ()
    values = document[name]
    if not isinstance(values, list) or not values:
        raise PolicyError(f"{name} is not a list, or is empty: leave it out to demand nothing")
    what = "entry" if name == "entries" else f"item of {name},"
    return tuple(read(value, f"{what} {number}") for number, value in enumerate(values, 1))


def _flag(document: dict[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise PolicyError(f"{name} is neither true nor false")
    return value


def _source(value: object) -> RequiredSource:
    if not isinstance(value, dict) or not value:
        raise PolicyError("required_source is not an object, or is empty")
    _known(value, ("repository", "ref"), "required_source")
    return RequiredSource(**{name: _text(value, name, "required_source") for name in value})


def _registers(value: dict[str, Any], name: str, where: str) -> dict[int, str]:
    if name not in value:
        return {}
    found = value[name]
    if not isinstance(found, dict) or not found:
        raise PolicyError(f"{name} of {where} is not an object of values by index, or is empty")
    indexes = {str(index): index for index in range(REGISTER_COUNTS[name])}
    for index, text in found.items():
        if index not in indexes:
            raise PolicyError(f"{name} of {where} names {index[:10]!r}; they go from 0 to {REGISTER_COUNTS[name] - 1}")
        if not isinstance(text, str) or not _HEX[name].fullmatch(text):
            raise PolicyError(f"{name} of {where}: the value of {index} is not {'64' if name == 'pcrs' else '96'} lower-case hex digits")
    return {indexes[index]: text for index, text in found.items()}


def _levels(value: dict[str, Any], where: str) -> dict[str, int]:
    if "minimum_tcb" not in value:
        return {}
    found = value["minimum_tcb"]
    if not isinstance(found, dict) or not found:
        raise PolicyError(f"minimum_tcb of {where} is not an object of levels by component, or is empty")
    _known(found, FIRMWARE_COMPONENTS, f"minimum_tcb of {where}")
    for name, level in found.items():
        if type(level) is not int or not 0 <= level <= 255:
            raise PolicyError(f"minimum_tcb of {where}: the level of {name} is not a number from 0 to 255")
    return dict(found)


def _moment(value: dict[str, Any], name: str, where: str) -> datetime:
    text = _text(value, name, where)
    try:
        if _TIME.fullmatch(text):
            moment = datetime.fromisoformat(text)
            moment.astimezone(UTC)  # At the ends of the calendar a moment with a zone may have none in UTC.
            return moment
    except (ValueError, OverflowError):
        pass
    raise PolicyError(f"{name} of {where} is not a time like 2026-06-01T00:00:00Z")


def schema_document() -> dict[str, Any]:
    """The JSON Schema of a policy file."""
    document: dict[str, Any] = json.loads(SCHEMA_FILE.read_bytes())
    return document
