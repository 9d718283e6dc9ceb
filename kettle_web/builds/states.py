"""The states of a build and the one table of its transitions.

    queued → submitting → building → fetching → verifying → done
    any of them but the last → failed | abandoned

A verdict is not a state: it belongs to the verification. An import begins at `verifying`: nothing was submitted.
"""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SUBMITTING = "submitting", _("Submitting")
    BUILDING = "building", _("Building")
    FETCHING = "fetching", _("Fetching the result")
    VERIFYING = "verifying", _("Verifying")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    ABANDONED = "abandoned", _("No longer followed")


class Fault(models.TextChoices):
    """Whose fault a failure is. A class, not a phrase: pages and retries decide by it."""

    SOURCE = "source", _("the source")
    BUILDER = "builder", _("the builder")
    NETWORK = "network", _("the network")
    US = "us", _("this site")


_END: Final = frozenset({State.FAILED, State.ABANDONED})

TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.QUEUED: frozenset({State.SUBMITTING}) | _END,
    # Back to the queue: the attempt certainly never reached the server, so another may be made.
    State.SUBMITTING: frozenset({State.BUILDING, State.QUEUED}) | _END,
    # In the multipart dialect the answer to the submission is the result, or says that nothing was accepted.
    State.BUILDING: frozenset({State.FETCHING, State.VERIFYING, State.QUEUED}) | _END,
    State.FETCHING: frozenset({State.VERIFYING}) | _END,
    State.VERIFYING: frozenset({State.DONE}) | _END,
    State.DONE: frozenset(),
    State.FAILED: frozenset(),
    State.ABANDONED: frozenset(),
}

TERMINAL: Final = frozenset(state for state, following in TRANSITIONS.items() if not following)
RUNNING: Final = frozenset(TRANSITIONS) - TERMINAL


def states_before(state: State) -> frozenset[State]:
    """The states from which `state` may be entered."""
    return frozenset(before for before, following in TRANSITIONS.items() if state in following)
