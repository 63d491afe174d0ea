"""Rows that were read together: what one of them is asked for is fetched for all of them.

Nothing here sends a request.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ._engine import related
from ._relation_bound import Bound
from ._warn import emit
from .exceptions import InvalidRequestError

if TYPE_CHECKING:
    from ._engine import Operation, Plan
    from ._model import BaseAPIModel

#: How many rows share the request for a row that one of them points at: as many as the engine asks for at once.
_GROUP = 100


class Group:
    """Rows of one page: what one of them points at is fetched for all of them at once."""

    __slots__ = ("locks", "policy", "rows", "touched")

    def __init__(self, rows: Iterable[BaseAPIModel], policy: str) -> None:
        self.rows = [weakref.ref(row) for row in rows]
        #: One for a process, or for an event loop: those of others may never be let go of.
        self.locks: dict[Any, Any] = {}
        #: What is done about a relation that one of the rows is asked for.
        self.policy = policy
        #: The relations that were asked for on one of the rows, and on which one first.
        self.touched: dict[str, int] = {}


def share(rows: list[Any], policy: str) -> None:
    """Tells the rows of a page of each other, and what is done about a relation that one of them is asked for."""
    for start in range(0, len(rows), _GROUP):
        part = rows[start : start + _GROUP]
        group = Group(part, policy)
        for row in part:
            object.__setattr__(row, "_peers", group)


class Batch:
    """The related rows of one row of a page, or of all of them."""

    def __init__(self, row: Any, relation: Bound) -> None:
        self.relation = relation
        self.rows = [row]
        group = row._peers
        if group is None:
            return
        if group.touched.setdefault(relation.name, id(row)) != id(row) or relation.at_once:
            peers = (peer for each in group.rows if (peer := each()) is not None)
            self.rows += [
                peer for peer in peers if peer is not row and not relation.is_found(peer) and not relation.is_null(peer)
            ]
        if len(self.rows) > 1 and group.policy != "batch":
            self._noticed(group.policy)

    def _noticed(self, policy: str) -> None:
        relation = self.relation
        noticed = (
            f"`{relation!r}` is asked for on one of {len(self.rows)} rows that were read together, and was not fetched with "
            f'them: say prefetch_related("{relation.name}")'
        )
        if policy == "error":
            raise InvalidRequestError(noticed)
        emit([("n_plus_one", f"{noticed}; it was fetched for all of them now")])

    def operation(self, plan: Plan) -> Operation:
        """What fetches them."""
        self.client = self.relation.client(self.rows[0])
        return related([self.relation.part(self.rows, self.client._endpoint(self.relation.target), plan)])

    def take(self, answer: list[tuple[list[bytes], list[list[int]]]]) -> list[Any]:
        """Keeps what was found: a row that is pointed at for good, a list for the one time that it is asked for. Returns that
        of the first row.
        """
        relation = self.relation
        [(rows, places)] = answer
        found = relation.target._from_rows(rows, self.client) if rows else []
        for row, own in zip(self.rows, places):  # noqa: B905
            (relation.keep_once if relation.many else relation.keep)(row, [found[place] for place in own])
        return (relation.take_once(self.rows[0]) or []) if relation.many else []


def lock_of(row: Any, make: Callable[[], Any], place: Callable[[], Any]) -> Any:
    """Held while the related rows of a page are fetched, so that they are once. ``place`` is where the lock holds."""
    group = row._peers
    if group is None:
        return contextlib.nullcontext()
    return group.locks.setdefault(place(), make())
