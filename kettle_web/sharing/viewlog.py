"""What the owner of a link learns of its use: when, what, and with what kind of program. No address, no cookie, no header kept."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kettle_web.sharing.models import ShareLink, ShareView

MOST_VIEWS: Final = 500
"""Of one link; the oldest go first. The count goes on."""
KEPT: Final = timedelta(days=90)


class Look(StrEnum):
    PAGE = "page"
    REPORT = "report"
    DATA = "data"
    PROOF = "proof"
    FILE = "file"
    LOG = "log"
    CARD = "card"


LOOK_WORDS: Final[dict[str, str | Promise]] = {
    Look.PAGE: _("the page"),
    Look.REPORT: _("the report for print"),
    Look.DATA: _("data, by a program"),
    Look.PROOF: _("the portable proof"),
    Look.FILE: _("a file"),
    Look.LOG: _("the log"),
    Look.CARD: _("the embedded card"),
}
CLIENT_WORDS: Final[dict[str, str | Promise]] = {
    "firefox": "Firefox",
    "edge": "Edge",
    "chrome": "Chrome",
    "safari": "Safari",
    "bot": _("a robot or link preview"),
    "tool": _("a command-line tool"),
    "other": _("something else"),
}
_FAMILIES: Final = (
    ("bot", re.compile(r"bot\b|crawl|spider|preview|slurp|facebookexternalhit|whatsapp|telegram|slack|discord|camo", re.I)),
    ("tool", re.compile(r"^(curl|wget|python|go-http-client|httpie|java|libwww|okhttp|node|undici)", re.I)),
    ("edge", re.compile(r"\bEdgA?/")),
    ("firefox", re.compile(r"\b(Firefox|FxiOS)/")),
    ("chrome", re.compile(r"(Chrome|Chromium|CriOS)/")),
    ("safari", re.compile(r"\bSafari/")),
)


def client_family(user_agent: str) -> str:
    """One of seven words for the program that asks; nothing in it tells two people apart."""
    head = user_agent[:500]
    return next((family for family, pattern in _FAMILIES if pattern.search(head)), "other")


def look_keep(*, link: ShareLink, what: Look, user_agent: str, now: datetime) -> None:
    """Count one look and keep a line of it; the oldest lines beyond `MOST_VIEWS` go."""
    ShareLink.objects.filter(pk=link.pk).update(view_count=F("view_count") + 1, last_viewed_at=now)
    ShareView.objects.create(link=link, at=now, what=what, client=client_family(user_agent))
    oldest = ShareView.objects.filter(link=link).order_by("-pk").values_list("pk", flat=True)[MOST_VIEWS : MOST_VIEWS + 1].first()
    if oldest is not None:
        ShareView.objects.filter(link=link, pk__lte=oldest).delete()


def looks_forget(now: datetime) -> int:
    """Remove what is older than is promised; give how many lines."""
    return ShareView.objects.filter(at__lt=now - KEPT).delete()[0]
