"""Alarms: the list, acknowledging, what a person hears of, and the feeds."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kettle_web.accounts.access import viewer
from kettle_web.builds.projects import project_name
from kettle_web.history.alarms import services
from kettle_web.history.alarms.feed import ENTRIES, feed_response
from kettle_web.history.alarms.forms import FeedForm, MailForm
from kettle_web.history.alarms.outbox import mail_note
from kettle_web.history.alarms.selectors import PAGE_ROWS, alarm_rows, alarms_for_viewer, alarms_page, project_for_viewer, settings_page


@require_safe
@never_cache
def alarms(request: HttpRequest) -> HttpResponse:
    return render(request, "alarms/list.html", {"page": alarms_page(viewer(request), request.GET)})


@require_POST
def acknowledge(request: HttpRequest) -> HttpResponse:
    """Acknowledge the alarm of the button that was pressed, or all that the page showed."""
    one = request.POST.get("uid")
    uids = [one] if one else request.POST.getlist("shown")[:PAGE_ROWS]
    count = services.alarms_acknowledge(viewer=viewer(request), uids=uids, now=timezone.now())
    said = ngettext("%(n)d alarm was acknowledged.", "%(n)d alarms were acknowledged.", count) % {"n": count}
    messages.success(request, said)
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "alarms:list")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def settings(request: HttpRequest) -> HttpResponse:
    """Where messages go, and the feeds' addresses."""
    user = viewer(request)
    page = settings_page(user, mail_note())
    form = MailForm(request.POST or None, initial={"email": user.email, "wants_all": page.wants_all})
    if request.method == "POST" and form.is_valid():
        services.email_set(user=user, email=form.cleaned_data["email"])
        change = services.subscribe if form.cleaned_data["wants_all"] else services.unsubscribe
        change(user=user, project=None)
        messages.success(request, _("Saved."))
        return redirect("alarms:settings")
    context = {"page": page, "form": form, "feed_form": FeedForm()}
    return render(request, "alarms/settings.html", context, status=422 if form.errors else 200)


@require_POST
@never_cache
def feed_create(request: HttpRequest) -> HttpResponse:
    """Make a feed's address; the answer shows it, and nothing else ever does."""
    user, form, fresh = viewer(request), FeedForm(request.POST), ""
    if form.is_valid():
        try:
            fresh = services.feed_create(owner=user, label=form.cleaned_data["label"])
        except services.TooMany:
            form.add_error(None, _("There are too many addresses: revoke some first."))
    page = settings_page(user, mail_note())
    mail_form = MailForm(initial={"email": user.email, "wants_all": page.wants_all})
    context = {"page": page, "form": mail_form, "feed_form": form if form.errors else FeedForm(), "fresh_url": fresh}
    return render(request, "alarms/settings.html", context, status=422 if form.errors else 200)


@require_POST
def feed_revoke(request: HttpRequest, uid: str) -> HttpResponse:
    if not services.feed_revoke(owner=viewer(request), uid=uid, now=timezone.now()):
        raise Http404
    messages.success(request, _("The address is closed."))
    return redirect("alarms:settings")


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The feed for a browser that is signed in."""
    return _feed(request, viewer(request))


@login_not_required
@require_safe
def feed_by_token(request: HttpRequest, token: str) -> HttpResponse:
    """The feed for a program: a wrong address and a revoked one look alike."""
    owner = services.feed_owner(token, now=timezone.now())
    if owner is None:
        raise Http404
    # It acts as its owner, whoever else may be signed in here.
    return _feed(request, owner)


def _feed(request: HttpRequest, owner: User) -> HttpResponse:
    rows, slug, name = alarms_for_viewer(owner), request.GET.get("project", ""), ""
    if slug:
        project = project_for_viewer(owner, slug)
        rows, name = rows.filter(project=project), project_name(project.url)
    return feed_response(alarm_rows(rows.order_by("-pk")[:ENTRIES]), name=name)


@require_POST
def subscription(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin or stop messages about one project."""
    user = viewer(request)
    project = project_for_viewer(user, slug)
    if request.POST.get("action") == "stop":
        services.unsubscribe(user=user, project=project)
        messages.success(request, _("You get no more messages about this project."))
    else:
        try:
            services.subscribe(user=user, project=project)
        except services.TooMany:
            messages.error(request, _("You follow too many projects: stop some first."))
        else:
            messages.success(request, _("You get a message for each build of this project that raises an alarm."))
    return redirect("projects:page", project.slug)
