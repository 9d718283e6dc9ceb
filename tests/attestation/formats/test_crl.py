from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.attestation.checks import Malformed
from kettle_web.attestation.formats import crl as crl_module
from kettle_web.attestation.formats import der
from kettle_web.attestation.formats.certificate import PSS_SHA384_EXPLICIT_TRAILER
from kettle_web.attestation.formats.crl import crl_parse
from tests.attestation.conftest import unhurried
from tests.fakes import amd, amd_crl


@cache
def milan() -> amd.Authority:
    return amd.authority_mint("milan")


def test_a_list_is_read_in_full() -> None:
    crl = crl_parse(amd_crl.crl_mint(milan(), 0x10001, 7))
    assert crl.revoked == {0x10001: amd_crl.REVOKED_AT, 7: amd_crl.REVOKED_AT}
    assert (crl.this_update, crl.next_update) == (amd_crl.THIS_UPDATE, amd_crl.NEXT_UPDATE)
    assert crl.issuer == milan().anchors[0].subject


@pytest.mark.parametrize(
    "overrides", [{"extensions": ()}, {"algorithm": PSS_SHA384_EXPLICIT_TRAILER}, {"entry_extensions": (amd_crl.CRL_NUMBER,)}]
)
def test_other_good_forms_are_read(overrides: dict[str, Any]) -> None:
    assert crl_parse(amd_crl.crl_mint(milan(), 3, **overrides)).revoked.keys() == {3}


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"next_update": None}, "crl.next-update"),
        ({"extensions": (amd_crl.CRITICAL,)}, "crl.critical"),
        ({"entry_extensions": (amd_crl.CRITICAL,)}, "crl.critical"),
        ({"version": der.integer_encode(2)}, "crl.version"),
        ({"inner_algorithm": PSS_SHA384_EXPLICIT_TRAILER}, "crl.algorithm"),
        ({"algorithm": bytes.fromhex("300c06082a8648ce3d0403030500")}, "crl.algorithm"),
        ({"this_update": amd_crl.NEXT_UPDATE, "next_update": amd_crl.THIS_UPDATE}, "crl.dates"),
    ],
)
def test_each_fault_has_its_code(overrides: dict[str, Any], code: str) -> None:
    with pytest.raises(Malformed) as caught:
        crl_parse(amd_crl.crl_mint(milan(), 3, **overrides))
    assert caught.value.code == code


def test_a_serial_named_twice_is_refused() -> None:
    with pytest.raises(Malformed) as caught:
        crl_parse(amd_crl.crl_mint(milan(), 3, 3))
    assert caught.value.code == "crl.doubled"


def test_a_large_list_is_refused() -> None:
    with pytest.raises(Malformed) as caught:
        crl_parse(bytes(crl_module.MAX_CRL_BYTES + 1))
    assert caught.value.code == "crl.too-large"


@unhurried
@given(st.integers(0, 800), st.binary(max_size=40))
def test_prefixes_and_noise_raise_only_malformed(size: int, noise: bytes) -> None:
    whole = amd_crl.crl_mint(milan(), 3)
    for data in (whole[: min(size, len(whole) - 1)], noise, whole + noise[:1] + b"\0"):
        with pytest.raises(Malformed):
            crl_parse(data)
