"""Revocation lists, chip keys that evidence does not bring, and minimum firmware levels."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from kettle_web.attestation.collateral import Collateral, CollateralMissing
from kettle_web.attestation.formats.tcb import tcb_encode
from kettle_web.attestation.platforms import procedure_for
from tests.fakes import amd, amd_crl

from .conftest import Run, run_procedure

TCB = tcb_encode(amd.MILAN_TCB)


@cache
def milan(role: str = "ask", kind: str = "hardware") -> amd.Authority:
    return amd.authority_mint("milan", role=role, kind=kind)


def run(collateral: Collateral | None, *, now: datetime = amd.NOW, vek: bytes | None = None, kind: str = "hardware", **extra: Any) -> Run:
    evidence = amd.snp_evidence(amd.report_mint(), vek or milan().vek_mint())
    return run_procedure("snp", evidence, anchors=milan(kind=kind).anchor_set, now=now, collateral=collateral, **extra)


def run_with_list(*serials: int, now: datetime = amd.NOW, vek: bytes | None = None, **overrides: Any) -> Run:
    return run(amd_crl.crl_collateral(amd_crl.crl_mint(milan(), *serials, **overrides)), now=now, vek=vek)


def test_a_list_that_names_others_passes_and_is_kept() -> None:
    found = run_with_list(0x99999)
    assert found.outcomes["snp.revocation"] == "pass"
    assert found.red == {}
    kept = found.context.collateral_used.amd
    assert kept is not None
    assert kept.crls.keys() == {"milan"}
    assert [what for what, _, _ in found.context.validity][-1] == "Revocation list of Fake ARK-milan"


@pytest.mark.parametrize(
    ("serials", "overrides", "code"),
    [
        ((0x10001,), {}, "revocation.intermediate"),
        ((0x10000,), {}, "revocation.root"),
        ((0,), {}, "revocation.vek"),
        ((), {"issuer": amd.name_encode("ARK-Genoa")}, "revocation.issuer"),
        ((), {"key": amd.rsa_key_published("ask")}, "revocation.signature"),
        ((), {"next_update": None}, "crl.next-update"),
    ],
)
def test_each_fault_of_a_list_turns_its_row_red(serials: tuple[int, ...], overrides: dict[str, Any], code: str) -> None:
    assert run_with_list(*serials, **overrides).outcomes["snp.revocation"] == code


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (amd_crl.THIS_UPDATE, "pass"),
        (amd_crl.NEXT_UPDATE, "pass"),
        (datetime(2026, 4, 30, tzinfo=UTC), "revocation.early"),
        (datetime(2026, 7, 2, tzinfo=UTC), "revocation.expired"),
    ],
)
def test_a_list_out_of_its_dates_establishes_nothing(now: datetime, code: str) -> None:
    assert run_with_list(now=now).outcomes["snp.revocation"] == code


def test_what_an_old_list_names_stays_revoked() -> None:
    assert run_with_list(0x10001, now=datetime(2027, 1, 1, tzinfo=UTC)).outcomes["snp.revocation"] == "revocation.intermediate"


def test_a_vek_with_a_serial_of_its_own_is_looked_up() -> None:
    assert run_with_list(5, vek=milan().vek_mint(serial=5)).outcomes["snp.revocation"] == "revocation.vek"
    assert run_with_list(0, vek=milan().vek_mint(serial=5)).outcomes["snp.revocation"] == "pass"


def test_without_a_list_nothing_is_established() -> None:
    assert run(None).outcomes["snp.revocation"] == "skipped"
    other = amd_crl.crl_collateral(amd_crl.crl_mint(milan()), "genoa")
    assert run(other).outcomes["snp.revocation"] == "collateral.none"


def test_the_test_root_has_no_list() -> None:
    collateral = amd_crl.crl_collateral(amd_crl.crl_mint(milan(), 0x10001))
    assert run(collateral, kind="test").outcomes["snp.revocation"] == "skipped"


@pytest.mark.parametrize("platform", ["snp", "gcp-snp", "az-snp"])
def test_who_demands_collateral_makes_the_row_required(platform: str) -> None:
    step = next(step for step in procedure_for(platform).steps if step.code == f"{platform}.revocation")
    assert (step.required, step.rests_on_collateral) == (False, True)


def run_without_vek(collateral: Any, **report: Any) -> Run:
    evidence = amd.snp_evidence(amd.report_mint(**report), None)
    return run_procedure("snp", evidence, anchors=milan().anchor_set, now=amd.NOW, collateral=collateral)


def test_a_missing_chip_key_comes_from_the_collateral_and_is_kept() -> None:
    found = run_without_vek(amd_crl.vek_collateral(milan().vek_mint(), amd.CHIP_ID, TCB))
    assert found.red == {}
    kept = found.context.collateral_used.amd
    assert kept is not None
    assert [vek.chip_id for vek in kept.veks] == [amd.CHIP_ID]


@pytest.mark.parametrize(
    ("chip_id", "tcb"), [(bytes(64), TCB), (amd.CHIP_ID, bytes(8))]
)  # fmt: skip
def test_another_chip_or_level_is_not_taken(chip_id: bytes, tcb: bytes) -> None:
    found = run_without_vek(amd_crl.vek_collateral(milan().vek_mint(), chip_id, tcb))
    assert found.red == {"snp.vek.parse": "collateral.none"}


def test_a_chip_key_that_is_another_chips_is_noticed() -> None:
    other = milan().vek_mint(extensions=amd.vek_extensions(hwid=b"\x07" * 64))
    assert run_without_vek(amd_crl.vek_collateral(other, amd.CHIP_ID, TCB)).red == {"snp.chip.id": "chip.hwid"}


def test_a_masked_chip_cannot_be_asked_for() -> None:
    class Never:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    assert run_without_vek(Never(), chip_id=bytes(64)).red == {"snp.vek.parse": "vek.missing-and-masked"}
    assert run_without_vek(Never(), key_info=1 << 2).red == {"snp.vek.parse": "vek.missing-vlek"}


def test_what_a_source_says_passes_through() -> None:
    class Throttled:
        def amd_vek_for(self, generation: str, chip_id: bytes, tcb: bytes) -> Any:
            raise CollateralMissing("collateral.throttled", "wait", retry=True)

    assert run_without_vek(Throttled()).red == {"snp.vek.parse": "collateral.throttled"}


@pytest.mark.parametrize(
    ("minimum", "code"),
    [
        (None, "skipped"),
        ({"snp": 24}, "pass"),
        ({"snp": 24, "microcode": 219, "bootloader": 4, "tee": 0}, "pass"),
        ({"snp": 25}, "minimum-tcb.snp"),
        ({"microcode": 220}, "minimum-tcb.microcode"),
        ({"fmc": 1}, "minimum-tcb.component"),
    ],
)
def test_a_minimum_level_is_compared_by_component(minimum: dict[str, int] | None, code: str) -> None:
    assert run(None, minimum_tcb_for=lambda claims: minimum).outcomes["snp.minimum-tcb"] == code
