"""What a source URL and a ref may look like."""

import string
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.outbound.errors import OutboundError
from kettle_web.outbound.sources import source_ref_check, source_url_check

TAKEN = {
    "https://github.com/owner/project": "https://github.com/owner/project",
    "  https://GitHub.com/owner/Project.git  ": "https://github.com/owner/Project.git",
    "HTTPS://github.com:443/o/p/": "https://github.com/o/p",
    "http://git.example:80/p": "http://git.example/p",
    "https://git.example:8443/p": "https://git.example:8443/p",
    "https://git.example./p": "https://git.example/p",
    "https://bücher.example/p": "https://xn--bcher-kva.example/p",
    "https://раураl.example/p": "https://xn--l-7sba6dbr.example/p",
    "https://git.example/größe": "https://git.example/gr%C3%B6%C3%9Fe",
    "https://git.example/a%20b": "https://git.example/a%20b",
    "https://git.example/~user/p": "https://git.example/~user/p",
    "https://8.8.8.8/p": "https://8.8.8.8/p",
    "https://[2606:4700::1111]/p": "https://[2606:4700::1111]/p",
    "https://[2606:4700:0::1111]:444/p": "https://[2606:4700::1111]:444/p",
    "https://git.example/a::b": "https://git.example/a::b",
}
REFUSED = {
    "": "url.empty",
    "   ": "url.empty",
    "https://git.example/" + "a" * 2000: "url.too-long",
    "hello": "url.no-scheme",
    "github.com/o/p": "url.no-scheme",
    "https:/git.example/p": "url.no-scheme",
    "file:///etc/passwd": "url.local",
    "FILE:///etc/passwd": "url.local",
    "file:/etc": "url.local",
    "/srv/git/p": "url.local",
    "./p": "url.local",
    "~/p": "url.local",
    "ext::sh -c true": "url.control",
    "ext::sh": "url.helper",
    "fd::17": "url.helper",
    "https::https://git.example/p": "url.helper",
    "ssh://git@github.com/o/p": "url.ssh",
    "git+ssh://github.com/o/p": "url.ssh",
    "git@github.com:o/p.git": "url.ssh",
    "git://github.com/o/p": "url.git",
    "ftp://git.example/p": "url.scheme",
    "javascript://git.example/p": "url.scheme",
    "https://user:password@git.example/p": "url.credentials",
    "https://token@git.example/p": "url.credentials",
    "https://@git.example/p": "url.credentials",
    "https://git.example@evil.example/p": "url.credentials",
    "https://git.example/p q": "url.control",
    "https://git.example/p\n": "url.control",
    "https://git.example/\x00": "url.control",
    "https://git.example/%00": "url.control",
    "https://git.example/%0aHost:x": "url.control",
    "https://git.example/\u202egit": "url.control",
    "https://git\u200b.example/p": "url.control",
    "https:\\\\git.example\\p": "url.malformed",
    "https://git.example/a%5cb": "url.control",
    "https://git.example/a/../b": "url.malformed",
    "https://git.example/a/%2e%2e/b": "url.malformed",
    "https://git.example:99999/p": "url.malformed",
    "https://git.example:0/p": "url.malformed",
    "https://git.example:x/p": "url.malformed",
    "https://[::1/p": "url.malformed",
    "https://[zz]/p": "url.malformed",
    "https://-git.example/p": "url.malformed",
    "https://git..example/p": "url.malformed",
    "https://git%2eexample/p": "url.malformed",
    "https://" + "a" * 64 + ".example/p": "url.malformed",
    "https:///p": "url.no-host",
    "https://git.example": "url.no-path",
    "https://git.example/": "url.no-path",
    "https://git.example/p?x=1": "url.query",
    "https://git.example/p?": "url.query",
    "https://git.example/p#readme": "url.query",
    "https://localhost/p": "url.address",
    "https://x.localhost/p": "url.address",
    "https://127.0.0.1/p": "url.address",
    "https://127.1/p": "url.address",
    "https://2130706433/p": "url.address",
    "https://0x7f000001/p": "url.address",
    "https://0177.0.0.1/p": "url.address",
    "https://10.0.0.1/p": "url.address",
    "https://100.64.0.1/p": "url.address",
    "https://169.254.169.254/p": "url.address",
    "https://[::1]/p": "url.address",
    "https://[::ffff:127.0.0.1]/p": "url.address",
    "https://[64:ff9b::7f00:1]/p": "url.address",
    "https://[2002:7f00:1::]/p": "url.address",
    "https://[fd00::1]/p": "url.address",
}


@pytest.mark.parametrize(("url", "normalised"), TAKEN.items())
def test_url_is_taken_and_normalised(url: str, normalised: str) -> None:
    assert source_url_check(url) == normalised
    assert source_url_check(normalised) == normalised


@pytest.mark.parametrize(("url", "code"), REFUSED.items())
def test_url_is_refused_with_its_code(url: str, code: str) -> None:
    with pytest.raises(OutboundError) as caught:
        source_url_check(url)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


def test_allowed_host_may_be_private() -> None:
    assert source_url_check("http://127.0.0.1:8000/p", allowed_hosts=("127.0.0.1:8000",)) == "http://127.0.0.1:8000/p"
    assert source_url_check("http://localhost/p", allowed_hosts=("localhost",)) == "http://localhost/p"
    with pytest.raises(OutboundError):
        source_url_check("http://127.0.0.1:8001/p", allowed_hosts=("127.0.0.1:8000",))


@given(st.text(max_size=60) | st.text(string.printable, max_size=40).map(lambda text: "https://" + text))
def test_any_text_raises_only_the_error_or_gives_a_stable_url(text: str) -> None:
    try:
        url = source_url_check(text)
    except OutboundError:
        return
    assert source_url_check(url) == url
    assert url.isascii()
    assert url.startswith(("https://", "http://"))


@pytest.mark.parametrize("ref", ["main", "v1.0", "feature/x", "refs/heads/main", "a" * 40, "HEAD", "a-b", "größe", "a@b", "", "   "])
def test_ref_is_taken(ref: str) -> None:
    assert source_ref_check(ref) == ref.strip()


@pytest.mark.parametrize(
    ("ref", "code"),
    [
        ("-u", "ref.dash"),
        ("--upload-pack=evil", "ref.dash"),
        (" -x", "ref.dash"),
        ("a" * 256, "ref.too-long"),
        *((ref, "ref.malformed") for ref in ("a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a\nb", "a\0", "\u202ea")),
        *((ref, "ref.malformed") for ref in ("/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@", "a@{1}")),
    ],
)
def test_ref_is_refused_with_its_code(ref: str, code: str) -> None:
    with pytest.raises(OutboundError) as caught:
        source_ref_check(ref)
    assert caught.value.code == code


@given(st.text("ab.@{}/-~^:?*[\\ lock", min_size=1, max_size=8))
def test_no_ref_is_taken_that_git_refuses(ref: str) -> None:
    try:
        checked = source_ref_check(ref)
    except OutboundError:
        return
    if checked:
        assert subprocess.run(["git", "check-ref-format", "--allow-onelevel", checked], check=False).returncode == 0
