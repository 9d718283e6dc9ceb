"""The one way into the task queue: by name, on commit."""

import logging
from typing import Any

from django.db import transaction

from kettle_web.celery import app

logger = logging.getLogger(__name__)


def enqueue(task_name: str, *args: Any) -> None:
    """Queue a task once the present transaction commits; at once outside of one.

    A queue that cannot be reached loses nothing: the row says what is to be done, and the sweeper queues it again.
    """
    transaction.on_commit(lambda: _send(task_name, args), robust=True)


def _send(task_name: str, args: tuple[Any, ...]) -> None:
    try:
        app.send_task(task_name, args=args, retry=False)
    except Exception:
        # Whatever a broker's library raises: it must never undo or fail what has been committed.
        logger.warning("The queue could not be reached for %s%r; the sweeper will try again.", task_name, args, exc_info=True)
