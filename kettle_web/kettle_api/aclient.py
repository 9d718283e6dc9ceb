"""Following a build's events, asynchronously: one connection per build, many in one event loop."""

from collections.abc import AsyncIterator
from typing import Final

import httpx

from kettle_web.kettle_api.answers import ANSWER_BYTES, job_id_check, refusal, unreachable
from kettle_web.kettle_api.client import CONNECT_SECONDS
from kettle_web.kettle_api.endpoint import endpoint_parse
from kettle_web.kettle_api.errors import BadAnswer, CutOff
from kettle_web.kettle_api.events import COMPLETE, RemoteEvent, server_event_parse
from kettle_web.kettle_api.sse import EventDecoder
from kettle_web.outbound.errors import OutboundError

SILENCE_SECONDS: Final = 75.0
"""Servers send a comment about every 15 s: after five missed ones the connection is dead, whatever TCP thinks."""


async def follow(client: httpx.AsyncClient, base_url: str, job_id: str, *, after: int = 0, token: str = "") -> AsyncIterator[RemoteEvent]:
    """Give the build's events from number `after` on, until `complete`; then it ends and closes the connection.

    Servers may ignore `after` and replay from the first event, or repeat one at the seam: only events with a `remote_id` can be told
    apart here. `client` is made with `vetted_async_transport`, `trust_env=False`; cancel by closing the iterator.

    Raises `CutOff` where the stream ends before `complete` or stays silent (ask again, from where you are), `Unreachable`, `NotFound`,
    `Refused`, `BadAnswer`.
    """
    endpoint = endpoint_parse(base_url, token)
    url = endpoint.url(f"/build/{job_id_check(job_id)}/events")
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    headers = endpoint.headers(Accept="text/event-stream")
    params = {"from": str(after)} if after else None
    try:
        async with client.stream("GET", url, params=params, headers=headers, timeout=timeout, follow_redirects=False) as response:
            await _check(response)
            decoder = EventDecoder()
            async for chunk in response.aiter_raw():
                for message in decoder.feed(chunk):
                    event = server_event_parse(message)
                    yield event
                    if event.type == COMPLETE:
                        return
    except OutboundError as error:
        if error.code == "redirect.refused":
            raise BadAnswer("events.redirect", error.message) from error
        raise unreachable(error) from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise unreachable(error) from error
    except httpx.HTTPError as error:
        raise CutOff("events.cut-off", "The connection to the build's events broke.") from error
    raise CutOff("events.ended", "The build's events ended without saying how the build ended.")


async def _check(response: httpx.Response) -> None:
    if response.status_code != 200:
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) >= ANSWER_BYTES:
                break
        raise refusal(response, bytes(body[:ANSWER_BYTES]), what="events")
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
        raise BadAnswer("events.not-a-stream", "The Kettle server sent something else than a stream of events.")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise BadAnswer("events.encoded", "The Kettle server sent its events in an encoding that was not asked for.")
