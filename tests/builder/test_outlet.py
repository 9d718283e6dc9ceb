"""The way out of fetching steps, inside real walls: the proxy and nothing else."""

import json
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kettle_web.builder.outlet import PORT, python_inside
from tests.builder.githost import git_host, repository_make
from tests.builder.running import CHECKOUT, builder_running


def stepped(
    folder: Path, script: str, *, walled: bool = True, hosts: tuple[str, ...] = (), max_bytes: int = 1 << 20
) -> tuple[int, list[str], bool]:
    folder.mkdir(exist_ok=True)
    words = [str(folder), "walled" if walled else "open", json.dumps(hosts), str(max_bytes), script]
    done = subprocess.run(
        [sys.executable, "-m", "tests.builder.stepping", *words], capture_output=True, text=True, timeout=60, check=False, cwd=CHECKOUT
    )
    assert done.returncode == 0, done.stderr
    status, said, exceeded = json.loads(done.stdout)
    return status, said, exceeded


@contextmanager
def page_host(size: int = 2) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.write(b"x" * size)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


PYTHON = python_inside()
FETCH = f"{PYTHON} -I -S -c \"import urllib.request as u; print(len(u.urlopen('http://127.0.0.1:{{port}}/').read()))\""
CONNECT = "import socket\\ntry: socket.create_connection(({host!r}, {port}), 2); print('reached')\\n"
CONNECT += "except OSError: print('not reached')"


@pytest.mark.parametrize("walled", [pytest.param(True, marks=pytest.mark.needs("bwrap")), False])
def test_the_proxy_is_reached_and_lets_through_what_is_allowed(tmp_path: Path, walled: bool) -> None:
    with page_host() as port:
        script = f"http_proxy=PROXY {FETCH.format(port=port)} 2>&1 | tail -1"
        assert stepped(tmp_path / "a", script, walled=walled, hosts=("127.0.0.1",)) == (0, ["2"], False)
        assert "403" in stepped(tmp_path / "b", script, walled=walled)[1][-1]


@pytest.mark.needs("bwrap")
def test_there_is_no_way_around_the_proxy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        tries = [("127.0.0.1", listener.getsockname()[1]), ("192.0.2.1", 80), ("::1", 80)]
        code = "\n".join(f'printf "{CONNECT.format(host=host, port=port)}" | {PYTHON} -I -S -' for host, port in tries)
        assert stepped(tmp_path / "a", code)[1] == ["not reached"] * 3
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert stepped(tmp_path / "b", f'printf "{CONNECT.format(host="127.0.0.1", port=PORT)}" | {PYTHON} -I -S -')[1] == ["reached"]


@pytest.mark.needs("bwrap")
def test_the_socket_may_lie_in_a_folder_of_any_length(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 50)
    folder.mkdir()
    assert stepped(folder, "echo fine") == (0, ["fine"], False)


@pytest.mark.needs("bwrap")
def test_more_than_is_allowed_does_not_come_in(tmp_path: Path) -> None:
    with page_host(5 << 20) as port:
        status, _, exceeded = stepped(tmp_path / "a", f"http_proxy=PROXY {FETCH.format(port=port)} 2>/dev/null", hosts=("127.0.0.1",))
    assert (status != 0, exceeded) == (True, True)


@pytest.mark.needs("bwrap")
def test_a_repository_that_is_too_large_is_a_limit(tmp_path: Path, data: Path) -> None:
    repository_make(tmp_path / "host" / "large", {"noise": random.Random(1).randbytes(3 << 20)})  # Does not compress.
    with git_host(tmp_path / "host") as address, builder_running(data, "--allow-source-host", "127.0.0.1", "--max-fetch", "1") as small:
        outcome = small.outcome(small.submit(repo_url=f"{address}/large"))
    assert (outcome["error_type"], "fetch more than" in outcome["error"]) == ("LimitExceeded", True)
