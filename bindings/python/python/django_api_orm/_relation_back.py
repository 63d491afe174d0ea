"""The rows of another model that point at a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, overload

from ._json import to_json
from ._relation_bound import Bound, kept_of
from ._relation_fields import ToRows
from ._relations import T
from .exceptions import ConfigurationError, InvalidRequestError

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._client import BaseClient
    from ._engine import Endpoint, Plan
    from ._relations import AsyncRow, SyncRow
    from .async_relating import AsyncRelatedManager
    from .relating import RelatedManager


class _Related(Bound):
    """The rows of another model that point at this one: ``posts = Related("Post", "author")``."""

    many = True
    at_once = False

    def __init__(self, model: Any, field: str, *, route: str | None = None, filter: str | None = None) -> None:
        super().__init__(object, field, model)
        self._field = field
        self._route = route
        self._filter = filter
        self._back: ToRows | None = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, row: Any, owner: Any = None) -> Any:
        return self if row is None or self.back is None else row._related_rows(self)

    @property
    def back(self) -> ToRows:
        """The relation of the other model.

        Raises: ``ConfigurationError`` where it has none of that name.
        """
        back = self._back
        if back is None:
            forward = self.target._info().relations.forward
            if self._field not in forward:
                raise ConfigurationError(
                    f"{self!r} is `{self.target.__name__}.{self._field}` the other way round, and that is not a relation: "
                    f'declare it as `{self._field}: ForeignKey["{self.owner.__name__}"]`'
                )
            back = self._back = forward[self._field]
        return back

    @property
    def filter_name(self) -> str:
        """The field by which the server filters."""
        back = self.back
        return self._filter or back.info.wire[back.field].removesuffix("_id")

    def path(self, row: Any) -> str | None:
        """The nested route where the related rows are, if there is one."""
        return None if self._route is None else row._path_of(self._route)

    def source(self, row: Any) -> bytes:
        """The row as far as the engine has to know it."""
        info = row._info()
        source: bytes = row._row if row._row is not None else to_json({info.pk_wire: row._pk()})
        return source

    def part(self, rows: list[Any], endpoint: Endpoint, plan: Plan) -> Any:
        """What the engine is told to fetch the rows that point at these rows."""
        return self.part_of([self.source(row) for row in rows], endpoint, plan)

    def part_of(self, sources: list[bytes], endpoint: Endpoint, plan: Plan) -> Any:
        """The same of rows as the server sent them."""
        return self.back.engine, endpoint, plan, self.filter_name, sources

    def explained(self, client: BaseClient) -> str:
        """How they are fetched for rows that are read with this client, in words."""
        return self.back.engine.explained(self.target._info().engine, self.filter_name)

    def keep(self, row: Any, related: list[Any]) -> None:
        """Keeps what was found for the row, and the row for what was found."""
        super().keep(row, related)
        if not self.back.many:
            for each in related:
                kept_of(each)[self.back.name] = row

    def kept(self, row: Any) -> list[Any]:
        """What is kept."""
        return list(kept_of(row)[self.name])

    def query(self, row: Any, client: Any) -> Any:
        """The rows that point at the row."""
        if row._pk() is None:
            raise InvalidRequestError(f"this `{type(row).__name__}` is not saved, so nothing points at it: save it first")
        manager = self.target.objects.using(client)
        path = self.path(row)
        if path is None:
            query = manager.get_queryset().filter(**{self.filter_name: row})
            query._source = (self, row)
            return query
        query = manager.at(path).get_queryset()
        # The rows have their own URLs where the model has them.
        query._manager = manager
        if self.is_kept(row):
            query._source = (self, row)
        return query

    def values_of_new(self, row: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a row that points at this one."""
        back = self.back
        return {**values, back.name: [row] if back.many else row}


if TYPE_CHECKING:

    class Related(Generic[T]):
        def __init__(
            self, model: type[T] | str, field: str, *, route: str | None = None, filter: str | None = None
        ) -> None: ...
        @overload
        def __get__(self, instance: None, owner: Any) -> Self: ...
        @overload
        def __get__(self: Related[SyncRow], instance: object, owner: Any) -> RelatedManager[SyncRow]: ...
        @overload
        def __get__(self: Related[AsyncRow], instance: object, owner: Any) -> AsyncRelatedManager[AsyncRow]: ...
        def __get__(self, instance: Any, owner: Any) -> Any: ...

else:

    class Related(_Related):
        def __class_getitem__(cls, target: Any) -> Any:
            return cls
