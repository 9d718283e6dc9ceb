"""What the reader demands: which builder images are recognised, who pinned them and why, and what else must hold.

A policy can recognise images and demand more; it can never add a trust anchor or excuse a check. The empty policy recognises nothing.
Its JSON form is in `policy_json` and `policy.schema.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

PLATFORM_FAMILIES: Final = {
    "snp": "snp", "gcp-snp": "snp", "az-snp": "az-snp", "tdx": "tdx", "gcp-tdx": "tdx", "dstack": "tdx", "az-tdx": "az-tdx",
}  # fmt: skip
"""Tags by what their measurement means. `gcp-snp` is `snp` with another, unsigned, tag; so are `gcp-tdx` and `dstack` for `tdx`."""
FAMILIES: Final = ("snp", "az-snp", "tdx", "az-tdx")
REGISTERS: Final = {"snp": (), "az-snp": ("pcrs",), "tdx": ("rtmrs",), "az-tdx": ("pcrs", "rtmrs")}
"""Which registers a family attests, the one that an entry needs first."""
REGISTER_COUNTS: Final = {"pcrs": 24, "rtmrs": 4}
FIRMWARE_COMPONENTS: Final = ("fmc", "bootloader", "tee", "snp", "microcode")
SETTLED_PCRS: Final = frozenset(range(16))
"""Registers that only a start of the machine resets: software can reset 16 and 23 at will, and 17 to 22 begin as all ones."""
SETTLED_RTMRS: Final = frozenset(range(3))
"""Registers that firmware and boot loader extend. RTMR 3 is zero until software of the machine extends it, with any digests it likes."""


class PolicyError(ValueError):
    """A policy cannot be used. The message says where and why."""


@dataclass(frozen=True)
class PolicyEntry:
    """One recognised builder image. Made wrongly, it raises `PolicyError`: what would recognise too much cannot exist."""

    name: str
    """Of the image, as headlines give it: ``Kettle 1.0``."""
    platform: str
    """One of `FAMILIES`."""
    measurement: str
    """Launch measurement, or MRTD for TDX: 48 bytes in lower-case hex."""
    pinned_by: str
    reason: str
    derivation: str
    """How the values were derived, so that another can do it again."""
    pcrs: dict[int, str] = field(default_factory=dict)
    """SHA-256 PCR values by index. Needed on Azure: there the launch measurement covers only the paravisor."""
    rtmrs: dict[int, str] = field(default_factory=dict)
    """RTMR values by index. Needed for TDX: there MRTD covers only the virtual firmware."""
    minimum_tcb: dict[str, int] = field(default_factory=dict)
    """Firmware level by component (AMD), compared with the reported one. Empty: none is set."""
    kettle_release: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    """None: not ended."""
    isolates_build_from_attester: bool | None = None
    """Whether the image keeps project code apart from the program that attests; None: not established."""

    def __post_init__(self) -> None:
        if self.platform not in FAMILIES:
            raise PolicyError(f"the platform {self.platform!r} is not known; use one of {', '.join(FAMILIES)}")
        allowed = REGISTERS[self.platform]
        for name in REGISTER_COUNTS:
            if getattr(self, name) and name not in allowed:
                raise PolicyError(f"it pins {name}, which {self.platform} does not attest")
        if "pcrs" in allowed and not any(any(bytes.fromhex(value)) for index, value in self.pcrs.items() if index in SETTLED_PCRS):
            raise PolicyError(
                "it is for Azure and pins no PCR from 0 to 15 that something was measured into: the launch measurement there is only "
                "that of Azure's own paravisor, so every Azure machine of the kind would match"
            )
        if self.platform == "tdx" and not any(any(bytes.fromhex(value)) for index, value in self.rtmrs.items() if index in SETTLED_RTMRS):
            raise PolicyError(
                "it is for TDX and pins no RTMR from 0 to 2 that something was measured into: MRTD covers only the virtual firmware, and "
                "RTMR 3 whatever software chose, so every machine with that firmware could match"
            )
        if self.minimum_tcb and "snp" not in self.platform:
            raise PolicyError("minimum_tcb is for AMD; for TDX demand collateral, by which Intel's own levels are judged")
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise PolicyError("it ends before it begins")

    def describes(self, platform: str, claims: dict[str, Any]) -> bool:
        """Whether evidence of a platform with these verified claims is of this image, whenever."""
        if PLATFORM_FAMILIES.get(platform) != self.platform or claims.get("measurement") != self.measurement:
            return False
        for name in REGISTERS[self.platform]:
            attested = _by_index(claims.get(name))
            if not all(attested.get(index) == value for index, value in getattr(self, name).items()):
                return False
        return True

    def holds_at(self, moment: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= moment) and (self.valid_until is None or moment <= self.valid_until)

    def to_json(self) -> dict[str, Any]:
        """The entry as in a policy file; what is not set is left out."""
        values = {
            "name": self.name,
            "kettle_release": self.kettle_release,
            "platform": self.platform,
            "mr_td" if self.platform.endswith("tdx") else "measurement": self.measurement,
            "pcrs": {str(index): value for index, value in sorted(self.pcrs.items())},
            "rtmrs": {str(index): value for index, value in sorted(self.rtmrs.items())},
            "minimum_tcb": dict(self.minimum_tcb),
            "pinned_by": self.pinned_by,
            "reason": self.reason,
            "derivation": self.derivation,
            "from": self.valid_from.isoformat() if self.valid_from else "",
            "until": self.valid_until.isoformat() if self.valid_until else "",
        }
        return {name: value for name, value in values.items() if value} | {
            "isolates_build_from_attester": self.isolates_build_from_attester
        }


@dataclass(frozen=True)
class RequiredSource:
    """Empty: any."""

    repository: str = ""
    ref: str = ""
    """A full commit, or the branch or tag that must have been asked for."""


@dataclass(frozen=True)
class Policy:
    """A version of the demands. The default recognises no image and demands nothing further."""

    version: str = ""
    entries: tuple[PolicyEntry, ...] = ()
    allowed_builder_ids: tuple[str, ...] = ()
    """Empty: any."""
    allowed_build_types: tuple[str, ...] = ()
    """Empty: any of Kettle's."""
    required_nonce: bool = False
    required_collateral: bool = False
    required_source: RequiredSource | None = None

    def entry_for(self, platform: str, claims: dict[str, Any], at: datetime | None = None) -> PolicyEntry | None:
        """The first entry that matches and holds at a moment (None: whenever), or None."""
        return next((entry for entry in self.entries if entry.describes(platform, claims) and (at is None or entry.holds_at(at))), None)


def _by_index(values: object) -> dict[int, str]:
    """Register values by index, from a list in order or an object by index."""
    if isinstance(values, list):
        return {index: value for index, value in enumerate(values) if isinstance(value, str)}
    if isinstance(values, dict):
        return {int(index): value for index, value in values.items() if str(index).isdigit() and isinstance(value, str)}
    return {}
