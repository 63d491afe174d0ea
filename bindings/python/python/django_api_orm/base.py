"""Synchronous models, managers and querysets."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast, overload

from . import _registry
from ._blocking import run
from ._client import APIResponse, response_of
from ._json import to_json
from ._model import BaseAPIModel, specialise
from ._query import BaseManager, BaseQuery, M, Upsert
from .client import ServiceClient
from .exceptions import ConfigurationError, DoesNotExist, MultipleObjectsReturned
from .q import Q

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._engine import Operation

__all__ = ["APIModel", "Manager", "QuerySet", "register_models"]


def _run(operation: Operation, model: type[Any]) -> Any:
    try:
        return run(operation)
    except (DoesNotExist, MultipleObjectsReturned) as error:
        specialise(model, error)
        raise


class QuerySet(BaseQuery[M]):
    """A lazy description of rows; evaluated by iteration, ``len``, ``bool``, ``list`` and indexing, and then kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetching = threading.Lock()

    def _fetch(self) -> list[M]:
        """Every row; threads that ask at the same time share one walk."""
        with self._fetching:
            if self._result_cache is None:
                rows = _run(self._endpoint.rows(self._plan), self.model)
                self._result_cache = self._instances(rows)
            return self._result_cache

    def __iter__(self) -> Iterator[M]:
        return iter(self._fetch())

    def __len__(self) -> int:
        return len(self._fetch())

    def __bool__(self) -> bool:
        return bool(self._fetch())

    @overload
    def __getitem__(self, key: int) -> M: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> Any:
        """``[3]`` is one row, one request; ``[10:20]`` is a lazy slice; with a step it is a list."""
        if isinstance(key, slice):
            if self._result_cache is not None:
                return self._result_cache[key]
            part = self._slice(slice(key.start, key.stop))
            return part if key.step is None else list(part)[:: key.step]
        if not isinstance(key, int):
            raise TypeError(f"a queryset is indexed by numbers and slices, not by {type(key).__name__}")
        if key < 0:
            raise ValueError("negative indexing is not supported: use last()")
        if self._result_cache is not None:
            return self._result_cache[key]
        row = _run(self._endpoint.first(self._plan.slice(key, key + 1)), self.model)
        if row is None:
            raise IndexError(f"there is no row {key}")
        return self._one(row)

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        """The rows page by page, with the memory of one page. ``chunk_size`` is the page's size, where it can be set."""
        query = self if chunk_size is None else self.page_size(chunk_size)
        walk = query._endpoint.walk(query._plan)
        start = 0
        while (rows := run(walk)) is not None:
            yield from query._instances(rows, start)
            start += len(rows)

    def keyset(self, after: Any = None) -> Iterator[M]:
        """The rows by primary key, asking for those after the last key: stable while rows come and go, and resumable."""
        walk = self._keyset(after)
        start = 0
        while (rows := run(walk)) is not None:
            yield from self._instances(rows, start)
            start += len(rows)

    def get(self, *args: Q, **kwargs: Any) -> M:
        """The one row. Raises ``Model.DoesNotExist`` or ``Model.MultipleObjectsReturned``."""
        query = self.filter(*args, **kwargs) if args or kwargs else self
        return query._one(_run(query._endpoint.get(query._plan), self.model))

    def first(self) -> M | None:
        """The first row, or ``None``."""
        if self._result_cache is not None:
            return self._result_cache[0] if self._result_cache else None
        return self._maybe(_run(self._endpoint.first(self._plan), self.model))

    def last(self) -> M | None:
        """The last row, or ``None``."""
        if self._result_cache is not None:
            return self._result_cache[-1] if self._result_cache else None
        return self._maybe(_run(self._endpoint.last(self._plan), self.model))

    def count(self) -> int:
        """How many rows; one request where the server counts and honours the filter."""
        if self._result_cache is not None:
            return len(self._result_cache)
        count: int = _run(self._endpoint.count(self._plan), self.model)
        return count

    def exists(self) -> bool:
        """Whether there is a row."""
        if self._result_cache is not None:
            return bool(self._result_cache)
        exists: bool = _run(self._endpoint.exists(self._plan), self.model)
        return exists

    def values(self, *fields: str) -> list[dict[str, Any]]:
        """Dictionaries in place of instances, with these fields or all."""
        return self._values(fields, _run(self._endpoint.rows(self._plan), self.model))

    def values_list(self, *fields: str, flat: bool = False) -> list[Any]:
        """Tuples in place of instances; with ``flat=True`` the values of the one field."""
        if flat and len(fields) != 1:
            raise ValueError("flat=True takes exactly one field")
        return self._values_list(fields, flat, _run(self._endpoint.rows(self._plan), self.model))

    def in_bulk(self, id_list: Iterable[Any] | None = None) -> dict[Any, M]:
        """The rows with these primary keys, by key; keys without a row are left out."""
        if id_list is None:
            return {instance.pk: instance for instance in self}
        rows = _run(self._by_key(id_list), self.model)
        return {instance.pk: instance for instance in self._instances(rows)}

    def update(self, **kwargs: Any) -> int:
        """Writes the values into every row; gives how many rows have them now. Each row is checked before it is touched."""
        return self._written(_run(self._update(kwargs), self.model))

    def delete(self) -> int:
        """Deletes every row; gives how many. Each row is checked before it is touched."""
        return self._written(_run(self._delete(), self.model))


