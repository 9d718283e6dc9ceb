"""The portable proof: one page that checks its own documents without any network, and the same as plain files.

It is assembled from what the link shows, and from nothing else; the same report and modules give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from django.conf import settings
from django.http import Http404
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from kettle_web.sharing.compose import addresses_for_token, shown_view
from kettle_web.sharing.inlined import modules_folder, modules_inlined
from kettle_web.sharing.material import document_bytes, material_document
from kettle_web.sharing.shown import Shown
from kettle_web.sharing.signing_keys import keys_document
from kettle_web.sharing.summary import summary_envelope
from kettle_web.verification.report import report_to_json
from kettle_web.verifications.fragments import ReportView

ENTRY: Final = "proof.js"
STYLES: Final = ("css/tokens.css", "css/proof-file.css")
ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP can say: the same for every file, so that the same proof is the same bytes."""
FOLDER: Final = "kettle-proof/"


@dataclass(frozen=True)
class ProofCommands:
    """Lines with which the plain files are checked."""

    module: str
    manage: str
    kettle: str


def proof_commands(shown: Shown) -> ProofCommands:
    """They judge the documents of the folder `kettle-proof` at the report's own time, by the lists that it used."""
    nonce = f" --nonce {shown.nonce_hex}" if shown.nonce_hex else ""
    options = nonce + " --no-artifacts"
    material = _policy(shown)
    options += " --policy kettle-proof/policy.json" if material else ""
    options += " --collateral kettle-proof/collateral.json" if shown.report.collateral else ""
    moment = shown.report.now.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    options += f" --now {moment}"
    return ProofCommands(
        module=f"python -m kettle_web.verification kettle-proof{options}",
        manage=f"python manage.py verify kettle-proof{options}",
        kettle=f"kettle verify kettle-proof{nonce}",
    )


def _policy(shown: Shown) -> dict[str, Any] | None:
    policy: dict[str, Any] | None = material_document(shown, file_url=None)["policy"]
    return policy if policy and policy["entries"] else None


def csp_hash(text: str) -> str:
    """A source expression that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def script_safe_json(value: Any) -> str:
    """JSON that no HTML parser reads as anything but text: no `<`, `>`, `&`, and no line ends that scripts know and JSON does not."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@dataclass(frozen=True)
class ProofPage:
    """What the template `sharing/proof.html` puts together. `script` and `style` are files of this checkout, `data` is escaped by
    `script_safe_json`: nothing of a build is in them unescaped.
    """

    report: ReportView
    commands: ProofCommands
    csp: str
    style: SafeString
    script: SafeString
    data: SafeString
    has_provenance: bool
    has_evidence: bool
    is_provenance_hidden: bool
    address: str
    """Of the site that made it."""


def proof_html(shown: Shown) -> bytes:
    """One self-contained page. Raises `Http404` where the link hands out nothing that could be checked."""
    if not shown.row.evidence_sha256 or shown.is_evidence_hidden:
        raise Http404
    script = modules_inlined(ENTRY)
    style = "\n".join((modules_folder().parent / name).read_text("utf-8") for name in STYLES)
    page = ProofPage(
        report=shown_view(shown, addresses_for_token("-")),
        commands=proof_commands(shown),
        csp=(
            f"default-src 'none'; script-src {csp_hash(script)}; style-src {csp_hash(style)}; "
            "connect-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
        ),
        style=SafeString(style),
        script=SafeString(script),
        data=SafeString(script_safe_json(material_document(shown, file_url=None))),
        has_provenance=bool(shown.row.provenance_sha256) and not shown.is_provenance_hidden,
        has_evidence=True,
        is_provenance_hidden=shown.is_provenance_hidden,
        address=settings.PUBLIC_URL,
    )
    return render_to_string("sharing/proof.html", {"page": page}).encode()


def proof_zip(shown: Shown) -> bytes:
    """The same as plain files, with the page itself among them. Raises `Http404` like `proof_html`."""
    files = {"proof.html": proof_html(shown), **_plain_files(shown)}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(FOLDER + name, ZIP_TIME)
            info.external_attr = 0o644 << 16
            info.create_system = 3
            archive.writestr(info, data)
    return buffer.getvalue()


def _plain_files(shown: Shown) -> dict[str, bytes]:
    files = {"evidence.json": document_bytes(shown.row.evidence_sha256, "evidence")}
    if shown.row.provenance_sha256 and not shown.is_provenance_hidden:
        files["provenance.json"] = document_bytes(shown.row.provenance_sha256, "provenance")
    values: dict[str, Any] = {
        "report.json": report_to_json(shown.report),
    }
    if shown.report.artifacts:
        values |= {"summary.dsse.json": summary_envelope(shown, verifier_id=settings.PUBLIC_URL), "summary-keys.json": keys_document()}
    if policy := _policy(shown):
        values["policy.json"] = policy
    if shown.report.collateral:
        values["collateral.json"] = shown.report.collateral
    files |= {name: _json(value) for name, value in values.items()}
    if shown.nonce_hex:
        files["nonce.txt"] = f"{shown.nonce_hex}\n".encode()
    context = {
        "commands": proof_commands(shown),
        "shown": shown,
        "address": settings.PUBLIC_URL,
        "has_provenance": "provenance.json" in files,
    }
    files["README.txt"] = render_to_string("sharing/proof-readme.txt", context).encode()
    return files


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode()
