"""Asynchronous models, managers and querysets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from . import _registry
from ._bridge import perform
from ._client import APIResponse, response_of
from ._json import to_json
from ._model import BaseAPIModel, specialise
from ._query import BaseManager, BaseQuery, M, Upsert
from ._warn import emit
from .async_client import AsyncServiceClient
from .exceptions import ConfigurationError, DoesNotExist, MultipleObjectsReturned
from .q import Q

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._engine import Operation

__all__ = ["AsyncAPIModel", "AsyncManager", "AsyncQuerySet", "register_async_models"]


T = TypeVar("T")

#: Rows that are validated before the other tasks of the loop have a turn: a millisecond or two of work.
_ROWS_IN_A_TURN = 500


async def _perform(operation: Operation, model: type[Any], later: list[tuple[str, str]] | None = None) -> Any:
    try:
        return await perform(operation, later)
    except (DoesNotExist, MultipleObjectsReturned) as error:
        specialise(model, error)
        raise


async def _in_turns(make: Callable[[list[bytes], int], list[T]], rows: list[bytes], start: int = 0) -> list[T]:
    """What ``make`` gives for the rows, while the other tasks of the loop have their turns in between."""
    made = make(rows[:_ROWS_IN_A_TURN], start)
    for at in range(_ROWS_IN_A_TURN, len(rows), _ROWS_IN_A_TURN):
        await asyncio.sleep(0)
        made += make(rows[at : at + _ROWS_IN_A_TURN], start + at)
    return made


class AsyncQuerySet(BaseQuery[M]):
    """A lazy description of rows; evaluated by ``await``, ``async for`` and ``await qs._fetch()``, and then kept."""

    _task: asyncio.Task[list[M]] | None = None
    _waiting = 0

    async def _load(self, notices: list[tuple[str, str]]) -> list[M]:
        rows = await _perform(self._endpoint.rows(self._plan), self.model, notices)
        return await _in_turns(self._instances, rows)

    async def _fetch(self) -> list[M]:
        """Every row; tasks that ask at the same time share one walk."""
        if self._result_cache is not None:
            return self._result_cache
        task = self._task
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            self._notices: list[tuple[str, str]] = []
            task = self._task = asyncio.ensure_future(self._load(self._notices))
            self._waiting = 0
        self._waiting += 1
        try:
            rows = await asyncio.shield(task)
        except asyncio.CancelledError:
            # The walk goes on as long as somebody waits for it.
            if self._waiting == 1 and not task.done():
                task.cancel()
            raise
        finally:
            self._waiting -= 1
            if self._notices and task.done():
                notices, self._notices = self._notices, []
                emit(notices)
        if self._result_cache is None:
            self._result_cache = rows
            self._task = None
        return self._result_cache

    def __await__(self) -> Generator[Any, None, list[M]]:
        return self._fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[M]:
        for instance in await self._fetch():
            yield instance

    def __iter__(self) -> Any:
        raise TypeError("use `async for`, or `await` the queryset for a list")

    def __bool__(self) -> bool:
        raise TypeError("an asynchronous queryset has no truth value: use `await queryset.exists()`")

    def __getitem__(self, key: slice) -> Self:
        """``[10:20]`` is a lazy slice."""
        if not isinstance(key, slice):
            raise TypeError(
                "an asynchronous queryset is not indexed: use `await queryset.first()`, `await queryset.last()` or "
                "`(await queryset[3:4])[0]`"
            )
        if key.step is not None:
            raise ValueError("a step is not supported here: slice the list that `await queryset` gives")
        return self._slice(key)

    async def alen(self) -> int:
        """How many rows were fetched; fetches them."""
        return len(await self._fetch())

    async def iterator(self, chunk_size: int | None = None) -> AsyncIterator[M]:
        """The rows page by page, with the memory of one page. ``chunk_size`` is the page's size, where it can be set."""
        query = self if chunk_size is None else self.page_size(chunk_size)
        walk = query._endpoint.walk(query._plan)
        start = 0
        while (rows := await perform(walk.next())) is not None:
            for instance in await _in_turns(query._instances, rows, start):
                yield instance
            start += len(rows)

    async def keyset(self, after: Any = None) -> AsyncIterator[M]:
        """The rows by primary key, asking for those after the last key: stable while rows come and go, and resumable."""
        walk = self._keyset(after)
        start = 0
        while (rows := await perform(walk.next())) is not None:
            for instance in await _in_turns(self._instances, rows, start):
                yield instance
            start += len(rows)

    async def get(self, *args: Q, **kwargs: Any) -> M:
        """The one row. Raises ``Model.DoesNotExist`` or ``Model.MultipleObjectsReturned``."""
        query = self.filter(*args, **kwargs) if args or kwargs else self
        return query._one(await _perform(query._endpoint.get(query._plan), self.model))

    async def first(self) -> M | None:
        """The first row, or ``None``."""
        if self._result_cache is not None:
            return self._result_cache[0] if self._result_cache else None
        return self._maybe(await _perform(self._endpoint.first(self._plan), self.model))

    async def last(self) -> M | None:
        """The last row, or ``None``."""
        if self._result_cache is not None:
            return self._result_cache[-1] if self._result_cache else None
        return self._maybe(await _perform(self._endpoint.last(self._plan), self.model))

    async def count(self) -> int:
        """How many rows; one request where the server counts and honours the filter."""
        if self._result_cache is not None:
            return len(self._result_cache)
        count: int = await _perform(self._endpoint.count(self._plan), self.model)
        return count

    async def exists(self) -> bool:
        """Whether there is a row."""
        if self._result_cache is not None:
            return bool(self._result_cache)
        exists: bool = await _perform(self._endpoint.exists(self._plan), self.model)
        return exists

    async def values(self, *fields: str) -> list[dict[str, Any]]:
        """Dictionaries in place of instances, with these fields or all."""
        rows = await _perform(self._endpoint.rows(self._plan), self.model)
        return await _in_turns(partial(self._values, fields), rows)

    async def values_list(self, *fields: str, flat: bool = False) -> list[Any]:
        """Tuples in place of instances; with ``flat=True`` the values of the one field."""
        if flat and len(fields) != 1:
            raise ValueError("flat=True takes exactly one field")
        rows = await _perform(self._endpoint.rows(self._plan), self.model)
        return await _in_turns(partial(self._values_list, fields, flat), rows)

    async def in_bulk(self, id_list: Iterable[Any] | None = None) -> dict[Any, M]:
        """The rows with these primary keys, by key; keys without a row are left out."""
        if id_list is None:
            return {instance.pk: instance for instance in await self._fetch()}
        rows = await _perform(self._by_key(id_list), self.model)
        return {instance.pk: instance for instance in await _in_turns(self._instances, rows)}

    async def update(self, **kwargs: Any) -> int:
        """Writes the values into every row; gives how many rows have them now. Each row is checked before it is touched."""
        return self._written(await _perform(self._update(kwargs), self.model))

    async def delete(self) -> int:
        """Deletes every row; gives how many. Each row is checked before it is touched."""
        return self._written(await _perform(self._delete(), self.model))


