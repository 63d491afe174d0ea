"""How an operation of the engine is carried out on the calling thread, with other threads free to run."""

from __future__ import annotations

from typing import Any

from ._engine import Operation, Walk
from ._warn import settle


def perform(work: Operation | Walk) -> Any:
    """Carries the operation, or the next step of the walk, out on this thread."""
    return settle(work.run(), isinstance(work, Operation) and work.writes)
