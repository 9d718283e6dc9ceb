import hashlib
import json
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.verification.policy_json import policy_parse
from kettle_web.verifications.models import Report
from kettle_web.verifications.policy import changes
from kettle_web.verifications.policy.in_force import policy_in_force
from kettle_web.verifications.policy.models import AllowListEntry
from tests.accounts.people import person_make
from tests.verifications.policy.world import MEASUREMENT, entry_make, judged_build

pytestmark = pytest.mark.django_db
LIST, ADD, IMPORT, IN_FORCE = "/policy/", "/policy/add/", "/policy/import/", "/policy/policy.json"
ABSENT = "0" * 16
PCR = "ab" * 32
SAID = {
    "name": "Kettle image 7",
    "kettle_release": "0.9.1",
    "reason": "it is the image that we run",
    "derivation": "sev-snp-measure over our sources",
    "isolates_build": "unknown",
}
VALUES = SAID | {"platform": "snp", "measurement": MEASUREMENT}


@pytest.fixture
def signed_in(client, ada):
    client.force_login(ada)
    return client


@pytest.fixture
def queued(monkeypatch):
    """Keys of the builds that are to be judged again."""
    keys = []
    monkeypatch.setattr(changes, "enqueue", lambda name, pk, *_reason: keys.append(pk))
    return keys


def _entry_url(entry, action=""):
    return f"/policy/entries/{entry.uid}/{action}"


def _save(client, url, data):
    """Post as the page does: look first, then save what was shown."""
    shown = client.post(url, data | {"step": "preview"})
    assert shown.status_code == 200, shown.context["form"].errors
    return client.post(url, data | {"step": "save", "token": shown.context["page"].token})


def _azure_build(owner, **overrides):
    """A build whose newest report is of a machine on Azure, as far as its claims go."""
    build = judged_build(owner)
    row = build.reports.get()
    row.document["platform"] = "az-snp"
    row.document["claims"]["pcrs"] = [f"{index + 1:02x}" * 32 for index in range(15)] + ["00" * 32] * 9
    row.document |= overrides
    Report.objects.filter(pk=row.pk).update(document=row.document)
    return build


# Who may


@pytest.mark.parametrize("url", [LIST, ADD, IMPORT, IN_FORCE, f"/policy/entries/{ABSENT}/", f"/policy/versions/{'0' * 64}.json"])
def test_anonymous_is_sent_to_sign_in(client, url):
    assert client.get(url)["Location"] == f"/account/sign-in/?next={url}"


def test_for_members_the_pages_do_not_exist(client, ada):
    entry = entry_make(ada)
    client.force_login(person_make("bob"))
    for url in (LIST, ADD, IMPORT, IN_FORCE, _entry_url(entry)):
        assert client.get(url).status_code == 404
    for url in (ADD, IMPORT, _entry_url(entry, "approve/"), _entry_url(entry, "end/")):
        assert client.post(url, {}).status_code == 404
    assert AllowListEntry.objects.get().ended_at is None


@pytest.mark.parametrize("path", ["", "approve/", "end/"])
def test_entry_that_does_not_exist(signed_in, path):
    url = f"/policy/entries/{ABSENT}/{path}"
    assert (signed_in.post(url) if path else signed_in.get(url)).status_code == 404


