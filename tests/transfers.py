"""Large files into and out of a running site."""

import os
import subprocess
import sys

from tests.person import Person
from tests.running import CHECKOUT, RunningSite, environ_plain

CHUNK_BYTES = 4 * 1024**2


def upload(person: Person, *, size: int, name: str = "large.zip") -> str:
    """Send `size` bytes that look like an archive only at their beginning; give their SHA-256 as the site states it."""
    made = person.client.post("/builds/uploads/", data={"name": name, "size": str(size)}, headers=person.token)
    assert made.status_code in (200, 201), made.text
    address = made.json()["url"]
    seed = os.urandom(CHUNK_BYTES)
    answer = made
    for offset in range(0, size, CHUNK_BYTES):
        chunk = (b"PK\x03\x04" + seed[4:] if offset == 0 else seed)[: size - offset]
        headers = {**person.token, "Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
        answer = person.client.put(address, content=chunk, headers=headers)
        assert answer.status_code in (200, 201, 204), answer.text
    return str(answer.json()["sha256"])


def build_with_result(site: RunningSite, *, digest: str, size: int) -> str:
    """Make a build whose result is a file that is stored already; give the address of its download."""
    code = (
        "import sys; from django.contrib.auth.models import User; from kettle_web.builds.models import Build\n"
        "print(Build.objects.create(owner=User.objects.get(username='admin'), origin='import', state='done',"
        f" result_sha256={digest!r}, result_size={size}).uid)"
    )
    environ = environ_plain() | {"DATA_DIR": str(site.data)}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=CHECKOUT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return f"/builds/{done.stdout.strip()}/files/result.tar.gz"


def download(person: Person, path: str) -> int:
    """Read the file as it comes, keeping nothing; give its size."""
    with person.client.stream("GET", path) as answer:
        assert answer.status_code == 200, answer.status_code
        return sum(len(piece) for piece in answer.iter_raw(CHUNK_BYTES))
