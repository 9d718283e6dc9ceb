"""The bell of live pages through Redis."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace

import pytest
from channels.db import database_sync_to_async

from kettle_web.builds import hub
from kettle_web.builds.eventlog import Event
from kettle_web.builds.follow_store import events_append
from kettle_web.builds.models import Build
from kettle_web.builds.states import State

REDIS_URL = os.environ.get("KETTLE_TEST_REDIS_URL", "redis://127.0.0.1:6379/15")


@pytest.fixture
def build(build_make) -> Build:
    """Made here, in the test's own thread: a connection of another one would outlive the test."""
    build = build_make(state=State.BUILDING)
    Build.objects.filter(id=build.id).update(lease_owner="me")
    return build


@pytest.mark.needs("redis")
@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_bell_wakes_live_pages_at_once(build: Build, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENV = replace(settings.ENV, redis_url=REDIS_URL)
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}}
    # Longer than the test may take: only the bell can be what wakes the page.
    monkeypatch.setattr(hub, "POLL_SECONDS", 20)
    reader = hub.Reader()
    await hub.hub_get().join(build, reader)
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await database_sync_to_async(events_append, thread_sensitive=False)(build.id, "me", [Event("build", "one")])
    message = await asyncio.wait_for(reader.queue.get(), 5)
    assert message.event == "rows"
    assert time.monotonic() - began < 2
    hub.hub_get().leave(build.id, reader)