Model = TypeVar("Model", bound="APIModel")


class ModelManager:
    """``objects`` of a model that has no manager of its own; every manager is one."""

    def __get__(self, instance: None, owner: type[Model]) -> Manager[Model]:
        if instance is not None:
            raise AttributeError("the manager is used through the class, not through an instance")
        return Manager(owner)


class Manager(BaseManager[M], ModelManager):
    """Where queries start: ``User.objects``. A subclass on the model adds methods, which chain."""

    _query_class = QuerySet

    def __get__(self, instance: object, owner: type[Any]) -> Self:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        if instance is not None:
            raise AttributeError("the manager is used through the class, not through an instance")
        return self._bind(owner)

    def get_queryset(self) -> QuerySet[M]:
        """Where every query starts; override it to restrict them all."""
        return cast("QuerySet[M]", self._query())

    def all(self) -> QuerySet[M]:
        """Every row. Nothing is sent before the rows are needed."""
        return self.get_queryset()

    def none(self) -> QuerySet[M]:
        return self.get_queryset().none()

    def filter(self, *args: Q, **kwargs: Any) -> QuerySet[M]:
        return self.get_queryset().filter(*args, **kwargs)

    def exclude(self, *args: Q, **kwargs: Any) -> QuerySet[M]:
        return self.get_queryset().exclude(*args, **kwargs)

    def order_by(self, *fields: str) -> QuerySet[M]:
        return self.get_queryset().order_by(*fields)

    def search(self, words: str) -> QuerySet[M]:
        return self.get_queryset().search(words)

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        return self.get_queryset().iterator(chunk_size)

    def get(self, *args: Q, **kwargs: Any) -> M:
        """The one row that the lookups name; ``get(id=1)`` reads the row's own URL."""
        return self.get_queryset().get(*args, **kwargs)

    def first(self) -> M | None:
        return self.get_queryset().first()

    def last(self) -> M | None:
        return self.get_queryset().last()

    def count(self) -> int:
        return self.get_queryset().count()

    def exists(self) -> bool:
        return self.get_queryset().exists()

    def values(self, *fields: str) -> list[dict[str, Any]]:
        return self.get_queryset().values(*fields)

    def values_list(self, *fields: str, flat: bool = False) -> list[Any]:
        return self.get_queryset().values_list(*fields, flat=flat)

    def in_bulk(self, id_list: Iterable[Any] | None = None) -> dict[Any, M]:
        return self.get_queryset().in_bulk(id_list)

    def create(self, **kwargs: Any) -> M:
        """Creates a row: one POST, never sent twice. Only the given values are sent; other defaults are the server's."""
        body = self.model._info().new_body(kwargs)
        return self.model._from_row(_run(self._rows().create(body), self.model), self.client)

    def get_or_create(self, defaults: Mapping[str, Any] | None = None, **kwargs: Any) -> tuple[M, bool]:
        """The row that the lookups name, or a new one with their values and the defaults; and whether it is new."""
        upsert = Upsert(self.model, self._rows(), kwargs)
        return self._found(upsert, _run_or_invalid(upsert, upsert.get_or_create(defaults), self.model))

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[M, bool]:
        """The row that the lookups name, with the defaults written into it; or a new one; and whether it is new."""
        upsert = Upsert(self.model, self._rows(), kwargs)
        operation = upsert.update_or_create(defaults, create_defaults)
        found, created = self._found(upsert, _run_or_invalid(upsert, operation, self.model))
        if upsert.invalid is not None:
            for name, value in (defaults or {}).items():
                setattr(found, name, value)
            found.save()
        return found, created

    def _found(self, upsert: Upsert[M], value: Any) -> tuple[M, bool]:
        row, created = (value, False) if upsert.invalid is not None else value
        return self.model._from_row(row, self.client), created

    def bulk_create(self, objs: Iterable[Any], concurrency: int = 8) -> list[M]:
        """Creates many rows, a few requests at a time, in order. A failure raises ``BulkCreateError`` with everything."""
        endpoint = self._rows().with_policy(concurrency=concurrency)
        return self._created(_run(endpoint.create_many(self._bodies(objs)), self.model))

    def route(self, route: str, method: str = "GET", data: Any = None) -> APIResponse:
        """Calls an extra route of the collection (DRF's ``@action(detail=False)``)."""
        body = None if data is None else to_json(data)
        return response_of(_run(self._rows().call(method, self._route(route), body), self.model))


