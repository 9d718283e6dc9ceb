"""`bin/bench NAME [--runs N] [--json]`: measure, print a table or JSON, exit 1 when a promised figure is missed."""

import argparse
import json
import sys

from tests.bench.builder import builder
from tests.bench.chaos import chaos
from tests.bench.compare import compare
from tests.bench.follows import follows
from tests.bench.history import BUILDS, history
from tests.bench.live import live
from tests.bench.log import log
from tests.bench.memory import memory
from tests.bench.mutate import mutate
from tests.bench.once import once
from tests.bench.rows import document, table
from tests.bench.share import share
from tests.bench.start import start
from tests.bench.verify import verify

BENCHES = {
    "chaos": chaos,
    "compare": compare,
    "follows": follows,
    "history": history,
    "builder": builder,
    "live": live,
    "log": log,
    "once": once,
    "share": share,
    "start": start,
    "memory": memory,
    "verify": verify,
    "mutate": mutate,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description="Measure one thing on this machine.",
        epilog="\n".join(f"{name}: {bench.__doc__}" for name, bench in BENCHES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=sorted(BENCHES))
    parser.add_argument("--runs", type=int, default=5, help="runs of each quantity (default: %(default)s)")
    parser.add_argument("--builds", type=int, default=BUILDS, help="builds in the history that `history` asks (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    runs = max(1, arguments.runs)
    rows = history(runs, arguments.builds) if arguments.name == "history" else BENCHES[arguments.name](runs)
    if arguments.json:
        print(json.dumps(document(rows), indent=2, ensure_ascii=False))
    else:
        print(table(rows))
    return 1 if any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
