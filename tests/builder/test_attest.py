"""Which evidence a build gets; the kernel's interface is a folder that behaves as its documentation says."""

import base64
import io
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kettle_web.attestation.envelope import envelope_parse
from kettle_web.builder.attesters.attest import AUTO, NONE, SAID_KERNEL, SAID_NO_KERNEL, SAID_NONE, SAID_SIMULATED, evidence_make
from kettle_web.builder.attesters.kernel import VCEK, VLEK, KernelAttestationError, certificate_table, kernel_evidence
from kettle_web.builder.attesters.simulated import FORMS, simulated_evidence
from kettle_web.builder.sample import sample_archive
from kettle_web.verification.cli import main
from tests.builder.running import NONCE, builder_running, encoded

SIGNED = bytes(range(48))


def table(*certificates: tuple[bytes, bytes]) -> bytes:
    """The host's table: entries, one of zeros, then the certificates."""
    start = 24 * (len(certificates) + 1)
    heads, bodies = b"", b""
    for guid, data in certificates:
        heads += guid + (start + len(bodies)).to_bytes(4, "little") + len(data).to_bytes(4, "little")
        bodies += data
    return heads + bytes(24) + bodies


Answer = Callable[[bytes], dict[str, bytes]]


def snp(aux: bytes | None = None, **more: bytes) -> Answer:
    """A kernel of a SEV-SNP machine: the simulated chip signs what it is asked to."""

    def answer(report_data: bytes) -> dict[str, bytes]:
        report = envelope_parse(simulated_evidence(report_data)).evidence["attestation_report"]
        found = {"provider": b"sev_guest\n", "outblob": base64.b64decode(report), "generation": b"1\n"}
        return found | ({} if aux is None else {"auxblob": aux}) | more

    return answer


class FakeTsm:
    """configfs: a new folder has files, and writing `inblob` makes the answer; such a folder is removed with its files."""

    def __init__(self, root: Path, answer: Answer) -> None:
        self.root, self.answer, self.asked = root, answer, b""

    def mkdir(self, folder: Path) -> None:
        (folder / "generation").write_text("0\n")

    def write(self, folder: Path, data: bytes) -> None:
        self.asked = data
        for name, content in self.answer(data).items():
            (folder / name).write_bytes(content)


@pytest.fixture
def tsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], FakeTsm]:
    root = tmp_path / "report"
    root.mkdir()
    mkdir, write_bytes = Path.mkdir, Path.write_bytes

    def install(answer: Answer) -> FakeTsm:
        fake = FakeTsm(root, answer)

        def made(self: Path, *args: Any, **more: Any) -> None:
            mkdir(self, *args, **more)
            if self.parent == root:
                fake.mkdir(self)

        def written(self: Path, data: bytes) -> int:
            if self.name == "inblob" and self.parent.parent == root:
                fake.write(self.parent, data)
                return len(data)
            return write_bytes(self, data)

        def removed(self: Path) -> None:
            for file in self.iterdir():
                file.unlink()
            os.rmdir(self)

        monkeypatch.setattr(Path, "mkdir", made)
        monkeypatch.setattr(Path, "write_bytes", written)
        monkeypatch.setattr(Path, "rmdir", removed)
        return fake

    return install


def vcek() -> bytes:
    return base64.b64decode(json.loads(simulated_evidence(b""))["evidence"]["cert_chain"]["vcek"])


@pytest.mark.parametrize("guid", [VCEK.bytes, VCEK.bytes_le, VLEK.bytes])
def test_a_report_of_the_kernel_with_the_hosts_certificate(guid: bytes, tsm: Callable[[Answer], FakeTsm]) -> None:
    fake = tsm(snp(table((uuid.uuid4().bytes, b"other"), (guid, vcek()))))
    found, said = evidence_make(SIGNED, way=AUTO, tsm=fake.root)
    assert found is not None
    assert (fake.asked, said) == (SIGNED + bytes(16), SAID_KERNEL)
    assert found == simulated_evidence(SIGNED)
    assert list(fake.root.iterdir()) == []