def test_methods_and_tokens(ada, signed_in):
    entry = entry_make(ada)
    for url in (LIST, IN_FORCE, _entry_url(entry)):
        assert signed_in.post(url).status_code == 405
    for action in ("approve/", "end/"):
        assert signed_in.get(_entry_url(entry, action)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    for url in (ADD, IMPORT, _entry_url(entry, "approve/"), _entry_url(entry, "end/")):
        assert strict.post(url, {}).status_code == 403


# The list


def test_list_without_entries_says_what_that_means(signed_in):
    assert "No image is recognised" in signed_in.get(LIST).content.decode()


def test_list_shows_entries_by_where_they_stand(signed_in, ada):
    now = timezone.now()
    entry_make(ada, name="running")
    entry_make(ada, name="later", in_force_from=now + timedelta(days=1))
    ended = entry_make(ada, name="gone")
    signed_in.post(_entry_url(ended, "end/"), _end(signed_in, ended))
    page = signed_in.get(LIST).context["page"]
    names = [[entry.name for entry in group] for group in (page.in_force, page.upcoming, page.ended, page.waiting)]
    assert names == [["running"], ["later"], ["gone"], []]
    assert page.versions[0].is_in_force


def test_list_shows_what_waits_for_approval(signed_in, ada, settings):
    settings.POLICY_NEEDS_SECOND_APPROVER = True
    entry_make(ada)
    page = signed_in.get(LIST).context["page"]
    assert (len(page.waiting), len(page.in_force)) == (1, 0)


def test_queries_of_the_list_do_not_grow(signed_in, ada):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert signed_in.get(LIST).status_code == 200
        return len(queries)

    entry_make(ada, name="first")
    count()  # The first request of a session looks up more.
    one = count()
    for number in range(4):
        entry_make(ada, name=f"image {number}")
    assert count() == one


def test_texts_of_an_entry_are_escaped(signed_in, ada):
    entry = entry_make(ada, name="<b>x</b>", reason="<script>alert(1)</script>", derivation="<i>")
    for url in (LIST, _entry_url(entry)):
        text = signed_in.get(url).content.decode()
        assert "<script>alert" not in text
        assert "<b>x</b>" not in text


# Adding


def test_values_are_shown_first_and_then_saved(signed_in, ada, hardware, queued):
    build = judged_build(ada)
    shown = signed_in.post(ADD, VALUES | {"step": "preview"})
    assert not AllowListEntry.objects.exists()
    assert shown.context["page"].preview.moved == 1
    answer = signed_in.post(ADD, VALUES | {"step": "save", "token": shown.context["page"].token})
    entry = AllowListEntry.objects.get()
    assert answer["Location"] == _entry_url(entry)
    assert (entry.added_by, entry.measurement, entry.from_build) == (ada, MEASUREMENT, None)
    assert queued == [build.pk]


def test_what_was_not_shown_is_not_saved(signed_in):
    token = signed_in.post(ADD, VALUES | {"step": "preview"}).context["page"].token
    for data in (VALUES, VALUES | {"token": "x"}, VALUES | {"token": token, "reason": "another"}):
        answer = signed_in.post(ADD, data | {"step": "save"})
        assert answer.status_code == 409
        assert answer.context["page"].preview is not None
    assert not AllowListEntry.objects.exists()


def test_preview_of_another_list_is_shown_again(signed_in, ada):
    token = signed_in.post(ADD, VALUES | {"step": "preview"}).context["page"].token
    entry_make(ada, name="meanwhile")
    assert signed_in.post(ADD, VALUES | {"step": "save", "token": token}).status_code == 409


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"kettle_release": ""}, "kettle_release"),
        ({"reason": " "}, "reason"),
        ({"derivation": ""}, "derivation"),
        ({"measurement": "ab"}, "measurement"),
        ({"platform": "az-snp"}, "pcrs"),
        ({"platform": "sgx"}, "platform"),
        ({"pcrs": f"4: {PCR}"}, "pcrs"),
        ({"platform": "az-snp", "pcrs": f"24: {PCR}"}, "pcrs"),
        ({"platform": "az-snp", "pcrs": f"4: {PCR}\n4: {PCR}"}, "pcrs"),
        ({"platform": "az-snp", "pcrs": "nonsense"}, "pcrs"),
        ({"platform": "tdx", "rtmrs": f"1: {'cd' * 48}", "tcb_snp": "3"}, "tcb_bootloader"),
        ({"tcb_snp": "256"}, "tcb_snp"),
        ({"in_force_until": "2001-01-01T00:00"}, "__all__"),
        ({"platform": "tdx"}, "__all__"),
        ({"name": "bidi \N{RIGHT-TO-LEFT OVERRIDE}"}, "__all__"),
    ],
)
def test_entry_is_refused_beside_the_field(signed_in, changed, field):
    answer = signed_in.post(ADD, VALUES | changed | {"step": "preview"})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert answer.context["page"].token == ""


