"""A source as it is submitted: the repository's address and ref, the archive's findings, the bundled sample."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from kettle_web.builder.sample import sample_archive, sample_for_machine, sample_git_tree
from kettle_web.builder.toolchains import toolchain_advice, toolchains_found
from kettle_web.builds.errors import BuildError
from kettle_web.builds.models import Upload
from kettle_web.builds.preflight import archive_inspect, refusals
from kettle_web.builds.services import Source
from kettle_web.core.blobs import blob_path_local, blob_write_bytes
from kettle_web.outbound.errors import AddressRefused, OutboundError
from kettle_web.outbound.gitrefs import ref_resolve
from kettle_web.outbound.limits import TransportLimits
from kettle_web.outbound.sources import source_ref_check, source_url_check
from kettle_web.outbound.transport import vetted_transport

RESOLVE_SECONDS = 4.0
"""A person waits for the form's answer: what is not known by then is «not established»."""


@dataclass(frozen=True)
class Repository:
    url: str
    """Normalised."""
    ref: str
    """Empty: the default branch."""


class RepositoryError(BuildError):
    """`field` names the form's field that is to be corrected."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(code, message)
        self.field = field


def repository_check(*, url: str, ref: str) -> Repository:
    """Give the repository as it will be built. Raises `RepositoryError`."""
    try:
        normal = source_url_check(url.strip(), allowed_hosts=settings.ALLOWED_SOURCE_HOSTS)
    except OutboundError as error:
        raise RepositoryError("repo_url", error.code, error.message) from error
    try:
        return Repository(normal, source_ref_check(ref))
    except OutboundError as error:
        raise RepositoryError("repo_ref", error.code, error.message) from error


def repository_commit(repository: Repository) -> str:
    """Give the commit that the ref points to just now, hex; empty where its host does not say within a few seconds.

    Raises `RepositoryError` when the host's address is one that may not be reached from here.
    """
    limits = TransportLimits(connection_seconds=RESOLVE_SECONDS)
    with vetted_transport(allowed_hosts=settings.ALLOWED_SOURCE_HOSTS, limits=limits) as transport:
        try:
            return ref_resolve(repository.url, repository.ref, transport=transport, deadline=RESOLVE_SECONDS) or ""
        except AddressRefused as error:
            if error.retry:
                return ""
            raise RepositoryError("repo_url", error.code, error.message) from error


def upload_check(upload: Upload) -> None:
    """Raise `BuildError` for an archive that the pre-flight refuses, naming the first reason; the page lists them all."""
    if refused := refusals(upload.inspection):
        raise BuildError("archive-refused", str(refused[0]["message"]))


@dataclass(frozen=True)
class Sample:
    """Whether this site's own server can build the sample."""

    name: str
    is_buildable: bool
    advice: str
    """How to install what is missing; empty when nothing is."""


def sample_state() -> Sample:
    found = toolchains_found()
    sample = sample_for_machine(found)
    advice = "" if found.get(sample.toolchain) else toolchain_advice(sample.toolchain)
    return Sample(sample.name, not advice, advice)


def sample_source() -> Source:
    """Store the bundled sample as an archive. The same bytes every time. Raises `BuildError` where it cannot be built."""
    sample = sample_for_machine()
    blob = blob_write_bytes(sample_archive(sample))
    with blob_path_local(blob.sha256_hex) as path:
        found = archive_inspect(path)
    if refused := refusals(found):
        raise BuildError("sample", _("The bundled sample is damaged: %(said)s") % {"said": refused[0]["message"]})
    return Source(
        sha256_hex=blob.sha256_hex,
        name=f"{sample.name}.tar.gz",
        size=blob.size,
        git_tree=sample_git_tree(sample),
        lockfile_sha256=str(found.get("lockfile_sha256") or ""),
        claimed_commit=str(found.get("head_commit") or ""),
    )
