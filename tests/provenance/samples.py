"""The recorded bundles, read from beside the repository; and small documents of our own that differ by one override."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
BUNDLES = ("kex", "ripgrep-2026-03")


def sample_path(*parts: str) -> Path:
    """A sample's path; the test is skipped where the samples are absent."""
    path = SAMPLES.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the sample {'/'.join(parts)} is not beside this checkout")
    return path


def sample_bytes(*parts: str) -> bytes:
    return sample_path(*parts).read_bytes()


def cargo_document() -> dict[str, Any]:
    """A document of the cargo form, with one dependency and a right Merkle root."""
    digest = "ab" * 32
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://lunal.dev/kettle/cargo@v1",
                "externalParameters": {
                    "buildCommand": "cargo build --locked --release",
                    "source": {
                        "digest": {"gitCommit": "11" * 20, "gitTree": "22" * 20},
                        "uri": "https://example.org/hello.git",
                    },
                },
                "internalParameters": {
                    "lockfileHash": {"sha256": "33" * 32},
                    "toolchain": {
                        "cargo": {"digest": {"sha256": "44" * 32}, "version": "cargo 1.93.1"},
                        "rustc": {"digest": {"sha256": "55" * 32}, "version": "rustc 1.93.1"},
                        "kettle": {"digest": {"sha256": "66" * 32}, "version": "1.0.0"},
                    },
                },
                "resolvedDependencies": [
                    {
                        "digest": {"sha256": digest},
                        "name": "aho-corasick",
                        "uri": f"pkg:cargo/aho-corasick@1.1.3?checksum=sha256:{digest}",
                    }
                ],
            },
            "runDetails": {
                "builder": {"id": "https://lunal.dev/kettle-tee/v1"},
                "byproducts": [
                    {
                        "digest": {"sha256": "f1ecc1f22eb35794742ac0d57c2144749c987060f4699786c98455a9b0d0f236"},
                        "name": "input_merkle_root",
                    }
                ],
                "metadata": {
                    "invocationId": "build-20260520-215239-dde1b50e",
                    "startedOn": "2026-05-20T21:52:39.233053+00:00",
                    "finishedOn": "2026-05-20T21:52:40.303931+00:00",
                },
            },
        },
        "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{"digest": {"sha256": "77" * 32}, "name": "hello"}],
    }


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one place replaced; numbers in the dotted path are list positions; `...` deletes it."""
    copied = copy.deepcopy(document)
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    place: Any = copied
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copied


def to_bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode()
