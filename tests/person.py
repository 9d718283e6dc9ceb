"""A person at a running site, without a browser: signs in, keeps the cookies, sends the forms' tokens."""

from __future__ import annotations

from types import TracebackType

import httpx

from tests.running import RunningSite

NEW_PASSWORD = "copper-on-slate-42"


class Person:
    def __init__(self, site: RunningSite) -> None:
        self.client = httpx.Client(base_url=site.address, timeout=60, follow_redirects=True, trust_env=False)

    def __enter__(self) -> Person:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.close()

    @property
    def token(self) -> dict[str, str]:
        return {"X-CSRFToken": self.client.cookies.get("csrftoken", "")}

    def sign_in(self, name: str, password: str) -> httpx.Response:
        self.client.get("/account/sign-in/")
        return self.client.post("/account/sign-in/", data={"username": name, "password": password}, headers=self.token)

    def sign_in_first(self, one_time_password: str, *, name: str = "admin") -> None:
        """Sign in with the password that was printed at the first start, and change it to `NEW_PASSWORD`."""
        assert self.sign_in(name, one_time_password).url.path == "/account/password/"
        data = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        assert self.client.post("/account/password/", data=data, headers=self.token).url.path == "/"
