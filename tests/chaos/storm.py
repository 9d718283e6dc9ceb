"""One storm: so many builds, kills of worker, web server and builder, cuts in every stream; then a look at what came of each build."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.builder.running import archive, crate
from tests.chaos.proxy import Proxy
from tests.person import NEW_PASSWORD, Person
from tests.running import CHECKOUT, RunningSite, environ_plain

LINES = 300
SCRIPT = f"""
fn main() {{
    for i in 0..{LINES} {{ println!("cargo:warning=<{{i}}> the kettle is not boiling yet, whoever looks at it"); }}
    std::thread::sleep(std::time::Duration::from_millis(300));
}}
"""
VICTIMS = {"worker": "worker", "web": "kettle_web.launcher.web", "builder": "kettle_web.builder"}
LOOK = """
import json, sys, django
django.setup()
from kettle_web.builds.models import Build
from kettle_web.builds.selectors import events_after
for build in Build.objects.order_by("id"):
    print(json.dumps({
        "uid": build.uid, "state": build.state, "fault": build.fault, "code": build.failure_code, "message": build.failure_message,
        "verdict": build.verdict, "job": build.job_id, "lease": build.lease_owner, "last_seq": build.last_seq,
        "attempts": [[attempt.nonce_hex, attempt.outcome] for attempt in build.attempts.all()],
        "events": [[event.seq, event.type, event.text, event.extra] for event in events_after(build, 0, 10**6)]
            if "--events" in sys.argv else [],
    }))
