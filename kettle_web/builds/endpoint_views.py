"""The pages of servers and pools, for administrators; for others they do not exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kettle_web.accounts.access import administrator_required
from kettle_web.builds import endpoint_admin as admin
from kettle_web.builds.endpoint_forms import EndpointAddForm, EndpointForm, LimitsForm, MachineForm, PoolForm, TokenForm
from kettle_web.builds.endpoint_pages import endpoint_page, list_page, pool_page
from kettle_web.builds.errors import BuildError
from kettle_web.builds.health import endpoint_check
from kettle_web.builds.models import Endpoint, Pool, Queue

FIELDS = ("name", "base_url", "kind", "dialect", "attests", "operator", "max_running")
OF_THE_POOL = ("kind", "dialect", "attests", "operator", "max_running")
"""What a machine has from its pool."""
POOL_FIELDS = ("name", "operator", "dialect", "attests", "is_provisioned", "min_ready", "max_machines")


@administrator_required
@never_cache
@require_safe
def endpoint_list(request: HttpRequest) -> HttpResponse:
    """Every server and pool: what it is, whether it answers, what it does."""
    chosen = Queue.objects.values_list("per_user", flat=True).first()
    return render(request, "builds/endpoints.html", {"page": list_page(), "limits_form": LimitsForm(initial={"per_user": chosen})})


@administrator_required
@never_cache
@require_POST
def limits(request: HttpRequest) -> HttpResponse:
    """Set the limit of one person."""
    form = LimitsForm(request.POST)
    if not form.is_valid():
        return render(request, "builds/endpoints.html", {"page": list_page(), "limits_form": form}, status=422)
    admin.limit_per_user_set(form.cleaned_data["per_user"])
    messages.success(request, _("The limit is set. It counts from the next build on."))
    return redirect("endpoints:list")


@administrator_required
@sensitive_post_parameters("token")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint_add(request: HttpRequest) -> HttpResponse:
    """Add a server. What is wrong is said beside the field; a token is never sent back."""
    form = EndpointAddForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = admin.endpoint_add(token=form.cleaned_data["token"], **{name: form.cleaned_data[name] for name in FIELDS})
        except BuildError as error:
            _add_error(form, error)
        else:
            _tell_health(request, row)
            return redirect("endpoints:endpoint", pk=row.pk)
    return render(request, "builds/endpoint_add.html", {"form": form}, status=422 if request.method == "POST" else 200)


def _add_error(form: Any, error: BuildError) -> None:
    field = {"endpoint-name": "name", "endpoint-url": "base_url", "endpoint-address": "base_url"}.get(error.code)
    field = "token" if error.code.startswith("endpoint-token") else field
    form.add_error(field if field in form.fields else None, error.message)


def _tell_health(request: HttpRequest, row: Endpoint) -> None:
    if problem := endpoint_check(row):
        messages.warning(request, _("«%(name)s» is kept, but it cannot be used now: %(said)s") % {"name": row.name, "said": problem})
    else:
        messages.success(request, _("«%(name)s» answers.") % {"name": row.name})


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one server; a POST changes it where it is the site's own."""
    row = get_object_or_404(Endpoint.objects.select_related("pool"), pk=pk)
    form, status = EndpointForm(request.POST or None, initial={name: getattr(row, name) for name in FIELDS}), 200
    for name in OF_THE_POOL if row.pool_id is not None else ():
        del form.fields[name]
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                dropped = admin.endpoint_change(row, **{name: form.cleaned_data[name] for name in FIELDS if name in form.fields})
            except BuildError as error:
                _add_error(form, error)
            else:
                if dropped:
                    messages.warning(request, _("The address is another one: the token was removed. Enter it again if it belongs there."))
                messages.success(request, _("Saved."))
                return redirect("endpoints:endpoint", pk=pk)
    return render(request, "builds/endpoint.html", {"page": endpoint_page(row), "form": form, "token_form": TokenForm()}, status=status)


