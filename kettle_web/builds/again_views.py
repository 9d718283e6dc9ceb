"""Building something once more. Who may see a build is decided in `selectors`, who may repeat it in `again`."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kettle_web.accounts.access import viewer
from kettle_web.builds.again import build_again, may_build_again
from kettle_web.builds.errors import BuildError
from kettle_web.builds.selectors import build_for_viewer

KEY_CHARS = 64


@require_POST
def again(request: HttpRequest, uid: str) -> HttpResponse:
    """Repeat a build of one's own; an administrator may repeat any. Leads to the new build, or back with the reason."""
    user = viewer(request)
    build = build_for_viewer(user, uid)
    if not may_build_again(build, user):
        raise Http404
    try:
        new = build_again(
            build=build,
            owner=user,
            way=request.POST.get("way", ""),
            submission_key=request.POST.get("submission_key", "")[:KEY_CHARS],
            confirmed=request.POST.get("confirmed") == "1",
            place=request.POST.get("place", ""),
        )
    except BuildError as error:
        if error.code == "again-elsewhere":
            messages.error(request, _("Nothing was sent. Look first where it would go now: %(place)s") % {"place": error.message})
        elif error.code == "again-unconfirmed":
            messages.error(request, _("Nothing was sent. Say first that you know this: %(warning)s") % {"warning": error.message})
        else:
            messages.error(request, error.message)
        return redirect("pages:build", uid=build.uid)
    return redirect("pages:build", uid=new.uid)
