"""Getting a source: what may be asked for, how git is kept in, unpacking an archive, reading its git identity.

git is run inside the walls with every way to start a program or leave the address turned off. Its network is the
egress proxy, which vets addresses at connect time. Source of the settings: git-config(1), git(1) «Environment».
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.source import source_unpack
from kettle_web.builder.errors import SourceError
from kettle_web.builder.gitrepo import folder_commit
from kettle_web.outbound.errors import OutboundError
from kettle_web.outbound.sources import source_ref_check, source_url_check

DEFAULT_NAME = "kettle-build"
MAX_NAME = 80
MAX_URI = 2000
MADE_MESSAGE = "Source archive without a git history."
GIT_OFF = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "http.followRedirects": "initial",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "safe.directory": "*",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
"""Hooks, monitors, credential helpers, submodules, later redirects, and every protocol but HTTP(S)."""


@dataclass(frozen=True)
class Identity:
    """What git says of the source: commit and tree (hex), and the origin's address ("" without one)."""

    commit: str
    tree: str
    uri: str


def git_environment(proxy: str = "") -> dict[str, str]:
    """Give the environment of every git that the builder runs, or lets cargo run; with a proxy where there is network."""
    settings = GIT_OFF | ({"http.proxy": proxy} if proxy else {})
    environment = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "http:https",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def certificate_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give what tells git and cargo of the machine's own certificate authorities, where it has any."""
    bundle = environment.get("SSL_CERT_FILE", "")
    return dict.fromkeys(("SSL_CERT_FILE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO"), bundle) if bundle else {}


def url_allowed(url: str, hosts: Sequence[str]) -> str:
    """Give the address of a repository as it may be fetched. Raises SourceError."""
    try:
        return source_url_check(url, allowed_hosts=tuple(hosts))
    except OutboundError as error:
        raise SourceError(str(error)) from error


def ref_allowed(ref: str) -> str:
    """Give a branch, tag or commit as git may be given it; "" is the default branch. Raises SourceError."""
    if not ref:
        return "HEAD"
    try:
        return source_ref_check(ref)
    except OutboundError as error:
        raise SourceError(str(error)) from error


def archive_project(archive: Path, into: Path) -> Path:
    """Unpack an archive; give the project's folder. Raises SourceError."""
    try:
        return source_unpack(archive, into)
    except ArchiveError as error:
        raise SourceError(str(error)) from error


def history_make(project: Path) -> str:
    """Give a project without `.git` one commit made of its files, the same for the same files; give its id."""
    return folder_commit(project, message=MADE_MESSAGE).commit


def identity_read(said: Sequence[str], uri: str) -> Identity:
    """Make an identity of what `git rev-parse HEAD HEAD^{tree}` and `git remote get-url origin` said.

    Raises:
        SourceError: no commit, or an address with credentials, which would be signed and published.
    """
    if len(said) != 2 or not all(re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", word) for word in said):
        raise SourceError("The source's .git names no commit.")
    if len(uri) > MAX_URI or not uri.isprintable():
        raise SourceError("The origin in .git/config is no address.")
    try:
        parts = urlsplit(uri)
        secret = bool(parts.password) or (bool(parts.username) and parts.scheme in ("http", "https"))
    except ValueError as error:
        raise SourceError("The origin in .git/config is no address.") from error
    if secret:
        raise SourceError("The origin in .git/config holds credentials. They would be published; remove and revoke them.")
    return Identity(commit=said[0], tree=said[1], uri=uri)


def project_name(*, repo_url: str, folder: str, source_name: str) -> str:
    """Name the result's folder: the repository's, else the archive's top folder, else the archive's name, else a default."""
    repository = urlsplit(repo_url).path.rstrip("/").rpartition("/")[2].removesuffix(".git") if repo_url else ""
    stem = re.sub(r"\.(zip|tgz|tar|tar\.gz)$", "", source_name.replace("\\", "/").rpartition("/")[2], flags=re.IGNORECASE)
    for name in (repository, folder, stem):
        clean = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:MAX_NAME]
        if clean:
            return clean
    return DEFAULT_NAME