def _run_or_invalid(upsert: Upsert[Any], operation: Operation, model: type[Any]) -> Any:
    try:
        return _run(operation, model)
    except DoesNotExist as missing:
        if upsert.invalid is not None and isinstance(missing, model.DoesNotExist):
            raise upsert.invalid from None
        raise


class APIModel(BaseAPIModel):
    """A row of a synchronous model."""

    __slots__ = ()

    _register_function: ClassVar[str] = "register_models"

    objects = ModelManager()

    def save(self, update_fields: Iterable[str] | None = None) -> None:
        """Sends what has changed; exactly ``update_fields`` where they are given; everything of a new row.

        Nothing changed: no request. After an error the changes are still to be saved.
        """
        endpoint = self._endpoint_of_row()
        if self._is_new():
            body = self._info().dump_set(self._data)
            self._saved(_run(endpoint.create(to_json(body)), type(self)), body, created=True)
            return
        key = self._key()
        changes = self._to_send(update_fields)
        if changes:
            self._saved(_run(endpoint.patch(key, to_json(changes)), type(self)), changes)

    def delete(self) -> None:
        """Deletes the row. The instance stays readable."""
        _run(self._endpoint_of_row().delete(self._key()), type(self))
        object.__setattr__(self, "_deleted", True)

    def refresh_from_api(self) -> None:
        """Reads the row anew; changes that were not saved are lost."""
        self._refreshed(_run(self._endpoint_of_row().row(self._key()), type(self)))

    def route(self, route: str, method: str = "POST", data: Any = None) -> APIResponse:
        """Calls an extra route of the row (DRF's ``@action(detail=True)``). The instance is not changed."""
        endpoint = self._endpoint_of_row()
        path = self._info().engine.route(self._key(), route)
        body = None if data is None else to_json(data)
        return response_of(_run(endpoint.call(method, path, body), type(self)))

    def related(self, model: type[Model], route: str) -> Manager[Model]:
        """The rows of another model behind a nested route of this row: ``user.related(Post, "posts")``."""
        self._endpoint_of_row()
        path = self._info().engine.route(self._key(), route)
        return model.objects.using(self._client).at(path)


def register_models(client: ServiceClient, *model_classes: type[APIModel]) -> None:
    """Lets the models speak through the client, in this context and those that come from it."""
    if not isinstance(client, ServiceClient):
        raise ConfigurationError(f"register_models() takes a ServiceClient, not {type(client).__name__}")
    for model in model_classes:
        if not (isinstance(model, type) and issubclass(model, APIModel)):
            raise ConfigurationError(f"{model!r} is not a subclass of APIModel; AsyncAPIModel has register_async_models()")
        model._info()
    _registry.register(client, *model_classes)
