"""A connection whose other side is gone is noticed, however long its answer may take."""

import socket
import threading

import httpx

from kettle_web.outbound.transport import vetted_transport


def test_connections_are_kept_alive_by_the_system() -> None:
    found: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"

        def answer() -> None:
            connection, _address = server.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with (
            httpx.Client(transport=vetted_transport(allowed_hosts=("127.0.0.1",)), trust_env=False) as client,
            client.stream("GET", address) as response,
        ):
            stream = response.extensions["network_stream"].get_extra_info("socket")
            found.append(stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        thread.join()
    assert found == [1]
