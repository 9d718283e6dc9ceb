"""Reader of `.git/config`: where the source came from, and secrets that must not be sent.

A Kettle server signs the origin's URL into the provenance: credentials in it would be published with every share link.
Source: git-config(1), «CONFIGURATION FILE» and «http.extraHeader», «credential.helper», «url.<base>.insteadOf».
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_SECTION = re.compile(r'\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?$", re.DOTALL)
_USERINFO = re.compile(r"\b(?:https?|ftps?)://[^/\s\"']*@", re.IGNORECASE)
_SSH_PASSWORD = re.compile(r"\bssh://[^/\s\"'@:]*:[^/\s\"'@]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setting:
    section: str
    """In lower case."""
    subsection: str
    key: str
    """In lower case."""
    value: str


def config_parse(text: str) -> list[Setting]:
    """Give the settings in their order. What cannot be read is left out: git itself decides, this only looks."""
    settings = []
    section, subsection = "", ""
    lines = iter(text.splitlines())
    for line in lines:
        rest = line.strip()
        if found := _SECTION.match(rest):
            section, _, dotted = found[1].lower().partition(".")
            subsection = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else dotted
            rest = rest[found.end() :].strip()
        while rest.endswith("\\") and not rest.endswith("\\\\"):
            rest = rest[:-1] + next(lines, "")
        if rest and rest[0] not in "#;" and (pair := _KEY.match(rest)):
            settings.append(Setting(section, subsection, pair[1].lower(), _value(pair[2] or "")))
    return settings


def _value(raw: str) -> str:
    """Quotes removed, escapes resolved, comment cut off."""
    value, quoted, escaped = [], False, False
    for char in raw.strip():
        if escaped:
            value.append({"n": "\n", "t": "\t", "b": ""}.get(char, char))
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char in "#;" and not quoted:
            break
        else:
            value.append(char)
    return "".join(value).strip()


def origin_url(settings: list[Setting]) -> str:
    """Give the URL of the remote `origin`, or ""."""
    return next((s.value for s in settings if (s.section, s.subsection, s.key) == ("remote", "origin", "url")), "")


def secret_found(text: str) -> str:
    """Give what kind of secret the configuration holds, as words without the secret itself, or ""."""
    for setting in config_parse(text):
        if setting.key == "extraheader" and setting.section == "http" and setting.value:
            return "an HTTP header that may hold a token (http.extraHeader)"
        if setting.section == "credential" and setting.key == "helper" and setting.value.startswith("!"):
            return "a credential helper with a command of its own"
        if setting.section == "credential" and setting.key in ("password", "token"):
            return "a password"
        if setting.section == "http" and setting.key in ("cookiefile", "sslkey") and setting.value:
            return "the place of a secret file"
    # Over the whole text: also in names of sections, and where this reader and git would not agree on the syntax.
    if _USERINFO.search(text) or _SSH_PASSWORD.search(text):
        return "a URL with a user name or password"
    return ""


def url_has_credentials(url: str) -> bool:
    """Whether the URL holds a password, or a user name that may be a token. An SSH user name alone is neither."""
    try:
        parts = urlsplit(url)
        return bool(parts.password or (parts.username and parts.scheme != "ssh"))
    except ValueError:
        return "@" in url