def test_azure_without_pcrs_is_refused_with_the_reason(signed_in):
    answer = signed_in.post(ADD, VALUES | {"platform": "az-snp", "step": "preview"})
    assert "paravisor" in answer.content.decode()


def test_values_may_be_pasted_with_spaces_capitals_and_prefixes(signed_in):
    spaced = " ".join(MEASUREMENT[at : at + 4].upper() for at in range(0, 96, 4))
    _save(signed_in, ADD, VALUES | {"platform": "az-snp", "measurement": f"0x{spaced}", "pcrs": f"PCR 04: {PCR.upper()}\r\n11={PCR}\n"})
    entry = AllowListEntry.objects.get()
    assert (entry.measurement, entry.pcrs) == (MEASUREMENT, {"4": PCR, "11": PCR})


def test_minimum_firmware_is_kept_by_component(signed_in):
    _save(signed_in, ADD, VALUES | {"tcb_snp": "24", "tcb_microcode": "0"})
    assert AllowListEntry.objects.get().minimum_tcb == {"snp": 24, "microcode": 0}


def test_same_entry_again_is_refused(signed_in, ada):
    _save(signed_in, ADD, VALUES)
    answer = _save(signed_in, ADD, VALUES)
    assert answer.status_code == 422
    assert AllowListEntry.objects.count() == 1


def test_entry_is_added_from_a_build(signed_in, ada, hardware, queued):
    build = judged_build(ada)
    url = f"{ADD}?build={build.uid}"
    assert signed_in.get(url).context["page"].from_build.measurement == MEASUREMENT
    _save(signed_in, url, SAID)
    entry = AllowListEntry.objects.get()
    assert (entry.from_build, entry.platform, entry.measurement) == (build, "snp", MEASUREMENT)
    assert queued == [build.pk]


def test_registers_of_a_build_on_azure_are_chosen(signed_in, ada, hardware):
    url = f"{ADD}?build={_azure_build(ada).uid}"
    source = signed_in.get(url).context["page"].from_build
    assert ([row.index for row in source.registers], source.registers[4].is_usual) == (list(range(15)), True)
    assert source.untouched.startswith("PCR 15, PCR 16")
    refused = signed_in.post(url, SAID | {"step": "preview"})
    assert refused.status_code == 422
    assert "paravisor" in refused.content.decode()
    data = SAID | {"registers": ["pcrs-4", "pcrs-11"]}
    assert signed_in.post(url, data | {"step": "preview"}).context["page"].from_build.registers[4].is_chosen
    _save(signed_in, url, data)
    assert AllowListEntry.objects.get().pcrs == {"4": "05" * 32, "11": "0c" * 32}


@pytest.mark.parametrize("name", ["pcrs-99", "pcrs-20", "rtmrs-1", "x"])
def test_register_that_is_absent_or_untouched_cannot_be_chosen(signed_in, ada, hardware, name):
    url = f"{ADD}?build={_azure_build(ada).uid}"
    assert signed_in.post(url, SAID | {"registers": [name], "step": "preview"}).status_code == 422


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"anchor_kind": "test"}, "public test key"),
        ({"anchor_kind": ""}, "No hardware vouches"),
        ({"claims": {}}, "No hardware vouches"),
        ({"platform": "sgx"}, "No entry can be made"),
    ],
)
def test_nothing_is_taken_from_what_no_hardware_vouches_for(signed_in, ada, hardware, document, said):
    build = _azure_build(ada, **document)
    for answer in (signed_in.get(f"{ADD}?build={build.uid}", follow=True), signed_in.post(f"{ADD}?build={build.uid}", SAID, follow=True)):
        assert answer.redirect_chain == [(f"/builds/{build.uid}/", 302)]
        assert said in answer.content.decode()


