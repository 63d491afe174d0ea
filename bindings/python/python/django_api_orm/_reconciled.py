"""What a look at the server tells of a write whose outcome was unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal

from ._query import M
from .exceptions import APIException, InvalidRequestError

if TYPE_CHECKING:
    from ._engine import Operation
    from ._query import BaseQuery


@dataclass(frozen=True)
class Reconciled(Generic[M]):
    """Whether a write is there, of which it was not known.

    A look tells what the server has now. A request may still be under way there, such as one that has met a timeout: look after
    the server has had its time for it.
    """

    #: ``"done"``: the write is there. ``"not_done"``: it is not. ``"unclear"``: it cannot be told, because several rows have
    #: what the new row is looked up by, or one has other values than were sent; or because the row that was saved shows neither
    #: what was sent nor what it was before.
    outcome: Literal["done", "not_done", "unclear"]
    #: The rows that tell so, as they are now.
    instances: list[M]

    @property
    def instance(self) -> M | None:
        """The row, where it is one."""
        return self.instances[0] if len(self.instances) == 1 else None


def looking(query: BaseQuery[M], error: APIException, by: Iterable[str]) -> Operation:
    """The look at what has become of a write."""
    if error._lost is None:
        raise InvalidRequestError("there is nothing to look for: the error is not one of a write whose outcome is unknown")
    if isinstance(by, str):
        raise TypeError("by must be a list of names, not a str")
    info = query._info
    return query._endpoint.reconcile(error._lost, [info._path(info.name_of(name)) for name in by])
