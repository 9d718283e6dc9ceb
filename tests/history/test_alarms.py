import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from kettle_web.builds.models import Build
from kettle_web.history.alarms import outbox, watch
from kettle_web.history.alarms.outbox import mails_send
from kettle_web.history.alarms.services import feed_create
from kettle_web.history.alarms.watch import build_watch, missed_watch
from kettle_web.history.models import Alarm, AlarmMail, FeedToken, Subscription
from kettle_web.history.tasks import watch_build
from kettle_web.sharing.logs import scrubbed
from kettle_web.verifications.models import Report
from kettle_web.verifications.services import report_create
from tests.accounts.people import person_make
from tests.history.world import judged, kinds
from tests.queries import queries_of

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def ada():
    return person_make("ada")


@pytest.fixture
def grace():
    return person_make("grace")


@pytest.fixture
def root():
    return person_make("root", is_administrator=True)


@pytest.fixture
def mailing(settings):
    settings.IS_EMAIL_CONFIGURED = True


def _client(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _worse(owner, **more):
    """A build, and one after it that lost its attestation."""
    judged(owner, **more)
    build = judged(owner, attested=False, attests=False, **more)
    build_watch(build.pk)
    return build


def test_report_has_its_build_watched(ada, queued, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        build = judged(ada)
    assert ("history.watch_build", build.pk) in queued


def test_build_like_the_one_before_raises_nothing(ada):
    judged(ada)
    again = judged(ada)
    assert build_watch(again.pk) == 0


def test_lost_attestation_raises_one_alarm_however_often_it_is_watched(ada):
    judged(ada)
    build = judged(ada, attested=False, attests=False)
    for _ in range(3):
        watch_build(build.pk)
    assert kinds(build) == ["attestation-lost"]
    alarm = Alarm.objects.get(build=build)
    assert (alarm.before, alarm.after, alarm.previous.pk < build.pk) == ("simulated", "failed", True)


def test_other_digest_of_the_same_version_raises_an_alarm(ada, monkeypatch):
    judged(ada)
    monkeypatch.setattr("tests.verifications.bundles.hashlib", _OtherDigests())
    build = judged(ada, dependencies=[("serde", "1.0.228")])
    monkeypatch.undo()
    build_watch(build.pk)
    assert [(alarm.kind, alarm.subject) for alarm in Alarm.objects.filter(kind="digest-changed")] == [
        ("digest-changed", "cargo:serde@1.0.228")
    ]


class _OtherDigests:
    """`hashlib` for the sample documents, whose dependencies get digests that no registry gave them."""

    @staticmethod
    def sha256(data: bytes = b""):
        import hashlib

        return hashlib.sha256(b"other " + data if b"serde@" in data else data)


def test_source_that_moved_raises_an_alarm(ada):
    judged(ada)
    build = judged(ada, uri="https://elsewhere.example/tool.git")
    build_watch(build.pk)
    assert "source-moved" in kinds(build)


@pytest.mark.parametrize(
    "fields",
    [
        {"repo_url": "https://example.org/team/another.git"},
        {"origin": Build.Origin.UPLOAD, "repo_url": "", "repo_ref": ""},
        {"origin": Build.Origin.IMPORT},
    ],
)
def test_only_builds_of_the_same_project_are_compared(ada, fields):
    judged(ada, fields=fields)
    build = judged(ada, attested=False, attests=False)
    assert build_watch(build.pk) == 0


def test_first_build_of_a_tag_is_compared_with_the_project_and_later_ones_with_their_ref(ada):
    before = judged(ada, fields={"repo_ref": "v1"})
    tagged = judged(ada, attested=False, attests=False, fields={"repo_ref": "v2"})
    build_watch(tagged.pk)
    assert kinds(tagged) == ["attestation-lost"]
    assert Alarm.objects.get(build=tagged).previous == before
    again = judged(ada, attested=False, attests=False, fields={"repo_ref": "v2"})
    judged(ada, fields={"repo_ref": "main"})
    assert build_watch(again.pk) == 0


@pytest.mark.parametrize("origin", [Build.Origin.UPLOAD, Build.Origin.IMPORT])
def test_bundle_that_claims_the_address_raises_no_alarm(ada, origin):
    judged(ada)
    build = judged(ada, attested=False, attests=False, fields={"origin": origin})
    assert build_watch(build.pk) == 0


def test_other_peoples_builds_are_not_compared_with_where_people_see_only_their_own(ada, grace, settings):
    judged(ada)
    build = judged(grace, attested=False, attests=False)
    assert build_watch(build.pk) == 0
    settings.BUILDS_VISIBLE_TO = "everyone"
    assert build_watch(build.pk) == 1
    assert b"Attestation lost" in _client(grace).get("/alarms/").content
    # The setting is taken back: the alarm tells of ada's build.
    settings.BUILDS_VISIBLE_TO = "owner"
    assert b"Attestation lost" not in _client(grace).get("/alarms/").content


def test_changed_verdict_of_a_build_judged_again_raises_an_alarm_each_time(ada):
    build = judged(ada)
    row = Report.objects.get(build=build)
    for verdict in ("unpinned", "unpinned", row.verdict):
        report_create(build=build, now=timezone.now(), trigger=Report.Trigger.AGAIN)
        newest = Report.objects.filter(build=build).first()
        Report.objects.filter(pk=newest.pk).update(verdict=verdict)
        build_watch(build.pk)
    found = [(alarm.subject, alarm.before, alarm.after) for alarm in Alarm.objects.order_by("pk")]
    assert found == [("2", row.verdict, "unpinned"), ("4", "unpinned", row.verdict)]
    assert b"Judged again" in _client(ada).get("/alarms/").content


def test_later_verdict_of_the_build_before_changes_nothing(ada):
    """A second run after months must not see other reports than the first one did."""
    before = judged(ada)
    build = judged(ada)
    build_watch(build.pk)
    report_create(build=before, now=timezone.now(), trigger=Report.Trigger.AGAIN)
    newest = Report.objects.filter(build=before).first()
    Report.objects.filter(pk=newest.pk).update(verdict="confirmed")
    assert build_watch(build.pk) == 0


def test_build_without_a_report_raises_nothing(ada):
    assert build_watch(0) == 0


def test_lost_message_of_the_queue_loses_no_alarm(ada, monkeypatch):
    judged(ada)
    assert missed_watch(timezone.now() + timedelta(hours=1)) == 0
    build = judged(ada, attested=False, attests=False)
    assert missed_watch(timezone.now()) == 0, "its transaction may still be open elsewhere"
    assert missed_watch(timezone.now() + timedelta(hours=1)) == 1
    assert kinds(build) == ["attestation-lost"]
    assert missed_watch(timezone.now() + timedelta(hours=1)) == 0


def test_build_that_cannot_be_watched_does_not_hide_the_next(ada, monkeypatch):
    missed_watch(timezone.now())
    broken, whole = judged(ada), judged(ada)
    seen = []

    def watched(build_id):
        if build_id == broken.pk:
            raise RuntimeError("ours")
        seen.append(build_id)

    monkeypatch.setattr(watch, "build_watch", watched)
    assert missed_watch(timezone.now() + timedelta(hours=1)) == 2
    assert seen == [whole.pk]


# Pages


def test_alarm_is_on_home_on_the_project_and_in_the_list(ada):
    build = _worse(ada)
    client = _client(ada)
    for path in ("/", "/alarms/", f"/projects/{build.project.slug}/", f"/alarms/?project={build.project.slug}"):
        text = client.get(path).content.decode()
        assert "Attestation lost" in text, path
        assert f"/builds/{build.uid}/" in text, path


def test_stranger_sees_no_alarm(ada, grace):
    build = _worse(ada)
    client = _client(grace)
    for path in ("/", "/alarms/", "/alarms/?all=1", "/alarms/feed.atom"):
        assert build.uid not in client.get(path).content.decode()
    assert client.get(f"/alarms/?project={build.project.slug}").status_code == 404


def test_alarm_is_acknowledged_once_and_by_whom(ada, root):
    _worse(ada)
    alarm = Alarm.objects.get()
    answer = _client(ada).post("/alarms/acknowledge/", {"uid": alarm.uid, "next": "/alarms/?all=1"})
    assert answer["Location"] == "/alarms/?all=1"
    _client(root).post("/alarms/acknowledge/", {"uid": alarm.uid})
    alarm.refresh_from_db()
    assert alarm.acknowledged_by == ada
    assert alarm.acknowledged_at is not None
    assert "Attestation lost" not in _client(ada).get("/alarms/").content.decode()
    assert "acknowledged by ada" in _client(ada).get("/alarms/?all=1").content.decode()


def test_all_of_a_page_are_acknowledged_at_once(ada):
    judged(ada)
    build = judged(ada, attested=False, attests=False, uri="https://elsewhere.example/tool.git")
    build_watch(build.pk)
    uids = [alarm.uid for alarm in Alarm.objects.all()]
    assert len(uids) == 2
    _client(ada).post("/alarms/acknowledge/", {"shown": uids})
    assert not Alarm.objects.filter(acknowledged_at=None).exists()


def test_stranger_acknowledges_nothing(ada, grace):
    _worse(ada)
    _client(grace).post("/alarms/acknowledge/", {"uid": Alarm.objects.get().uid})
    assert Alarm.objects.get().acknowledged_at is None


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_acknowledging_never_leads_off_the_site(ada, target):
    _worse(ada)
    answer = _client(ada).post("/alarms/acknowledge/", {"uid": Alarm.objects.get().uid, "next": target})
    assert answer["Location"] == "/alarms/"


def test_hostile_values_are_shown_and_never_run(ada):
    judged(ada, uri="https://example.org/‮evil")
    build = judged(ada, uri="https://x.example/<script>alert(1)</script>")
    build_watch(build.pk)
    text = _client(ada).get("/alarms/").content.decode()
    assert "<script>alert" not in text
    assert "⟨U+202E⟩" in text


def test_list_goes_on_by_key(ada, monkeypatch):
    build = judged(ada)
    Alarm.objects.bulk_create(Alarm(build=build, project=build.project, kind="verdict-worse", subject=str(n)) for n in range(5))
    monkeypatch.setattr("kettle_web.history.alarms.selectors.PAGE_ROWS", 2)
    seen, url = [], "/alarms/"
    while url:
        page = _client(ada).get(url).context["page"]
        seen += [row.uid for row in page.rows]
        url = page.older_url
    assert seen == [alarm.uid for alarm in Alarm.objects.order_by("-pk")]


def test_queries_do_not_grow_with_alarms(ada):
    build = _worse(ada)
    client = _client(ada)
    for path in ("/alarms/", "/", "/alarms/feed.atom", "/alarms/settings/"):
        client.get(path)
        one = queries_of(lambda path=path: client.get(path))
        Alarm.objects.bulk_create(Alarm(build=build, project=build.project, kind="verdict-worse", subject=f"{path}{n}") for n in range(12))
        assert queries_of(lambda path=path: client.get(path)) == one, path


# The feed


def test_feed_is_atom_with_stable_ids(ada):
    build = _worse(ada)
    answer = _client(ada).get("/alarms/feed.atom")
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ET.fromstring(answer.content)
    assert feed.tag == f"{ATOM}feed"
    # RFC 4287, section 4.1.1 and 4.1.2: what a feed and an entry must have.
    for element in (feed, *feed.findall(f"{ATOM}entry")):
        assert all(element.find(f"{ATOM}{name}") is not None for name in ("id", "title", "updated"))
        # RFC 4151, section 2.1: an authority and a date.
        assert re.match(r"tag:[\w.-]+,\d{4}-\d\d-\d\d:/", element.findtext(f"{ATOM}id", ""))
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Kettle"
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.find(f"{ATOM}link").get("href").endswith(f"/builds/{build.uid}/")
    assert "evidence of where it was built" in entry.findtext(f"{ATOM}summary", "")
    again = ET.fromstring(_client(ada).get("/alarms/feed.atom").content)
    assert again.findtext(f"{ATOM}entry/{ATOM}id") == entry.findtext(f"{ATOM}id")


def test_empty_feed_is_a_feed(ada):
    assert ET.fromstring(_client(ada).get("/alarms/feed.atom").content).findtext(f"{ATOM}updated")


def test_feed_survives_text_that_xml_forbids(ada):
    build = _worse(ada)
    Alarm.objects.filter(build=build).update(kind="source-moved", before="a\x01b", after="c\x0bd")
    feed = ET.fromstring(_client(ada).get("/alarms/feed.atom").content)
    assert "⟨U+0001⟩" in feed.findtext(f"{ATOM}entry/{ATOM}summary", "")


def test_feed_gives_readers_no_markup_of_a_document(ada):
    build = _worse(ada)
    Alarm.objects.filter(build=build).update(kind="source-moved", before="<img src=x onerror=alert(1)>", after="b")
    feed = ET.fromstring(_client(ada).get("/alarms/feed.atom").content)
    # RFC 4287, section 3.1.1.2: what an HTML text holds is escaped once more inside.
    assert feed.find(f"{ATOM}entry/{ATOM}summary").get("type") == "html"
    assert "&lt;img src=x onerror" in feed.findtext(f"{ATOM}entry/{ATOM}summary", "")


def test_feed_of_one_project_has_its_alarms_alone(ada):
    build = _worse(ada)
    _worse(ada, fields={"repo_url": "https://example.org/team/other.git"}, uri="https://example.org/team/other.git")
    everything = ET.fromstring(_client(ada).get("/alarms/feed.atom").content)
    one = ET.fromstring(_client(ada).get(f"/alarms/feed.atom?project={build.project.slug}").content)
    assert (len(everything.findall(f"{ATOM}entry")), len(one.findall(f"{ATOM}entry"))) == (2, 1)


def test_feed_by_its_secret_address_acts_as_its_owner(ada, grace):
    build = _worse(ada)
    path = feed_create(owner=ada, label="reader").partition("//")[2].partition("/")[2]
    for client in (Client(), _client(grace)):
        answer = client.get(f"/{path}")
        assert build.uid in answer.content.decode()
        # A reader that shows the source of the feed must not show the secret.
        assert path.rpartition("/")[2].removesuffix(".atom") not in answer.content.decode()
    assert FeedToken.objects.get().last_used_at is not None
    of_grace = feed_create(owner=grace, label="").partition("//")[2].partition("/")[2]
    assert build.uid not in Client().get(f"/{of_grace}").content.decode()


def test_wrong_and_revoked_addresses_and_those_of_disabled_people_look_the_same(ada):
    _worse(ada)
    path = "/" + feed_create(owner=ada, label="").partition("//")[2].partition("/")[2]
    wrong = Client().get("/alarms/feed/" + "A" * 43 + ".atom")
    assert wrong.status_code == 404
    ada.is_active = False
    ada.save()
    disabled = Client().get(path)
    ada.is_active = True
    ada.save()
    assert Client().get(path).status_code == 200
    _client(ada).post(f"/alarms/feeds/{FeedToken.objects.get().uid}/revoke/")
    revoked = Client().get(path)
    assert {wrong.content, disabled.content, revoked.content} == {wrong.content}
    assert (disabled.status_code, revoked.status_code) == (404, 404)


def test_secret_address_is_in_no_log():
    line = scrubbed('127.0.0.1 - "GET /alarms/feed/c2VjcmV0.atom?project=x HTTP/1.1" 200')
    assert line == '127.0.0.1 - "GET /alarms/feed/…?project=x HTTP/1.1" 200'


def test_address_is_shown_once_and_stored_hashed(ada):
    client = _client(ada)
    answer = client.post("/alarms/feeds/", {"label": "my reader"})
    token = answer.context["fresh_url"].rpartition("/")[2].removesuffix(".atom")
    assert token in answer.content.decode()
    row = FeedToken.objects.get()
    assert token not in str(vars(row))
    page = client.get("/alarms/settings/").content.decode()
    assert "my reader" in page
    assert token not in page


def test_address_of_somebody_else_cannot_be_revoked(ada, grace):
    feed_create(owner=ada, label="")
    assert _client(grace).post(f"/alarms/feeds/{FeedToken.objects.get().uid}/revoke/").status_code == 404
    assert FeedToken.objects.get().revoked_at is None


def test_too_many_addresses_are_refused(ada, monkeypatch):
    monkeypatch.setattr("kettle_web.history.alarms.services.MAX_FEEDS", 1)
    client = _client(ada)
    assert client.post("/alarms/feeds/", {}).status_code == 200
    assert client.post("/alarms/feeds/", {}).status_code == 422
    assert FeedToken.objects.count() == 1


# Messages


def _subscriber(user, project=None):
    user.email = f"{user.get_username()}@example.org"
    user.save()
    Subscription.objects.create(user=user, project=project)
    return user


def test_one_message_for_each_person_and_build(ada, root, mailing):
    _subscriber(ada), _subscriber(root)
    judged(ada)
    build = judged(ada, attested=False, attests=False, uri="https://elsewhere.example/tool.git")
    for _ in range(2):
        build_watch(build.pk)
        mails_send(timezone.now())
    assert sorted(message.to[0] for message in mail.outbox) == ["ada@example.org", "root@example.org"]
    message = mail.outbox[0]
    assert message.subject == "[Kettle] 2 alarms: example.org/team/tool"
    assert "Attestation lost" in message.body
    assert "Source address moved" in message.body
    assert f"/builds/{build.uid}/" in message.body
    assert message.extra_headers["Message-ID"].startswith("<alarm-")


def test_stranger_gets_no_message(ada, grace, mailing):
    _subscriber(grace)
    _worse(ada)
    assert (AlarmMail.objects.count(), mails_send(timezone.now())) == (0, 0)


def test_right_that_was_lost_since_sends_nothing(ada, root, mailing):
    _subscriber(root)
    _worse(ada)
    root.is_staff = False
    root.save()
    assert mails_send(timezone.now()) == 0
    assert mail.outbox == []
    assert AlarmMail.objects.get().try_at is None


def test_wish_that_was_taken_back_since_sends_nothing(ada, mailing):
    _subscriber(ada)
    _worse(ada)
    Subscription.objects.all().delete()
    assert mails_send(timezone.now()) == 0


def test_other_project_that_is_followed_sends_nothing(ada, mailing):
    other = judged(ada, fields={"repo_url": "https://example.org/team/other.git"}, uri="https://example.org/team/other.git")
    _subscriber(ada, other.project)
    _worse(ada)
    assert not AlarmMail.objects.exists()
    Subscription.objects.update(project=Build.objects.latest("pk").project)
    _worse(ada)
    assert AlarmMail.objects.count() == 1


def test_mail_server_that_fails_is_tried_again(ada, mailing, monkeypatch):
    _subscriber(ada)
    _worse(ada)
    now = timezone.now()
    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", _refuses)
        assert mails_send(now) == 0
        row = AlarmMail.objects.get()
        assert (row.tries, row.try_at, row.sent_at) == (1, now + timedelta(minutes=1), None)
        assert "ConnectionRefusedError" in row.error
        assert mails_send(now) == 0
    assert mails_send(now + timedelta(minutes=2)) == 1
    assert mails_send(now + timedelta(days=9)) == 0
    assert len(mail.outbox) == 1


def _refuses(_message):
    raise ConnectionRefusedError("no one listens")


def test_mail_server_that_never_answers_is_given_up(ada, mailing, monkeypatch):
    _subscriber(ada)
    _worse(ada)
    monkeypatch.setattr("django.core.mail.EmailMessage.send", _refuses)
    now = timezone.now()
    for _ in range(outbox.MAX_TRIES + 3):
        now += timedelta(hours=7)
        mails_send(now)
    row = AlarmMail.objects.get()
    assert (row.tries, row.try_at) == (outbox.MAX_TRIES, None)


def test_two_workers_send_one_message(ada, mailing):
    _subscriber(ada)
    _worse(ada)
    row = AlarmMail.objects.select_related("user").get()
    now = timezone.now()
    assert [outbox._send(row, now), outbox._send(row, now)] == [True, False]


def test_without_a_mail_server_nothing_is_written(ada, settings):
    settings.IS_EMAIL_CONFIGURED = False
    _subscriber(ada)
    _worse(ada)
    assert not AlarmMail.objects.exists()
    assert "sends no e-mail" in _client(ada).get("/alarms/settings/").content.decode()


def test_name_with_line_breaks_cannot_add_headers(ada, mailing):
    _subscriber(ada)
    build = _worse(ada)
    Build.objects.filter(pk=build.pk).update(project=None, label="x\r\nBcc: evil@example.org")
    assert mails_send(timezone.now()) == 1
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == ["ada@example.org"]


def test_person_chooses_where_messages_go(ada):
    client = _client(ada)
    client.post("/alarms/settings/", {"email": "ada@example.org", "wants_all": "on"})
    ada.refresh_from_db()
    assert (ada.email, Subscription.objects.filter(user=ada, project=None).count()) == ("ada@example.org", 1)
    client.post("/alarms/settings/", {"email": ""})
    ada.refresh_from_db()
    assert (ada.email, Subscription.objects.filter(user=ada).count()) == ("", 0)
    assert client.post("/alarms/settings/", {"email": "no address"}).status_code == 422


def test_project_is_followed_and_left(ada, grace):
    build = judged(ada)
    path = f"/projects/{build.project.slug}/messages/"
    client = _client(ada)
    for _ in range(2):
        client.post(path, {"action": "begin"})
    assert Subscription.objects.filter(user=ada, project=build.project).count() == 1
    assert "example.org/team/tool" in client.get("/alarms/settings/").content.decode()
    client.post(path, {"action": "stop"})
    assert not Subscription.objects.exists()
    assert _client(grace).post(path, {"action": "begin"}).status_code == 404
