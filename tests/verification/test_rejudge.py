from dataclasses import replace

import pytest

from kettle_web.verification.policy import Policy
from kettle_web.verification.rejudge import PARTS, verdict_under
from kettle_web.verification.report import ReportUnreadable, report_to_json
from tests.verification.bundles import ENTRY, NOW, POLICY, Files, report_make

NOTHING = Policy()
HIGH = Policy("high", (replace(ENTRY, minimum_tcb={"snp": 255}),))
LOW = Policy("low", (replace(ENTRY, minimum_tcb={"snp": 0}),))
OTHER = Policy("other", (replace(ENTRY, measurement="ab" * 48),))
POLICIES = {"nothing": NOTHING, "pinned": POLICY, "high": HIGH, "low": LOW, "other": OTHER}


def _parts(report):
    document = report_to_json(report)
    return {name: document[name] for name in PARTS}


@pytest.mark.parametrize("before", POLICIES)
@pytest.mark.parametrize("after", POLICIES)
@pytest.mark.parametrize("bundle", [{}, {"artifacts": Files(("hello", b"another"))}, {"artifacts": Files()}, {"evidence_bytes": None}])
def test_preview_gives_the_verdict_that_judging_anew_gives(before, after, bundle):
    parts = _parts(report_make(policy=POLICIES[before], **bundle))
    assert verdict_under(POLICIES[after], parts, NOW) == report_make(policy=POLICIES[after], **bundle).now.verdict


def test_minimum_that_is_not_reached_fails_and_without_it_the_image_is_recognised():
    assert verdict_under(HIGH, _parts(report_make()), NOW) == "failed"
    assert verdict_under(POLICY, _parts(report_make(policy=HIGH)), NOW) == "confirmed"


def test_simulated_is_never_confirmed_whatever_the_list_says():
    parts = _parts(report_make(anchors=None))
    assert {name: verdict_under(policy, parts, NOW) for name, policy in POLICIES.items()} == {
        "nothing": "simulated", "pinned": "simulated", "high": "failed", "low": "simulated", "other": "simulated",
    }  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_report_without_a_part_is_unreadable(name):
    parts = _parts(report_make())
    del parts[name]
    with pytest.raises(ReportUnreadable):
        verdict_under(POLICY, parts, NOW)
