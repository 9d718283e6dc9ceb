"""`python -m kettle_web.builder`: the embedded Kettle server from the command line."""

import argparse
import sys
from pathlib import Path

from kettle_web.builder.attesters import FORMS, WAYS
from kettle_web.builder.options import (
    FETCH_SECONDS,
    KEEP_BYTES,
    KEEP_HOURS,
    MAX_BODY_BYTES,
    MAX_DISK_BYTES,
    MAX_FETCH_BYTES,
    MAX_LOG_BYTES,
    MAX_MEMORY_BYTES,
    MAX_PROCESSES,
    MAX_SECONDS,
    MIB,
    Limits,
    Options,
)

ABOUT = """\
A Kettle server for one machine: it builds Rust, Nix and Node.js (pnpm) projects in a sandbox and attests the results, unless
told otherwise with simulated evidence, which proves nothing about hardware.
It speaks the Kettle API: POST /build, GET /build/ID/events, GET /build/ID/result, GET /health.
Prints «listening on http://…» when it answers; SIGTERM or Ctrl-C ends it and everything that it started.
"""


def options_parse(words: list[str]) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m kettle_web.builder", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)")
    add("--port", type=_port, default=8090, help="port to listen on; 0 takes a free one (default: %(default)s)")
    add("--data", type=Path, default=Path("var/builder"), metavar="DIR", help="folder of jobs and results (default: %(default)s)")
    add("--single-build", action="store_true", help="accept one build in the data folder's life, then answer 409, as a CVM does")
    add("--no-sandbox", action="store_true", help="DANGEROUS: run the code of what is submitted as yourself, without any walls")
    add(
        "--attest",
        choices=WAYS,
        default=WAYS[0],
        help="evidence to make; auto: by this machine's own processor where its kernel attests, else simulated (default: %(default)s)",
    )
    add(
        "--simulate",
        choices=FORMS,
        default=FORMS[0],
        metavar="FORM",
        help=f"form of simulated evidence: {', '.join(FORMS)} (default: %(default)s)",
    )
    add("--build-type", choices=("current", "legacy"), default="current", help="generation of the buildType (default: %(default)s)")
    add("--strict-git", action="store_true", help="refuse archives without .git, as the reference server does, and make no commit of them")
    add("--concurrency", type=_count, default=2, metavar="N", help="builds at a time; the others wait (default: %(default)s)")
    add(
        "--allow-source-host",
        action="append",
        default=[],
        metavar="HOST",
        help="fetch from HOST although its address is private or loopback; HOST or HOST:PORT, can be given several times",
    )
    add("--allow-host", action="append", default=[], metavar="NAME", help="answer to this name in the Host header too")
    add("--keep-hours", type=_seconds, default=KEEP_HOURS, metavar="H", help="keep results for so long (default: %(default)g)")
    add(
        "--keep-bytes",
        type=_count,
        default=KEEP_BYTES // MIB,
        metavar="MIB",
        help="keep at most so many MiB of them (default: %(default)s)",
    )
    add("--die-with-parent", action="store_true", help="end when the process that started this one ends")
    limits = parser.add_argument_group("limits")
    add = limits.add_argument
    add("--max-body", type=_count, default=MAX_BODY_BYTES // MIB, metavar="MIB", help="of a request, in MiB (default: %(default)s)")
    add("--max-seconds", type=_seconds, default=MAX_SECONDS, metavar="S", help="of the build phase (default: %(default)s)")
    add("--max-fetch-seconds", type=_seconds, default=FETCH_SECONDS, metavar="S", help="of each fetch phase (default: %(default)s)")
    add("--max-fetch", type=_count, default=MAX_FETCH_BYTES // MIB, metavar="MIB", help="that a build may fetch (default: %(default)s)")
    add("--max-disk", type=_count, default=MAX_DISK_BYTES // MIB, metavar="MIB", help="that a build may write (default: %(default)s)")
    add("--max-memory", type=_count, default=MAX_MEMORY_BYTES // MIB, metavar="MIB", help="of a build (default: %(default)s)")
    add("--max-processes", type=_count, default=MAX_PROCESSES, metavar="N", help="of a build, with cgroups (default: %(default)s)")
    add("--max-log", type=_count, default=MAX_LOG_BYTES // MIB, metavar="MIB", help="of a build's output (default: %(default)s)")
    told = parser.parse_args(words)
    return Options(
        data=told.data.resolve(),
        host=told.host,
        port=told.port,
        single_build=told.single_build,
        sandbox=not told.no_sandbox,
        attest=told.attest,
        simulate=told.simulate,
        build_type=told.build_type,
        strict_git=told.strict_git,
        concurrency=told.concurrency,
        source_hosts=tuple(told.allow_source_host),
        web_hosts=tuple(told.allow_host),
        max_body_bytes=told.max_body * MIB,
        keep_hours=told.keep_hours,
        keep_bytes=told.keep_bytes * MIB,
        die_with_parent=told.die_with_parent,
        limits=Limits(
            seconds=told.max_seconds,
            fetch_seconds=told.max_fetch_seconds,
            fetch_bytes=told.max_fetch * MIB,
            disk_bytes=told.max_disk * MIB,
            memory_bytes=told.max_memory * MIB,
            processes=told.max_processes,
            log_bytes=told.max_log * MIB,
        ),
    )


def _port(word: str) -> int:
    if not 0 <= int(word) <= 0xFFFF:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(word)


def _count(word: str) -> int:
    if int(word) < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return int(word)


def _seconds(word: str) -> float:
    if not 0 < float(word) < float("inf"):
        raise argparse.ArgumentTypeError("it must be more than nothing")
    return float(word)


def main() -> int:
    """Run the server; give the exit status."""
    options = options_parse(sys.argv[1:])
    # What --help does not need is imported after it: it answers at once.
    from kettle_web.builder.server import StartError, serve

    try:
        serve(options)
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
