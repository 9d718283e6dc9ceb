"""The way out: httpx transports that vet every address at the moment they connect.

The name is resolved once, each address is vetted, and the connection goes to the vetted address itself: a name that resolves to
something else a moment later (DNS rebinding) gains nothing. TLS and the Host header keep the name. Redirects are refused here, so no
client can follow one by mistake; proxies of the environment are not used.
"""

import socket
import ssl
import time
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

import httpcore
import httpx

from kettle_web.outbound import limits as limits_module
from kettle_web.outbound.addresses import host_vet, host_vet_async
from kettle_web.outbound.errors import RedirectRefused
from kettle_web.outbound.limits import TransportLimits

_KEEPALIVE_SECONDS = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
SocketOptions = Iterable[Any] | None
KEEPALIVE: tuple[tuple[int, int, int], ...] = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # Asked for by name: not every system has them. Two minutes after the other side is gone, whatever waits for it learns so.
    *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEPALIVE_SECONDS if hasattr(socket, name)),
)
"""An answer may be waited for hours (the multipart dialect): a connection that died half-way must not be."""


class _MortalStream(httpcore.NetworkStream):
    """A connection that ends at a time, however often the other side sends a byte."""

    def __init__(self, inner: httpcore.NetworkStream, end: float) -> None:
        self._inner = inner
        self._end = end

    def _left(self, timeout: float | None) -> float:
        # Never 0, which would mean «do not block» to a socket.
        left = max(0.001, self._end - time.monotonic())
        return left if timeout is None else min(timeout, left)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if time.monotonic() > self._end:
            raise httpcore.ReadTimeout("the connection's time is over")
        return self._inner.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if time.monotonic() > self._end:
            raise httpcore.WriteTimeout("the connection's time is over")
        self._inner.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _MortalStream(self._inner.start_tls(ssl_context, server_hostname, self._left(timeout)), self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _VettedBackend(httpcore.NetworkBackend):
    def __init__(self, allowed_hosts: Collection[str], limits: TransportLimits) -> None:
        self._inner = httpcore.SyncBackend()
        self._allowed_hosts = tuple(allowed_hosts)
        self._connect_seconds = limits.connect_seconds
        self._connection_seconds = limits.connection_seconds

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: SocketOptions = None
    ) -> httpcore.NetworkStream:
        budget = min(timeout or self._connect_seconds, self._connect_seconds)
        end = time.monotonic() + budget
        failure: Exception = httpcore.ConnectError("no address")
        for address in host_vet(host, port, self._allowed_hosts):
            left = end - time.monotonic()
            if left <= 0:
                break
            try:
                stream = self._inner.connect_tcp(str(address), port, left, local_address, [*KEEPALIVE, *(socket_options or ())])
                return _MortalStream(stream, time.monotonic() + self._connection_seconds)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: SocketOptions = None) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("no way out through a socket file")


class _AsyncVettedBackend(httpcore.AsyncNetworkBackend):
    # ruff: noqa: ASYNC109 -- the signatures are httpcore's.
    def __init__(self, allowed_hosts: Collection[str], connect_seconds: float) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allowed_hosts = tuple(allowed_hosts)
        self._connect_seconds = connect_seconds

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: SocketOptions = None
    ) -> httpcore.AsyncNetworkStream:
        budget = min(timeout or self._connect_seconds, self._connect_seconds)
        end = time.monotonic() + budget
        failure: Exception = httpcore.ConnectError("no address")
        for address in await host_vet_async(host, port, self._allowed_hosts):
            left = end - time.monotonic()
            if left <= 0:
                break
            try:
                return await self._inner.connect_tcp(str(address), port, left, local_address, [*KEEPALIVE, *(socket_options or ())])
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("no way out through a socket file")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def _redirect_refuse(response: httpx.Response) -> None:
    if response.has_redirect_location or response.status_code in (301, 302, 303, 307, 308):
        raise RedirectRefused(
            "redirect.refused", "The server answered with a redirect, which is not followed: use the address that it redirects to."
        )


@cache
def _ssl_context() -> ssl.SSLContext:
    """One for all: reading the certificate store takes 20 ms and half a megabyte, and two hundred streams are followed at once.

    Of the environment it heeds SSL_CERT_FILE and SSL_CERT_DIR.
    """
    return httpx.create_ssl_context()


class VettedTransport(httpx.HTTPTransport):
    """Raises `AddressRefused` and `RedirectRefused` beside httpx's own errors."""

    def __init__(self, allowed_hosts: Collection[str], limits: TransportLimits) -> None:
        super().__init__(verify=_ssl_context(), trust_env=True)  # Proxies are the client's business.
        self._pool = httpcore.ConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.keepalive_connections,
            network_backend=_VettedBackend(allowed_hosts, limits),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        try:
            _redirect_refuse(response)
        except RedirectRefused:
            response.close()
            raise
        return response


class AsyncVettedTransport(httpx.AsyncHTTPTransport):
    """The same for asyncio."""

    def __init__(self, allowed_hosts: Collection[str], limits: TransportLimits) -> None:
        super().__init__(verify=_ssl_context(), trust_env=True)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.keepalive_connections,
            network_backend=_AsyncVettedBackend(allowed_hosts, limits.connect_seconds),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        try:
            _redirect_refuse(response)
        except RedirectRefused:
            await response.aclose()
            raise
        return response


def vetted_transport(*, allowed_hosts: Collection[str] = (), limits: TransportLimits = limits_module.DEFAULT) -> VettedTransport:
    """Give a transport for `httpx.Client(transport=…, trust_env=False)`. `allowed_hosts`: `host` or `host:port`, not vetted."""
    return VettedTransport(allowed_hosts, limits)


def vetted_async_transport(*, allowed_hosts: Collection[str] = (), limits: TransportLimits = limits_module.DEFAULT) -> AsyncVettedTransport:
    """Give a transport for `httpx.AsyncClient(transport=…, trust_env=False)`."""
    return AsyncVettedTransport(allowed_hosts, limits)
