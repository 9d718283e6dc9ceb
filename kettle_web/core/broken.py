"""The answer to a request that broke: the database's absence is told from a fault of our own. Nothing here asks the database."""

from __future__ import annotations

import sys
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils.translation import gettext as _

from kettle_web.core.patience import OUTAGE

AGAIN_SECONDS: Final = 10
"""What a client is told to wait: a database that starts again takes about so long."""
API: Final = "/api/"


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    """Give 503 where the database is away, locked or full, else 500. Django calls this while it handles the exception."""
    is_away = isinstance(sys.exc_info()[1], OUTAGE)
    status = 503 if is_away else 500
    if request.path.startswith(API):
        message = _("The database does not answer just now. Try again in a minute.") if is_away else _("Something broke here.")
        answer: HttpResponse = JsonResponse(
            {"error": {"code": "database-away" if is_away else "broken", "message": message}}, status=status
        )
    else:
        # Without the request: what a template may ask for with it (the person, messages) comes from the database.
        answer = HttpResponse(loader.render_to_string(f"{status}.html"), status=status)
    if is_away:
        answer["Retry-After"] = str(AGAIN_SECONDS)
    answer["Cache-Control"] = "no-store"
    return answer
