"""The allow-list's pages, for administrators; documents that reports cite, for everyone who is signed in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kettle_web.accounts.access import administrator_required, viewer
from kettle_web.verifications.policy import selectors, services
from kettle_web.verifications.policy.changes import change_token, moved_verify_again, preview_of_adding, preview_of_ending
from kettle_web.verifications.policy.errors import PolicyRefused
from kettle_web.verifications.policy.forms import EndForm, FromBuildForm, FromValuesForm, ImportForm
from kettle_web.verifications.policy.fragments import AddPage, EntryPage, FromBuild, ImportPage, Preview
from kettle_web.verifications.policy.imports import policy_file_read
from kettle_web.verifications.policy.in_force import policy_in_force, version_keep
from kettle_web.verifications.policy.models import AllowListEntry
from kettle_web.verifications.policy.services import EntryValues, needs_second_approver

SAVE = "save"
REGISTERS_FIELD = "registers"


@administrator_required
@never_cache
@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """What is in force, what will be, what was, and who answers for it."""
    return render(request, "policy/list.html", {"page": selectors.list_page(timezone.now())})


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Add an entry, from a build (`?build=`) or from values: first shown with what it would move, then saved."""
    actor, now = viewer(request), timezone.now()
    build, source, uid = None, None, request.GET.get("build", "")
    if uid:
        try:
            build, source = selectors.from_build(viewer=actor, uid=uid, chosen=request.POST.getlist(REGISTERS_FIELD))
        except PolicyRefused as error:
            messages.error(request, error.message)
            return redirect("pages:build", uid)
    form = _entry_form(request, source)
    preview: Preview | None = None
    token, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            values = form.values()
            try:
                row = services.entry_row(values, actor=actor, now=now, build=build)
                preview, token = preview_of_adding([row], now=now), change_token(repr((values, uid)), now=now)
                status = 200
                if request.POST.get("step") == SAVE and request.POST.get("token") == token:
                    saved = services.entries_add([values], actor=actor, now=now, build=build)
                    return _added(request, saved, preview)
                if request.POST.get("step") == SAVE:
                    form.add_error(None, _("This is not what was shown before: look at it once more, then add it."))
                    status = 409
            except PolicyRefused as error:
                preview, token, status = None, "", 422
                form.add_error(None, error.message)
    page = AddPage(from_build=source, preview=preview, token=token, needs_second_approver=needs_second_approver())
    return render(request, "policy/add.html", {"page": page, "form": form}, status=status)


def _entry_form(request: HttpRequest, source: FromBuild | None) -> FromBuildForm | FromValuesForm:
    data = request.POST if request.method == "POST" else None
    return FromBuildForm(data, source=source) if source is not None else FromValuesForm(data)


def _added(request: HttpRequest, saved: list[AllowListEntry], preview: Preview) -> HttpResponse:
    if needs_second_approver():
        messages.success(request, _("Added. It counts once another administrator has approved it."))
    else:
        messages.success(request, f"{_('Added.')} {_again_sentence(moved_verify_again(preview))}".strip())
    return redirect("policy:entry", saved[0].uid) if len(saved) == 1 else redirect("policy:list")


def _again_sentence(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "%(count)d build is being verified again; its earlier reports are kept.",
        "%(count)d builds are being verified again; their earlier reports are kept.",
        count,
    ) % {"count": count}


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def import_file(request: HttpRequest) -> HttpResponse:
    """Add the entries of a policy file, all or none: first shown, then saved."""
    actor, now = viewer(request), timezone.now()
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    page, status = ImportPage((), None, "", needs_second_approver()), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            text = form.cleaned_data["document"]
            try:
                values = policy_file_read(text)
                rows = [_row_named(item, actor=actor) for item in values]
                preview, token = preview_of_adding(rows, now=now), change_token(text, now=now)
                if request.POST.get("step") == SAVE and request.POST.get("token") == token:
                    return _added(request, services.entries_add(values, actor=actor, now=now), preview)
                views = tuple(selectors.entry_view(row, now) for row in rows)
                page, status = ImportPage(views, preview, token, needs_second_approver()), 200
                form = ImportForm(initial={"text": text})
            except PolicyRefused as error:
                form.add_error(None, error.message)
    return render(request, "policy/import.html", {"page": page, "form": form}, status=status)


