import io
import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kettle_web.attestation.collateral import AmdCollateral, AmdCrl, Collateral, collateral_from_json, collateral_parse, collateral_to_json
from kettle_web.builds.models import Build
from kettle_web.core.blobs import blob_read
from kettle_web.verification.cli import main
from kettle_web.verification.report import report_from_json
from kettle_web.verifications.models import Import, Report
from tests.accounts.people import person_make
from tests.verifications.policy.world import entry_make, hardware, judged_again, judged_build

__all__ = ("hardware",)

pytestmark = pytest.mark.django_db
USED = Collateral(None, AmdCollateral({"milan": AmdCrl(b"\x30\x00", datetime(2026, 6, 1, tzinfo=UTC))}, ()))


@pytest.fixture
def ada():
    return person_make("ada", is_administrator=True)


@pytest.fixture
def signed_in(client, ada):
    client.force_login(ada)
    return client


@pytest.fixture
def twice(ada, hardware):
    """A build that was judged without, then with an entry for its image."""
    build = judged_build(ada)
    entry_make(ada)
    judged_again(build)
    return build


def _urls(build):
    base = f"/builds/{build.uid}/reports/"
    return [base, f"{base}1/", f"{base}1/report.json"]


def _text(answer):
    return answer.content.decode()


def test_strangers_and_anonymous_see_no_report(client, twice):
    for url in _urls(twice):
        assert client.get(url)["Location"] == f"/account/sign-in/?next={url}"
    client.force_login(person_make("mallory"))
    for url in _urls(twice):
        assert client.get(url).status_code == 404


def test_reports_are_only_read(signed_in, twice):
    for url in _urls(twice):
        assert signed_in.post(url).status_code == 405


def test_every_report_keeps_its_number_verdict_and_address(signed_in, twice):
    rows = signed_in.get(_urls(twice)[0]).context["page"].rows
    assert [(row.number, row.verdict, row.is_newest) for row in rows] == [(2, "confirmed", True), (1, "unpinned", False)]
    assert rows[0].policy_version != rows[1].policy_version
    for row in rows:
        page = signed_in.get(row.url).context["page"]
        assert page.report.verdict.verdict == row.verdict
        assert signed_in.get(page.json_url).json()["now"]["verdict"] == row.verdict


def test_earlier_report_names_the_newest(signed_in, twice):
    answer = signed_in.get(_urls(twice)[1])
    assert "This is an earlier report" in _text(answer)
    assert answer.context["page"].newest.verdict == "confirmed"
    assert "This is an earlier report" not in _text(signed_in.get(f"/builds/{twice.uid}/reports/2/"))


@pytest.mark.parametrize("number", ["0", "3", "99999999999999999999"])
def test_report_that_does_not_exist(signed_in, twice, number):
    for name in ("", "report.json", "collateral.json"):
        assert signed_in.get(f"/builds/{twice.uid}/reports/{number}/{name}").status_code == 404


def test_build_page_shows_then_and_now_and_the_history(signed_in, twice):
    text = _text(signed_in.get(f"/builds/{twice.uid}/"))
    assert "As of the build" in text
    assert "As of now" in text
    assert f"/builds/{twice.uid}/reports/1/" in text


def test_queries_of_a_report_do_not_grow_with_their_number(signed_in, twice):
    def count(url):
        with CaptureQueriesContext(connection) as queries:
            assert signed_in.get(url).status_code == 200
        return len(queries)

    before = [count(url) for url in (*_urls(twice), *_urls(twice))][3:]
    for _again in range(3):
        judged_again(twice)
    assert [count(url) for url in _urls(twice)] == before


def test_cited_policy_is_offered(signed_in, twice):
    page = signed_in.get(f"/builds/{twice.uid}/reports/2/").context["page"]
    assert page.has_policy_document
    assert f"--policy policy-{page.row.policy_version[:12]}.json" in page.command
    assert page.command.endswith("Z")


