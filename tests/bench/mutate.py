"""Every byte of every genuine sample, changed: what no check notices."""

import json
import multiprocessing
from collections.abc import Iterator

from kettle_web.verification.report import Verdict
from kettle_web.verification.run import run_checks
from tests.attestation.conftest import SAMPLES_NOW
from tests.attestation.test_mutations import AZ_TDX_FIELDS, SAMPLES, UNCHECKABLE, sample_envelope, survivors
from tests.bench.rows import Row
from tests.provenance.samples import BUNDLES, sample_bytes

MASKS = (0x01, 0x20, 0x80, 0xFF)
"""A lowest bit, the bit that changes a letter's case, a highest bit, all of them."""
PROCESSES = 2
CHUNK = 64


def mutate(runs: int) -> list[Row]:
    """Every byte of every decoded field and of provenance.json under four masks: how many changes survive (none may)."""
    jobs = list(_evidence_jobs())
    with multiprocessing.Pool(PROCESSES) as pool:
        left = pool.starmap(_evidence_survivors, jobs, chunksize=1)
        documents = {name: len(sample_bytes("bundles", name, "provenance.json")) for name in BUNDLES}
        jobs_documents = [(name, at, min(at + CHUNK, size)) for name, size in documents.items() for at in range(0, size, CHUNK)]
        left_documents = pool.starmap(_document_survivors, jobs_documents, chunksize=1)
    rows = []
    for name in SAMPLES:
        mine = [(job, count) for job, count in zip(jobs, left, strict=True) if job[0] == name]
        made = sum(len(MASKS) * (stop - start) for (_, _, start, stop), _ in mine)
        rows.append(Row(f"changes of {name}", "", (float(made),)))
        rows.append(Row("  of which unnoticed, where they could be noticed", "", (float(sum(count[0] for _, count in mine)),), 0.0))
        rows.append(Row("  of which in the two ranges that nothing can check", "", (float(sum(count[1] for _, count in mine)),)))
    for name, size in documents.items():
        found = sum(count for job, count in zip(jobs_documents, left_documents, strict=True) if job[0] == name)
        rows.append(Row(f"changes of {name}/provenance.json", "", (float(size * len(MASKS)),)))
        rows.append(Row("  of which unnoticed", "", (float(found),), 0.0))
    return rows


def _evidence_jobs() -> Iterator[tuple[str, int, int, int]]:
    for name, fields in SAMPLES.items():
        evidence = sample_envelope(name).evidence
        for number, field in enumerate(fields):
            size = len(field.take(evidence))
            for start in range(0, size, CHUNK):
                yield name, number, start, min(start + CHUNK, size)


def _evidence_survivors(name: str, number: int, start: int, stop: int) -> tuple[int, int]:
    """Unnoticed changes outside and inside of the ranges that nothing off the machine can check."""
    fields = SAMPLES[name]
    field = fields[number]
    found = survivors(name, field, ((at, mask) for at in range(start, stop) for mask in MASKS))
    excused = UNCHECKABLE if fields is AZ_TDX_FIELDS and field.name == "hcl" else set()
    inside = sum(at in excused for at, _ in found)
    return len(found) - inside, inside


def _document_survivors(name: str, start: int, stop: int) -> int:
    """Changes of the document that leave the verdict as it was: the whole verification is asked, not one check."""
    provenance = bytearray(sample_bytes("bundles", name, "provenance.json"))
    evidence = sample_bytes("bundles", name, "evidence.json")
    assert json.loads(evidence)
    unnoticed = 0
    for at in range(start, stop):
        for mask in MASKS:
            provenance[at] ^= mask
            report = run_checks(
                provenance_bytes=bytes(provenance), evidence_bytes=evidence, artifacts=None, now=SAMPLES_NOW, want_artifacts=False
            )
            unnoticed += report.now.verdict is not Verdict.FAILED
            provenance[at] ^= mask
    return unnoticed
