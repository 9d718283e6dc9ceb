"""Results that mean harm: each ends the build as the builder's fault, with a sentence, and leaves nothing behind."""

import hashlib
import io
import json
import tarfile

import pytest
from django.utils import timezone

from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.builds.leases import lease_claim
from kettle_web.builds.states import Fault, State
from kettle_web.core.blobs import scratch_folder
from kettle_web.verifications.arrival import build_verify
from kettle_web.verifications.models import Artifact, Report
from tests.accounts.people import person_make
from tests.verifications.bundles import HELLO, NONCE, build_make, provenance_make, result_make, tarball_make

pytestmark = pytest.mark.django_db


def _file(name, data=b"x"):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    return entry, data


def _special(name, kind, target=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry, b""


def _tar(*entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for entry, data in entries:
            tar.addfile(entry, io.BytesIO(data) if entry.isreg() else None)
    return buffer.getvalue()


DOCUMENT = _file("hello/provenance.json", b"{}")
HOSTILE = {
    "traversal": _tar(DOCUMENT, _file("hello/../../evil")),
    "absolute": _tar(DOCUMENT, _file("/etc/evil")),
    "symlink": _tar(DOCUMENT, _special("hello/artifacts/a", tarfile.SYMTYPE, "/etc/passwd")),
    "hard link": _tar(DOCUMENT, _special("hello/artifacts/a", tarfile.LNKTYPE, "/etc/passwd")),
    "device": _tar(DOCUMENT, _special("hello/artifacts/a", tarfile.CHRTYPE)),
    "fifo": _tar(DOCUMENT, _special("hello/artifacts/a", tarfile.FIFOTYPE)),
    "doubled document": _tar(DOCUMENT, DOCUMENT),
    "doubled in other case": _tar(DOCUMENT, _file("hello/artifacts/a"), _file("hello/artifacts/A")),
    "two folders": _tar(DOCUMENT, _file("other/evidence.json")),
    "document is a folder": _tar(_special("hello/provenance.json", tarfile.DIRTYPE), _file("hello/provenance.json/x")),
    "oversized document": _tar(_file("hello/provenance.json", bytes(16 * 1024 * 1024 + 1))),
    "bomb": _tar(DOCUMENT, _file("hello/artifacts/zeros", bytes(80 * 1024 * 1024))),
    "no documents": _tar(_file("hello/artifacts/a")),
    "empty": _tar(),
    "truncated": _tar(DOCUMENT, _file("hello/artifacts/a", hashlib.sha512(b"x").digest() * 1000))[:-300],
    "not an archive": b"<html>502 Bad Gateway</html>",
    "no bytes": b"",
}


def _arrived(tarball, **fields):
    build = build_make(person_make("ada"), tarball=tarball, **fields)
    lease = lease_claim(build.pk, [State.VERIFYING])
    assert lease is not None
    build_verify(lease=lease, now=timezone.now())
    build.refresh_from_db()
    return build


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_result_ends_the_build(kind):
    build = _arrived(HOSTILE[kind])
    assert (build.state, build.fault) == (State.FAILED, Fault.BUILDER)
    assert build.failure_code.startswith(("archive.", "result."))
    assert build.failure_message.endswith(".")
    assert not Report.objects.exists()
    assert not Artifact.objects.exists()
    assert not list(scratch_folder().iterdir())


def test_evidence_for_another_provenance_fails():
    other = simulated_evidence(hashlib.sha256(b"another document").digest() + NONCE)
    files = {"provenance.json": provenance_make(), "evidence.json": other, "artifacts/hello": HELLO}
    build = _arrived(tarball_make(files))
    assert (build.state, build.verdict) == (State.DONE, "failed")


@pytest.mark.parametrize("evidence", [b"", b"[]", b"{}", b"\xff", b'{"platform": "snp"}', b'{"platform":"snp","evidence":7}'])
def test_evidence_that_cannot_be_read_is_never_a_pass(evidence):
    files = {"provenance.json": provenance_make(), "evidence.json": evidence, "artifacts/hello": HELLO}
    build = _arrived(tarball_make(files))
    assert build.state == State.DONE
    assert build.verdict in ("failed", "incomplete")


def test_unknown_platform_is_never_a_pass():
    envelope = json.loads(result_make().evidence) | {"platform": "toaster"}
    files = {"provenance.json": provenance_make(), "evidence.json": json.dumps(envelope).encode(), "artifacts/hello": HELLO}
    assert _arrived(tarball_make(files)).verdict in ("failed", "incomplete")


def test_result_without_subjects_fails():
    assert _arrived(result_make(subjects={}).tarball).verdict == "failed"


def test_artifacts_outside_of_the_document_are_not_kept():
    build = _arrived(result_make(artifacts={"hello": HELLO, "deep/er": b"extra"}).tarball)
    assert build.verdict == "simulated"
    assert list(Artifact.objects.values_list("name", flat=True)) == ["hello"]
