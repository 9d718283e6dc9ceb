import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.test import Client

from kettle_web.sharing import inlined
from kettle_web.sharing.inlined import NotInlinable, module_digests, modules_inlined
from kettle_web.sharing.parts import Part
from kettle_web.sharing.proof import csp_hash, script_safe_json
from tests.verifications.bundles import HELLO


def get(token: str, name: str) -> bytes:
    answer = Client().get(f"/s/{token}/{name}")
    assert answer.status_code == 200
    return answer.content


@pytest.fixture
def token(link_to):
    return link_to(*Part)


@pytest.mark.django_db
class TestPage:
    def test_same_report_gives_the_same_bytes(self, token):
        assert get(token, "proof.html") == get(token, "proof.html")
        assert get(token, "proof.zip") == get(token, "proof.zip")

    def test_its_own_policy_allows_what_is_in_it_and_no_connection(self, token):
        html = get(token, "proof.html").decode()
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#x27;", "'")
        assert "default-src 'none'" in policy
        assert "connect-src 'none'" in policy
        assert "unsafe" not in policy
        assert csp_hash(re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]) in policy
        assert csp_hash(re.search(r'<script type="module">(.*?)</script>', html, re.DOTALL)[1]) in policy

    def test_nothing_is_loaded_from_anywhere(self, token):
        html = get(token, "proof.html").decode()
        script = re.search(r'<script type="module">.*?</script>', html, re.DOTALL)[0]
        around = html.replace(script, "")
        assert not re.search(r"\b(src|href)=|url\(|@import", around)
        assert html.count("<script") == 2

    def test_it_says_that_it_cannot_vouch_for_itself_and_names_what_can(self, token):
        html = get(token, "proof.html").decode()
        assert "cannot vouch for itself" in html
        assert "verifier.html" in html

    def test_documents_are_whole(self, token):
        material = _material(get(token, "proof.html").decode())
        import base64

        for document in material["documents"].values():
            assert hashlib.sha256(base64.b64decode(document["base64"])).hexdigest() == document["sha256"]

    def test_without_dependencies_the_provenance_is_not_in_it(self, link_to):
        html = get(link_to(Part.PROVENANCE), "proof.html").decode()
        assert "serde" not in html
        material = _material(html)
        assert material["documents"]["provenance"] is None
        assert material["hidden"] == ["provenance"]
        assert "was not handed out" in html

    def test_link_that_hands_out_nothing_to_check_has_no_proof(self, link_to):
        token = link_to(Part.ARTIFACTS)
        for name in ("proof.html", "proof.zip"):
            assert Client().get(f"/s/{token}/{name}").status_code == 404
        assert "proof.html" not in Client().get(f"/s/{token}/").content.decode()


def _material(html: str) -> dict:
    return json.loads(re.search(r'id="kettle-material">(.*?)</script>', html, re.DOTALL)[1])


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "]]>", "\u2028\u2029&amp;"])
def test_data_cannot_leave_its_element(text):
    safe = script_safe_json({"name": text})
    assert not set(safe) & set("<>&\u2028\u2029")
    assert json.loads(safe) == {"name": text}


@pytest.mark.django_db
class TestPlainFiles:
    def test_command_in_the_text_finds_the_same_verdict(self, token, tmp_path):
        with zipfile.ZipFile(io.BytesIO(get(token, "proof.zip"))) as archive:
            archive.extractall(tmp_path)
        text = (tmp_path / "kettle-proof" / "README.txt").read_text()
        line = re.search(r"python -m kettle_web\.verification (.*)", text)[1].split()
        checkout = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-m", "kettle_web.verification", *line, "--json"]
        done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": checkout}, capture_output=True, text=True, check=False)
        report = json.loads(done.stdout)
        assert done.returncode == 4
        assert report["now"]["verdict"] == "simulated"
        assert not [check["code"] for check in report["checks"] if check["outcome"] == "fail"]

    def test_files_can_be_put_beside_the_documents(self, token, tmp_path):
        with zipfile.ZipFile(io.BytesIO(get(token, "proof.zip"))) as archive:
            archive.extractall(tmp_path)
        artifacts = tmp_path / "kettle-proof" / "artifacts"
        artifacts.mkdir()
        (artifacts / "hello").write_bytes(HELLO)
        (artifacts / "other-file").write_bytes(b"changed")
        line = re.search(r"python -m kettle_web\.verification (.*)", (tmp_path / "kettle-proof" / "README.txt").read_text())[1]
        checkout = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-m", "kettle_web.verification", *line.replace(" --no-artifacts", "").split()]
        done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": checkout}, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "other-file" in done.stdout

    def test_sums_are_of_the_files(self, token):
        with zipfile.ZipFile(io.BytesIO(get(token, "proof.zip"))) as archive:
            sums = archive.read("kettle-proof/SHA256SUMS").decode().splitlines()
            names = {name.removeprefix("kettle-proof/") for name in archive.namelist()} - {"SHA256SUMS"}
            assert {line.split("  ")[1] for line in sums} == names
            for line in sums:
                digest, name = line.split("  ")
                assert hashlib.sha256(archive.read(f"kettle-proof/{name}")).hexdigest() == digest
            assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


class TestInliner:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(inlined, "modules_folder", lambda: tmp_path)
        inlined.modules_inlined.cache_clear()
        yield tmp_path
        inlined.modules_inlined.cache_clear()

    def run(self, script: str) -> str:
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def test_modules_mean_the_same_inlined(self, folder):
        (folder / "verify").mkdir()
        (folder / "a.js").write_text(
            'import { one, two as zwei } from "./verify/b.js";\nimport * as all from "./verify/c.js";\n'
            "export const sum = one + zwei() + all.three;\nconsole.log(sum);\n"
        )
        (folder / "verify" / "b.js").write_text(
            'import { three } from "./c.js";\nexport const one = 1;\nexport function two() {\n  return three - 1;\n}\n'
        )
        (folder / "verify" / "c.js").write_text("const three = 3;\nexport { three };\n")
        assert self.run(modules_inlined("a.js")) == "6"

    @pytest.mark.parametrize(
        "source",
        [
            'import x from "./b.js";\n',
            'const x = await import("./b.js");\n',
            "export default 1;\n",
            'export * from "./b.js";\n',
            "console.log(import.meta.url);\n",
            'import { x } from "https://evil.example/b.js";\n',
            'import { x } from "../../b.js";\n',
        ],
    )
    def test_form_that_is_not_known_is_refused(self, folder, source):
        (folder / "a.js").write_text(source)
        (folder / "b.js").write_text("export const x = 1;\n")
        with pytest.raises((NotInlinable, FileNotFoundError)):
            modules_inlined("a.js")

    def test_modules_that_import_each_other_are_refused(self, folder):
        (folder / "a.js").write_text('import { b } from "./b.js";\nexport const a = 1;\n')
        (folder / "b.js").write_text('import { a } from "./a.js";\nexport const b = 1;\n')
        with pytest.raises(NotInlinable):
            modules_inlined("a.js")

    def test_text_that_would_end_the_element_is_written_otherwise(self, folder):
        (folder / "a.js").write_text('console.log("</script>");\n')
        assert "</script" not in modules_inlined("a.js")
        assert self.run(modules_inlined("a.js")) == "</script>"

    def test_digests_are_of_the_files_as_they_are_served(self):
        digests = dict(module_digests())
        assert "verify/index.js" in digests
        for path, digest in digests.items():
            assert hashlib.sha256((inlined.modules_folder() / path).read_bytes()).hexdigest() == digest
