"""Collateral in a report: what it changes, that it is kept, that the kept one gives the same again, and the command's arguments."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kettle_web.attestation.collateral import Collateral, CollateralMissing, IntelCollateral, collateral_from_json, collateral_to_json
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.verification.cli import main
from kettle_web.verification.report import Outcome, Report, Verdict, report_from_json, report_to_json
from kettle_web.verification.run import run_checks
from tests.fakes import intel
from tests.fakes import intel_lists as lists
from tests.provenance.samples import sample_bytes
from tests.verification.bundles import check_of, document_make, signed_field

AUTHORITY = intel.authority_mint()
DOCUMENT = provenance_to_bytes(document_make())
SAMPLE = "az-tdx-without-envelope"


def evidence() -> bytes:
    quote = intel.quote_mint(AUTHORITY, body={"report_data": signed_field(DOCUMENT).ljust(64, b"\0")})
    return json.dumps({"platform": "tdx", "evidence": intel.tdx_evidence(quote)}).encode()


def judge(collateral: Any = None, **overrides: Any) -> Report:
    arguments = {
        "provenance_bytes": DOCUMENT, "evidence_bytes": evidence(), "artifacts": None, "want_artifacts": False,
        "anchors": AUTHORITY.anchor_set, "now": intel.NOW, "collateral": collateral,
    }  # fmt: skip
    return run_checks(**(arguments | overrides))


def bundle(**overrides: Any) -> Collateral:
    return Collateral(intel=lists.collateral_mint(AUTHORITY, **overrides))


def not_checked(report: Report) -> str:
    return " ".join(sentence.text for sentence in report.not_checked)


def test_without_collateral_the_rows_say_why_and_the_verdict_stays() -> None:
    report = judge()
    assert report.now.verdict is Verdict.UNPINNED
    row = check_of(report, "tdx.collateral.lists")
    assert (row.outcome, row.required, row.reason) == (Outcome.ERROR, False, "no collateral was given")
    assert report.collateral is None
    assert "whether the vendor revoked the chip key's issuer (no collateral was given)" in not_checked(report)
    assert "whether the machine's firmware is recent enough (no collateral was given)" in not_checked(report)
    assert not_checked(report).count("no collateral was given") == 2
    assert "depends on" not in not_checked(report)


def test_demanded_collateral_that_is_missing_leaves_it_incomplete() -> None:
    report = judge(require_collateral=True)
    assert report.now.verdict is Verdict.INCOMPLETE
    assert "no collateral was given" in report.now.headline.text
    assert check_of(report, "tdx.collateral.lists").required


def test_collateral_that_holds_is_kept_and_gives_the_same_again() -> None:
    source = bundle()
    report = judge(source, require_collateral=True)
    assert report.now.verdict is Verdict.UNPINNED
    assert "firmware" not in not_checked(report)
    assert "revoked" not in not_checked(report)
    assert report.collateral == collateral_to_json(source)
    again = report_from_json(json.loads(json.dumps(report_to_json(report))))
    assert again == report
    kept = judge(collateral_from_json(again.collateral), evidence_bytes=evidence(), require_collateral=True)
    assert (kept.now.verdict, kept.claims["tcb_status"]) == (Verdict.UNPINNED, "UpToDate")


def test_outdated_firmware_is_said_with_its_advisories() -> None:
    source = bundle(tcb={"tcbLevels": [lists.level("OutOfDate", advisories=("INTEL-SA-00001",))]})
    report = judge(source)
    assert report.now.verdict is Verdict.UNPINNED
    assert "Of the machine's firmware the vendor says: OutOfDate (INTEL-SA-00001)." in not_checked(report)


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"pck_crl": {"serials": (0x3001,)}}, "tdx.revocation"),
        ({"tcb": {"tcbLevels": [lists.level("Revoked")]}}, "tdx.tcb-status"),
        ({"tcb_info_signature": bytes(64)}, "tdx.collateral.signatures"),
    ],
)
def test_collateral_that_speaks_against_it_fails_it(overrides: dict[str, Any], code: str) -> None:
    report = judge(bundle(**overrides))
    assert report.now.verdict is Verdict.FAILED
    assert check_of(report, code).outcome is Outcome.FAIL


def test_expired_collateral_could_not_be_checked_and_says_until_when() -> None:
    later = intel.NOW + timedelta(days=60)
    assert judge(bundle(), now=later).now.verdict is Verdict.UNPINNED
    report = judge(bundle(), now=later, require_collateral=True)
    assert report.now.verdict is Verdict.INCOMPLETE
    assert "expired on 2026-06-20" in report.now.headline.text
    assert lists.UNTIL in [one.not_after for one in report.valid_until]


def test_collateral_issued_after_the_build_does_not_fail_the_earlier_judgement() -> None:
    report = judge(bundle())
    assert report.as_of_build is not None
    assert report.as_of_build.verdict is Verdict.UNPINNED


class Counting:
    """A source that counts."""

    def __init__(self, found: Collateral) -> None:
        self.found, self.asked = found, 0

    def intel_for(self, fmspc: bytes, ca: str) -> IntelCollateral:
        self.asked += 1
        return self.found.intel_for(fmspc, ca)

    def amd_crl_for(self, generation: str) -> Any:
        raise CollateralMissing("collateral.none", "not asked")

    def amd_vek_for(self, generation: str, chip_id: bytes, tcb: bytes) -> Any:
        raise CollateralMissing("collateral.none", "not asked")


def test_a_source_is_asked_once_for_both_judgements() -> None:
    source = Counting(bundle())
    judge(source)
    assert source.asked == 1


def program(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main(arguments, out, err), out.getvalue(), err.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Real evidence in an envelope and its collateral, as files."""
    inner = json.loads(sample_bytes("evidence", f"{SAMPLE}.json"))
    (tmp_path / "evidence.json").write_text(json.dumps({"platform": "az-tdx", "evidence": inner}))
    (tmp_path / "collateral.json").write_bytes(sample_bytes("evidence", f"{SAMPLE}.collateral.json"))
    return str(tmp_path / "evidence.json"), str(tmp_path / "collateral.json")


