"""The command line of `bin/run`."""

import argparse
import os
from pathlib import Path
from typing import Final

DEFAULT_PORT: Final = 8000

_EPILOG: Final = """\
Without --once: serves until Ctrl-C. With --once: builds one SOURCE, prints phases to standard error and the verdict report as
JSON to standard output. Exit status of --once: 0 when the embedded builder's verdict is the expected «simulated» (or everything
is confirmed), 1 when the build or a check failed, 2 when SOURCE cannot be used, 3 when something is not established, 4 when the
result is unattested (or simulated, by another server). Every other setting is a variable of the environment: see README.md.
"""


def arguments_parse(argv: list[str], *, checkout: Path) -> argparse.Namespace:
    """Give the arguments. Ends the process with status 2 when they cannot be used, as argparse does."""
    parser = argparse.ArgumentParser(prog="bin/run", description="Start Kettle Web.", epilog=_EPILOG)
    parser.add_argument("--port", type=_port, help=f"port of the site (default: PORT, or {DEFAULT_PORT}); 0 takes any free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of everything that is kept (default: DATA_DIR, or var/)")
    parser.add_argument("--workers", type=_count, default=1, metavar="N", help="web server processes (default: %(default)s)")
    parser.add_argument("--no-builder", action="store_true", help="do not start the embedded Kettle server")
    parser.add_argument(
        "--no-sandbox",
        action="store_true",
        help="let the embedded server build any source without a sandbox: its build scripts can then do whatever you can",
    )
    parser.add_argument(
        "--once",
        nargs="?",
        const="",
        metavar="SOURCE",
        help="build a folder, an archive or a git URL (default: the bundled sample), print the report, end",
    )
    parser.add_argument("--ref", default="", help="with --once and a git URL: branch, tag or commit")
    arguments = parser.parse_args(argv)
    if arguments.once is None:
        if arguments.ref:
            parser.error("--ref needs --once and a git URL")
        if arguments.port is None:
            arguments.port = _port_from_environ(parser)
        arguments.data = (arguments.data or Path(os.environ.get("DATA_DIR") or checkout / "var")).absolute()
    elif arguments.port is None:
        arguments.port = 0
    return arguments


def _port_from_environ(parser: argparse.ArgumentParser) -> int:
    try:
        return _port(os.environ.get("PORT") or str(DEFAULT_PORT))
    except (argparse.ArgumentTypeError, ValueError):
        parser.error("PORT must be a number from 0 to 65535")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 64:
        raise argparse.ArgumentTypeError("must be a number from 1 to 64")
    return count
