"""Cloning a repository: one commit, as shallow as its host allows, and its submodules under the same rules.

Works with every git of the last ten years: `git init`, then `git fetch` of what is wanted (`git clone --revision` is of 2.49).
A commit that the host does not give by itself, and an abbreviated one, are looked for in the whole history; the egress
proxy bounds how much that may be. Submodules are fetched by the same code and never by `git submodule`, which would
drop the settings that keep git in. Redirects are git's to follow: every host it turns to is vetted by the proxy, and an
https address cannot be led to plain http.
"""

import os
import re
import time
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from kettle_web.builder.errors import SourceError, Timeout
from kettle_web.builder.eventlog import EventWriter
from kettle_web.builder.options import Options
from kettle_web.builder.sandbox.walls import Mount, Room
from kettle_web.builder.sources import url_allowed
from kettle_web.builder.steps import StepRunner

PLACE = "/build/source"
COMMIT = re.compile(r"[0-9a-f]{4,64}\Z", re.IGNORECASE)
"""A whole commit id, or what may be the beginning of one: git wants four digits."""
GITLINK = re.compile(r"160000 commit ([0-9a-f]{40}|[0-9a-f]{64})\t")
SUBMODULE_KEYS = r"^submodule\..*\.(path|url)$"
MAX_SUBMODULES = 200
MAX_DEPTH = 8
"""Submodules of submodules."""
SAID_CHARS = 400


class Cloner:
    """Clones one build's source into one folder, within one fetch's time."""

    def __init__(self, folder: Path, steps: StepRunner, options: Options, events: EventWriter) -> None:
        self._folder, self._steps, self._options, self._events = folder, steps, options, events
        self._until = time.monotonic() + options.limits.fetch_seconds
        self._count = 0

    def clone(self, url: str, ref: str) -> None:
        """Clone. `url` and `ref` have been checked. Raises BuildError."""
        self._events.say("init", f"Cloning {url} at {ref}.")
        self._fetch(PurePosixPath("."), url, ref)
        self._submodules(PurePosixPath("."), url, depth=1)

    def _fetch(self, at: PurePosixPath, url: str, ref: str) -> None:
        """Make the folder `at` a repository with one commit checked out."""
        for words in (["init", "--quiet", "--template="], ["remote", "add", "origin", url]):
            self._need(at, words, "The work folder could not be made")
        said, status = self._git(at, ["fetch", "--quiet", "--depth=1", "--no-tags", "origin", ref], url=url)
        wanted = "FETCH_HEAD"
        if status and COMMIT.match(ref):
            wanted = f"{ref}^{{commit}}"
            self._events.say("init", f"{url} does not give {ref} by itself: fetching the whole history.")
            refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
            said, status = self._git(at, ["fetch", "--quiet", "--no-tags", "origin", *refs], url=url)
        elif status and "not support shallow" in _tail(said):
            said, status = self._git(at, ["fetch", "--quiet", "--no-tags", "origin", ref], url=url)
        if status:
            raise SourceError(f"git could not fetch {ref} from {url}: {_tail(said) or status}")
        self._need(at, ["rev-parse", "--verify", "--quiet", wanted], f"There is no commit {ref} in {url}, or more than one begins so")
        self._need(at, ["checkout", "--quiet", "--detach", wanted], "git could not check the commit out")

    def _submodules(self, at: PurePosixPath, url: str, *, depth: int) -> None:
        """Fetch the submodules of the repository at `at`, and theirs."""
        if not (self._folder / at / ".gitmodules").is_file():
            return
        for path, told in self._submodule_rows(at):
            said, _ = self._git(at, ["ls-tree", "HEAD", "--", path])
            link = GITLINK.match(said[0]) if len(said) == 1 else None
            place = self._folder / at / path
            if link is None or not place.is_dir() or Path(os.path.realpath(place)) != Path(os.path.realpath(self._folder)) / at / path:
                continue
            self._count += 1
            if self._count > MAX_SUBMODULES or depth > MAX_DEPTH:
                raise SourceError(f"The repository has more than {MAX_SUBMODULES} submodules, or they lie deeper than {MAX_DEPTH}.")
            try:
                theirs = url_allowed(submodule_url(url, told), self._options.source_hosts)
            except SourceError as error:
                raise SourceError(f"The submodule {path}: {error}") from error
            self._events.say("init", f"Submodule {at / path}: {theirs} at {link[1]}.")
            self._fetch(at / path, theirs, link[1])
            self._submodules(at / path, theirs, depth=depth + 1)

    def _submodule_rows(self, at: PurePosixPath) -> list[tuple[str, str]]:
        """Give path and address of each submodule as the commit's own .gitmodules says."""
        said, status = self._git(at, ["config", "--blob", "HEAD:.gitmodules", "-z", "--get-regexp", SUBMODULE_KEYS])
        if status > 1:
            raise SourceError(f"The file .gitmodules cannot be read: {_tail(said)}")
        found: dict[str, dict[str, str]] = {}
        for row in "\n".join(said).split("\0"):
            key, newline, value = row.partition("\n")
            name, _, what = key.rpartition(".")
            if newline:
                found.setdefault(name, {})[what] = value
        return [(one["path"], one["url"]) for one in found.values() if "path" in one and "url" in one]

    def _need(self, at: PurePosixPath, words: list[str], failed: str) -> None:
        said, status = self._git(at, words)
        if status:
            raise SourceError(f"{failed}: {_tail(said) or status}")

    def _git(self, at: PurePosixPath, words: list[str], *, url: str = "") -> tuple[list[str], int]:
        """Run git in the folder `at`; with the way out where it fetches from `url`."""
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise Timeout(f"Fetching the source took longer than {self._options.limits.fetch_seconds:g} seconds and was ended.")
        environment = self._steps.network() | {"GIT_LITERAL_PATHSPECS": "1"}
        if url.startswith("https:"):
            environment["GIT_ALLOW_PROTOCOL"] = "https"
        room = Room((Mount(self._folder, PLACE, True),), network=bool(url), environment=environment)
        inside = self._steps.place(room, self._folder / at)
        return self._steps.ask(room, ["git", "-C", inside, *words], seconds=seconds)


def submodule_url(parent: str, told: str) -> str:
    """Give a submodule's address; one that begins with `./` or `../` is relative to its parent's repository. Raises SourceError."""
    if not told.startswith(("./", "../")):
        return told
    scheme, host, path, _, _ = urlsplit(parent)
    parts = path.strip("/").split("/")
    while told.startswith(("./", "../")):
        step, _, told = told.partition("/")
        if step == "..":
            if not parts:
                raise SourceError("Its address leads out of the repository's host.")
            parts.pop()
    return urlunsplit((scheme, host, "/".join(["", *parts, *told.strip("/").split("/")]), "", ""))


def _tail(said: list[str]) -> str:
    return " ".join(said[-3:])[-SAID_CHARS:]
