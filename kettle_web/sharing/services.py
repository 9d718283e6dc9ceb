"""Making and revoking links."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _

from kettle_web.builds.models import Build
from kettle_web.sharing.models import ShareLink
from kettle_web.sharing.parts import PARTS_DEFAULT, Part, parts_ordered
from kettle_web.sharing.passphrase import passphrase_hash
from kettle_web.verifications.models import Artifact

TOKEN_BYTES: Final = 32
"""256 bits: nobody guesses one, and its SHA-256 may be stored without salt."""
MAX_OPEN_LINKS: Final = 100
"""Of one build."""


class SharingError(Exception):
    """A link cannot be made. `code` is stable; the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def token_sha256(token: str) -> bytes:
    """Give what is stored of a token: 32 bytes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True)
class Wanted:
    """What a new link is to be."""

    label: str = ""
    expires_at: datetime | None = None
    parts: tuple[Part, ...] = PARTS_DEFAULT
    passphrase: str = ""
    artifact_sha256: str = ""
    """Hex: only this file of the build; empty: the build."""
    is_latest: bool = False
    """The latest build of the build's repository instead of this one."""
    ref: str = ""
    """With `is_latest`: only of this ref; empty: of any."""


def link_create(
    *, build: Build, user: User, label: str = "", expires_at: datetime | None = None, wanted: Wanted | None = None
) -> tuple[ShareLink, str]:
    """Give a new link and its token, which is stored nowhere. Raises `SharingError`."""
    wanted = wanted or Wanted(label=label, expires_at=expires_at)
    if not build.verdict:
        raise SharingError("not-ready", _("This build is not verified yet: there is nothing to share."))
    if ShareLink.objects.filter(build=build, revoked_at=None).count() >= MAX_OPEN_LINKS:
        raise SharingError("too-many", _("There are too many links to this build: revoke some first."))
    link = link_draft(build=build, user=user, wanted=wanted)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link.token_sha256 = token_sha256(token)
    link.save()
    return link, token


def link_draft(*, build: Build, user: User, wanted: Wanted) -> ShareLink:
    """Give the link as it would be, for its preview: not stored, without a token. Raises `SharingError`."""
    fields = {
        "label": wanted.label,
        "expires_at": wanted.expires_at,
        "parts": [part.value for part in parts_ordered([part.value for part in wanted.parts])],
        "passphrase_hash": passphrase_hash(wanted.passphrase),
        "created_by": user,
    }
    if wanted.is_latest:
        if build.origin != Build.Origin.REPOSITORY:
            raise SharingError("no-repository", _("Only builds that were asked for by the address of a repository have a latest one."))
        return ShareLink(scope=ShareLink.Scope.LATEST, repository=build.repo_url, ref=wanted.ref, **fields)
    if wanted.artifact_sha256:
        if not Artifact.objects.filter(build=build, sha256=bytes.fromhex(wanted.artifact_sha256)).exists():
            raise SharingError("no-file", _("This build has no such file."))
        return ShareLink(scope=ShareLink.Scope.ARTIFACT, build=build, artifact_sha256=bytes.fromhex(wanted.artifact_sha256), **fields)
    return ShareLink(build=build, **fields)


def link_url(token: str) -> str:
    """Give the address to hand out."""
    return f"{settings.PUBLIC_URL}{reverse('sharing:page', args=[token])}"


def link_revoke(*, link: ShareLink, now: datetime) -> None:
    """Close a link for good; a second time changes nothing."""
    ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now)
