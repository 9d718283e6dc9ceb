"""A log in rows and sealed: whole, once, and the same to whoever reads it before, while and after."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from kettle_web.builds import logchunks, logstore
from kettle_web.builds.eventlog import NOTE_TYPE, Event, chunk_encode
from kettle_web.builds.follow_store import events_append, events_replace
from kettle_web.builds.logsource import RowSource, log_open
from kettle_web.builds.logstore import log_bytes_iter, log_events, log_lines, log_seal, logs_seal_due
from kettle_web.builds.models import Build, EventChunk, SealedLog
from kettle_web.builds.selectors import events_after
from kettle_web.builds.states import State
from kettle_web.core.blobs import blob_exists
from kettle_web.core.retention import references_with

pytestmark = pytest.mark.django_db


def append(build: Build, *texts: str) -> None:
    events_append(build.id, "me", [Event("build", text, ms=5) for text in texts])


def end(build: Build) -> None:
    Build.objects.filter(id=build.id).update(state=State.FAILED, finished_at=timezone.now(), lease_owner="")
    build.refresh_from_db()


def whole(build: Build) -> list[tuple[int, str, str]]:
    return [(event.seq, event.type, event.text) for event in log_events(build)]


def text_of(build: Build, *arguments: Any, **options: Any) -> str:
    return b"".join(log_bytes_iter(build, *arguments, **options)).decode()


@pytest.fixture
def build(build_make) -> Build:
    build: Build = build_make(state=State.BUILDING)
    Build.objects.update(lease_owner="me")
    return build


class TestRows:
    def test_small_neighbours_are_merged_as_the_log_grows(self, build: Build) -> None:
        for number in range(1, 2051):
            append(build, f"line {number}")
        rows = list(EventChunk.objects.order_by("first_seq").values_list("first_seq", "last_seq", "lines"))
        assert rows[0] == (1, 2000, 2000)
        assert len(rows) == 51
        assert [text for _seq, _type, text in whole(build)] == [f"line {number}" for number in range(1, 2051)]

    def test_rows_follow_each_other_whatever_the_sizes_of_the_batches(self, build: Build) -> None:
        expected = []
        for size in (1, 99, 1, 1, 250, 2000, 3, 4100, 7, 93):
            texts = [f"{size}/{number}\n" * (number % 3) for number in range(size)]
            append(build, *texts)
            expected += texts
        assert [text for _seq, _type, text in whole(build)] == expected
        rows = list(EventChunk.objects.order_by("first_seq").values_list("first_seq", "last_seq"))
        assert [first for first, _last in rows] == [1, *(last + 1 for _first, last in rows[:-1])]
        assert all(last - first < logchunks.CHUNK_EVENTS for first, last in rows)
        assert RowSource(build).lines == sum(text.count("\n") + 1 for text in expected)

    def test_merging_stops_at_a_size_that_can_be_unpacked(self, build: Build) -> None:
        for _ in range(120):
            append(build, "x" * 100_000)
        assert all(size <= logchunks.CHUNK_BYTES for size in EventChunk.objects.values_list("size", flat=True))
        assert EventChunk.objects.count() >= 12

    def test_rows_of_before_lines_were_counted_are_counted_when_read(self, build: Build) -> None:
        EventChunk.objects.create(
            build=build, first_seq=1, last_seq=2, payload=chunk_encode(1, [Event("build", "a\nb"), Event("build", "c")])
        )
        append_at = Build.objects.filter(id=build.id)
        append_at.update(last_seq=2)
        append(build, "d")
        assert [(line.number, line.text) for line in log_lines(build, 3, 9)] == [(3, "c"), (4, "d")]

    def test_replaced_rows_are_counted_anew(self, build: Build) -> None:
        append(build, *(f"line {number}" for number in range(300)))
        events_replace(build.id, "me", keep_seq=10, keep_remote=10, events=[Event("build", "other\nlines")])
        assert log_open(build).lines == 12
        assert text_of(build, 10).splitlines() == ["line 9", "other", "lines"]


class TestSeal:
    def test_sealed_log_is_the_log_that_was_in_the_rows(self, build: Build) -> None:
        append(build, *(f"line {number}\n\x1b[1mand more" for number in range(3000)))
        end(build)
        before, text = whole(build), text_of(build)
        assert log_seal(build.id)
        assert not EventChunk.objects.exists()
        sealed = SealedLog.objects.get()
        assert (sealed.events, sealed.lines) == (3000, 6000)
        assert whole(build) == before
        assert text_of(build) == text
        assert [line.text for line in log_lines(build, 2999, 3000)] == ["line 1499", "and more"]
        assert [event.text[:9] for event in events_after(build, 2998, 5)] == ["line 2998", "line 2999"]

    def test_sealing_again_changes_nothing(self, build: Build) -> None:
        append(build, "a", "b")
        end(build)
        assert log_seal(build.id)
        sealed = SealedLog.objects.get()
        assert log_seal(build.id)
        assert SealedLog.objects.get().sealed_at == sealed.sealed_at

    @pytest.mark.parametrize("state", [State.BUILDING, State.VERIFYING])
    def test_log_of_a_running_build_is_not_sealed(self, build: Build, state: State) -> None:
        append(build, "a")
        Build.objects.update(state=state)
        assert not log_seal(build.id)
        assert EventChunk.objects.exists()

    @pytest.mark.parametrize("where", ["_seal_write", "blob_adopt", "blob_hold"])
    def test_killed_anywhere_it_leaves_the_rows_and_the_next_time_ends_it(self, build: Build, where: str, monkeypatch) -> None:
        append(build, *(f"line {number}" for number in range(50)))
        end(build)
        before = whole(build)

        class Killed(BaseException):
            pass

        def kill(*args: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(logstore, where, kill)
            with pytest.raises(Killed), transaction.atomic():
                log_seal(build.id)
        assert whole(build) == before
        assert not SealedLog.objects.exists()
        assert logs_seal_due(timezone.now()) == 1
        assert whole(build) == before
        assert not EventChunk.objects.exists()

    def test_reader_in_the_middle_of_the_log_loses_and_doubles_nothing_when_it_is_sealed(self, build: Build) -> None:
        append(build, *(f"line {number}" for number in range(5000)))
        end(build)
        reader = log_events(build)
        read = [next(reader).text for _ in range(700)]
        log_seal(build.id)
        read += [event.text for event in reader]
        assert read == [f"line {number}" for number in range(5000)]

    def test_reader_in_the_middle_of_the_log_loses_and_doubles_nothing_when_rows_are_merged(self, build: Build) -> None:
        for number in range(1, 100):
            append(build, f"line {number}")
        reader = log_events(build)
        read = [next(reader).text for _ in range(40)]
        append(build, "line 100")
        assert EventChunk.objects.count() == 1
        read += [event.text for event in reader]
        assert read == [f"line {number}" for number in range(1, 101)]

    def test_what_was_lost_in_storage_is_a_line_that_says_so(self, build: Build) -> None:
        append(build, "a", "b")
        append(build, "c")
        append(build, "d")
        EventChunk.objects.filter(first_seq=3).delete()
        end(build)
        log_seal(build.id)
        assert [(seq, kind) for seq, kind, _text in whole(build)] == [(1, "build"), (2, "build"), (3, NOTE_TYPE), (4, "build")]

    def test_first_error_is_found_while_sealing(self, build: Build) -> None:
        append(build, "fine\nfine", "error: no", "error: again")
        end(build)
        log_seal(build.id)
        assert SealedLog.objects.get().error_line == 3

    def test_log_that_was_let_go_of_meanwhile_is_not_sealed_as_lost(self, build: Build, monkeypatch) -> None:
        append(build, "a")
        end(build)

        def let_go(*args: object) -> None:
            Build.objects.update(log_removed_at=timezone.now())
            EventChunk.objects.all().delete()

        monkeypatch.setattr(logstore, "blob_adopt", let_go)
        assert not log_seal(build.id)
        assert not SealedLog.objects.exists()

    def test_sealed_object_counts_as_wanted_in_storage(self, build: Build) -> None:
        append(build, "a")
        end(build)
        log_seal(build.id)
        digest = SealedLog.objects.get().sha256
        assert blob_exists(digest)
        assert digest in references_with(digest[0])

    def test_log_that_cannot_be_sealed_does_not_hold_up_the_others(self, build_make, monkeypatch) -> None:
        builds = [build_make(state=State.BUILDING) for _ in range(2)]
        Build.objects.update(lease_owner="me")
        for build in builds:
            append(build, "a")
            end(build)
        real = logstore._seal_write
        monkeypatch.setattr(logstore, "_seal_write", lambda build, file: 1 / 0 if build.pk == builds[0].pk else real(build, file))
        assert logs_seal_due(timezone.now()) == 1
        assert SealedLog.objects.get().build_id == builds[1].pk

    def test_many_long_logs_are_sealed_in_several_runs_so_that_other_work_gets_its_turn(self, build_make) -> None:
        for build in [build_make(state=State.BUILDING) for _ in range(3)]:
            Build.objects.update(lease_owner="me")
            append(build, "a")
            end(build)
        seconds = iter((0.0, 1.0, 9.0, 11.0))
        assert logs_seal_due(timezone.now(), clock=lambda: next(seconds)) == 2
        assert logs_seal_due(timezone.now()) == 1


class TestText:
    def test_line_of_the_file_has_the_number_of_the_line(self, build: Build) -> None:
        append(build, "a\nb", "c")
        events_append(build.id, "me", [Event(NOTE_TYPE, "a note", ms=5)])
        assert text_of(build).splitlines() == [f"{line.plain}" for line in log_lines(build, 1, 10)] == ["a", "b", "c", "[site] a note"]

    def test_range_ends_with_the_log(self, build: Build) -> None:
        append(build, *"abc")
        assert text_of(build, 2, 99) == "b\nc\n"
        assert text_of(build, 9, 99) == ""
