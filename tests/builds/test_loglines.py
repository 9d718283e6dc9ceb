"""Lines of a log: their numbers, what is shown of them, and which reads like an error."""

from __future__ import annotations

import pytest

from kettle_web.builds.eventlog import StoredEvent
from kettle_web.builds.logerrors import is_error
from kettle_web.builds.loglines import SHOWN_CHARS, Line, event_rows, lines_of


def event(text: str, kind: str = "build", **extra: object) -> StoredEvent:
    return StoredEvent(7, 1_790_000_000_123, kind, text, dict(extra))


def line(text: str, kind: str = "build") -> Line:
    return Line(1, 0, kind, text)


def test_event_of_several_lines_has_a_number_for_each() -> None:
    assert [(found.number, found.text) for found in lines_of(event("a\n\nb"), 12)] == [(12, "a"), (13, ""), (14, "b")]
    assert event("a\n\nb").line_count == 3


def test_progress_that_overwrites_itself_is_one_line_in_its_last_state() -> None:
    [found] = lines_of(event("10%\r50%\r100%\r"), 1)
    assert found.text == "100%"
    assert event_rows(event("10%\r50%"), 1)[0][3] == "50%"


def test_colour_goes_on_over_the_lines_of_one_event_and_each_line_is_whole() -> None:
    rows = event_rows(event("\x1b[31ma\nb\x1b[0m\nc"), 1)
    assert [row[3] for row in rows] == ['<span class="ansi-red">a</span>', '<span class="ansi-red">b</span>', "c"]


def test_very_long_line_is_cut_in_the_page_and_says_by_how_much() -> None:
    [row] = event_rows(event("x" * (SHOWN_CHARS + 5)), 1)
    assert (len(row[3]), row[4]) == (SHOWN_CHARS, 5)
    [found] = lines_of(event("x" * (SHOWN_CHARS + 5)), 1)
    assert len(found.plain) == SHOWN_CHARS + 5


def test_line_of_the_text_file_says_its_type_and_on_demand_its_time() -> None:
    [found] = lines_of(event("ready \x1b[1mnow", "init"), 1)
    assert found.plain == "[init] ready now"
    assert found.stamped == "2026-09-21T14:13:20.123Z  [init] ready now"


def test_event_without_text_shows_its_values() -> None:
    [found] = lines_of(event("", "queued", position=2), 1)
    assert found.plain == "[queued] position: 2"


@pytest.mark.parametrize(
    "text",
    [
        "error[E0425]: cannot find value `x` in this scope",
        "\x1b[1m\x1b[31merror\x1b[0m: could not compile `hello`",
        "thread 'main' panicked at src/main.rs:2:5:",
        "thread 'main' (4711) panicked at src/main.rs:2:5:",
        "panic: runtime error: index out of range",
        "npm ERR! code ELIFECYCLE",
        "npm error code E404",
        " ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with frozen lockfile",
        "error: builder for '/nix/store/x.drv' failed with exit code 2",
        "src/main.c:3:5: error: expected ';' before 'return'",
        "main.c:1:10: fatal error: x.h: No such file or directory",
        "src/a.ts(3,7): error TS2322: Type 'string' is not assignable",
        "Traceback (most recent call last):",
        "ModuleNotFoundError: No module named 'x'",
        "make[1]: *** [Makefile:3: all] Error 1",
        "--- FAIL: TestX (0.00s)",
        "/usr/bin/ld: cannot find -lfoo",
        "main.o: undefined reference to `f'",
        "write: No space left on device",
        "fatal: unable to access 'https://example.org/'",
    ],
)
def test_line_that_says_what_went_wrong_reads_like_an_error(text: str) -> None:
    assert is_error(line(text))


@pytest.mark.parametrize(
    "text",
    [
        "   Compiling thiserror v1.0.0",
        "   Compiling error-chain v0.12.4",
        "0 errors, 2 warnings",
        "error: 0",
        "test errors::are_shown ... ok",
        "warning: unused variable: `error`",
        "cc -Werror -o error.o error.c",
        "Downloaded panic-halt v0.2.0",
        "",
    ],
)
def test_line_that_only_holds_the_word_does_not(text: str) -> None:
    assert not is_error(line(text))


@pytest.mark.parametrize("kind", ["site", "complete", "queued"])
def test_what_the_build_did_not_write_is_no_first_error(kind: str) -> None:
    assert not is_error(line("error: the build failed", kind))
