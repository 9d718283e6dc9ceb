"""Simulated evidence: every byte as real hardware would write it, signed by keys that everybody has.

The private keys lie beside this file (`test_root/README.md`). They are no secret and prove nothing: whatever verifies under them
gets the verdict «simulated», on every machine, because the anchor of that root says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from . import FORMS
from .simulated_azure import az_snp_evidence
from .simulated_snp import GENOA, MEASUREMENT_BYTES, MILAN, REPORT_DATA_BYTES, snp_evidence
from .simulated_snp import MEASUREMENT as DEFAULT_MEASUREMENT
from .simulated_tdx import tdx_evidence
from .test_root import TEST_ROOT_FOLDER

DEFAULT_FORM: Final = FORMS[0]
_Make = Callable[[bytes, bytes | None], dict[str, Any]]
_FORMS: Final[dict[str, tuple[str, _Make]]] = {
    "snp-v3-milan": ("snp", partial(snp_evidence, version=3, generation=MILAN)),
    "snp-v3-genoa": ("snp", partial(snp_evidence, version=3, generation=GENOA)),
    "snp-v5-milan": ("snp", partial(snp_evidence, version=5, generation=MILAN)),
    "snp-v5-genoa": ("snp", partial(snp_evidence, version=5, generation=GENOA)),
    "az-snp": ("az-snp", az_snp_evidence),
    "tdx": ("tdx", tdx_evidence),
}
assert tuple(_FORMS) == FORMS


def simulated_evidence(signed_data: bytes, *, measurement: bytes | None = None, form: str = DEFAULT_FORM) -> bytes:
    """The bytes of evidence.json over `signed_data` (48 bytes for a build; at most 64, on Azure 50).

    Equal input gives equal bytes: the ECDSA nonce is derived (RFC 6979). Raises ValueError for data of another length.
    """
    if len(signed_data) > REPORT_DATA_BYTES or (measurement is not None and len(measurement) != MEASUREMENT_BYTES):
        raise ValueError("At most 64 bytes of signed data, and a measurement of exactly 48 bytes.")
    platform, make = _FORMS[form]
    return json.dumps({"platform": platform, "evidence": make(signed_data, measurement)}, indent=2).encode()


__all__ = ["DEFAULT_FORM", "DEFAULT_MEASUREMENT", "FORMS", "TEST_ROOT_FOLDER", "simulated_evidence"]
