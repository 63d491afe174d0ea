"""What the relations of a model have in common: a name, a target, and the related rows that are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._engine import chunks_of_keys
from ._registry import client_of
from ._relation_targets import target_of
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from ._client import BaseClient
    from ._engine import Endpoint, Plan

#: What is kept for a related row that does not exist.
MISSING: Any = object()


def kept_of(row: Any) -> dict[str, Any]:
    """The related rows that are kept, by the names of the relations."""
    kept: dict[str, Any] | None = row._related
    if kept is None:
        kept = {}
        object.__setattr__(row, "_related", kept)
    return kept


class Bound:
    """A relation of one model."""

    many = False
    #: Whether the rows of a page are asked for together at the first touch; else at the second one.
    at_once = True

    def __init__(self, owner: type[Any], name: str, target: Any) -> None:
        self.owner = owner
        self.name = name
        self._declared_target = target
        self._target: type[Any] | None = None

    @property
    def target(self) -> type[Any]:
        """The model of the related rows.

        Raises: ``ConfigurationError`` where no model is meant, or several may be.
        """
        if self._target is None:
            self._target = target_of(self._declared_target, self.owner, self.name)
        return self._target

    def client(self, row: Any) -> Any:
        """The client that the related rows are fetched with."""
        return client_for(row, self.target)

    def path(self, row: Any) -> str | None:
        """The nested route where the related rows are, if there is one."""
        return None

    # What is kept

    def is_kept(self, row: Any) -> bool:
        """Whether nothing has to be fetched any more."""
        return self.name in (row._related or ())

    def forget(self, row: Any) -> None:
        """Lets the next access fetch again."""
        for name in (self.name, f"+{self.name}"):
            (row._related or {}).pop(name, None)

    def keep(self, row: Any, related: list[Any]) -> None:
        """Keeps what was found for the row."""
        kept_of(row)[self.name] = related

    # Fetching

    def keep_once(self, row: Any, related: list[Any]) -> None:
        """Keeps what was found for the row together with others, until it is asked for."""
        self.keep(row, related)
        kept_of(row)[f"+{self.name}"] = kept_of(row).pop(self.name)

    def take_once(self, row: Any) -> list[Any] | None:
        """What was found together with others, for the one time that it is asked for."""
        found: list[Any] | None = (row._related or {}).pop(f"+{self.name}", None)
        return found

    def is_found(self, row: Any) -> bool:
        """Whether it is kept, or was found together with others."""
        return self.is_kept(row) or f"+{self.name}" in (row._related or ())

    def is_null(self, row: Any) -> bool:
        """Whether the row points at nothing, so that nothing has to be asked."""
        return False

    def source(self, row: Any) -> bytes:
        """The row as far as the engine has to know it."""
        raise NotImplementedError

    def part(self, rows: list[Any], endpoint: Endpoint, plan: Plan) -> Any:
        """What the engine is told to fetch the related rows of these rows."""
        raise NotImplementedError

    def part_of(self, sources: list[bytes], endpoint: Endpoint, plan: Plan) -> Any:
        """The same of rows as the server sent them."""
        raise NotImplementedError

    def explained(self, client: BaseClient) -> str:
        """How they are fetched for rows that are read with this client, in words."""
        raise NotImplementedError

    def requests(self, keys: int, client: BaseClient) -> int:
        """How many requests it takes to fetch them for so many different keys, for rows that are read with this client."""
        return chunks_of_keys(keys)

    def checked(self, objs: Iterable[Any]) -> list[Any]:
        """Saved instances of the target.

        Raises: ``ValueError`` for anything else.
        """
        objs = list(objs)
        for obj in objs:
            if not isinstance(obj, self.target):
                raise ValueError(f"{self!r} takes instances of `{self.target.__name__}`, not {type(obj).__name__}")
            if obj._pk() is None:
                raise ValueError(f"this `{self.target.__name__}` is not saved, so it cannot be related: save it first")
        return objs

    def __repr__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"


class Assigned:
    """What is assigned in another way than a field: relations and their keys."""


def client_for(row: Any, target: type[Any]) -> Any:
    """The client for rows that a row points at: that of the row, for it says who asks; another one where the target is
    registered at another address.
    """
    return client_of_target(row._client_of_row(), target)


def client_of_target(own: Any, target: type[Any]) -> Any:
    """The same, for rows that are read with this client."""
    try:
        other = client_of(target)
    except ConfigurationError:
        return own
    return own if other._way == own._way else other
