"""Filters that cross relations: which relations they cross, for the engine, which decides how they are answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ._relation_back import _Related
from ._relation_bound import Bound, client_of_target
from ._relation_fields import ToRows
from .q import Q

if TYPE_CHECKING:
    from ._client import BaseClient
    from ._engine import Endpoint, Relation

_Join = tuple[str, "Relation", "Endpoint", bool, bool]


def crossed(model: type[Any], parts: Iterable[Any], lookups: Iterable[str]) -> frozenset[str]:
    """The paths of a filter that cross a relation of the model."""
    return frozenset(path for path in (*_paths(parts), *lookups) if relation_at(model, path) is not None)


def _paths(parts: Iterable[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Q):
            yield from _paths(part._parts)
        else:
            yield part[0]


def relation_at(model: type[Any], path: str) -> Bound | None:
    """The relation at the head of a path that goes on behind it."""
    head, _, rest = path.partition("__")
    found = getattr(model, head, None) if rest else None
    return found if isinstance(found, Bound) else None


def behind(model: type[Any], path: str) -> str | None:
    """The path in the names on the wire, where it goes on behind a relation."""
    found = relation_at(model, path)
    if found is None:
        return None
    return f"{head_of(found)}__{found.target._info()._path(path.partition('__')[2])}"


def head_of(found: Bound) -> str:
    """How paths begin that cross the relation, in the names on the wire."""
    return found.info.wire[found.field] if isinstance(found, ToRows) else found.name


def joined(endpoint: Endpoint, model: type[Any], client: BaseClient, paths: Iterable[str]) -> Endpoint:
    """The endpoint, whose filters may cross the relations of these paths. A relation to rows of another client stays the
    server's to cross.
    """
    behind_of: dict[str, set[str]] = {}
    for path in paths:
        head, _, rest = path.partition("__")
        behind_of.setdefault(head, set()).add(rest)
    joins: list[_Join] = []
    for head, rests in behind_of.items():
        found: Any = getattr(model, head)
        target = found.target
        if client_of_target(client, target) is not client:
            continue
        further = [rest for rest in rests if relation_at(target, rest) is not None]
        related = joined(client._endpoint(target), target, client, further)
        is_back = isinstance(found, _Related)
        joins.append((head_of(found), found.back.engine if is_back else found.engine, related, found.many, is_back))
    return endpoint.with_joins(joins) if joins else endpoint