Model = TypeVar("Model", bound="AsyncAPIModel")


class ModelManager:
    """``objects`` of a model that has no manager of its own; every manager is one."""

    def __get__(self, instance: None, owner: type[Model]) -> AsyncManager[Model]:
        if instance is not None:
            raise AttributeError("the manager is used through the class, not through an instance")
        return AsyncManager(owner)


class AsyncManager(BaseManager[M], ModelManager):
    """Where queries start: ``User.objects``. A subclass on the model adds methods, which chain."""

    _query_class = AsyncQuerySet

    def __get__(self, instance: object, owner: type[Any]) -> Self:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        if instance is not None:
            raise AttributeError("the manager is used through the class, not through an instance")
        return self._bind(owner)

    def get_queryset(self) -> AsyncQuerySet[M]:
        """Where every query starts; override it to restrict them all."""
        return cast("AsyncQuerySet[M]", self._query())

    def all(self) -> AsyncQuerySet[M]:
        """Every row. Nothing is sent before the rows are needed."""
        return self.get_queryset()

    def none(self) -> AsyncQuerySet[M]:
        return self.get_queryset().none()

    def filter(self, *args: Q, **kwargs: Any) -> AsyncQuerySet[M]:
        return self.get_queryset().filter(*args, **kwargs)

    def exclude(self, *args: Q, **kwargs: Any) -> AsyncQuerySet[M]:
        return self.get_queryset().exclude(*args, **kwargs)

    def order_by(self, *fields: str) -> AsyncQuerySet[M]:
        return self.get_queryset().order_by(*fields)

    def search(self, words: str) -> AsyncQuerySet[M]:
        return self.get_queryset().search(words)

    def iterator(self, chunk_size: int | None = None) -> AsyncIterator[M]:
        return self.get_queryset().iterator(chunk_size)

    async def get(self, *args: Q, **kwargs: Any) -> M:
        """The one row that the lookups name; ``get(id=1)`` reads the row's own URL."""
        return await self.get_queryset().get(*args, **kwargs)

    async def first(self) -> M | None:
        return await self.get_queryset().first()

    async def last(self) -> M | None:
        return await self.get_queryset().last()

    async def count(self) -> int:
        return await self.get_queryset().count()

    async def exists(self) -> bool:
        return await self.get_queryset().exists()

    async def values(self, *fields: str) -> list[dict[str, Any]]:
        return await self.get_queryset().values(*fields)

    async def values_list(self, *fields: str, flat: bool = False) -> list[Any]:
        return await self.get_queryset().values_list(*fields, flat=flat)

    async def in_bulk(self, id_list: Iterable[Any] | None = None) -> dict[Any, M]:
        return await self.get_queryset().in_bulk(id_list)

    async def create(self, **kwargs: Any) -> M:
        """Creates a row: one POST, never sent twice. Only the given values are sent; other defaults are the server's."""
        client = self.client
        body = self.model._info().new_body(kwargs)
        return self.model._from_row(await _perform(self._rows().create(body), self.model), client)

    async def get_or_create(self, defaults: Mapping[str, Any] | None = None, **kwargs: Any) -> tuple[M, bool]:
        """The row that the lookups name, or a new one with their values and the defaults; and whether it is new."""
        client = self.client
        upsert = Upsert(self.model, self._rows(), kwargs)
        value = await _perform_or_invalid(upsert, upsert.get_or_create(defaults), self.model)
        row, created = (value, False) if upsert.invalid is not None else value
        return self.model._from_row(row, client), created

    async def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[M, bool]:
        """The row that the lookups name, with the defaults written into it; or a new one; and whether it is new."""
        client = self.client
        upsert = Upsert(self.model, self._rows(), kwargs)
        value = await _perform_or_invalid(upsert, upsert.update_or_create(defaults, create_defaults), self.model)
        if upsert.invalid is None:
            return self.model._from_row(value[0], client), value[1]
        found = self.model._from_row(value, client)
        for name, new in (defaults or {}).items():
            setattr(found, name, new)
        await found.save()
        return found, False

    async def bulk_create(self, objs: Iterable[Any], concurrency: int = 8) -> list[M]:
        """Creates many rows, a few requests at a time, in order. A failure raises ``BulkCreateError`` with everything."""
        endpoint = self._rows().with_policy(concurrency=concurrency)
        return self._created(await _perform(endpoint.create_many(self._bodies(objs)), self.model))

    async def route(self, route: str, method: str = "GET", data: Any = None) -> APIResponse:
        """Calls an extra route of the collection (DRF's ``@action(detail=False)``)."""
        body = None if data is None else to_json(data)
        return response_of(await _perform(self._rows().call(method, self._route(route), body), self.model))


