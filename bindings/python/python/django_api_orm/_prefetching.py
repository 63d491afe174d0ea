"""Related rows that are fetched with a query: which relations, and level after level what is to be fetched for them.

Nothing here sends a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ._declaring import nearest
from ._engine import Plan, related
from ._relation_bound import Bound, kept_of
from ._relation_fields import ToOne, ToRows
from .exceptions import InvalidRequestError

if TYPE_CHECKING:
    from ._engine import Operation


class Prefetch:
    """Related rows that ``prefetch_related`` fetches, and how: ``Prefetch("posts", Post.objects.filter(published=True))``.

    ``queryset`` says which of them, in which order, with which related rows of their own. ``to_attr`` is the attribute that
    gets them as a list, so that ``user.posts.all()`` still means all of them. A slice of it holds for the rows of each row by
    itself, as in Django: all of them are read, and those that it leaves out are dropped.
    """

    __slots__ = ("lookup", "queryset", "to_attr")

    def __init__(self, lookup: str, queryset: Any = None, to_attr: str | None = None) -> None:
        self.lookup = lookup
        self.queryset = queryset
        self.to_attr = to_attr


def relation_of(model: type[Any], name: str) -> Bound:
    """The relation of this name.

    Raises: ``InvalidRequestError`` where there is none.
    """
    info = model._info()
    found = getattr(model, name, None)
    if isinstance(found, Bound):
        return found
    names = [each for each in dir(model) if isinstance(getattr(model, each, None), Bound)]
    near = nearest(name, names)
    cure = f"did you mean `{near}`?" if near else f"choose from {', '.join(sorted(names)) or 'none: it has no relations'}"
    raise InvalidRequestError(f"`{info.model.__name__}` has no relation `{name}`: {cure}")


def checked(model: type[Any], prefetch: Prefetch) -> Prefetch:
    """The same, once its names and its queryset are seen to fit.

    Raises: ``InvalidRequestError``; ``TypeError`` for a queryset of another model.
    """
    for name in prefetch.lookup.split("__"):
        model = relation_of(model, name).target
    queryset = prefetch.queryset
    if queryset is not None and not issubclass(queryset.model, model):
        raise TypeError(f"`{prefetch.lookup}` has rows of `{model.__name__}`, not of `{queryset.model.__name__}`")
    return prefetch


def sent_beside(model: type[Any], prefetches: Iterable[Prefetch]) -> list[str]:
    """The fields of the rows whose related rows a server may send beside them: all of those, as they are."""
    relations = ((node, relation_of(model, node.name)) for node in _nodes(prefetches).values() if node.queryset is None)
    return [each.info.wire[each.field] for node, each in relations if isinstance(each, ToRows) and node.to_attr is None]


def shown_with(model: type[Any], prefetches: Iterable[Prefetch]) -> list[str]:
    """The paths of the related rows that the rows name, all of those, as they are; and of theirs, as far as they do so, too."""
    paths: list[str] = []

    def add(model: type[Any], nodes: dict[tuple[str, str | None], _Node], above: str) -> None:
        for node in nodes.values():
            relation = relation_of(model, node.name)
            if isinstance(relation, ToRows) and node.queryset is None and node.to_attr is None:
                paths.append(f"{above}{node.name}")
                add(relation.target, node.below, f"{above}{node.name}__")

    add(model, _nodes(prefetches), "")
    return paths


def single(model: type[Any], names: Iterable[str]) -> list[str]:
    """The names for ``select_related``: relations to one row each; all of the model's without names.

    Raises: ``InvalidRequestError`` for a relation to several.
    """
    chosen = list(names) or [name for name, each in model._info().relations.forward.items() if isinstance(each, ToOne)]
    for path in chosen:
        at = model
        for name in path.split("__"):
            each = relation_of(at, name)
            if not isinstance(each, ToOne):
                raise InvalidRequestError(
                    f"`{path}` has several rows: select_related() takes relations to one; use prefetch_related()"
                )
            at = each.target
    return chosen


class _Node:
    """A relation, and those of the related rows."""

    __slots__ = ("below", "is_expanded", "name", "queryset", "to_attr")

    def __init__(self, name: str, to_attr: str | None) -> None:
        self.name = name
        self.to_attr = to_attr
        self.queryset: Any = None
        #: What its queryset fetches is among those below.
        self.is_expanded = False
        self.below: dict[tuple[str, str | None], _Node] = {}


def _nodes(prefetches: Iterable[Prefetch]) -> dict[tuple[str, str | None], _Node]:
    roots: dict[tuple[str, str | None], _Node] = {}
    for prefetch in prefetches:
        below = roots
        *above, last = prefetch.lookup.split("__")
        for name in above:
            below = below.setdefault((name, None), _Node(name, None)).below
        node = below.setdefault((last, prefetch.to_attr), _Node(last, prefetch.to_attr))
        if prefetch.queryset is not None:
            if node.queryset is not None:
                raise InvalidRequestError(f"`{prefetch.lookup}` is prefetched by two querysets: give one of them a `to_attr`")
            node.queryset = prefetch.queryset
    for node in _each(roots):
        if node.queryset is not None and not node.is_expanded:
            node.below = _merged(_nodes(node.queryset._prefetches), node.below)
            node.is_expanded = True
    return roots


def _merged(
    inner: dict[tuple[str, str | None], _Node], outer: dict[tuple[str, str | None], _Node]
) -> dict[tuple[str, str | None], _Node]:
    """The relations that a queryset fetches, and those that paths through it name: what the queryset says of one stays."""
    for key, node in outer.items():
        mine = inner.setdefault(key, node)
        if mine is node:
            continue
        if node.queryset is not None:
            if mine.queryset is not None:
                raise InvalidRequestError(f"`{node.name}` is prefetched by two querysets: give one of them a `to_attr`")
            mine.queryset = node.queryset
        mine.below = _merged(mine.below, node.below)
    return inner


def _each(nodes: dict[tuple[str, str | None], _Node]) -> Iterator[_Node]:
    for node in nodes.values():
        yield node
        yield from _each(node.below)


class Fetching:
    """The related rows of some rows, level after level: those of one level are fetched at the same time."""

    def __init__(self, rows: list[Any], prefetches: Iterable[Prefetch]) -> None:
        self._level = [(rows, node) for node in _nodes(prefetches).values()] if rows else []
        self._asked: list[list[tuple[list[Any], _Node, Bound]]] = []
        #: One object for one row.
        self._known: dict[type[Any], dict[Any, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._level)

    @property
    def model(self) -> type[Any]:
        """Whose rows are fetched, for errors."""
        return type(self._level[0][0][0])

    def operations(self) -> list[Operation]:
        """What fetches this level: one operation for each client."""
        by_client: dict[int, tuple[list[Any], list[tuple[list[Any], _Node, Bound]]]] = {}
        for rows, node in self._level:
            relation = relation_of(type(rows[0]), node.name)
            absent = [row for row in rows if node.to_attr or not relation.is_kept(row)]
            absent = [row for row in absent if not self._given(row, node, relation)]
            if absent:
                query = node.queryset
                client = relation.client(absent[0]) if query is None else query._client
                parts, asked = by_client.setdefault(id(client), ([], []))
                endpoint = client._endpoint(relation.target) if query is None else query._endpoint
                parts.append(relation.part(absent, endpoint, Plan() if query is None else query._plan))
                asked.append((absent, node, relation))
        self._asked = [asked for _, asked in by_client.values()]
        return [related(parts) for parts, _ in by_client.values()]

    def _given(self, row: Any, node: _Node, relation: Bound) -> bool:
        """Whether the row points at nothing, so that nothing is asked."""
        if not relation.is_null(row):
            return False
        self._keep(row, node, relation, [])
        return True

    def _keep(self, row: Any, node: _Node, relation: Bound, found: list[Any]) -> None:
        if node.to_attr is not None:
            object.__setattr__(row, node.to_attr, found if relation.many else next(iter(found), None))
        elif found or relation.many or not relation.is_null(row):
            relation.keep(row, found)
            if node.queryset is not None and not found and isinstance(relation, ToOne) and relation.is_optional:
                kept_of(row)[relation.name] = None

    def take(self, answers: list[list[tuple[list[bytes], list[list[int]]]]]) -> None:
        """Keeps what was found, and goes on to the next level."""
        for asked, answer in zip(self._asked, answers):  # noqa: B905
            for (rows, node, relation), (found, places) in zip(asked, answer):  # noqa: B905
                instances = self._instances(rows[0], node, relation, found)
                for row, own in zip(rows, places):  # noqa: B905
                    self._keep(row, node, relation, [each for place in own if (each := instances[place]) is not None])
        self._level = [(below, each) for rows, node in self._level for below, each in self._below(rows, node)]

    def _instances(self, row: Any, node: _Node, relation: Bound, found: list[bytes]) -> list[Any]:
        if node.queryset is not None:
            return [node.queryset._kept(each, index) for index, each in enumerate(found)]
        made = relation.target._from_rows(found, relation.client(row)) if found else []
        known = self._known.setdefault(relation.target, {})
        return [known.setdefault(each._pk(), each) if each._pk() is not None else each for each in made]

    @staticmethod
    def _below(rows: list[Any], node: _Node) -> Iterator[tuple[list[Any], _Node]]:
        if not node.below:
            return
        relation = relation_of(type(rows[0]), node.name)
        seen: dict[int, Any] = {}
        for row in rows:
            kept = getattr(row, node.to_attr, None) if node.to_attr else (row._related or {}).get(relation.name)
            for each in kept if isinstance(kept, list) else [kept]:
                if hasattr(type(each), "_wire_key"):
                    seen[id(each)] = each
        if seen:
            yield from ((list(seen.values()), each) for each in node.below.values())


def reached(model: type[Any], prefetches: Iterable[Prefetch]) -> dict[str, Bound]:
    """The relations whose rows are fetched, by their paths."""
    found: dict[str, Bound] = {}

    def say(model: type[Any], nodes: dict[tuple[str, str | None], _Node], above: str) -> None:
        for node in nodes.values():
            relation = relation_of(model, node.name)
            path = f"{above}{node.to_attr or node.name}"
            found[path] = relation
            say(relation.target, node.below, f"{path}__")

    say(model, _nodes(prefetches), "")
    return found
