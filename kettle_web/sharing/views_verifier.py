"""What the browser's verifier is: the digests of its modules, for whoever wants to compare them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from kettle_web.core.downloads import SAFE_HEADERS
from kettle_web.sharing.inlined import BROWSER_MODULES, module_digests
from kettle_web.sharing.script import ENTRIES, script_made
from kettle_web.sharing.templatetags.share import share_script
from kettle_web.sharing.verifier_file import verifier_html

COMMAND = f"cd static/js && sha256sum {' '.join(BROWSER_MODULES)}"


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
    scripts = tuple(ModuleRow(name, script_made(name).sha256, share_script(name)) for name in ENTRIES)
    file_sha256 = hashlib.sha256(_file()).hexdigest()
    return render(request, "sharing/verifier.html", {"modules": rows, "scripts": scripts, "command": COMMAND, "file_sha256": file_sha256})


@cache
def _file() -> bytes:
    """The same as long as this process runs: it is made of files of the checkout."""
    return verifier_html()


@login_not_required
@require_safe
def download(request: HttpRequest) -> HttpResponse:
    """The separate verifier. Whoever distrusts this site takes it from a release instead."""
    headers = {**SAFE_HEADERS, "Content-Disposition": 'attachment; filename="verifier.html"', "Cache-Control": "no-cache"}
    return HttpResponse(_file(), content_type="text/html; charset=utf-8", headers=headers)
