"""A real crate with dependencies from the registry that cargo uses on this machine."""

import io
import json
import os
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kettle_web.provenance.statement import statement_parse
from kettle_web.verification.cli import main
from tests.builder.running import NONCE, builder_running, crate

pytestmark = [pytest.mark.needs("cargo", "bwrap")]
MAIN = """use serde::de::{value::{Error, StrDeserializer}, IntoDeserializer};
use serde::Deserialize;
fn main() {
    let word: StrDeserializer<Error> = "kettle".into_deserializer();
    println!("{}", String::deserialize(word).unwrap());
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], list[str]]:
    """A crate that uses serde, its lockfile made by cargo now; and the hosts of the registry, as cargo itself names them."""
    folder, home = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cargo")
    files = crate(main=MAIN)
    files["Cargo.toml"] += '[dependencies]\nserde = { version = "1", default-features = false, features = ["std"] }\n'
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "Cargo.lock").unlink()
    environment = os.environ | {"CARGO_HOME": str(home), "CARGO_NET_RETRY": "0", "CARGO_HTTP_TIMEOUT": "20"}
    made = subprocess.run(
        ["cargo", "generate-lockfile"], cwd=folder, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    if made.returncode:
        pytest.skip(f"the registry cannot be reached from here: {made.stderr.strip()[-200:]}")
    files["Cargo.lock"] = (folder / "Cargo.lock").read_text()
    hosts = set()
    for index in (home / "registry" / "index").iterdir():
        hosts.add(index.name.rpartition("-")[0])
        hosts.add(urlsplit(json.loads((index / "config.json").read_text())["dl"]).hostname or "")
    return files, [word for host in sorted(hosts - {""}) for word in ("--allow-source-host", host)]


def test_serde_is_fetched_named_and_built_and_twice_gives_one_root(
    project: tuple[dict[str, str], list[str]], data: Path, tmp_path: Path
) -> None:
    files, words = project
    with builder_running(data, *words) as allowed:
        jobs = [allowed.submit_files(files) for _ in range(2)]
        for job_id in jobs:
            assert allowed.outcome(job_id) == {"status": "ok"}, allowed.events(job_id)[-9:]
        results = [allowed.result(job_id) for job_id in jobs]
        (tmp_path / "result.tar.gz").write_bytes(allowed.http.get(f"/build/{jobs[0]}/result").content)
    statements = [statement_parse(result["project/provenance.json"]) for result in results]
    assert statements[0].merkle_root == statements[1].merkle_root
    locked = [one for one in tomllib.loads(files["Cargo.lock"])["package"] if "source" in one]
    expected = sorted(f"pkg:cargo/{one['name']}@{one['version']}?checksum=sha256:{one['checksum']}" for one in locked)
    assert [one.uri for one in statements[0].dependencies] == expected
    assert any(uri.startswith("pkg:cargo/serde@1.") for uri in expected)
    out = io.StringIO()
    assert main([str(tmp_path / "result.tar.gz"), "--nonce", NONCE], out, out) == 4, out.getvalue()
    assert "FAIL " not in out.getvalue()