@pytest.mark.parametrize("aux", [None, b"", bytes(48), table((uuid.uuid4().bytes, b"other"))])
def test_without_a_certificate_there_is_none_in_the_evidence(aux: bytes | None, tsm: Callable[[Answer], FakeTsm]) -> None:
    evidence = envelope_parse(kernel_evidence(SIGNED, root=tsm(snp(aux)).root)).evidence
    assert evidence["cert_chain"] is None


def test_a_quote_of_the_kernel(tsm: Callable[[Answer], FakeTsm]) -> None:
    simulated = envelope_parse(simulated_evidence(SIGNED, form="tdx"))
    fake = tsm(
        lambda _: {
            "provider": b"tdx_guest\n",
            "outblob": base64.b64decode(simulated.evidence["quote"]),
            "generation": b"1\n",
            "auxblob": b"",
        }
    )
    assert envelope_parse(kernel_evidence(SIGNED, root=fake.root)) == simulated


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (snp(provider=b"arm_cca_guest\n"), "not known"),
        (snp(outblob=b"short"), "5 bytes"),
        (snp(generation=b"2\n"), "changed"),
        (snp(aux=VCEK.bytes + b"\xff" * 8), "beyond"),
        (snp(outblob=bytes(70_000)), "larger"),
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error_and_leaves_nothing(answer: Answer, words: str, tsm: Callable[[Answer], FakeTsm]) -> None:
    fake = tsm(answer)
    with pytest.raises(KernelAttestationError, match=words):
        kernel_evidence(SIGNED, root=fake.root)
    assert list(fake.root.iterdir()) == []


def test_a_kernel_that_refuses_is_an_error_and_not_a_simulation(tsm: Callable[[Answer], FakeTsm]) -> None:
    def refuse(_: bytes) -> dict[str, bytes]:
        raise OSError(16, "Device or resource busy")

    with pytest.raises(KernelAttestationError, match="busy"):
        evidence_make(SIGNED, way=AUTO, tsm=tsm(refuse).root)


def test_a_machine_without_the_interface_simulates_and_says_so(tmp_path: Path) -> None:
    assert evidence_make(SIGNED, way=AUTO, tsm=tmp_path / "none") == (simulated_evidence(SIGNED), SAID_NO_KERNEL + SAID_SIMULATED)


def test_none_is_none() -> None:
    assert evidence_make(SIGNED, way=NONE) == (None, SAID_NONE)


@pytest.mark.parametrize("form", FORMS)
def test_the_form_is_a_choice(form: str) -> None:
    assert evidence_make(SIGNED, form=form) == (simulated_evidence(SIGNED, form=form), SAID_SIMULATED)


def test_tables_end_where_they_say() -> None:
    assert certificate_table(b"") == {}
    assert certificate_table(b"short") == {}
    assert certificate_table(table((VCEK.bytes, b"a"), (VLEK.bytes, b"bc"))) == {VCEK: b"a", VLEK: b"bc"}


@pytest.mark.needs("cargo", "bwrap")
@pytest.mark.parametrize("form", ["snp-v5-genoa", "az-snp", "tdx"])
def test_a_build_with_each_kind_of_evidence_is_simulated_to_our_verifier(form: str, tmp_path: Path) -> None:
    with builder_running(tmp_path / "data", "--simulate", form) as builder:
        job_id = builder.submit(source_data=encoded(sample_archive()))
        assert builder.outcome(job_id) == {"status": "ok"}
        (tmp_path / "result.tar.gz").write_bytes(builder.http.get(f"/build/{job_id}/result").content)
    out, err = io.StringIO(), io.StringIO()
    assert main([str(tmp_path / "result.tar.gz"), "--nonce", NONCE], out, err) == 4, out.getvalue() + err.getvalue()
    assert "Simulated" in out.getvalue()
    assert main([str(tmp_path / "result.tar.gz"), "--nonce", "11" * 16], out, err) == 1