def test_simulated_build_is_never_recognised(signed_in, ada):
    build = judged_build(ada)
    assert "public test key" in signed_in.get(f"{ADD}?build={build.uid}", follow=True).content.decode()


def test_nothing_is_taken_from_a_build_that_failed(signed_in, ada, hardware):
    entry_make(ada, minimum_tcb={"microcode": 255})
    build = judged_build(ada)
    assert build.verdict == "failed"
    assert "does not hold" in signed_in.get(f"{ADD}?build={build.uid}", follow=True).content.decode()


def test_build_that_does_not_exist(signed_in):
    assert signed_in.get(f"{ADD}?build={ABSENT}").status_code == 404


def test_entry_that_waits_moves_nothing_yet(signed_in, ada, hardware, queued, settings):
    settings.POLICY_NEEDS_SECOND_APPROVER = True
    judged_build(ada)
    _save(signed_in, ADD, VALUES)
    assert queued == []


# One entry


def _end(client, entry, reason="a flaw"):
    return {"reason": reason, "token": client.get(_entry_url(entry)).context["page"].token}


def test_entry_page_shows_what_ending_would_move(signed_in, ada, hardware):
    entry = entry_make(ada)
    judged_build(ada)
    page = signed_in.get(_entry_url(entry)).context["page"]
    assert (page.preview.counts[0].before, page.preview.counts[0].after) == ("confirmed", "unpinned")


def test_administrator_ends_an_entry(signed_in, ada, hardware, queued):
    entry = entry_make(ada)
    build = judged_build(ada)
    assert signed_in.post(_entry_url(entry, "end/"), _end(signed_in, entry))["Location"] == _entry_url(entry)
    assert policy_in_force(timezone.now()).entry_count == 0
    assert queued == [build.pk]
    text = signed_in.get(_entry_url(entry)).content.decode()
    assert "a flaw" in text
    assert "End this entry" not in text


@pytest.mark.parametrize(("reason", "status"), [("", 422), ("x" * 2001, 422)])
def test_entry_is_not_ended_without_a_reason(signed_in, ada, reason, status):
    entry = entry_make(ada)
    assert signed_in.post(_entry_url(entry, "end/"), _end(signed_in, entry, reason)).status_code == status
    assert AllowListEntry.objects.get().ended_at is None


def test_entry_is_not_ended_when_the_list_changed_meanwhile(signed_in, ada):
    entry = entry_make(ada)
    data = _end(signed_in, entry)
    entry_make(ada, name="meanwhile")
    answer = signed_in.post(_entry_url(entry, "end/"), data)
    assert answer.status_code == 409
    assert "a flaw" in answer.content.decode()


def test_another_administrator_approves(client, ada, grace, settings, hardware, queued):
    settings.POLICY_NEEDS_SECOND_APPROVER = True
    entry, build = entry_make(ada), judged_build(ada)
    client.force_login(ada)
    own = client.get(_entry_url(entry)).context["page"]
    assert not own.may_approve
    assert client.post(_entry_url(entry, "approve/"), {"token": own.token}).status_code == 409
    client.force_login(grace)
    page = client.get(_entry_url(entry)).context["page"]
    assert page.may_approve
    assert page.preview.moved == 1
    assert client.post(_entry_url(entry, "approve/"), {"token": page.token}).status_code == 302
    assert queued == [build.pk]
    assert policy_in_force(timezone.now()).entry_count == 1


# Files


