"""Collateral: what vendors publish beside their hardware, signed lists of revoked certificates, firmware levels, missing chip keys.

Rooms: `bundle` is collateral as values and as JSON, `protocols` says how a step asks for it, and each source has a module of its own.
A source only gets bytes; steps judge them. None of it can add trust: the anchors above every signature are those of `anchors`.
"""

from __future__ import annotations

from .bundle import AmdCollateral, AmdCrl, AmdVek, Collateral, IntelCollateral, collateral_from_json, collateral_parse, collateral_to_json
from .protocols import CollateralMissing, CollateralSource

__all__ = [
    "AmdCollateral",
    "AmdCrl",
    "AmdVek",
    "Collateral",
    "CollateralMissing",
    "CollateralSource",
    "IntelCollateral",
    "collateral_from_json",
    "collateral_parse",
    "collateral_to_json",
]
