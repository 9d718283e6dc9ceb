"""Bundles on which the two verifiers must agree: real ones, minted ones of every platform, and the same under many questions."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kettle_web.attestation.anchors import Anchor, AnchorSet
from kettle_web.attestation.formats.event_log import Event, event_log_encode, rtmrs_replayed
from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.provenance.serialise import provenance_to_bytes, provenance_to_compact_bytes
from kettle_web.verification.inquiry import Request
from kettle_web.verification.policy_json import policy_parse
from kettle_web.verification.run import run_checks
from tests.fakes import amd, hcl, intel
from tests.provenance.samples import BUNDLES, SAMPLES
from tests.verification import bundles

NOW = datetime(2026, 6, 1, 12, 0, 0, 250_000, tzinfo=UTC)
NONCE = bytes(range(1, 17))


@dataclass(frozen=True)
class Bundle:
    """One question to both verifiers."""

    name: str
    provenance: bytes | None
    evidence: bytes | None
    anchors: AnchorSet | None = None
    """None: the pinned ones."""
    nonce: bytes | None = None
    policy: dict[str, Any] | None = None
    request: Request | None = None
    now: datetime = NOW
    extra: dict[str, Any] = field(default_factory=dict)
    files: tuple[tuple[str, bytes], ...] | None = None
    """None: files are left out."""

    def by_python(self) -> Any:
        return run_checks(
            provenance_bytes=self.provenance,
            evidence_bytes=self.evidence,
            anchors=self.anchors,
            nonce=self.nonce,
            request=self.request,
            policy=policy_parse(json.dumps(self.policy).encode()) if self.policy else None,
            now=self.now,
            artifacts=None if self.files is None else bundles.Files(*self.files),
            want_artifacts=self.files is not None,
            **self.extra,
        )

    def for_javascript(self) -> dict[str, Any]:
        names = {
            "received_at": "receivedAt",
            "nonce_made_at": "nonceMadeAt",
            "endpoint_attests": "endpointAttests",
            "evidence_seen_in": "evidenceSeenIn",
        }
        extra = {names[name]: value.isoformat() if isinstance(value, datetime) else value for name, value in self.extra.items()}
        artifacts: dict[str, list[dict[str, Any]]] = {}
        for name, data in self.files or ():
            artifacts.setdefault(name, []).append({"hex": hashlib.sha256(data).hexdigest(), "size": len(data)})
        return {
            "provenance": _base64(self.provenance),
            "evidence": _base64(self.evidence),
            "nonceHex": (self.nonce or b"").hex(),
            "policy": self.policy,
            "request": vars(self.request) if self.request else None,
            "now": self.now.isoformat(),
            "artifacts": None if self.files is None else artifacts,
            "anchors": [anchor_to_json(anchor) for anchor in self.anchors.anchors] if self.anchors else None,
            **extra,
        }


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def anchor_to_json(anchor: Anchor) -> dict[str, Any]:
    """In the form of `anchors/amd.json`."""
    return {
        "name": anchor.name,
        "kind": anchor.kind,
        "generation": anchor.generation,
        "role": anchor.role,
        "root": anchor.root,
        "not_before": anchor.not_before.isoformat(),
        "not_after": anchor.not_after.isoformat(),
        "certificate_sha256": anchor.certificate_sha256,
        "subject_der_base64": _base64(anchor.subject),
        "spki_der_base64": _base64(anchor.spki),
        "certificate_der_base64": _base64(anchor.certificate),
    }


def recorded() -> Iterator[Bundle]:
    """Real ones; none where the samples are absent."""
    if not SAMPLES.is_dir():
        return
    for name in BUNDLES:
        folder = SAMPLES / "bundles" / name
        both = (folder / "provenance.json").read_bytes(), (folder / "evidence.json").read_bytes()
        yield Bundle(name, *both)
        yield Bundle(f"{name} with a nonce", *both, nonce=NONCE, files=(("kex", b"no"), ("more", b"")))
    folder = SAMPLES / "evidence"
    for name in ("az-snp-report-v2", "snp-genoa", "az-tdx"):
        yield Bundle(name, None, (folder / f"{name}.json").read_bytes())
    inner = json.loads((folder / "az-tdx-without-envelope.json").read_bytes())
    yield Bundle("az-tdx-inner", None, envelope("az-tdx", inner))
    quote = (folder / "tdx-quote-v5.bin").read_bytes()
    yield Bundle("tdx-v5", None, envelope("tdx", intel.tdx_evidence(quote)))
    yield Bundle("dstack-v5", None, envelope("dstack", {"quote": quote.hex(), "event_log": "[]", "vm_config": None}))


def envelope(platform: str, evidence: dict[str, Any]) -> bytes:
    return json.dumps({"platform": platform, "evidence": evidence}).encode()


def documents() -> dict[str, bytes]:
    """A document of each toolchain, and of some trouble."""
    nix_digest = base64.b64encode(bytes(range(32))).decode()
    nix = {"nix": {"digest": {"sha256": "44" * 32}, "version": "2.18"}, "kettle": {"digest": {"sha256": "66" * 32}, "version": "1"}}
    pnpm = {"node": {"digest": {"sha256": "44" * 32}, "version": "22"}, "pnpm": {"digest": {"sha256": "55" * 32}, "version": "10"}}
    build_type = "https://confidential.ai/attested-builds/v1"
    fetch = {"digest": {"sha256": nix_digest}, "name": "source", "uri": f"pkg:nix-fetch/source?hash=sha256:{nix_digest}"}
    sri = "sha512-" + base64.b64encode(bytes(64)).decode()
    package = {"digest": {"sha512": sri}, "name": "@a/b", "uri": f"pkg:npm/@a/b@1.0.0?checksum={sri}"}
    tarball = {"digest": {"sha512": "ab" * 20}, "name": "left", "uri": "https://codeload.github.com/a/left/tar.gz/" + "ab" * 20}
    strange = {"digest": {"sha256": "x"}, "name": "é\u202e'\"", "uri": "oci:elsewhere"}
    git = {"digest": {"gitCommit": "cd" * 20}, "name": "g", "uri": f"pkg:cargo/g@0.1.0?vcs_url=git+https://example.org/g@{'cd' * 20}"}
    path = "predicate__buildDefinition__"
    return {
        name: provenance_to_bytes(bundles.document_make(**{path + key: value for key, value in values.items()}))
        for name, values in {
            "cargo": {},
            "cargo-git": {"resolvedDependencies": [git, strange]},
            "nix": {"internalParameters__toolchain": nix, "buildType": build_type, "resolvedDependencies": [fetch] * 3},
            "pnpm": {"internalParameters__toolchain": pnpm, "buildType": build_type, "resolvedDependencies": [package, tarball]},
        }.items()
    }


def signed(document: bytes, size: int = 64, nonce: bytes = NONCE) -> bytes:
    return bundles.signed_field(document, nonce).ljust(size, b"\0")


def policy_for(platform: str, report: Any, **demands: Any) -> dict[str, Any]:
    """A policy that recognises the image that a report speaks of."""
    claims = report.claims
    entry: dict[str, Any] = {
        "name": "Kettle 1.0",
        "kettle_release": "1.0",
        "platform": platform,
        "pinned_by": "an administrator",
        "reason": "ours",
        "derivation": "measured",
        "from": "2026-01-01T00:00:00Z",
        "mr_td" if platform.endswith("tdx") else "measurement": claims["measurement"],
    }
    if platform.startswith("az-"):
        entry["pcrs"] = {"4": claims["pcrs"][4]}
    if platform == "tdx":
        entry["rtmrs"] = {"0": claims["rtmrs"][0]}
    if platform == "snp":
        entry["minimum_tcb"] = {"snp": claims["tcb"]["reported"]["snp"]}
    return {"schema": 1, "version": "v1", "entries": [entry], **demands}


def minted() -> Iterator[Bundle]:
    """One of every platform that passes all its checks, signed by authorities of the tests."""
    written = documents()
    cargo = written["cargo"]
    fake = {name: amd.authority_mint(name) for name in ("milan", "genoa", "turin")}
    for generation, cpuid in (("milan", (0x19, 1)), ("genoa", (0x19, 0xA0))):
        report = amd.report_mint(report_data=signed(cargo), cpuid_family=cpuid[0], cpuid_model=cpuid[1])
        extensions = amd.vek_extensions(product={"milan": "Milan-B0", "genoa": "Genoa"}[generation])
        vek = fake[generation].vek_mint(extensions=extensions)
        anchors = fake[generation].anchor_set
        for tag in ("snp", "gcp-snp"):
            yield Bundle(f"{tag}-{generation}", cargo, envelope(tag, amd.snp_evidence(report, vek)), anchors, NONCE)
        yield Bundle(f"snp-{generation} without certificate", cargo, envelope("snp", amd.snp_evidence(report, None)), anchors)
    for name, document in written.items():
        yield Bundle(f"simulated-{name}", document, simulated_evidence(signed(document, 48)), None, NONCE)
    compact = hashlib.sha256(provenance_to_compact_bytes(json.loads(cargo))).digest()
    yield Bundle("simulated-compact", cargo, simulated_evidence(compact))
    az = hcl.az_snp_evidence(fake["milan"], quote={"extra_data": signed(cargo, 48)})
    yield Bundle("az-snp", cargo, envelope("az-snp", az), fake["milan"].anchor_set, NONCE)
    ca = intel.authority_mint()
    quote = intel.quote_mint(ca, body={"report_data": signed(cargo)})
    events = tuple(Event(register, 7, bytes([register]) * 48) for register in (1, 2, 3, 4))
    rtmrs = {f"rtmr{index}": value for index, value in enumerate(rtmrs_replayed(events))}
    logged = intel.quote_mint(ca, body={"report_data": signed(cargo), **rtmrs})
    later = {"report_data": signed(cargo), "tee_tcb_svn2": bytes(16), "mr_servicetd": bytes(48)}
    quote_v5 = intel.quote_mint(ca, version=5, body=later)
    yield Bundle("tdx", cargo, envelope("tdx", intel.tdx_evidence(quote)), ca.anchor_set, NONCE)
    yield Bundle("tdx-log", cargo, envelope("tdx", intel.tdx_evidence(logged, event_log_encode(events, b"x"))), ca.anchor_set, NONCE)
    yield Bundle("gcp-tdx-5", cargo, envelope("gcp-tdx", intel.tdx_evidence(quote_v5)), ca.anchor_set, NONCE)
    yield Bundle("dstack", cargo, envelope("dstack", {"quote": quote.hex()}), ca.anchor_set, NONCE)
    az_tdx = intel.az_tdx_evidence(ca, quote={"extra_data": signed(cargo, 50)})
    yield Bundle("az-tdx", cargo, envelope("az-tdx", az_tdx), ca.anchor_set, NONCE)


def asked() -> Iterator[Bundle]:
    """The same bundles under other questions: policies, requests, files, times, and what is not there."""
    cargo = documents()["cargo"]
    anchors = bundles.hardware_anchors()
    plain = Bundle("asked", cargo, simulated_evidence(signed(cargo, 48)), anchors, NONCE, None, bundles.REQUEST)
    recognising = policy_for("snp", plain.by_python())
    base = replace(plain, policy=recognising)
    yield base
    yield replace(base, name="files", files=(("hello", bundles.FILE),), extra={"evidence_seen_in": ""})
    yield replace(base, name="other files", files=(("hello", b"?"), ("hello", bundles.FILE), ("more", b"")))
    yield replace(base, name="no files", files=())
    yield replace(base, name="no evidence", evidence=None)
    yield replace(base, name="evidence owed", evidence=None, extra={"endpoint_attests": True})
    yield replace(base, name="no provenance", provenance=None)
    yield replace(base, name="nothing", provenance=None, evidence=None, policy=None, request=None, nonce=None)
    yield replace(base, name="seen", extra={"evidence_seen_in": "b2"})
    yield replace(base, name="too early", now=datetime(2019, 1, 1, tzinfo=UTC))
    yield replace(base, name="too late", now=datetime(2101, 1, 1, tzinfo=UTC))
    started = datetime(2026, 5, 1, tzinfo=UTC)
    yield replace(base, name="times", extra={"received_at": NOW, "nonce_made_at": started.replace(year=2020)})
    yield replace(base, name="made late", extra={"received_at": NOW, "nonce_made_at": NOW})
    yield replace(base, name="received early", extra={"received_at": started.replace(year=2020)})
    for nonce in (bytes(16), bytes(15), bytes(range(2, 18))):
        yield replace(base, name=f"nonce {nonce.hex()}", nonce=nonce)
    for fields in (
        {"repo_url": "https://EXAMPLE.org/hello"},
        {"repo_url": "https://example.org/other"},
        {"claimed": True},
        {},
        {"repo_url": "https://example.org/hello/", "repo_ref": "11" * 20},
        {"repo_url": "https://example.org/hello.git", "repo_ref": "AA" * 20},
        {"git_tree": "22" * 20, "lockfile_sha256": "33" * 32},
        {"git_tree": "23" * 20, "lockfile_sha256": "34" * 32},
    ):
        yield replace(base, name=f"request {fields}", request=Request(**fields))
    for demands in (
        {"allowed_builder_ids": ["https://lunal.dev/kettle-tee/v1"]},
        {"allowed_builder_ids": ["x"], "required_nonce": True},
        {"allowed_build_types": ["https://lunal.dev/kettle/nix@v1"]},
        {"required_source": {"repository": "https://example.org/hello"}},
        {"required_source": {"repository": "https://example.org/a", "ref": "main"}},
        {"required_source": {"ref": "11" * 20}},
        {"required_source": {"ref": "v2"}},
        {"required_collateral": True},
    ):
        yield replace(base, name=f"demands {demands}", policy=recognising | demands)
        yield replace(base, name=f"demands {demands} without nonce", nonce=None, request=None, policy={"schema": 1, **demands})
    for dates in ({"until": "2026-02-01T00:00:00+02:00"}, {"from": "2027-01-01T00:00:00.5Z"}):
        entry = recognising["entries"][0] | dates
        yield replace(base, name=f"entry {dates}", policy=recognising | {"entries": [entry]})


def pinned(found: Bundle) -> Bundle:
    """The bundle with a policy that recognises its image; itself where nothing was measured."""
    report = found.by_python()
    family = {"gcp-snp": "snp", "gcp-tdx": "tdx", "dstack": "tdx"}.get(report.platform, report.platform)
    if "measurement" not in report.claims or (family.startswith("az-") and "pcrs" not in report.claims):
        return found
    if family == "tdx" and not int(report.claims["rtmrs"][0], 16):
        return found
    if family.startswith("az-") and not int(report.claims["pcrs"][4], 16):
        return found
    return replace(found, name=f"{found.name} pinned", policy=policy_for(family, report))