@administrator_required
@sensitive_post_parameters("token")
@never_cache
@require_POST
def endpoint_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Test, enable, disable, make default, replace or remove the token, take out of the pool."""
    row = get_object_or_404(Endpoint, pk=pk)
    actions: dict[str, Callable[[], object]] = {
        "test": lambda: _tell_health(request, row),
        "enable": lambda: admin.endpoint_enable(row, is_enabled=True),
        "disable": lambda: admin.endpoint_enable(row, is_enabled=False),
        "default": lambda: admin.default_choose(row),
        "token": lambda: _token_set(request, row),
        "token-remove": lambda: admin.endpoint_token_set(row, ""),
        "remove": lambda: admin.machine_remove(row),
    }
    if action not in actions:
        raise Http404
    try:
        actions[action]()
    except BuildError as error:
        messages.error(request, error.message)
    else:
        if action not in ("test", "token"):
            messages.success(request, _("Done."))
    if row.pool_id is not None and (action == "remove" or request.POST.get("from") == "pool"):
        return redirect("endpoints:pool", pk=row.pool_id)
    return redirect("endpoints:endpoint", pk=pk)


def _token_set(request: HttpRequest, row: Endpoint) -> None:
    form = TokenForm(request.POST)
    if not form.is_valid() or not form.cleaned_data["token"]:
        raise BuildError("endpoint-token-empty", _("Enter a token, or remove the one that is stored."))
    admin.endpoint_token_set(row, form.cleaned_data["token"])
    messages.success(request, _("The token is replaced."))


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pool_add(request: HttpRequest) -> HttpResponse:
    """Make a pool; its machines come next."""
    form = PoolForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                pool = Pool.objects.create(**{name: form.cleaned_data[name] for name in POOL_FIELDS})
            return redirect("endpoints:pool", pk=pool.pk)
        except IntegrityError:
            form.add_error("name", _("There is a pool of this name already."))
    status = 422 if request.method == "POST" else 200
    return render(request, "builds/pool_add.html", {"form": form, "is_provisioner_set": _is_provisioner_set()}, status=status)


def _is_provisioner_set() -> bool:
    return bool(settings.ENV.provisioner or settings.ENV.provisioner_url)


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pool(request: HttpRequest, pk: int) -> HttpResponse:
    """A pool's machines, free, in use and spent, and its settings."""
    row = get_object_or_404(Pool, pk=pk)
    form, status = PoolForm(request.POST or None, initial={name: getattr(row, name) for name in POOL_FIELDS}), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with transaction.atomic():
                    Pool.objects.filter(pk=pk).update(**{name: form.cleaned_data[name] for name in POOL_FIELDS})
            except IntegrityError:
                form.add_error("name", _("There is a pool of this name already."))
            else:
                messages.success(request, _("Saved."))
                return redirect("endpoints:pool", pk=pk)
    return _pool_page(request, row, form, MachineForm(), status)


def _pool_page(request: HttpRequest, row: Pool, form: PoolForm, machine_form: MachineForm, status: int) -> HttpResponse:
    context = {"page": pool_page(row), "form": form, "machine_form": machine_form, "is_provisioner_set": _is_provisioner_set()}
    return render(request, "builds/pool.html", context, status=status)


@administrator_required
@sensitive_post_parameters("token")
@never_cache
@require_POST
def pool_machine_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a machine by hand."""
    row = get_object_or_404(Pool, pk=pk)
    form = MachineForm(request.POST)
    if form.is_valid():
        try:
            machine = admin.endpoint_add(pool=row, **{name: form.cleaned_data[name] for name in ("name", "base_url", "token")})
        except BuildError as error:
            _add_error(form, error)
        else:
            _tell_health(request, machine)
            return redirect("endpoints:pool", pk=pk)
    return _pool_page(request, row, PoolForm(initial={name: getattr(row, name) for name in POOL_FIELDS}), form, 422)


@administrator_required
@never_cache
@require_POST
def pool_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Enable, disable, make default."""
    row = get_object_or_404(Pool, pk=pk)
    if action not in ("enable", "disable", "default"):
        raise Http404
    try:
        admin.default_choose(row) if action == "default" else admin.pool_enable(row, is_enabled=action == "enable")
    except BuildError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Done."))
    return redirect("endpoints:pool", pk=pk)
