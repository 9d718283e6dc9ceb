"""What a ref of a remote repository points to, over git's smart HTTP protocol, without git.

Kept at submission and compared with what the builder says it built: a commit of a fork is fetchable through the upstream's URL.
Source: gitprotocol-http(5), gitprotocol-v2(5) «ls-refs», gitprotocol-pack(5) «Reference Discovery», gitprotocol-common(5) (pkt-line).
"""

import re
import time
from collections.abc import Iterator
from typing import Final

import httpx

from kettle_web.outbound.errors import RedirectRefused

ANSWER_BYTES: Final = 8 * 1024 * 1024
"""Of all refs. Servers of protocol 2 send only those asked for; a version 1 answer of a hundred thousand refs has about 7 MB."""
OPERATION_SECONDS: Final = 10.0
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")
_OBJECT = re.compile(rb"[0-9a-f]{40}")
_FLUSH: Final = b"0000"
_DELIMITER: Final = b"0001"


class _Unusable(Exception):
    """The server's answer does not establish anything."""


def _packet(payload: bytes) -> bytes:
    return b"%04x%s" % (len(payload) + 4, payload)


def _packets(data: bytes) -> Iterator[bytes | None]:
    """Give each packet's payload without its newline; None for flush and delimiter packets."""
    at = 0
    while at < len(data):
        digits = data[at : at + 4]
        try:
            length = int(digits, 16) if re.fullmatch(rb"[0-9a-fA-F]{4}", digits) else -1
        except ValueError:
            length = -1
        if length in (0, 1, 2):
            yield None
            at += 4
            continue
        if length < 4 or at + length > len(data):
            raise _Unusable
        yield data[at + 4 : at + length].removesuffix(b"\n")
        at += length


def _read(client: httpx.Client, method: str, url: str, media_type: str, end: float, content: bytes | None = None) -> bytes:
    headers = {"Git-Protocol": "version=2", "Accept-Encoding": "identity", "User-Agent": "git/kettle-web"}
    if content is not None:
        headers["Content-Type"] = "application/x-git-upload-pack-request"
    timeout = httpx.Timeout(min(OPERATION_SECONDS, max(0.001, end - time.monotonic())))
    with client.stream(method, url, headers=headers, content=content, timeout=timeout) as response:
        if response.status_code != 200 or response.headers.get("content-type", "").partition(";")[0].strip() != media_type:
            raise _Unusable
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _Unusable
        data = bytearray()
        for part in response.iter_raw():
            data += part
            if len(data) > ANSWER_BYTES or time.monotonic() > end:
                raise _Unusable
    return bytes(data)


def _refs(client: httpx.Client, url: str, ref: str, end: float) -> dict[bytes, bytes]:
    """Give object names by ref name, a tag's commit under `name^{}`."""
    advertisement = _read(client, "GET", f"{url}/info/refs?service=git-upload-pack", "application/x-git-upload-pack-advertisement", end)
    lines = [line for line in _packets(advertisement) if line is not None and not line.startswith(b"#")]
    if not lines or lines[0] != b"version 2":
        return {name.partition(b"\0")[0]: oid for oid, _, name in (line.partition(b" ") for line in lines) if _OBJECT.fullmatch(oid)}
    prefixes = [b"HEAD"] if ref in ("", "HEAD") else [prefix.encode() + ref.encode() for prefix in ("", "refs/heads/", "refs/tags/")]
    body = _packet(b"command=ls-refs\n") + _packet(b"object-format=sha1") + _DELIMITER + _packet(b"peel\n")
    body += b"".join(_packet(b"ref-prefix %s\n" % prefix) for prefix in prefixes) + _FLUSH
    answer = _read(client, "POST", f"{url}/git-upload-pack", "application/x-git-upload-pack-result", end, body)
    found: dict[bytes, bytes] = {}
    for line in _packets(answer):
        oid, _, rest = (line or b"").partition(b" ")
        name, *attributes = rest.split(b" ")
        if _OBJECT.fullmatch(oid):
            found[name] = oid
            for attribute in attributes:
                if attribute.startswith(b"peeled:") and _OBJECT.fullmatch(attribute[7:]):
                    found[name + b"^{}"] = attribute[7:]
    return found


def ref_resolve(url: str, ref: str, *, transport: httpx.BaseTransport, deadline: float) -> str | None:
    """Give the commit, 40 lower-case hex digits, that a branch, tag or the default branch ("" or HEAD) points to now.

    `url` and `ref` come from `source_url_check` and `source_ref_check`; `deadline` is a number of seconds from now. A full commit is
    given back unasked: that the repository has it is not established. None where nothing can be established: host unreachable, not
    public, answer too large, ref unknown, or a branch and a tag of one name at different commits. Raises `AddressRefused`.
    The transport stays open; its `connection_seconds` should be the deadline too, which ends headers that drip in.
    """
    if _COMMIT.fullmatch(ref):
        return ref.lower()
    end = time.monotonic() + deadline
    client = httpx.Client(transport=transport, trust_env=False, follow_redirects=False)
    try:
        found = _refs(client, url, ref, end)
    except (httpx.HTTPError, httpx.InvalidURL, RedirectRefused, _Unusable):
        return None
    if ref in ("", "HEAD"):
        names = [b"HEAD"]
    elif ref.startswith("refs/"):
        names = [ref.encode()]
    else:
        names = [b"refs/heads/" + ref.encode(), b"refs/tags/" + ref.encode()]
    commits = {found.get(name + b"^{}", found[name]) for name in names if name in found}
    return commits.pop().decode() if len(commits) == 1 else None
