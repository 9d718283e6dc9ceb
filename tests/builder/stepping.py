"""One fetching step in a program of its own, for tests: the proxy is forked by a process that has no threads.

Arguments: folder, `walled` or `open`, allowed hosts (JSON), bytes, script. Prints status, lines, whether it wanted too much.
"""

import json
import sys
from pathlib import Path

from kettle_web.builder.outlet import Outlet
from kettle_web.builder.sandbox.process import Bounds, process_run
from kettle_web.builder.sandbox.walls import Bubblewrap, NoWalls, Room, Walls


def step(folder: Path, walled: bool, hosts: list[str], max_bytes: int, script: str) -> tuple[int, list[str], bool]:
    walls: Walls = Bubblewrap() if walled else NoWalls()
    outlet = Outlet(folder, hosts=hosts, max_bytes=max_bytes, walled=walled)
    said: list[str] = []
    try:
        room, command = outlet.through(Room(mounts=(), network=True), ["/bin/sh", "-c", script.replace("PROXY", outlet.address)])
        bounds = Bounds(seconds=30, log_bytes=1 << 20, disk_bytes=1 << 30)
        line, environment = walls.arguments(room, command), walls.environment(room)
        status = process_run(line, environment=environment, bounds=bounds, on_lines=said.extend)
        return status, said, outlet.exceeded()
    finally:
        outlet.close()


if __name__ == "__main__":
    print(json.dumps(step(Path(sys.argv[1]), sys.argv[2] == "walled", json.loads(sys.argv[3]), int(sys.argv[4]), sys.argv[5])))
