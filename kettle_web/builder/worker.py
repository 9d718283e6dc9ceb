"""The process of one build: `python -m kettle_web.builder.worker JOB_FOLDER SERVER_PID`, the server's options on standard input.

It writes the build's events itself. It ends with its server, and whatever it started ends with it.
"""

import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path

from kettle_web.builder.build import Build
from kettle_web.builder.errors import BuildError
from kettle_web.builder.eventlog import EventWriter
from kettle_web.builder.jobs import Job
from kettle_web.builder.options import Options
from kettle_web.builder.parent import end_with_parent

DISK_FULL = "The server's disk is full, or a file could not be written: "


def job_run(job: Job, options: Options) -> None:
    """Run a job to its `complete` event."""
    events = EventWriter(job.events)
    error: str | None = None
    error_type: str | None = None
    try:
        if not options.single_build:
            events.say("vm", "The process is up. It takes this build and no other, and ends with it.")
        Build(job, options, events).run()
    except BuildError as failure:
        error, error_type = str(failure), failure.error_type
    except OSError as failure:
        traceback.print_exc()
        error, error_type = f"{DISK_FULL}{failure.strerror or failure}.", "LimitExceeded"
    except Exception as failure:  # An unexpected error is a failed build that says so, and is kept in worker.log.
        traceback.print_exc()
        error, error_type = f"The builder itself failed: {type(failure).__name__}.", "BuildFailed"
    if error is not None:
        job.result.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # What cannot be removed now is tried again by the server's keeper.
        job.clean()
    events.complete(error=error, error_type=error_type)
    events.close()


def main() -> None:
    """Read the options, tie this process to the server, run the job."""
    end_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if os.getppid() != int(sys.argv[2]):
        sys.exit(143)
    folder = Path(sys.argv[1])
    job_run(Job(folder.name, folder), Options.from_json(json.load(sys.stdin)))


if __name__ == "__main__":
    main()
