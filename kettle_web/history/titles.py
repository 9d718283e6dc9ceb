"""Addresses of repositories as people write them."""


def address_title(url: str) -> str:
    """Give an address without scheme and `.git`; one of no known form stays as it is."""
    return url.removeprefix("git+").partition("://")[2].removesuffix("/").removesuffix(".git") or url
