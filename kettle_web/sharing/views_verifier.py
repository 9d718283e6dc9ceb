"""What the browser's verifier is: the digests of its modules, for whoever wants to compare them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from kettle_web.sharing.inlined import module_digests

COMMAND = "cd static/js && sha256sum verify/*.js"


@dataclass(frozen=True)
class ModuleRow:
    path: str
    sha256: str
    url: str


@login_not_required
@require_safe
def modules(request: HttpRequest) -> HttpResponse:
    """For everyone: whoever holds a link must be able to know what runs in their browser."""
    rows = tuple(ModuleRow(path, sha256, static(f"js/{path}")) for path, sha256 in module_digests())
    return render(request, "sharing/verifier.html", {"modules": rows, "command": COMMAND, "has_file": False})
