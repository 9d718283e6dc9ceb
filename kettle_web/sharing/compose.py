"""Builds what the public pages show (`fragments`) from what a link shows (`shown`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.conf import settings
from django.urls import reverse

from kettle_web.builds.models import Build
from kettle_web.sharing.badge import snippets
from kettle_web.sharing.fragments import PartRow, ShareAddresses, SharePage
from kettle_web.sharing.parts import PART_TEXTS, PART_TITLES, Part
from kettle_web.sharing.shown import Shown
from kettle_web.verifications.compose import Addresses, report_view
from kettle_web.verifications.fragments import Commands, ReportView
from kettle_web.verifications.models import Artifact
from kettle_web.verifications.selectors import addresses_for_viewer, artifact_url_name

CARD_SIZE: Final = (440, 230)
"""Width and height of the card's frame, in CSS pixels."""


def addresses_for_token(token: str) -> Addresses:
    return Addresses(
        report=reverse("sharing:report-below", args=[token]),
        file=lambda name: reverse("sharing:file", args=[token, name]),
        artifact=lambda sha256, name: reverse("sharing:artifact", args=[token, sha256, artifact_url_name(name)]),
    )


def share_addresses(shown: Shown, token: str) -> ShareAddresses:
    """The addresses behind a token; whole ones where they are pasted elsewhere."""

    def at(name: str, *, whole: bool = False) -> str:
        return (settings.PUBLIC_URL if whole else "") + reverse(f"sharing:{name}", args=[token])

    has_proof = bool(shown.row.evidence_sha256) and not shown.is_evidence_hidden
    return ShareAddresses(
        page=at("page", whole=True),
        material=at("material"),
        log=at("log") if shown.has(Part.LOG) else "",
        proof_html=at("proof-html") if has_proof else "",
        proof_zip=at("proof-zip") if has_proof else "",
        summary=at("summary") if shown.report.artifacts else "",
        printed=at("printed"),
        badge=at("badge", whole=True),
        card=at("card", whole=True),
    )


NO_ADDRESSES: Final = ShareAddresses(
    page="", material="", log="", proof_html="", proof_zip="", summary="", printed="", badge="", card=""
)  # fmt: skip


def shown_view(shown: Shown, addresses: Addresses) -> ReportView:
    """The report's view without what the link does not show."""
    build, has = shown.build, shown.has
    stored = Artifact.objects.filter(build=build) if has(Part.ARTIFACTS) else ()
    view = report_view(
        build=build,
        row=shown.row,
        report=shown.report,
        stored=stored,
        nonce=shown.nonce_hex,
        report_count=1,
        addresses=addresses,
    )
    source = view.source
    if not has(Part.PROVENANCE):
        source = replace(source, asked_ref="", resolved_commit="", archive_name="", archive_sha256="", archive_size=None)
    elif build.origin == Build.Origin.IMPORT:
        # What the importer's file was called says nothing about the build.
        source = replace(source, archive_name="", archive_sha256="", archive_size=None)
    files = tuple(file for file in view.raw_files if shown.shows_document(file.name))
    commands = view.commands if shown.shows_document("provenance.json") else Commands(nonce="", kettle="", manage="")
    return replace(view, source=source, raw_files=files, commands=commands)


def share_page(shown: Shown, token: str) -> SharePage:
    """The page behind a token."""
    urls = share_addresses(shown, token)
    pasted = snippets(page_url=urls.page, badge_url=urls.badge)
    return _page(shown, shown_view(shown, addresses_for_token(token)), urls, markdown=pasted["markdown"], html=pasted["html"])


def preview_page(shown: Shown) -> SharePage:
    """The same page for whoever is about to share: its downloads are the owner's own, and nothing leads to a token."""
    view = shown_view(shown, addresses_for_viewer(shown.build))
    return replace(_page(shown, view, NO_ADDRESSES, markdown="", html=""), is_preview=True, build_uid=shown.build.uid)


def _page(shown: Shown, view: ReportView, urls: ShareAddresses, *, markdown: str, html: str) -> SharePage:
    link, build = shown.link, shown.build
    width, height = CARD_SIZE
    return SharePage(
        report=view,
        scope=link.scope,
        repository=link.repository,
        ref=link.ref,
        parts=frozenset(part.value for part in shown.parts),
        hidden=tuple(part_row(part) for part in Part if part not in shown.parts),
        is_provenance_hidden=shown.is_provenance_hidden,
        is_evidence_hidden=shown.is_evidence_hidden,
        built_at=build.created_at,
        is_import=build.origin == Build.Origin.IMPORT,
        expires_at=link.expires_at,
        urls=urls,
        markdown=markdown,
        html=html,
        frame=f'<iframe src="{urls.card}" title="kettle" width="{width}" height="{height}" loading="lazy"></iframe>' if urls.card else "",
        is_preview=False,
        build_uid="",
    )


def part_row(part: Part) -> PartRow:
    return PartRow(part.value, str(PART_TITLES[part]), str(PART_TEXTS[part]))
