"""Keeps web pages out: a browser can reach loopback, so every request must name this server and come from no other site."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def host_name(host_header: str) -> str:
    """Give the host of a Host header or origin authority, without port and brackets, in lower case; "" when it is broken."""
    try:
        return urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return ""


class Guard:
    """ASGI middleware: 421 for a foreign Host (DNS rebinding), 403 for a foreign Origin (a page of another site).

    A form needs no preflight: what keeps one of another site out is that browsers name the origin, and the site, of every POST.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower().strip("[]") for host in (*LOOPBACK_HOSTS, *hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self._hosts:
            return PlainTextResponse("This server does not go by that name; start it with --allow-host NAME.\n", 421)
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if foreign or (origin is not None and origin.lower() != f"http://{hosts[0].lower()}"):
            return PlainTextResponse("Pages of other sites may not use this server.\n", 403)
        return None
