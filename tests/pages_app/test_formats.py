from datetime import UTC, datetime, timedelta

import pytest

from kettle_web.core.formats import digest_html, duration_text, exact_text, headline_html, relative_text, size_text

NOW = datetime(2026, 3, 5, 7, 6, 4, tzinfo=UTC)
SHA = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, ""),
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.00 KiB"),
        (1_500_000, "1.43 MiB"),
        (1024**2 - 1, "1.00 MiB"),
        (5 * 1024**3, "5.00 GiB"),
        (3000 * 1024**4, "3000 TiB"),
    ],
)
def test_sizes_are_binary_with_three_digits(count, text):
    assert size_text(count) == text


def test_size_that_is_only_about_right_has_fewer_digits():
    assert size_text(1_500_000, 2) == "1.4 MiB"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.2, "under 1 s"),
        (1.94, "1.9 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3 * 3600 + 61, "3 h 1 min"),
        (50 * 3600, "2 d 2 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=50), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=23), "23 hours ago"),
        (timedelta(days=30), "30 days ago"),
        (timedelta(days=200), "7 months ago"),
        (timedelta(days=800), "2 years ago"),
        (-timedelta(seconds=3), "in a moment"),
        (-timedelta(days=30), "in 30 days"),
    ],
)
def test_relative_times_have_one_unit(ago, text):
    assert relative_text(NOW - ago, NOW) == text


def test_exact_time_names_its_zone():
    assert exact_text(NOW) == "5 Mar 2026, 07:06:04 UTC"


def test_digest_is_grouped_and_short_but_whole_in_its_text():
    html = digest_html(SHA)
    assert html.count("digest-group") == 4
    assert 'digest-middle">' + SHA[8:-8] in html


def test_whole_digest_is_grouped_without_a_gap():
    assert digest_html(SHA, whole=True).count("digest-group") == 16


def test_digest_keeps_its_algorithm_apart_and_base64_ungrouped():
    html = digest_html("sha512-" + "A" * 86 + "==")
    assert "digest-group" not in html
    assert 'class="digest-kind">sha256:' in digest_html(f"sha256:{SHA}")


def test_hostile_digest_is_escaped_and_its_marks_are_visible():
    html = digest_html("<b>\u202e" + "x" * 40)
    assert "<b>" not in html
    assert "⟨U+202E⟩" in digest_html("a\u202eb")


def test_headline_sets_its_verdict_and_its_digests_apart():
    html = headline_html("Confirmed: 1 of 1 files was built from https://example.org/a.git at 4519153e00 by Kettle.")
    assert html.startswith('<b class="verdict-word">Confirmed:</b> 1 of 1')
    assert "<code>https://example.org/a.git</code>" in html
    assert "<code>4519153e00</code>" in html


def test_headline_escapes_what_it_quotes():
    html = headline_html("Failed: <script>alert(1)</script> `<b>` https://x.org/<i>")
    assert "<script" not in html
    assert "<i>" not in html
    assert "<b>" not in html.replace('<b class="verdict-word">', "")


def test_headline_without_a_verdict_stays_one_text():
    assert headline_html("no colon here") == "no colon here"
    assert "verdict-word" not in headline_html("x" * 80 + ": y")
