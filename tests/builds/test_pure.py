"""ANSI, stored events, replays, states."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.builds.ansi import ansi_to_html, ansi_to_text
from kettle_web.builds.eventlog import Event, chunk_decode, chunk_encode
from kettle_web.builds.refusals import failed_build
from kettle_web.builds.replay import Aligner, Verdict
from kettle_web.builds.states import RUNNING, TERMINAL, TRANSITIONS, State, states_before

ESC = "\x1b"


@pytest.mark.parametrize(
    ("line", "html"),
    [
        ("plain", "plain"),
        ("<b>&\"'", "&lt;b&gt;&amp;&quot;&#x27;"),
        (f"{ESC}[31mred{ESC}[0m plain", '<span class="ansi-red">red</span> plain'),
        (f"{ESC}[1;32mok{ESC}[22mthin", '<span class="ansi-bold ansi-green">ok</span><span class="ansi-green">thin</span>'),
        (f"{ESC}[mreset", "reset"),
        (f"{ESC}[97;104mx", '<span class="ansi-bright-white ansi-bg-bright-blue">x</span>'),
        (f"{ESC}[38;5;9mx", '<span class="ansi-bright-red">x</span>'),
        (f"{ESC}[38;5;196mx", '<span class="ansi-bright-red">x</span>'),
        (f"{ESC}[38;2;250;5;5mx{ESC}[39my", '<span class="ansi-bright-red">x</span>y'),
        (f"{ESC}[38;5mx", "x"),
        (f"{ESC}[31m<i>{ESC}[0m", '<span class="ansi-red">&lt;i&gt;</span>'),
        (f"{ESC}]0;title\x07text", "text"),
        (f"{ESC}]8;;http://evil/{ESC}\\link{ESC}]8;;{ESC}\\", "link"),
        (f"{ESC}]52;c;c2VjcmV0\x07x", "x"),
        (f"{ESC}]52;c;c2VjcmV0", ""),
        (f"a{ESC}[2J{ESC}[10;10Hb{ESC}[1Ac", "abc"),
        (f"{ESC}Pq#0{ESC}\\x", "x"),
        ("\x9b31mx", '<span class="ansi-red">x</span>'),
        ("a\x08b\x00", "a⟨U+0008⟩b⟨U+0000⟩"),
        ("ev\u202eil", "ev⟨U+202E⟩il"),
        ("1 %\r50 %\r100 %", "100 %"),
        ("done\r", "done"),
        ("error: no\r\nsuch file\r\n", "error: no\nsuch file\n"),
        ("a\tb", "a\tb"),
        (f"x{ESC}", "x"),
        (f"{ESC}[", ""),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_colours_are_shown_and_nothing_else_is_done(line: str, html: str) -> None:
    assert ansi_to_html(line) == html


@given(st.text(alphabet=st.sampled_from(list(f"{ESC}[]m;:0123458P<>&\"'\\\x07\r\x9b\x9dabc ")), max_size=60))
def test_no_line_yields_markup_of_its_own(line: str) -> None:
    html = ansi_to_html(line)
    rest = re.sub(r'<span class="ansi-[a-z -]+">|</span>', "", html)
    assert not re.search(r"[<>\"'\x00-\x08\x0b-\x1f\x7f-\x9f]", rest)
    assert html.count("<span") == html.count("</span>")
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", ansi_to_text(line))


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=40), st.dictionaries(st.text(max_size=5), st.integers()))))
def test_chunk_comes_back_as_it_was(rows: list) -> None:
    events = [Event(kind, text, extra, 12) for kind, text, extra in rows]
    stored = list(chunk_decode(chunk_encode(5, events)))
    assert [row.event for row in stored] == events
    assert [row.seq for row in stored] == list(range(5, 5 + len(events)))


KEYS = [b"a", b"b", b"c"]


def judge(aligner: Aligner, keys: list[bytes]) -> list[Verdict]:
    return [aligner.feed(key) for key in keys]


SKIP, NEW, REWRITE, UNCLEAR = Verdict.SKIP, Verdict.NEW, Verdict.REWRITE, Verdict.UNCLEAR


@pytest.mark.parametrize(
    ("asked", "sent", "verdicts"),
    [
        (3, [b"d", b"a"], [NEW, NEW]),
        (3, [b"a", b"b", b"c", b"d"], [SKIP, SKIP, SKIP, NEW]),
        (3, [b"a", b"x"], [SKIP, UNCLEAR]),
        (0, [b"a", b"b", b"c", b"d"], [SKIP, SKIP, SKIP, NEW]),
        (0, [b"a", b"x", b"b"], [SKIP, REWRITE, NEW]),
        (0, [b"x"], [REWRITE]),
    ],
)
def test_unnumbered_events_are_told_apart(asked: int, sent: list[bytes], verdicts: list[Verdict]) -> None:
    assert judge(Aligner(KEYS, stored=3, asked=asked), sent) == verdicts


def test_numbered_events_are_told_apart_by_their_number() -> None:
    aligner = Aligner([], stored=3, asked=3)
    assert [aligner.numbered(number) for number in (1, 3, 4, 4, 5, 9)] == [SKIP, SKIP, NEW, SKIP, NEW, NEW]


def test_stream_asked_for_from_anywhere_else_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="beginning"):
        Aligner(KEYS, stored=3, asked=2)


def test_every_state_leads_on_or_is_an_end() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {State.DONE, State.FAILED, State.ABANDONED} == TERMINAL
    for state in RUNNING:
        assert {State.FAILED, State.ABANDONED} <= TRANSITIONS[state]
    assert states_before(State.DONE) == {State.VERIFYING}
    assert states_before(State.BUILDING) == {State.SUBMITTING}


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("BuildFailed", "source"),
        ("SourceError", "source"),
        ("LockfileMissing", "source"),
        ("CloneFailed", "source"),
        ("Timeout", "builder"),
        ("SandboxError", "builder"),
        ("", "builder"),
    ],
)
def test_kind_of_failure_says_whose_fault_it_is(kind: str, fault: str) -> None:
    failure = failed_build({"status": "failed", "error": "x", "error_type": kind})
    assert failure is not None
    assert failure.fault == fault


def test_words_of_the_server_cannot_steer_whoever_reads_the_reason() -> None:
    failure = failed_build({"status": "failed", "error": "no\x1b]52;c;aGk=\x07 \u202eway\x00\nat all", "error_type": "Build\x1b[2J <b>"})
    assert failure is not None
    assert failure.code == "build-failed"
    assert failure.message == "no⟨U+001B⟩]52;c;aGk=⟨U+0007⟩ ⟨U+202E⟩way⟨U+0000⟩\nat all"


def test_success_is_no_failure() -> None:
    assert failed_build({"status": "ok"}) is None
