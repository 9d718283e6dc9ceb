"""What a source URL and a ref may look like. Shape only: addresses are vetted when a connection is made, and again by the builder.

Source: RFC 3986; git-fetch(1) «GIT URLS»; git-check-ref-format(1); RFC 5891 (IDNA).
"""

import re
import socket
import unicodedata
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NoReturn
from urllib.parse import quote, unquote_to_bytes, urlsplit

import idna

from kettle_web.outbound.addresses import address_refusal, host_is_allowed, host_normalised
from kettle_web.outbound.errors import OutboundError

URL_CHARS: Final = 2000
REF_CHARS: Final = 255
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_USE_HTTPS: Final = "Use the repository's https:// address."
_SCP_LIKE = re.compile(r"[^/:]+:(?!//)")
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_SAFE_PATH: Final = "/%:@!$&'()*+,;=~-._"


def _refuse(code: str, message: str) -> NoReturn:
    raise OutboundError(code, message)


def source_url_check(url: str, *, allowed_hosts: Collection[str] = ()) -> str:
    """Give the normalised URL: scheme and host in lower case, the host in ASCII (punycode), no default port, no trailing slash.

    Raises `OutboundError` with a code `url.…` for everything but an http or https URL of a repository on a host that may be reached.
    """
    url = url.strip(" ")
    if not url:
        _refuse("url.empty", "Give the address of a git repository, such as https://github.com/owner/project.")
    if len(url) > URL_CHARS:
        _refuse("url.too-long", f"The address is longer than {URL_CHARS} characters.")
    if any(unicodedata.category(c)[0] in "CZ" for c in url):
        _refuse("url.control", "The address contains spaces or invisible characters: copy it again, without them.")
    if "\\" in url:
        _refuse("url.malformed", "The address contains a backslash: write it with «/».")
    scheme = _scheme(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise OutboundError("url.malformed", "The address cannot be read: check brackets and port.") from error
    if "@" in parts.netloc:
        _refuse("url.credentials", "The address contains a user name or password: remove it. It would be published with the proof.")
    if port == 0:
        _refuse("url.malformed", "Port 0 does not exist.")
    if "?" in url or "#" in url:
        _refuse("url.query", "The address contains «?» or «#»: give the repository's own address, without what follows them.")
    host = _host(parts.hostname or "")
    _address_check(host, port or _DEFAULT_PORTS[scheme], allowed_hosts)
    shown_host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown_host}{'' if port in (None, _DEFAULT_PORTS[scheme]) else f':{port}'}{_path(parts.path)}"


def _scheme(url: str) -> str:
    if _HELPER.match(url):
        _refuse("url.helper", f"Addresses that start a program («ext::» and the like) are not taken. {_USE_HTTPS}")
    found = _SCHEME.match(url)
    if found is None:
        if url.lower().startswith("file:") or url[0] in "/.~":
            _refuse("url.local", f"This is a path of a local file. {_USE_HTTPS}")
        if "@" in url.partition("/")[0] and _SCP_LIKE.match(url):
            _refuse("url.ssh", f"Access by SSH is not possible: there is no key here. {_USE_HTTPS}")
        _refuse("url.no-scheme", "This is not a URL: it has to begin with https://.")
    scheme = found[1].lower()
    if scheme in _DEFAULT_PORTS:
        return scheme
    if scheme == "file":
        _refuse("url.local", f"This is a path of a local file. {_USE_HTTPS}")
    if "ssh" in scheme:
        _refuse("url.ssh", f"Access by SSH is not possible: there is no key here. {_USE_HTTPS}")
    if scheme == "git":
        _refuse("url.git", f"The git:// protocol is neither encrypted nor authenticated. {_USE_HTTPS}")
    _refuse("url.scheme", f"Only https:// and http:// addresses are taken. {_USE_HTTPS}")


def _host(host: str) -> str:
    host = host_normalised(host)
    if not host:
        _refuse("url.no-host", "The address has no host name.")
    if ":" in host:
        try:
            return str(IPv6Address(host))
        except ValueError as error:
            raise OutboundError("url.malformed", "The host is not an IPv6 address.") from error
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except idna.IDNAError as error:
            raise OutboundError("url.malformed", "The host name contains characters that no host name has.") from error
    if len(host) > 253 or not _HOST.fullmatch(host):
        _refuse("url.malformed", "The host name cannot be read.")
    return host


def _address_check(host: str, port: int, allowed_hosts: Collection[str]) -> None:
    """Refuse at once what needs no resolver: literal addresses in every spelling that `connect` takes, and localhost."""
    if host_is_allowed(host, port, allowed_hosts):
        return
    why: str | None = None
    if host == "localhost" or host.endswith(".localhost"):
        why = "loopback"
    else:
        try:
            why = address_refusal(ip_address(host))
        except ValueError:
            try:
                why = address_refusal(IPv4Address(socket.inet_aton(host)))
            except OSError:
                return
    if why:
        _refuse("url.address", f"The host «{host}» cannot be used from here: its address is {why}. Give a public repository's address.")


def _path(path: str) -> str:
    path = path.rstrip("/")
    if not path:
        _refuse("url.no-path", "The address names a host, but no repository on it.")
    plain = unquote_to_bytes(path)
    if any(byte < 0x20 or byte == 0x7F for byte in plain) or b"\\" in plain:
        _refuse("url.control", "The address contains invisible characters: copy it again, without them.")
    if any(segment in (b".", b"..") for segment in plain.split(b"/")):
        _refuse("url.malformed", "The address contains «..»: write it without.")
    return quote(path, safe=_SAFE_PATH)


def source_ref_check(ref: str) -> str:
    """Give the ref without surrounding spaces; "" stands for the default branch. Raises `OutboundError` with a code `ref.…`."""
    ref = ref.strip(" ")
    if len(ref) > REF_CHARS:
        _refuse("ref.too-long", f"The branch, tag or commit is longer than {REF_CHARS} characters.")
    if ref.startswith("-"):
        _refuse("ref.dash", "A branch, tag or commit cannot begin with «-».")
    if not ref:
        return ""
    if any(unicodedata.category(c)[0] in "CZ" or c in "~^:?*[\\" for c in ref):
        _refuse("ref.malformed", "The branch, tag or commit contains a character that git does not allow (space, ~ ^ : ? * [ \\).")
    components = ref.split("/")
    if (
        ref == "@"
        or ".." in ref
        or "@{" in ref
        or ref.endswith(".")
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in components)
    ):
        _refuse("ref.malformed", "This is not the name of a branch or tag, nor a commit: check it against the repository.")
    return ref