def test_command_of_a_report_finds_the_same_again(signed_in, ada, hardware, tmp_path):
    entry_make(ada)
    build = judged_build(ada)
    page = signed_in.get(f"/builds/{build.uid}/reports/1/").context["page"]
    (tmp_path / "result.tar.gz").write_bytes(blob_read(build.result_sha256, 10**7))
    policy = tmp_path / f"policy-{page.row.policy_version[:12]}.json"
    policy.write_bytes(signed_in.get(f"/policy/versions/{page.row.policy_version}.json").content)
    arguments = page.command.split()[3:]
    arguments = [str(tmp_path / item) if (tmp_path / item).exists() else item for item in arguments]
    out = io.StringIO()
    main([*arguments, "--json"], out, io.StringIO())
    again, stored = json.loads(out.getvalue()), build.reports.get().document
    assert again["policy_version"] == stored["policy_version"]
    assert again["now"]["at"] == stored["now"]["at"]
    assert (again["policy_entry"], again["now"]["verdict"]) == (stored["policy_entry"], "confirmed")


def test_command_leaves_out_files_and_empty_lists(signed_in, ada):
    build = judged_build(ada)
    Build.objects.filter(pk=build.pk).update(origin="import", result_sha256="")
    Import.objects.create(build=build, want_artifacts=False)
    command = signed_in.get(f"/builds/{build.uid}/reports/1/").context["page"].command
    assert "kettle_web.verification DIR --no-artifacts --now" in command


def test_every_reader_of_a_confirmed_build_sees_why_the_image_was_pinned(client, hardware, ada):
    entry_make(ada, reason="audited on 3 May", derivation="sev-snp-measure over tag v7")
    bob = person_make("bob")
    build = judged_build(bob)
    client.force_login(bob)
    text = _text(client.get(f"/builds/{build.uid}/"))
    assert "audited on 3 May" in text
    assert "sev-snp-measure over tag v7" in text
    assert "Builder image Kettle image 7, pinned by ada" in text


def test_report_without_collateral_says_so(signed_in, twice):
    assert "none were used" in _text(signed_in.get(f"/builds/{twice.uid}/reports/2/"))
    assert signed_in.get(f"/builds/{twice.uid}/reports/2/collateral.json").status_code == 404


def test_collateral_as_used_comes_back_as_the_verifier_takes_it(signed_in, twice):
    row = twice.reports.first()
    Report.objects.filter(pk=row.pk).update(document=row.document | {"collateral": collateral_to_json(USED)})
    stored = report_from_json(Report.objects.get(pk=row.pk).document)
    assert collateral_from_json(stored.collateral) == USED
    answer = signed_in.get(f"/builds/{twice.uid}/reports/2/collateral.json")
    assert collateral_parse(answer.content) == USED
    assert "attachment" in answer["Content-Disposition"]
    assert "--collateral collateral.json" in signed_in.get(f"/builds/{twice.uid}/reports/2/").context["page"].command


def test_administrator_is_led_from_the_builder_image_to_the_list(signed_in, ada, hardware):
    build = judged_build(ada)
    assert f"/policy/add/?build={build.uid}" in _text(signed_in.get(f"/builds/{build.uid}/"))
    entry_make(ada)
    judged_again(build)
    assert "See builder images" in _text(signed_in.get(f"/builds/{build.uid}/"))


def test_member_is_not_led_there(client, hardware):
    bob = person_make("bob")
    build = judged_build(bob)
    client.force_login(bob)
    assert "/policy/" not in _text(client.get(f"/builds/{build.uid}/"))


def test_simulated_build_says_that_it_can_never_be_recognised(signed_in, ada):
    text = _text(signed_in.get(f"/builds/{judged_build(ada).uid}/"))
    assert "no entry of the allow-list ever makes it confirmed" in text
    assert "/policy/add/" not in text


def test_stranger_with_a_link_sees_neither_history_nor_list(client, ada, twice):
    client.force_login(ada)
    answer = client.post(f"/builds/{twice.uid}/links/", {"label": "", "days": "7"}, follow=True)
    found = json.dumps(_text(answer)).split("/s/")[1].split("/")[0]
    client.logout()
    shared = _text(client.get(f"/s/{found}/"))
    assert "Kettle image 7, pinned by ada" in shared
    assert "/reports/" not in shared
    assert "/policy/" not in shared
