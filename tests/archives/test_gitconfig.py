"""The reader of .git/config sees what git sees, and secrets in any spelling."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettle_web.archives.gitconfig import config_parse, origin_url, secret_found, url_has_credentials
from tests.archives.making import git

SPELLINGS = [
    '[remote "origin"]\n\turl = https://example.org/p\n',
    '[REMOTE "origin"] URL=https://example.org/p',
    '[remote "origin"]\nurl = "https://example.org/p" ; comment',
    '[remote "origin"]\nurl = https://exam\\\nple.org/p # comment',
    '# first\n[core]\n bare = false\n[remote "other"]\nurl = x\n[remote "origin"]\n\n url=https://example.org/p\n',
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_origin_is_what_git_says(text: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(text)
    assert origin_url(config_parse(text)) == "https://example.org/p"
    assert git(tmp_path, "config", "-f", "config", "remote.origin.url") == "https://example.org/p"


@pytest.mark.parametrize(
    "text",
    [
        '[remote "o"]\nurl = https://u:p@h/x',
        '[remote "o"]\nurl = HTTPS://token@h/x',
        '[remote "o"]\npushurl = http://:p@h/x',
        '[remote "o"]\nurl = ssh://git:password@h/x',
        '[url "https://u:p@h/"]\ninsteadOf = https://h/',
        "[http]\nextraHeader = Authorization: x",
        '[http "https://h"]\nEXTRAHEADER = x',
        "[http]\nproxy = http://u:p@proxy:1",
        "[http]\ncookieFile = /x",
        '[credential "https://h"]\nhelper = "!f() { echo password=x; }; f"',
        "[credential]\npassword = x",
        "[broken\nurl = https://u:p@h/x",
    ],
)
def test_secret_is_found(text: str) -> None:
    assert secret_found(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[core]\nbare = false",
        '[remote "o"]\nurl = ssh://git@h/x',
        '[remote "o"]\nurl = git@h:x',
        "[credential]\nhelper = store",
        SPELLINGS[0],
    ],
)
def test_ordinary_configuration_holds_none(text: str) -> None:
    assert secret_found(text) == ""


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u@h/p", True),
        ("https://h/p", False),
        ("ssh://git@h/p", False),
        ("ssh://git:p@h/p", True),
        ("https://[u:p@h", True),
        ("", False),
    ],
)
def test_credentials_in_a_url(url: str, expected: bool) -> None:
    assert url_has_credentials(url) is expected


@given(st.text('[]"=\\#; \nabremotigurl', max_size=80))
def test_any_text_is_read(text: str) -> None:
    config_parse(text)
    secret_found(text)
