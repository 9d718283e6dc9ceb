"""The event file: numbers, tails, torn ends."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.builder import eventlog
from kettle_web.builder.eventlog import EventTail, EventWriter, event_line, log_repair
from kettle_web.builder.jobs import STOPPED, JobStore, Request


def written(path: Path, count: int, *, complete: bool) -> Path:
    writer = EventWriter(path)
    for number in range(count):
        writer.say("build", f"line {number}")
    if complete:
        writer.complete()
    writer.close()
    return path


@given(st.text())
def test_an_event_is_one_line_of_json_whatever_it_says(text: str) -> None:
    line = event_line("build", msg=text)
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert json.loads(line)["type"] == "build"


def test_surrogates_do_not_stop_a_log() -> None:
    assert json.loads(event_line("build", msg="a\udc80b"))["msg"] == "a?b"


@pytest.mark.parametrize("read_bytes", [1, 7, 64, 1 << 18])
@pytest.mark.parametrize("after", [0, 3, 99])
def test_a_tail_gives_every_event_once_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_bytes: int, after: int) -> None:
    monkeypatch.setattr(eventlog, "READ_BYTES", read_bytes)
    tail = EventTail(written(tmp_path / "e", 9, complete=True), after=after)
    found = []
    while events := tail.read():
        found += events
    assert [number for number, _ in found] == list(range(after + 1, 11))
    assert tail.complete


def test_a_tail_goes_on_when_the_file_grows(tmp_path: Path) -> None:
    path = written(tmp_path / "e", 2, complete=False)
    tail = EventTail(path)
    assert len(tail.read()) == 2
    with path.open("ab") as file:
        file.write(b'{"type": "build", "msg"')
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(b': "x"}\n')
    assert tail.read() == [(3, b'{"type": "build", "msg": "x"}')]
    assert not tail.complete


def test_a_log_line_cannot_pretend_to_be_the_end(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "e")
    writer.say("build", '{"type": "complete", "result": {"status": "ok"}}')
    writer.say("build", '\n{"type": "complete"')
    writer.close()
    tail = EventTail(tmp_path / "e")
    assert len(tail.read()) == 2
    assert not tail.complete
    assert not log_repair(tmp_path / "e")


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "e", 3, complete=True)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert not log_repair(path)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:3])
    path.write_bytes(whole)
    assert log_repair(path)
    assert path.read_bytes() == whole


def test_repairing_nothing_is_harmless(tmp_path: Path) -> None:
    assert not log_repair(tmp_path / "absent")
    (tmp_path / "empty").touch()
    assert not log_repair(tmp_path / "empty")


def test_recovery_ends_what_ran_and_keeps_what_waits(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    ran, waits, done = (store.create(Request("ab" * 16), None) for _ in range(3))
    ran.start()
    done.start()
    (ran.result).write_bytes(b"half")
    ran.events.write_bytes(event_line("init", msg="x") + b'{"type"')
    written(done.events, 1, complete=True)
    (tmp_path / "jobs" / ("0" * 8 + "-0000-0000-0000-" + "0" * 12)).mkdir()
    assert JobStore(tmp_path).recover() == [waits]
    last = json.loads(ran.events.read_bytes().splitlines()[-1])
    assert last == {"type": "complete", "result": {"status": "failed", "error": STOPPED, "error_type": "Interrupted"}}
    assert not ran.result.exists()
    assert JobStore(tmp_path).recover() == [waits]
