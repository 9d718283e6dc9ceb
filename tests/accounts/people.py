"""People that tests sign in as."""

from django.contrib.auth.models import User

PASSWORD = "copper-kettle-42"


def person_make(name: str, *, is_administrator: bool = False) -> User:
    """A user whose password is `PASSWORD`."""
    return User.objects.create_user(name, password=PASSWORD, is_staff=is_administrator)