"""
FIND = """
import django
django.setup()
from kettle_web.builds.models import Endpoint
print(Endpoint.objects.get(name="behind the storm").pk)
"""
ENDS = ("done", "failed", "abandoned")


@dataclass
class Outcome:
    """What a storm did, and what was wrong afterwards."""

    kills: Counter[str] = field(default_factory=Counter)
    cuts: int = 0
    stalls: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """State, and of a failed build its code."""
    jobs: int = 0
    """That the builder accepted."""
    lines: int = 0
    """Of logs that were compared."""
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0


class Storm:
    def __init__(self, folder: Path, *, builds: int, seed: int, kills: int, seconds: float) -> None:
        self.folder, self.builds, self.kills, self.seconds = folder, builds, kills, seconds
        self.chance = random.Random(seed)
        self.outcome = Outcome()
        self.archive = archive(crate(build=SCRIPT), "storm")

    def run(self) -> Outcome:
        """Start the site, submit, break, wait for every end, judge."""
        began = time.monotonic()
        builder_port = _free_port()
        data = self.folder / "data"
        data.mkdir(parents=True)
        (data / "builder-port").write_text(json.dumps(builder_port), "ascii")
        with Proxy(builder_port, random.Random(self.chance.random())) as proxy:
            places = json.dumps([{"name": "behind the storm", "url": f"http://127.0.0.1:{proxy.port}", "attests": True}])
            self.site = RunningSite(data, "--no-sandbox", environ={"KETTLE_ENDPOINTS": places, **LIMITS})
            try:
                self._submit_all(proxy)
                proxy.is_calm = True
                rows = self._wait()
                self._judge(rows)
            finally:
                self.site.end()
                self.outcome.cuts, self.outcome.stalls = proxy.cuts, proxy.stalls
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _submit_all(self, proxy: Proxy) -> None:
        left = dict.fromkeys(VICTIMS, self.kills)
        with Person(self.site) as person:
            person.sign_in_first(self.site.one_time_password)
            self.password = NEW_PASSWORD
            endpoint = self._endpoint(person)
            for number in range(self.builds):
                self._submit(person, f"storm-{number}", endpoint)
                self._break(proxy, left)
        end = time.monotonic() + self.seconds
        while any(left.values()) and time.monotonic() < end and any(row["state"] not in ENDS for row in self._rows()):
            self._break(proxy, left)
            time.sleep(self.chance.uniform(0.1, 0.6))

    def _endpoint(self, person: Person) -> str:
        return self._python(FIND).strip()

    def _submit(self, person: Person, key: str, endpoint: str) -> None:
        """Send the form until it is answered: the key makes one build of it."""
        end = time.monotonic() + 60
        while True:
            try:
                data = {"way": "upload", "endpoint": endpoint, "submission_key": key, "label": key}
                files = {"archive": ("storm.tar.gz", self.archive, "application/gzip")}
                answer = person.client.post("/builds/new/", data=data, files=files, headers=person.token, follow_redirects=False)
                if answer.status_code == 302:
                    return
                assert answer.status_code >= 500, answer.text[:2000]
            except httpx.TransportError:
                pass
            assert time.monotonic() < end, f"{key} was never taken"
            time.sleep(0.2)

    def _break(self, proxy: Proxy, left: dict[str, int]) -> None:
        victim = self.chance.choice([*VICTIMS, "streams", "nothing"])
        if victim == "streams":
            proxy.cut_all()
        elif left.get(victim):
            found = [process for process in self.site.processes() if _is(process, VICTIMS[victim])]
            for process in found:
                process.kill()
                self.outcome.kills[victim] += 1
            left[victim] -= bool(found)

    def _rows(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._python(LOOK, *words).splitlines() if line.startswith("{")]

    def _python(self, code: str, *words: str) -> str:
        environ = environ_plain() | {"DATA_DIR": str(self.site.data), "DJANGO_SETTINGS_MODULE": "kettle_web.settings"}
        done = subprocess.run([sys.executable, "-c", code, *words], cwd=CHECKOUT, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _wait(self) -> list[dict[str, Any]]:
        end = time.monotonic() + self.seconds + 120
        while any(row["state"] not in ENDS for row in self._rows()):
            if time.monotonic() > end:
                break
            time.sleep(0.5)
        return self._rows("--events")

    def _judge(self, rows: list[dict[str, Any]]) -> None:
        wrong, jobs = self.outcome.wrong, self._jobs()
        self.outcome.jobs = len(jobs)
        if len(rows) != self.builds:
            wrong.append(f"{self.builds} forms were sent, {len(rows)} builds were made")
        known = Counter(nonce for row in rows for nonce, _outcome in row["attempts"])
        wrong += [f"a submission that no build knows: {nonce}" for nonce, _folder in jobs if nonce not in known]
        for row in rows:
            mine = [folder for nonce, folder in jobs if nonce in {nonce for nonce, _outcome in row["attempts"]}]
            self.outcome.ends[f"{row['state']} {row['code'] or row['verdict']}"] += 1
            wrong += [f"{row['uid']}: {problem}" for problem in self._problems(row, mine)]

    def _problems(self, row: dict[str, Any], mine: list[Path]) -> list[str]:
        found = []
        if row["state"] not in ENDS or row["lease"]:
            found.append(f"it stands still: {row['state']}, held by {row['lease']!r}")
        if len(mine) > 1:
            found.append(f"submitted {len(mine)} times")
        if not mine:
            # Nothing reached the builder: then the page must not claim that something did.
            if row["state"] != "failed" or row["fault"] not in ("network", "us"):
                found.append(f"never submitted, and yet {row['state']} {row['code']}")
            return found
        [folder] = mine[:1]
        built = [json.loads(line) for line in (folder / "events.ndjson").read_bytes().splitlines()]
        if row["code"] == "outcome-unknown":
            return found
        if row["job"] != folder.name:
            found.append(f"job {row['job']}, built as {folder.name}")
        result = built[-1].get("result", {})
        if result.get("status") == "ok" and (row["state"], row["verdict"]) != ("done", "simulated"):
            found.append(f"built well, and yet {row['state']} {row['code']} {row['verdict']}: {row['message']}")
        if result.get("status") != "ok" and (row["state"], row["fault"], row["code"]) != ("failed", "builder", "build-failed:Interrupted"):
            found.append(f"the builder said {result}, and the page {row['state']} {row['fault']} {row['code']}")
        return found + self._log_problems(row, built)

    def _log_problems(self, row: dict[str, Any], built: list[dict[str, Any]]) -> list[str]:
        stored = [[kind, text, extra] for _seq, kind, text, extra in row["events"] if kind != "site"]
        expected = [_stored_as(event) for event in built]
        self.outcome.lines += len(expected)
        found = []
        if [seq for seq, *_rest in row["events"]] != list(range(1, row["last_seq"] + 1)):
            found.append("its lines are not numbered one by one")
        if stored != expected:
            at = next((i for i, (a, b) in enumerate(zip(stored, expected, strict=False)) if a != b), min(len(stored), len(expected)))
            found.append(f"its log differs from the built one at event {at + 1}: {stored[at : at + 1]} for {expected[at : at + 1]}")
        return found

    def _jobs(self) -> list[tuple[str, Path]]:
        """Nonce and folder of every submission that the builder accepted."""
        folders = sorted(path.parent for path in self.folder.glob("data/**/jobs/*/request.json"))
        return [(json.loads((folder / "request.json").read_bytes())["nonce_hex"], folder) for folder in folders]


LIMITS: dict[str, str] = {}


def _stored_as(event: dict[str, Any]) -> list[Any]:
    """How this site stores an event of a server."""
    extra = {key: value for key, value in event.items() if key not in ("type", "msg")}
    text = event.get("msg", "")
    if event["type"] == "complete":
        text = extra["result"].get("error") or ""
    return [event["type"], text, extra]


def _is(process: psutil.Process, word: str) -> bool:
    try:
        return word in process.cmdline()
    except psutil.Error:
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