async def _perform_or_invalid(upsert: Upsert[Any], operation: Operation, model: type[Any]) -> Any:
    try:
        return await _perform(operation, model)
    except DoesNotExist as missing:
        if upsert.invalid is not None and isinstance(missing, model.DoesNotExist):
            raise upsert.invalid from None
        raise


class AsyncAPIModel(BaseAPIModel):
    """A row of an asynchronous model."""

    __slots__ = ()

    _register_function: ClassVar[str] = "register_async_models"

    objects = ModelManager()

    async def save(self, update_fields: Iterable[str] | None = None) -> None:
        """Sends what has changed; exactly ``update_fields`` where they are given; everything of a new row.

        Nothing changed: no request. After an error the changes are still to be saved.
        """
        endpoint = self._endpoint_of_row()
        if self._is_new():
            body = self._info().dump_set(self._data)
            self._saved(await _perform(endpoint.create(to_json(body)), type(self)), body, created=True)
            return
        key = self._key()
        changes = self._to_send(update_fields)
        if changes:
            self._saved(await _perform(endpoint.patch(key, to_json(changes)), type(self)), changes)

    async def delete(self) -> None:
        """Deletes the row. The instance stays readable."""
        await _perform(self._endpoint_of_row().delete(self._key()), type(self))
        object.__setattr__(self, "_deleted", True)

    async def refresh_from_api(self) -> None:
        """Reads the row anew; changes that were not saved are lost."""
        self._refreshed(await _perform(self._endpoint_of_row().row(self._key()), type(self)))

    async def route(self, route: str, method: str = "POST", data: Any = None) -> APIResponse:
        """Calls an extra route of the row (DRF's ``@action(detail=True)``). The instance is not changed."""
        endpoint = self._endpoint_of_row()
        path = self._info().engine.route(self._key(), route)
        body = None if data is None else to_json(data)
        return response_of(await _perform(endpoint.call(method, path, body), type(self)))

    def related(self, model: type[Model], route: str) -> AsyncManager[Model]:
        """The rows of another model behind a nested route of this row: ``user.related(Post, "posts")``."""
        self._endpoint_of_row()
        path = self._info().engine.route(self._key(), route)
        return model.objects.using(self._client).at(path)


def register_async_models(client: AsyncServiceClient, *model_classes: type[AsyncAPIModel]) -> None:
    """Lets the models speak through the client, in this context and those that come from it."""
    if not isinstance(client, AsyncServiceClient):
        raise ConfigurationError(f"register_async_models() takes an AsyncServiceClient, not {type(client).__name__}")
    for model in model_classes:
        if not (isinstance(model, type) and issubclass(model, AsyncAPIModel)):
            raise ConfigurationError(f"{model!r} is not a subclass of AsyncAPIModel; APIModel has register_models()")
        model._info()
    _registry.register(client, *model_classes)
