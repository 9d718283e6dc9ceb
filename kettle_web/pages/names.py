"""What a build is called where it has no label."""

from __future__ import annotations

from urllib.parse import urlsplit

from kettle_web.builds.models import Build


def repository_name(url: str) -> str:
    """The path of a repository's address, without `.git`: «burntsushi/ripgrep». An address that has none stays whole."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return url
    return path.strip("/").removesuffix(".git") or url


def build_name(build: Build, *, attested_url: str = "") -> str:
    """Give a name that a person recognises; `attested_url` is what the provenance says, for builds that nobody asked for here."""
    if build.label:
        return build.label
    for url in (build.repo_url, "" if build.source_name else attested_url):
        if url:
            return repository_name(url)
    return build.source_name or str(Build.Origin(build.origin).label)