def test_command_reads_a_collateral_file_and_keeps_it_in_the_report(files: tuple[str, str]) -> None:
    path, collateral = files
    status, out, _ = program(path, "--collateral", collateral, "--now", "1775000000", "--require-collateral", "--json")
    report = report_from_json(json.loads(out))
    assert (status, report.now.verdict, report.claims["tcb_status"]) == (3, Verdict.INCOMPLETE, "UpToDate")
    assert check_of(report, "az-tdx.tcb-status").actual == "UpToDate"
    assert report.collateral == json.loads(Path(collateral).read_text())
    assert not [check.code for check in report.checks if check.code.startswith("az-tdx.") and check.outcome is not Outcome.PASS]


def test_command_says_that_a_collateral_file_expired(files: tuple[str, str]) -> None:
    path, collateral = files
    status, out, _ = program(path, "--collateral", collateral, "--now", "1780000000", "--require-collateral")
    assert status == 3
    assert "TCB info of Intel expired on 2026-04-15" in " ".join(out.split())


def test_command_prints_the_vendor_s_word_also_when_the_row_passes(files: tuple[str, str]) -> None:
    path, collateral = files
    _, out, _ = program(path, "--collateral", collateral, "--now", "1775000000")
    lines = [line.strip() for line in out.splitlines()]
    assert lines[lines.index("PASS    Intel's word on the firmware level [az-tdx.tcb-status]") + 2] == "UpToDate"


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"tcb_info": 1}'])
def test_unusable_collateral_file_is_refused(files: tuple[str, str], tmp_path: Path, content: bytes | None) -> None:
    broken = tmp_path / "broken.json"
    if content is not None:
        broken.write_bytes(content)
    status, _, err = program(files[0], "--collateral", str(broken))
    assert status == 2
    assert err.startswith("--collateral: ")
