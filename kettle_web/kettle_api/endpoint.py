"""The base URL of a Kettle server, and the one origin that its token is sent to."""

from dataclasses import dataclass, field

import httpx

from kettle_web.kettle_api.errors import KettleError

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


def _us(code: str, message: str) -> KettleError:
    return KettleError(code, message, retry=False, fault="us")


@dataclass(frozen=True)
class EndpointUrl:
    """Where requests go. Redirects are never followed, so the token never leaves this origin."""

    base: str
    host: str
    port: int
    token: str = field(default="", repr=False)

    @property
    def allowed_host(self) -> str:
        """Give `host:port` for `vetted_transport`: the operator named this address, a private one included."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def url(self, path: str) -> str:
        return self.base + path

    def headers(self, **more: str) -> dict[str, str]:
        # Compressed answers are not asked for: a small one could unpack to anything.
        headers = {"Accept-Encoding": "identity", "User-Agent": "kettle-web", **more}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers


def endpoint_parse(base_url: str, token: str = "") -> EndpointUrl:
    """Read an endpoint's base URL.

    Raises `KettleError`: not http or https, with credentials, query or fragment, or a token that would go in the clear.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise _us("endpoint.url", "The endpoint's URL cannot be read: the operator has to check it.") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise _us("endpoint.url", "An endpoint's URL is https://host, perhaps with a port and a path, and nothing else.")
    if token and url.scheme == "http" and url.host not in _LOOPBACK:
        raise _us("endpoint.token-plain", "A token is only sent over https: the operator has to change the endpoint's URL.")
    if token and (not token.isascii() or not token.isprintable() or " " in token):
        raise _us("endpoint.token", "The endpoint's token contains characters that cannot be sent: the operator has to check it.")
    port = url.port or (443 if url.scheme == "https" else 80)
    return EndpointUrl(str(url).rstrip("/"), url.host, port, token)
