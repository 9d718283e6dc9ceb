"""Which of the vendors' lists a judgement of the site uses: theirs where the operator lets it ask, else what was kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from kettle_web.attestation.collateral import collateral_to_json
from kettle_web.builds.models import Build
from kettle_web.builds.states import State
from kettle_web.verifications.collateral import collateral_for, vendor_services
from kettle_web.verifications.models import Report
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.attestation.collateral.test_kds import Service, serving
from tests.fakes import amd, amd_crl
from tests.verifications.bundles import build_make, result_make, tarball_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def _fresh_services():
    vendor_services.cache_clear()
    yield
    vendor_services.cache_clear()


def _hardware_build(samples: Path) -> Build:
    kex = samples / "bundles" / "kex"
    files = {name: (kex / name).read_bytes() for name in ("provenance.json", "evidence.json")}
    return build_make(person_make("ada"), tarball=tarball_make(files), origin=Build.Origin.IMPORT, repo_url="")


def _row(report: Report) -> dict:
    return next(check for check in report.document["checks"] if check["code"] == "az-snp.revocation")


def _vendors(settings, service: Service) -> None:
    settings.COLLATERAL_FROM_VENDORS = True
    settings.AMD_KDS_URL = service.base
    settings.ALLOWED_SOURCE_HOSTS = (f"127.0.0.1:{service.port}",)


def test_nobody_is_asked_unless_the_operator_allows_it(samples, settings):
    assert settings.COLLATERAL_FROM_VENDORS is False
    row = _row(report_create(build=_hardware_build(samples), now=timezone.now()))
    assert (row["outcome"], row["reason"]) == ("skipped", "no revocation list was given")


@pytest.mark.usefixtures("_fresh_services")
def test_vendor_is_asked_once_and_a_forged_list_fails(samples, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    forged = amd_crl.crl_mint(amd.authority_mint("milan"))
    with serving(lambda path: (200, {}, forged)) as service:
        _vendors(settings, service)
        build = _hardware_build(samples)
        first = report_create(build=build, now=timezone.now())
        second = report_create(build=build, now=timezone.now())
    assert service.asked == ["/vcek/v1/Milan/crl"]
    for report in (first, second):
        assert _row(report)["outcome"] == "fail"
        assert report.verdict == "failed"


@pytest.mark.usefixtures("_fresh_services")
def test_vendor_out_of_reach_is_no_pass(samples, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    with serving(lambda path: (503, {}, b"")) as service:
        _vendors(settings, service)
        report = report_create(build=_hardware_build(samples), now=timezone.now())
    assert _row(report)["outcome"] in ("skipped", "error")
    assert report.verdict == "incomplete"


def test_lists_of_an_earlier_report_are_judged_again(samples):
    build = _hardware_build(samples)
    first = report_create(build=build, now=timezone.now())
    assert collateral_for(build) is None
    kept = collateral_to_json(amd_crl.crl_collateral(amd_crl.crl_mint(amd.authority_mint("milan"))))
    Report.objects.filter(pk=first.pk).update(document=first.document | {"collateral": kept})
    assert _row(report_create(build=build, now=timezone.now()))["outcome"] == "fail"


@pytest.mark.parametrize("document", [{}, {"collateral": None}, {"collateral": {"amd": 7}}])
def test_report_without_usable_lists_gives_none(document):
    build = build_make(person_make("ada"), tarball=result_make().tarball, state=State.DONE)
    Report.objects.create(build=build, judged_at=timezone.now(), schema_version=1, verdict="unpinned", headline="", document=document)
    assert collateral_for(build) is None
