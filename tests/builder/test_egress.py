"""The way out of a fetch phase: what it reaches and what it refuses."""

import asyncio

import pytest

from kettle_web.builder.egress import EgressProxy


async def said(proxy: str, request: bytes) -> bytes:
    host, port = proxy.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


async def origin_start(seen: list[bytes]) -> tuple[asyncio.Server, int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def test_an_allowed_host_is_reached_both_ways() -> None:
    seen: list[bytes] = []
    origin, port = await origin_start(seen)
    proxy = EgressProxy(["127.0.0.1"])
    address = await proxy.start()
    plain = f"GET http://127.0.0.1:{port}/a?b=c HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n\r\n".encode()
    assert (await said(address, plain)).endswith(b"\r\n\r\nhi")
    assert seen.pop() == b"GET /a?b=c HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n"
    tunnel = f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n".encode()
    answer = await said(address, tunnel)
    assert answer.startswith(b"HTTP/1.1 200 Connected")
    assert answer.endswith(b"hi")
    origin.close()
    await proxy.stop()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("CONNECT 127.0.0.1:{port}", b"403"),
        ("CONNECT localhost:{port}", b"403"),
        ("CONNECT [::1]:{port}", b"403"),
        ("CONNECT [::ffff:127.0.0.1]:{port}", b"403"),
        ("CONNECT 2130706433:{port}", b"403"),
        ("CONNECT 169.254.169.254:80", b"403"),
        ("GET http://127.0.0.1:{port}/", b"403"),
        ("GET file:///etc/passwd", b"400"),
        ("GET /", b"400"),
        ("CONNECT x:99999", b""),
        ("nonsense", b""),
    ],
)
async def test_what_is_not_public_is_refused_and_never_connected_to(request_line: str, status: bytes) -> None:
    seen: list[bytes] = []
    origin, port = await origin_start(seen)
    proxy = EgressProxy()
    answer = await said(await proxy.start(), f"{request_line.format(port=port)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer[9:12] == status
    assert seen == []
    origin.close()
    await proxy.stop()