def test_document_in_force_is_one_that_the_verifier_reads(signed_in, ada):
    entry_make(ada)
    answer = signed_in.get(IN_FORCE)
    assert policy_parse(answer.content).entries[0].name == "Kettle image 7"
    assert "attachment" in answer["Content-Disposition"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_cited_version_can_be_read_by_whoever_reads_reports(client, ada, hardware):
    entry_make(ada)
    bob = person_make("bob")
    version = judged_build(bob).reports.get().policy_version
    client.force_login(bob)
    answer = client.get(f"/policy/versions/{version}.json")
    assert hashlib.sha256(answer.content).hexdigest() == version
    assert client.get(f"/policy/versions/{'0' * 64}.json").status_code == 404
    assert client.post(f"/policy/versions/{version}.json").status_code == 405


def _file(**overrides):
    entry = {
        "name": "theirs", "kettle_release": "0.9", "platform": "snp", "measurement": MEASUREMENT, "pinned_by": "someone there",
        "reason": "why", "derivation": "how", "from": "2026-01-01T00:00:00Z", "isolates_build_from_attester": True,
    }  # fmt: skip
    return json.dumps({"schema": 1, "entries": [entry]} | overrides)


def test_file_is_shown_first_and_then_imported(signed_in, ada, hardware, queued):
    build = judged_build(ada)
    shown = signed_in.post(IMPORT, {"file": SimpleUploadedFile("p.json", _file().encode()), "step": "preview"})
    assert [entry.name for entry in shown.context["page"].entries] == ["theirs"]
    assert shown.context["page"].preview.moved == 1
    assert not AllowListEntry.objects.exists()
    carried = re.search(r"<textarea[^>]*name=\"text\"[^>]*>(.*?)</textarea>", shown.content.decode(), re.DOTALL)
    assert carried is not None
    signed_in.post(IMPORT, {"text": _file(), "step": "save", "token": shown.context["page"].token})
    entry = AllowListEntry.objects.get()
    assert (entry.added_by, entry.pinned_elsewhere_by, entry.isolates_build) == (ada, "someone there", "yes")
    assert queued == [build.pk]


def test_entry_that_the_verifier_printed_can_be_imported(signed_in):
    text = json.dumps(json.loads(_file())["entries"][0])
    shown = signed_in.post(IMPORT, {"text": text, "step": "preview"})
    assert [entry.name for entry in shown.context["page"].entries] == ["theirs"]
    unfinished = signed_in.post(IMPORT, {"text": text.replace('"why"', '""')})
    assert unfinished.status_code == 422
    assert "reason of the entry" in unfinished.content.decode()


def test_exported_list_can_be_imported_elsewhere(signed_in, ada):
    entry = entry_make(ada, minimum_tcb={"snp": 3})
    text = signed_in.get(IN_FORCE).content.decode()
    signed_in.post(_entry_url(entry, "end/"), _end(signed_in, entry))
    shown = signed_in.post(IMPORT, {"text": text, "step": "preview"})
    signed_in.post(IMPORT, {"text": text, "step": "save", "token": shown.context["page"].token})
    assert policy_in_force(timezone.now()).policy.entries[0].minimum_tcb == {"snp": 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"schema": 1}',
        '{"schema": 1, "entries": []}',
        _file(anchors=[]),
        _file(required_nonce=True),
        '{"schema": 1, "required_nonce": true}',
        _file().replace(MEASUREMENT, "ab"),
        _file().replace('"from"', '"until": "2001-01-01T00:00:00Z", "from"').replace("2026-01-01", "2000-01-01"),
    ],
)
def test_file_is_refused(signed_in, text):
    answer = signed_in.post(IMPORT, {"text": text, "step": "preview"})
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert not AllowListEntry.objects.exists()


@pytest.mark.parametrize("data", [b"\xff\xfe", b"x" * (1024 * 1024 + 1)])
def test_file_that_is_no_policy_at_all_is_refused(signed_in, data):
    assert signed_in.post(IMPORT, {"file": SimpleUploadedFile("p.json", data)}).status_code == 422


def test_import_is_not_saved_unseen(signed_in):
    assert signed_in.post(IMPORT, {"text": _file(), "step": "save", "token": "x"}).status_code == 200
    assert not AllowListEntry.objects.exists()


def test_queries_of_the_preview_do_not_grow_with_builds(signed_in, ada, hardware):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert signed_in.post(ADD, VALUES | {"step": "preview"}).status_code == 200
        return len(queries)

    judged_build(ada, number=1)
    count()  # The first request of a session looks up more.
    one = count()
    for number in range(2, 5):
        judged_build(ada, number=number)
    assert Build.objects.count() == 4
    assert count() == one
