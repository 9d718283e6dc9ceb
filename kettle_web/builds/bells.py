"""Wakes live pages: only a bell, what changed is read from the database. Without Redis pages poll instead."""

import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

logger = logging.getLogger(__name__)


def bell_group(build_id: int) -> str:
    return f"build.{build_id}"


def bell_ring(build_id: int) -> None:
    """Tell every process that a build's rows have changed. A bell that cannot be rung is no failure: pages poll as
    well.
    """
    if not settings.ENV.redis_url:
        return
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(bell_group(build_id), {"type": "build.changed", "build": build_id})
    except Exception:
        # Whatever the layer's library raises: the change itself is stored.
        logger.warning("The bell of build %s could not be rung.", build_id, exc_info=True)