def _row_named(values: EntryValues, *, actor: User) -> AllowListEntry:
    try:
        return services.entry_row(values, actor=actor, now=timezone.now())
    except PolicyRefused as error:
        raise PolicyRefused(error.code, f"«{values.name}»: {error.message}") from error


@administrator_required
@never_cache
@require_safe
def entry(request: HttpRequest, uid: str) -> HttpResponse:
    """Everything about one entry, and what approving or ending it would move."""
    return _entry_page(request, selectors.entry_get(uid))


def _entry_page(request: HttpRequest, row: AllowListEntry, *, error: str = "", status: int = 200) -> HttpResponse:
    now, actor = timezone.now(), viewer(request)
    view = selectors.entry_view(row, now)
    preview = None
    if view.standing == "waiting":
        preview = preview_of_adding([row], now=now)
    elif view.standing == "in-force":
        preview = preview_of_ending(row, now=now)
    page = EntryPage(
        entry=view,
        preview=preview,
        token=change_token(view.uid + view.standing, now=now),
        may_approve=view.standing == "waiting" and row.added_by_id != actor.pk,
        may_end=view.standing != "ended",
        is_own=row.added_by_id == actor.pk,
        needs_second_approver=needs_second_approver(),
        error=error,
        end_reason=request.POST.get("reason", ""),
    )
    return render(request, "policy/entry.html", {"page": page}, status=status)


def _is_as_shown(request: HttpRequest, row: AllowListEntry) -> bool:
    now = timezone.now()
    return request.POST.get("token") == change_token(row.uid + selectors.standing(row, now), now=now)


@administrator_required
@never_cache
@require_POST
def approve(request: HttpRequest, uid: str) -> HttpResponse:
    """Approve another administrator's entry."""
    row, now = selectors.entry_get(uid), timezone.now()
    if not _is_as_shown(request, row):
        return _entry_page(request, row, error=_("The list has changed since: look at it once more."), status=409)
    preview = preview_of_adding([row], now=now)
    try:
        services.entry_approve(entry=row, actor=viewer(request), now=now)
    except PolicyRefused as error:
        return _entry_page(request, row, error=error.message, status=409)
    messages.success(request, f"{_('Approved.')} {_again_sentence(moved_verify_again(preview))}".strip())
    return redirect("policy:entry", uid)


@administrator_required
@never_cache
@require_POST
def end(request: HttpRequest, uid: str) -> HttpResponse:
    """End an entry, with the reason."""
    row, now = selectors.entry_get(uid), timezone.now()
    form = EndForm(request.POST)
    if not form.is_valid():
        return _entry_page(request, row, error=_("Say why the entry ends."), status=422)
    if not _is_as_shown(request, row):
        return _entry_page(request, row, error=_("The list has changed since: look at it once more."), status=409)
    was_in_force = selectors.standing(row, now) == "in-force"
    preview = preview_of_ending(row, now=now)
    try:
        services.entry_end(entry=row, actor=viewer(request), reason=form.cleaned_data["reason"], now=now)
    except PolicyRefused as error:
        return _entry_page(request, row, error=error.message, status=409)
    again = moved_verify_again(preview) if was_in_force else 0
    messages.success(request, f"{_('Ended.')} {_again_sentence(again)}".strip())
    return redirect("policy:entry", uid)


@require_safe
def version(request: HttpRequest, sha256: str) -> HttpResponse:
    """A document that was in force, byte for byte: whoever can read a report can read what it cites."""
    viewer(request)
    return _document(selectors.version_document(sha256), f"policy-{sha256[:12]}.json")


@administrator_required
@never_cache
@require_safe
def in_force(request: HttpRequest) -> HttpResponse:
    """The document that is in force now, to keep or to give to another verifier."""
    now = timezone.now()
    policy = policy_in_force(now)
    version_keep(policy, now=now)
    return _document(policy.document, "policy.json")


def _document(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
