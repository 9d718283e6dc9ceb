"""`verifier.html`: the browser's verifier as one file that stands alone, for whoever does not want to trust a site's own page.

The same sources give the same bytes. Nothing is loaded: modules, styles and icons are in the file, and its Content-Security-Policy allows
exactly these by their digests. It may ask the network (`connect-src`), because it can read the address of a link that its reader gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import translation
from django.utils.safestring import SafeString

from kettle_web.sharing.inlined import module_digests, modules_folder, modules_inlined
from kettle_web.sharing.proof import csp_hash

ENTRY: Final = "share/verifier-file.js"
WORKER: Final = "hash-worker.js"
STYLES: Final = ("tokens", "base", "layout", "components", "forms", "proof", "share", "verify")
CONNECT: Final = "https: http://127.0.0.1:* http://localhost:*"
"""Where links may be: anywhere with HTTPS, and on the reader's own machine."""
_SYMBOL: Final = re.compile(r'<symbol id="([\w-]+)".*?</symbol>', re.DOTALL)
_URL: Final = re.compile(r"url\((?!['\"]?(?:#|data:))[^)]*\)")


NO_ICONS: Final = SafeString("")


@dataclass(frozen=True)
class VerifierFile:
    """What the template `sharing/verifier_file.html` puts together. All of it are files of this checkout."""

    csp: str
    style: SafeString
    script: SafeString
    worker: SafeString
    digests: tuple[tuple[str, str], ...]
    icons: SafeString = NO_ICONS
    nothing: tuple[str, ...] = ()


def verifier_html() -> bytes:
    """The file. Texts are the English ones: it belongs to a release, not to a site."""
    script, worker = modules_inlined(ENTRY), modules_inlined(WORKER)
    style = "\n".join(_style(name) for name in STYLES)
    csp = (
        f"default-src 'none'; script-src {csp_hash(script)}; style-src {csp_hash(style)}; connect-src {CONNECT}; worker-src blob:; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = VerifierFile(csp, SafeString(style), SafeString(script), SafeString(worker), module_digests())
    with translation.override("en"):
        drawn = _drawn(page)
        return _drawn(replace(page, icons=_icons(drawn))).encode()


def _drawn(page: VerifierFile) -> str:
    html = render_to_string("sharing/verifier_file.html", {"page": page})
    return html.replace(f'href="{static("icons/icons.svg")}#', 'href="#').replace(f'data-worker="{static("js/hash-worker.js")}"', "")


def _style(name: str) -> str:
    text = (modules_folder().parent / "css" / f"{name}.css").read_text("utf-8")
    return _URL.sub("none", text)


def _icons(html: str) -> SafeString:
    """The shapes that the page uses, out of the house's one file of them."""
    used = set(re.findall(r'<use href="#([\w-]+)"', html))
    sprite = (modules_folder().parent / "icons" / "icons.svg").read_text("utf-8")
    symbols = "".join(found[0] for found in _SYMBOL.finditer(sprite) if found[1] in used)
    return SafeString(f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>')
