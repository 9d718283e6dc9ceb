"""Values in the form in which people read them: sizes, durations, times, digests, sentences.

Everything gives plain text or escaped HTML made with `format_html`; nothing here marks foreign text as safe.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

from django.utils.dateformat import format as date_format
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from kettle_web.core.visible import visible

_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_SHOWN: Final = 8
"""Characters of a shortened digest on either side of the gap: two groups of four."""
_LEAD_MAX: Final = 60
"""A headline's verdict stands before its first colon; a colon later than this belongs to something else."""
_CODE_IN_TEXT: Final = re.compile(r"https?://[^\s,;]*[^\s,;.)]|\b[0-9a-f]{8,64}\b|`[^`]+`")


def size_text(count: int | float | None, digits: int = 3) -> str:
    """Bytes in binary units with so many digits: «1.43 MiB». None gives an empty text."""
    if count is None:
        return ""
    if count < 1024:
        return ngettext("%(count)d byte", "%(count)d bytes", int(count)) % {"count": int(count)}
    value = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if value < 1023.5 or unit == "TiB":
            break
    places = max(0, digits - (1 if value < 10 else 2 if value < 100 else 3))
    # Rounded before: Django cuts off.
    return number_format(f"{value:.{places}f}") + f" {unit}"


def duration_text(seconds: float | None) -> str:
    """A length of time in its two largest units: «2 min 5 s». None gives an empty text."""
    if seconds is None:
        return ""
    if seconds < 1:
        return _("under 1 s")
    if seconds < 10 and seconds != int(seconds):
        return _("%(seconds)s s") % {"seconds": number_format(f"{seconds:.1f}")}
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours >= 48:
        return _("%(days)d d %(hours)d h") % {"days": hours // 24, "hours": hours % 24}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": left}
    return _("%(seconds)d s") % {"seconds": left}


def exact_text(moment: datetime) -> str:
    """A moment to the second, with its zone: «23 Nov 2026, 14:32:07 UTC»."""
    return f"{day_text(moment)}, {moment.astimezone(UTC):%H:%M:%S} UTC"


def day_text(moment: date) -> str:
    """A day, in UTC where it is a moment: «23 Nov 2026»; in German «23. Nov 2026»."""
    day = moment.astimezone(UTC) if isinstance(moment, datetime) else moment
    return date_format(day, pgettext("in the letters of Django's date filter", "j M Y"))


def relative_text(moment: datetime, now: datetime) -> str:
    """How far a moment is from now, in one unit: «3 minutes ago», «in 2 days»."""
    seconds = (now - moment).total_seconds()
    past = seconds >= 0
    seconds = abs(seconds)
    if seconds < 45:
        return _("just now") if past else _("in a moment")
    for limit, unit in ((3600, 60), (86400, 3600), (86400 * 45, 86400), (86400 * 550, 86400 * 30.44), (float("inf"), 86400 * 365.25)):
        if seconds < limit:
            return _counted(max(1, round(seconds / unit)), int(unit), past=past)
    raise AssertionError("the last limit is infinite")


def _counted(count: int, unit: int, *, past: bool) -> str:
    """Whole sentences for each unit and direction, because no language builds them from parts alike."""
    if unit == 60:
        text = ngettext("%(n)d minute ago", "%(n)d minutes ago", count) if past else ngettext("in %(n)d minute", "in %(n)d minutes", count)
    elif unit == 3600:
        text = ngettext("%(n)d hour ago", "%(n)d hours ago", count) if past else ngettext("in %(n)d hour", "in %(n)d hours", count)
    elif unit == 86400:
        text = ngettext("%(n)d day ago", "%(n)d days ago", count) if past else ngettext("in %(n)d day", "in %(n)d days", count)
    elif unit < 86400 * 365:
        text = ngettext("%(n)d month ago", "%(n)d months ago", count) if past else ngettext("in %(n)d month", "in %(n)d months", count)
    else:
        text = ngettext("%(n)d year ago", "%(n)d years ago", count) if past else ngettext("in %(n)d year", "in %(n)d years", count)
    return text % {"n": count}


def _groups(text: str) -> SafeString:
    """Groups of four, set apart by the style sheet alone: what is copied has no gaps."""
    return format_html_join("", '<span class="digest-group">{}</span>', ((text[at : at + 4],) for at in range(0, len(text), 4)))


def digest_html(value: str, *, whole: bool = False) -> SafeString:
    """A digest, grouped by four and shortened in the middle; selecting it selects all of it.

    `value` may carry an algorithm («sha256:…») and may be base64: what is not hex is not grouped.
    """
    text = visible(str(value))
    prefix, colon, rest = text.rpartition(":")
    grouped = bool(_HEX.fullmatch(rest))
    if whole or len(rest) <= 2 * _SHOWN + 4:
        body = _groups(rest) if grouped else format_html("{}", rest)
    else:
        head, middle, tail = rest[:_SHOWN], rest[_SHOWN:-_SHOWN], rest[-_SHOWN:]
        body = format_html(
            '{}<span class="digest-gap" aria-hidden="true">…</span><span class="digest-middle">{}</span>{}',
            _groups(head) if grouped else head,
            middle,
            _groups(tail) if grouped else tail,
        )
    if colon:
        body = format_html('<span class="digest-kind">{}:</span>{}', prefix, body)
    return body


def headline_html(text: str) -> SafeString:
    """A headline with its verdict set apart and addresses, digests and names in the type of code."""
    lead, colon, rest = text.partition(": ")
    if not colon or len(lead) > _LEAD_MAX:
        lead, rest = "", text
    parts: list[SafeString] = []
    at = 0
    for match in _CODE_IN_TEXT.finditer(rest):
        parts.append(format_html("{}<code>{}</code>", rest[at : match.start()], match.group().strip("`")))
        at = match.end()
    parts.append(format_html("{}", rest[at:]))
    body = format_html_join("", "{}", ((part,) for part in parts))
    return format_html('<b class="verdict-word">{}:</b> {}', lead, body) if lead else body
