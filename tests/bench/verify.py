"""How close the verifier comes to its own cryptography, and what a whole bundle, many of them, and large files cost."""

import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kettle_web.attestation import signatures
from kettle_web.attestation.anchors import anchors_builtin
from kettle_web.attestation.envelope import envelope_parse
from kettle_web.attestation.platforms import procedure_for
from kettle_web.builder.attesters.simulated import simulated_evidence
from kettle_web.provenance.serialise import provenance_to_bytes
from kettle_web.verification.artifacts import FolderArtifacts
from kettle_web.verification.executor import Executor
from kettle_web.verification.moments import WatchedContext
from kettle_web.verification.report import Outcome, Verdict
from kettle_web.verification.run import run_checks
from tests.attestation.test_mutations import sample_envelope
from tests.bench.rows import Row
from tests.running import CHECKOUT
from tests.verification.bundles import document_make, signed_field

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SAMPLES = {
    "az-snp": "bundles/kex/evidence.json",
    "snp": "evidence/snp-genoa.json",
    "tdx": "evidence/tdx-quote-v5.bin",
    "az-tdx": "evidence/az-tdx.json",
}
EVIDENCE_RATIO, BUNDLE_RATIO = 1.5, 1.8
COMMAND_MILLISECONDS, LARGE_FILE_MEGABYTES = 400.0, 80.0
BUNDLES, CORES = 10_000, 2
ROUNDS = 150

Operation = Callable[[], Any]


def verify(runs: int) -> list[Row]:
    """Evidence against the bare cryptographic operations that it cannot do without; whole bundles; many bundles; the command; 4 GiB."""
    rows = [_evidence(platform, runs) for platform in SAMPLES]
    rows += _bundle(runs)
    rows += _many()
    rows += [_command(runs), _large()]
    return rows


def _evidence(platform: str, runs: int) -> Row:
    """Warm, one core: text of the evidence to finished checks, over the signature verifications made on the way."""
    envelope = sample_envelope(SAMPLES[platform])
    data = json.dumps({"platform": envelope.platform, "evidence": envelope.evidence}).encode()

    def whole() -> None:
        found = envelope_parse(data)
        executor, context = Executor(), WatchedContext(found.evidence, anchors=anchors_builtin(), now=NOW)
        for step in procedure_for(found.platform).steps:
            executor.run(step, context)
        assert all(check.outcome is Outcome.PASS for check in executor.checks if check.required), platform

    return Row(f"{platform} evidence / its cryptography", "×", _ratios(whole, _bare(whole), runs), EVIDENCE_RATIO)


def _bundle(runs: int) -> list[Row]:
    """A 2 MB file and a provenance of 143 kB, warm."""
    names = [f"some-crate-name-{number:03}" for number in range(436)]
    dependencies = [
        {"digest": {"sha256": digest}, "name": name, "uri": f"pkg:cargo/{name}@1.2.3?checksum=sha256:{digest}"}
        for name, digest in ((name, hashlib.sha256(name.encode()).hexdigest()) for name in names)
    ]
    content = os.urandom(2_000_000)
    document = document_make(
        predicate__buildDefinition__resolvedDependencies=dependencies, subject__0__digest__sha256=hashlib.sha256(content).hexdigest()
    )
    provenance = provenance_to_bytes(document)
    evidence = simulated_evidence(signed_field(provenance))
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        Path(folder, "hello").write_bytes(content)

        def whole() -> None:
            report = run_checks(provenance_bytes=provenance, evidence_bytes=evidence, artifacts=FolderArtifacts(Path(folder)), now=NOW)
            assert report.now.verdict is Verdict.SIMULATED

        cryptography = _bare(whole)

        def bare() -> None:
            cryptography()
            hashlib.sha256(content).digest()
            hashlib.sha256(provenance).digest()
            json.loads(provenance)

        ratios = _ratios(whole, bare, runs)

        def bare_with_tree() -> None:
            bare()
            _tree(provenance)

        digests = _ratios(whole, bare_with_tree, runs)
    return [
        Row("size of that provenance", "kB", (len(provenance) / 1000,)),
        Row("whole bundle / cryptography, SHA-256, json.loads", "×", ratios, BUNDLE_RATIO),
        Row("the same, the reference also hashing the tree of inputs", "×", digests),
    ]


def _tree(provenance: bytes) -> None:
    """As many SHA-256 as the root over the document's inputs needs: cryptography too, but not what was promised to be counted."""
    count = provenance.count(b'"uri"') * 2
    for _ in range(count):
        hashlib.sha256(b"0123456789abcdef" * 4).digest()


def _many() -> list[Row]:
    """10,000 stored bundles, each its own, re-verified by two processes."""
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        base = provenance_to_bytes(document_make())
        marked = json.loads(base)["predicate"]["runDetails"]["metadata"]["invocationId"].encode()
        with multiprocessing.Pool(CORES) as pool:
            numbers = range(BUNDLES)
            pool.starmap(_store, ((folder, base, marked, number) for number in numbers), chunksize=250)
            began = time.perf_counter()
            spent = pool.starmap(_verify_stored, ((folder, number) for number in numbers), chunksize=250)
            wall = time.perf_counter() - began
        cryptography = sum(spent)
    return [
        Row("10,000 bundles on two cores", "1/s", (BUNDLES / wall,)),
        Row("of which bare cryptography", "%", (100 * cryptography / (wall * CORES),)),
    ]


