"""`manage.py build_once [SOURCE]`: one build from source to report, on a site that runs beside it. `bin/run --once` calls it."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.pack import folder_pack
from kettle_web.builder.sample import SAMPLE_NAME, sample_archive, sample_for_machine
from kettle_web.builds.ansi import ansi_to_text
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Build, Endpoint
from kettle_web.builds.preflight import refusals
from kettle_web.builds.selectors import events_after
from kettle_web.builds.services import build_create
from kettle_web.builds.states import TERMINAL, State
from kettle_web.builds.uploads import upload_from_form
from kettle_web.core.errors import CoreError
from kettle_web.core.visible import visible
from kettle_web.outbound.errors import OutboundError
from kettle_web.outbound.sources import source_ref_check, source_url_check
from kettle_web.verification.report import Verdict
from kettle_web.verifications.reports import report_document
from kettle_web.verifications.selectors import report_latest

USER_NAME: Final = "command-line"
"""Owner of what is built from a terminal; has no password and cannot sign in."""
LOOK_SECONDS: Final = 0.1
EVENTS_AT_ONCE: Final = 500
EXIT_FAILED, EXIT_UNUSABLE = 1, 2
"""The build failed; the source cannot be used. Every other status is the report's own (design: verdicts)."""


class Command(BaseCommand):
    help = "Build one source, print its phases and log to standard error, and the report as JSON to standard output."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", default="", help="folder, archive or git URL (default: the bundled sample)")
        parser.add_argument("--ref", default="", help="branch, tag or commit of a git URL")

    def handle(self, *args: Any, source: str, ref: str, **options: Any) -> None:
        endpoint = Endpoint.objects.filter(is_enabled=True, is_default=True).first()
        if endpoint is None:
            raise CommandError("There is no Kettle server to send this to.", returncode=EXIT_UNUSABLE)
        try:
            build = self._submit(endpoint, source, ref)
        except (BuildError, ArchiveError, OutboundError, CoreError) as error:
            # An address may carry a password; whatever is wrong with it is said without repeating it.
            about = "" if "://" in source else f"{source or SAMPLE_NAME}: "
            raise CommandError(f"{about}{error}", returncode=EXIT_UNUSABLE) from error
        except OSError as error:
            raise CommandError(f"{source}: {error.strerror}.", returncode=EXIT_UNUSABLE) from error
        self._follow(build)
        raise SystemExit(self._finish(build, endpoint))

    def _submit(self, endpoint: Endpoint, source: str, ref: str) -> Build:
        owner, made = User.objects.get_or_create(username=USER_NAME)
        if made:
            owner.set_unusable_password()
            owner.save(update_fields=["password"])
        if "://" in source:
            url = source_url_check(source)
            checked_ref = source_ref_check(ref) if ref else ""
            return build_create(owner=owner, endpoint=endpoint, origin=Build.Origin.REPOSITORY, repo_url=url, repo_ref=checked_ref)
        if ref:
            raise BuildError("ref", "--ref is for a git URL.")
        with self._archive(source) as (name, path), path.open("rb") as file:
            upload = upload_from_form(owner=owner, name=name, file=file, size=path.stat().st_size)
        for problem in upload.inspection.get("problems", []) if upload.inspection else []:
            self.stderr.write(f"{problem['message']} {problem['advice']}".strip())
        if found := refusals(upload.inspection):
            raise BuildError("preflight", f"not sent: {found[0]['message']}")
        return build_create(owner=owner, endpoint=endpoint, origin=Build.Origin.UPLOAD, upload=upload)

    @contextmanager
    def _archive(self, source: str) -> Iterator[tuple[str, Path]]:
        """Give name and path of the archive to upload, made for the occasion where the source is not one already."""
        given = Path(source)
        if source and not given.is_dir():
            yield given.name, given
            return
        with tempfile.TemporaryDirectory(prefix="kettle-source-") as folder:
            made = Path(folder) / "source.tar.gz"
            if source:
                left_out = _untracked(given)
                if left_out:
                    self.stderr.write(f"Left out, because git does not track it: {', '.join(map(visible, left_out[:5]))}.")
                folder_pack(given, made, leave_out=left_out)
            else:
                sample = sample_for_machine()
                made.write_bytes(sample_archive(sample))
            yield f"{given.resolve().name if source else sample.name}.tar.gz", made

    def _follow(self, build: Build) -> None:
        """Print states and events as they are stored, until the build has ended."""
        state, seq = "", 0
        while True:
            build.refresh_from_db()
            for event in events_after(build, seq, EVENTS_AT_ONCE):
                seq = event.seq
                self.stderr.write(f"  {event.type:<10} {ansi_to_text(event.text)}")
            if build.state != state:
                state = build.state
                self.stderr.write(f"== {build.get_state_display()}")
            if state in TERMINAL and seq >= build.last_seq:
                return
            time.sleep(LOOK_SECONDS)

    def _finish(self, build: Build, endpoint: Endpoint) -> int:
        if build.state != State.DONE:
            failure = {"code": build.failure_code, "fault": build.fault, "message": build.failure_message}
            self.stdout.write(json.dumps({"build": build.uid, "state": build.state, "failure": failure}, indent=2))
            return EXIT_FAILED
        report = report_latest(build)
        if report is None:
            raise CommandError(f"Build {build.uid} is done but has no report.", returncode=EXIT_FAILED)
        self.stderr.write(f"== {visible(report.headline)}")
        document = report_document(report)
        self.stdout.write(json.dumps(document, indent=2))
        expected = endpoint.is_embedded and report.verdict == Verdict.SIMULATED
        return 0 if expected else int(document["exit_status"])


def _untracked(folder: Path) -> list[str]:
    """Paths, relative to the folder, that its git repository does not track; none where it is no repository."""
    if not (folder / ".git").exists():
        return []
    # A folder from elsewhere may name programs in its .git/config, for git to run.
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), "ls-files", "--others", "--directory", "--no-empty-directory", "-z"]
    done = subprocess.run(command, capture_output=True, check=False)
    return [name.rstrip("/") for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]
