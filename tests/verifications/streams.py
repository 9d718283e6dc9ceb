"""Reads answers that come in pieces."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync


def streamed(answer: Any) -> bytes:
    """Give the whole body of a streaming answer; at its end it has closed its file."""

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in answer])

    return async_to_sync(collect)()