def _store(folder: str, base: bytes, marked: bytes, number: int) -> None:
    bundle = Path(folder, str(number))
    bundle.mkdir()
    provenance = base.replace(marked, b"build-20260520-215239-%08x" % number)
    bundle.joinpath("provenance.json").write_bytes(provenance)
    bundle.joinpath("evidence.json").write_bytes(simulated_evidence(signed_field(provenance)))
    bundle.joinpath("hello").write_bytes(b"the file that was built")


_seconds_each: list[float] = []


def _verify_stored(folder: str, number: int) -> float:
    """Verify one; give what its cryptography alone takes, measured once per process."""
    bundle = Path(folder, str(number))

    def whole() -> None:
        report = run_checks(
            provenance_bytes=bundle.joinpath("provenance.json").read_bytes(),
            evidence_bytes=bundle.joinpath("evidence.json").read_bytes(),
            artifacts=FolderArtifacts(bundle),
            now=NOW,
        )
        assert report.now.verdict is Verdict.SIMULATED

    if not _seconds_each:
        bare = _bare(whole)
        _seconds_each.append(min(_timed(bare) for _ in range(30)))
    whole()
    return _seconds_each[0]


def _command(runs: int) -> Row:
    """`python -m kettle_web.verification` from start to exit."""
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        base = provenance_to_bytes(document_make())
        _store(folder, base, b"nothing-like-it", 0)
        took = []
        for _ in range(max(runs, 5)):
            began = time.perf_counter()
            done = subprocess.run([sys.executable, "-m", "kettle_web.verification", f"{folder}/0"], cwd=CHECKOUT, capture_output=True)
            took.append(1000 * (time.perf_counter() - began))
            assert done.returncode == 4, done.stderr
    return Row("the command on a small bundle", "ms", tuple(took), COMMAND_MILLISECONDS)


_MEASURE = """
import io, sys
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
from kettle_web.verification.cli import main
status = main(sys.argv[1:], io.StringIO(), io.StringIO())
assert status == 4, status
print((peak() - before) / 1024)
"""


def _large() -> Row:
    """A file of 4 GiB: memory above the start of the interpreter."""
    size = 4 * 1024**3
    with tempfile.TemporaryDirectory(prefix="kettle-bench-") as folder:
        bundle = Path(folder)
        with bundle.joinpath("hello").open("wb") as file:
            file.truncate(size)
        digest, chunk = hashlib.sha256(), bytes(1024**2)
        for _ in range(size // len(chunk)):
            digest.update(chunk)
        provenance = provenance_to_bytes(document_make(subject__0__digest__sha256=digest.hexdigest()))
        bundle.joinpath("provenance.json").write_bytes(provenance)
        bundle.joinpath("evidence.json").write_bytes(simulated_evidence(signed_field(provenance)))
        done = subprocess.run([sys.executable, "-c", _MEASURE, folder], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return Row("memory for a file of 4 GiB", "MB", (float(done.stdout),), LARGE_FILE_MEGABYTES)


def _ratios(whole: Operation, bare: Operation, runs: int) -> tuple[float, ...]:
    """One ratio per run, of processor time of the thread: waiting for a busy machine counts for neither side.

    The two are measured in turns, so that what else the machine does to caches and clock meets both, and of both the time that a
    tenth of the rounds kept to is taken, which is the least disturbed. The collector of garbage runs as it always does, for both.
    """
    found = []
    for _ in range(5):
        whole()
        bare()
    for _ in range(max(runs, 3)):
        times = [(_timed(whole), _timed(bare)) for _ in range(ROUNDS)]
        found.append(_tenth(one for one, _ in times) / _tenth(one for _, one in times))
    return tuple(found)


def _tenth(times: Iterable[float]) -> float:
    return statistics.quantiles(times, n=10)[0]


def _timed(operation: Operation) -> float:
    began = time.thread_time()
    operation()
    return time.thread_time() - began


def _bare(whole: Operation) -> Operation:
    """The signature verifications that `whole` makes when it is warm, as one operation without anything around them.

    A key that the verifier remembers from evidence of the same machine is not loaded again on either side; one that it does not
    remember (the attestation key of a virtual TPM) is loaded on both. The SHA-256 of registers and of the paravisor's JSON, two
    microseconds, is left out of the reference.
    """
    whole()
    with _recorded() as calls:
        whole()
    assert calls

    def bare() -> None:
        for call, arguments in calls:
            call(*arguments)

    return bare


@contextmanager
def _recorded() -> Iterator[list[tuple[Callable[..., Any], tuple[Any, ...]]]]:
    """Collects what reaches the cryptography library: a key's verification, and for a key given as numbers also its making."""
    calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    class Key:
        def __init__(self, key: Any) -> None:
            self._key = key

        def verify(self, *arguments: Any) -> None:
            calls.append((self._key.verify, arguments))
            self._key.verify(*arguments)

    class Numbers:
        def __init__(self, exponent: int, modulus: int) -> None:
            self._numbers = originals["rsa"].RSAPublicNumbers(exponent, modulus)

        def public_key(self) -> Key:
            calls.append((self._numbers.public_key, ()))
            return Key(self._numbers.public_key())

    names = ("rsa_key_load", "p384_key_load", "p256_key_load", "rsa")
    originals = {name: getattr(signatures, name) for name in names}
    loads = {name: (lambda given, load=originals[name]: Key(load(given))) for name in names[:3]}
    replaced: dict[str, Any] = loads | {"rsa": SimpleNamespace(RSAPublicNumbers=Numbers, RSAPublicKey=originals["rsa"].RSAPublicKey)}
    for name, value in replaced.items():
        setattr(signatures, name, value)
    try:
        yield calls
    finally:
        for name, value in originals.items():
            setattr(signatures, name, value)
