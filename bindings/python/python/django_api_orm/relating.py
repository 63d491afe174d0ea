# Generated from async_relating.py by scripts/generate.py: change that file, and run `make generate`.
"""Synchronous managers of related rows: ``user.posts``, ``post.tags``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from ._engine import Plan
from ._evaluation import Lock, ask, place
from ._prefetching import Fetching, Prefetch
from ._query import M
from ._relation_fields import ToMany, ToRows
from ._relation_groups import Batch, lock_of
from ._relation_values import Across, Valid
from .base import Manager, QuerySet
from .exceptions import tell_created

__all__ = ["RelatedManager"]


class RelatedManager(Manager[M]):
    """The rows that point at a row (``user.posts``), or that a row points at (``post.tags``).

    Every method of managers starts from these rows. What ``prefetch_related`` has fetched is used by ``all()`` and iteration.
    """

    def __init__(self, row: Any, relation: Any) -> None:
        super().__init__(relation.target, relation.client(row))
        self._row = row
        self._relation = relation
        self._at = relation.path(row)

    def get_queryset(self) -> QuerySet[M]:
        """The related rows.

        Raises: ``InvalidRequestError`` for a row that has no key yet.
        Requests: none.
        """
        return cast("QuerySet[M]", self._relation.query(self._row, self._explicit))

    def __getattr__(self, name: str) -> Any:
        # The methods of the model's own manager.
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.get_queryset(), name)

    def create(self, **kwargs: Any) -> M:
        """Creates a row that is related: it points at this one, or this one points at it, too.

        Raises: as ``create`` of other managers; ``InvalidRequestError`` for a row that has no key yet. What ``add`` raises has
        the row, which was created all the same, as its ``instance``.
        Requests: one POST; where this row points at the new one also those of ``add``.
        """
        relation = self._relation
        new: M = self.get_queryset().create(**relation.values_of_new(self._row, kwargs))
        if isinstance(relation, ToMany):
            try:
                self.add(new)
            except BaseException as error:
                tell_created(error, new)
                raise
        else:
            relation.forget(self._row)
        return new

    def add(self, *objs: M | Any) -> None:
        """Relates rows: instances; keys too where this row has the list of them.

        Raises: ``ValueError`` for an instance of another model, or one that is not saved; ``APIException``.
        Requests: where this row has the list, one GET, for the list as it is now, and one PATCH if it changes; else one PATCH
        for each row that points elsewhere.
        """
        if isinstance(self._relation, ToMany):
            self._change(added=objs)
            return
        for obj in self._relation.checked(objs):
            _point(self._relation.back, obj, self._row)
        self._relation.forget(self._row)

    def remove(self, *objs: M | Any) -> None:
        """Ends the relation to rows; a row that is not related stays as it is. As ``add``.

        Raises: as ``add``; ``ValueError`` where the rows must point at one.
        Requests: as ``add``.
        """
        if isinstance(self._relation, ToMany):
            self._change(removed=objs)
            return
        for obj in self._relation.checked(objs):
            _point_away(self._relation.back, obj, self._row)
        self._relation.forget(self._row)

    def set(self, objs: Iterable[M | Any]) -> None:
        """Relates these rows and no others.

        Raises: as ``add`` and ``remove``.
        Requests: one PATCH where this row has the list; else those of reading the related rows, and one PATCH for each row
        that has to change.
        """
        objs = list(objs)
        if isinstance(self._relation, ToMany):
            self._save(self._relation.references(self._row, objs))
            return
        wanted = self._relation.checked(objs)
        query = self.get_queryset()
        # As they are now, whatever was fetched before.
        query._source = None
        for obj in query._fetch():
            if obj not in wanted:
                _point_away(self._relation.back, obj, self._row)
        self.add(*wanted)

    def clear(self) -> None:
        """Ends the relation to every row.

        Raises: as ``remove``.
        Requests: as ``set``.
        """
        self.set(())

    def _change(self, added: Iterable[Any] = (), removed: Iterable[Any] = ()) -> None:
        row, relation = self._row, self._relation
        added, removed = relation.references(row, added), relation.references(row, removed)
        endpoint = row._endpoint_of_row()
        shown = ask(endpoint.refresh(row._key(), row._row), type(row))
        self._save(relation.changed(relation.shown(shown), added, removed), shown)

    def _save(self, references: list[Any], shown: bytes | None = None) -> None:
        """Writes the list of references, unless the server has just shown these in the row."""
        row, relation = self._row, self._relation
        if shown is not None and relation.names_same(relation.shown(shown), references):
            relation.put(row, relation.shown(shown))
            return
        before = relation.raw(row)
        relation.put(row, references)
        try:
            if saving := row._saving([relation.field], on_conflict="merge", shown=shown):
                row._write(*saving)
        except BaseException:
            relation.put(row, before)
            raise
        relation.forget(row)


def _point(back: ToRows, obj: Any, row: Any) -> None:
    if isinstance(back, ToMany):
        getattr(obj, back.name).add(row)
    elif not back.points_at(obj, row):
        setattr(obj, back.name, row)
        obj.save(update_fields=[back.field])


def _point_away(back: ToRows, obj: Any, row: Any) -> None:
    if isinstance(back, ToMany):
        getattr(obj, back.name).remove(row)
    elif back.points_at(obj, row):
        setattr(obj, back.name, None)
        obj.save(update_fields=[back.field])


def related(row: Any, relation: Any) -> Any:
    """What is related to a row: the row that it points at, or a list.

    Raises: ``DoesNotExist`` of its model for one row that is not there.
    Requests: as many as there are chunks of different keys among the rows that were read with it: mostly one. None where it is
    kept, or null.
    """
    if not relation.is_kept(row):
        if relation.is_null(row):
            return [] if relation.many else None
        with lock_of(row, Lock, place):
            # What was found together with others counts once: a list that is asked for again is asked of the server.
            found = relation.take_once(row)
            if found is None and not relation.is_kept(row):
                batch = Batch(row, relation)
                found = batch.take(ask(batch.operation(Plan()), relation.target))
            if relation.many:
                return found
    return relation.kept(row)


def tuples(across: Across, rows: list[bytes], valid: Valid | None = None) -> list[list[tuple[Any, ...]]]:
    """Of each row the values that are named: several times where a relation is to several rows.

    Raises: ``DoesNotExist`` of its model for a row that is pointed at, and is not there; ``APIException``;
    ``pydantic.ValidationError`` for a row that does not fit its schema.
    Requests: for each relation one for each chunk of different keys, unless every row shows the values.
    """
    across.read(rows, valid)
    for operation, joins in across.operations():
        answers = ask(operation, joins[0].relation.target)
        for join, (found, of_row) in zip(joins, answers):  # noqa: B905
            join.take(found, of_row)
    for join in across.joins:
        join.made(tuples(join.below, join.rows))
    return across.tuples()


def prefetch(rows: list[Any], prefetches: Iterable[Prefetch]) -> None:
    """Fetches the related rows of these rows, those of one level at the same time.

    Raises: ``APIException``; ``pydantic.ValidationError`` for a row that does not fit its schema.
    Requests: for each relation one for each chunk of different keys.
    """
    fetching = Fetching(rows, prefetches)
    while fetching:
        fetching.take([ask(operation, fetching.model) for operation in fetching.operations()])
