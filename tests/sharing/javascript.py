"""Runs modules of `static/js` in Chromium, from a small server of its own; where there is none, in Node.js."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import program_find
from tests.running import CHECKOUT

STATIC = CHECKOUT / "static"
SECONDS = 120
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-dev-shm-usage"]


class Runs(Protocol):
    def __call__(self, module: str, function: str, argument: Any) -> Any:
        """What the exported function of a module (its path under `static/js`, or an absolute file's) gives for the argument."""


@contextmanager
def javascript(folder: Path) -> Iterator[Runs]:
    """Calls functions of modules. `folder`: an empty one, for copies."""
    served = folder / "served"
    shutil.copytree(STATIC, served / "static")
    (served / "package.json").write_text('{"type": "module"}')
    (served / "page.html").write_text("<!doctype html><title>modules</title>")
    if chromium := program_find("chromium"):
        with _server(served) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            page = browser.new_page()
            page.goto(f"{address}/page.html")

            def in_chromium(module: str, function: str, argument: Any) -> Any:
                path = "/" + _placed(served, module)
                script = "async ([path, name, text]) => JSON.stringify(await (await import(path))[name](JSON.parse(text)))"
                return json.loads(page.evaluate(script, [path, function, json.dumps(argument)]) or "null")

            yield in_chromium
            browser.close()
    elif node := shutil.which("node"):
        yield functools.partial(_in_node, node, served)
    else:
        pytest.skip("neither chromium nor node is installed")


def _placed(served: Path, module: str) -> str:
    """The module's path under the served folder; one from elsewhere is copied there."""
    if not Path(module).is_absolute():
        return f"static/js/{module}"
    shutil.copy(module, served / Path(module).name)
    return Path(module).name


def _in_node(node: str, served: Path, module: str, function: str, argument: Any) -> Any:
    script = (
        f"import {{ {function} as run }} from './{_placed(served, module)}';"
        "let text = ''; for await (const part of process.stdin) text += part;"
        "process.stdout.write(JSON.stringify(await run(JSON.parse(text))) ?? 'null');"
    )
    done = subprocess.run(
        [node, "--input-type=module", "--eval", script], input=json.dumps(argument), capture_output=True, text=True, cwd=served,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing to see."""


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Loopback is a secure context, so the browser gives WebCrypto there."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
