"""Runs operations of the engine on the calling thread, while other threads are free to run."""

from __future__ import annotations

from typing import Any

from ._engine import Operation, Walk
from ._warn import settle


def perform(work: Operation | Walk) -> Any:
    """Runs the operation, or the next step of the walk, on this thread."""
    listener = work.listener
    if listener is None:
        outcome = work.run()
    else:
        with listener.around(work) as scope:
            outcome = work.run()
            if scope is not None:
                scope.ended(outcome)
    return settle(outcome, isinstance(work, Operation) and work.writes)
