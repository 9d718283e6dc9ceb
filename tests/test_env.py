"""Variables whose text has a form of its own: what they give, and that what cannot be used is named."""

import pytest

from kettle_web.env import EnvError, env_read


@pytest.mark.parametrize(
    ("text", "days"), [("", (1, 7, 30)), ("off", None), ("2", (2, 2, 2)), ("0.5,3,14", (0.5, 3, 14)), (" 1, 7, 30", (1, 7, 30))]
)
def test_schedule_of_judging_again(text, days):
    assert env_read({"REVERIFY_EVERY": text}).reverify_every_days == days


@pytest.mark.parametrize("text", ["daily", "1,2", "0", "-1", "1,7,nan", "9999", "1,7,30,60"])
def test_schedule_that_cannot_be_used_names_its_variable(text):
    with pytest.raises(EnvError, match="REVERIFY_EVERY"):
        env_read({"REVERIFY_EVERY": text})


def test_without_a_mail_server_nothing_is_sent():
    assert env_read({}).email is None


@pytest.mark.parametrize(
    ("url", "host", "port", "security"),
    [
        ("smtps://me:p%40ss@mail.example.org", "mail.example.org", 465, "tls"),
        ("smtp+starttls://me:p%40ss@mail.example.org", "mail.example.org", 587, "starttls"),
        ("smtp://me:p%40ss@mail.example.org:2525", "mail.example.org", 2525, "none"),
    ],
)
def test_mail_server(url, host, port, security):
    email = env_read({"EMAIL_URL": url, "PUBLIC_URL": "https://kettle.example.org"}).email
    assert (email.host, email.port, email.security, email.user, email.password) == (host, port, security, "me", "p@ss")
    assert email.sender == "Kettle <kettle@kettle.example.org>"
    assert "p@ss" not in repr(email)


def test_mail_into_a_folder():
    assert env_read({"EMAIL_URL": "file:///srv/mail%20box", "EMAIL_FROM": "a@b.example"}).email.folder == "/srv/mail box"


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://host:port", "file:relative"])
def test_mail_server_that_cannot_be_used_names_its_variable(url):
    with pytest.raises(EnvError, match="EMAIL_URL"):
        env_read({"EMAIL_URL": url})


@pytest.mark.parametrize("sender", ["nobody", "a@b.example\nBcc: c@d.example"])
def test_sender_that_cannot_be_used_names_its_variable(sender):
    with pytest.raises(EnvError, match="EMAIL_FROM"):
        env_read({"EMAIL_URL": "smtp://mail.example.org", "EMAIL_FROM": sender})
