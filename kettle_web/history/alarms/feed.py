"""Alarms as an Atom feed. Source: RFC 4287; entries' ids are tag URIs (RFC 4151)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final
from urllib.parse import quote

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed, get_tag_uri
from django.utils.html import escape
from django.utils.translation import gettext as _

from kettle_web.core.visible import visible
from kettle_web.history.alarms.selectors import AlarmRow

ENTRIES: Final = 100


class _Feed(Atom1Feed):
    def latest_post_date(self):  # type: ignore[no-untyped-def]
        """When the newest entry changed; an empty feed has no better answer than now."""
        return max((item["updateddate"] for item in self.items), default=timezone.now())


def feed_response(rows: Iterable[AlarmRow], *, name: str = "") -> HttpResponse:
    """Give the feed. `name`: of the project whose alarms alone are in it; empty: all."""
    site = settings.PUBLIC_URL
    title = _("Alarms of %(name)s · Kettle") % {"name": visible(name)} if name else _("Alarms · Kettle")
    # Without its own address: that may hold a secret, and readers pass feeds on.
    feed = _Feed(title=title, link=site + reverse("alarms:list"), description=None, author_name="Kettle", feed_guid=_tag(name or "all"))
    for row in rows:
        where = " · ".join(visible(part) for part in (row.build_name, row.ref) if part)
        feed.add_item(
            title=f"{row.title}: {where}",
            link=site + reverse("pages:build", args=[row.build_uid]),
            # Readers take a summary for HTML.
            description=escape(row.sentence),
            pubdate=row.created_at,
            updateddate=row.acknowledged_at or row.created_at,
            unique_id=get_tag_uri(f"{site}/alarms/{row.uid}", row.created_at),
            categories=[row.kind, "acknowledged" if row.acknowledged_at else "open"],
        )
    response = HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "same-origin"
    return response


def _tag(name: str) -> str:
    # RFC 4151 wants a day on which the name belonged to whoever uses it; the same one for ever, because it is a part of the name.
    return get_tag_uri(f"{settings.PUBLIC_URL}/alarms/#{quote(name)}", date(2026, 1, 1))
