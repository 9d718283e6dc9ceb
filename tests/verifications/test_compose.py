import pytest
from django.utils import timezone

from kettle_web.verification.report import Check, Link, Outcome, Sentence
from kettle_web.verifications.compose import chain, link_outcome
from kettle_web.verifications.selectors import report_view_latest
from kettle_web.verifications.services import report_create
from kettle_web.verifications.words import sentence, translated
from tests.accounts.people import person_make
from tests.verifications.bundles import COMMIT, NONCE, build_make, result_make

PASS, FAIL, SKIPPED, ERROR = Outcome.PASS, Outcome.FAIL, Outcome.SKIPPED, Outcome.ERROR


def _check(outcome, *, required=True, link=Link.REPORT, anchor=""):
    return Check(code="x", title="X", link=link, outcome=outcome, required=required, proves="", does_not_prove="", anchor=anchor)


@pytest.mark.parametrize(
    ("checks", "outcome"),
    [
        ([(PASS, True)], PASS),
        ([(PASS, True), (SKIPPED, False)], PASS),
        ([(PASS, True), (SKIPPED, True)], SKIPPED),
        ([(PASS, True), (ERROR, True), (SKIPPED, True)], ERROR),
        ([(PASS, True), (FAIL, False)], FAIL),
        ([(SKIPPED, False)], SKIPPED),
        ([(SKIPPED, False), (ERROR, False)], ERROR),
        ([], SKIPPED),
    ],
)
def test_link_is_never_better_than_its_weakest_required_check(checks, outcome):
    assert link_outcome([_check(what, required=required) for what, required in checks]) is outcome


def test_chain_is_in_the_order_of_the_rail_and_marks_the_break():
    rows = chain(
        (
            _check(PASS, link=Link.ARTIFACTS),
            _check(FAIL, link=Link.SIGNED_DATA),
            _check(FAIL, link=Link.PROVENANCE),
            _check(PASS, link=Link.VENDOR_ROOT, anchor="AMD ARK-Milan"),
        )
    )
    assert [row.link for row in rows] == ["vendor-root", "signed-data", "provenance", "artifacts"]
    assert [row.is_broken for row in rows] == [False, True, False, False]
    assert [row.is_after_break for row in rows] == [False, False, True, True]
    assert rows[0].anchor == "AMD ARK-Milan"


def test_empty_text_is_not_translated_into_gettexts_header():
    assert translated("") == ""


def test_sentence_that_lacks_a_value_is_not_a_page_that_breaks():
    assert sentence(Sentence("{missing}")) == "{missing}"


@pytest.mark.django_db
def test_view_of_a_sound_build(django_assert_num_queries):
    ada = person_make("ada")
    build = build_make(ada, tarball=result_make().tarball)
    assert report_view_latest(build) is None
    report_create(build=build, now=timezone.now())
    with django_assert_num_queries(4):
        view = report_view_latest(build)
    assert view is not None
    assert (view.verdict.verdict, view.verdict.is_simulated, view.verdict.exit_status) == ("simulated", True, 4)
    assert view.verdict.as_of_build is not None
    assert view.verdict.does_not_prove
    assert view.source.git_commit == COMMIT
    assert not view.source.is_claimed
    assert [(row.ecosystem, row.name, row.version) for row in view.dependencies] == [
        ("cargo", "serde", "1.0.228"),
        ("cargo", "xz2", "0.1.7"),
    ]
    assert view.artifacts[0].url.endswith("/hello")
    assert [file.name for file in view.raw_files] == ["provenance.json", "evidence.json", "result.tar.gz"]
    assert view.commands.kettle == f"kettle verify DIR --nonce {NONCE.hex()}"
    assert view.commands.manage == f"python manage.py verify result.tar.gz --nonce {NONCE.hex()}"
    assert view.signed_nonce == NONCE.hex()
    assert not any(row.is_broken for row in view.chain)


@pytest.mark.django_db
def test_hostile_artifact_name_still_has_an_address():
    ada = person_make("ada")
    names = {"../../etc/passwd": b"1", "a\nb": b"2", "..": b"3", "x?y#z%41": b"4"}
    build = build_make(ada, tarball=result_make(subjects=names, artifacts={}).tarball)
    report_create(build=build, now=timezone.now())
    build.artifacts.update(is_stored=True)
    view = report_view_latest(build)
    assert view is not None
    assert all("/artifacts/" in row.url and ".." not in row.url for row in view.artifacts)
