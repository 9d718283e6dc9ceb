"""Encrypted fields: what the site must be able to read again but nobody who reads the database may."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from kettle_web.core.errors import CoreError


class SecretUnreadable(CoreError):
    code = "secret-unreadable"


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


def encrypt(text: str) -> str:
    """Give `text` encrypted under the newest key, as ASCII."""
    return _keys().encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """Give the text again, whichever of the keys it was encrypted under. Raises `SecretUnreadable`."""
    try:
        return _keys().decrypt(token.encode("ascii")).decode()
    except (InvalidToken, UnicodeError) as error:
        raise SecretUnreadable("none of the field encryption keys opens this value") from error
