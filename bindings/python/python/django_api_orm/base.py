"""Synchronous models, managers and querysets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, cast, overload

from . import _registry
from ._blocking import run
from ._client import APIResponse, response_of
from ._json import to_json
from ._model import BaseAPIModel, specialise
from ._query import BaseManager, BaseQuery, Explanation, M, OnDrift, OnIgnored
from ._upsert import Upsert
from .client import ServiceClient
from .exceptions import ConfigurationError, DoesNotExist, MultipleObjectsReturned, RowError
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
        # By name: Python 3.10 raises again what the class was before.
        raise error


class QuerySet(BaseQuery[M]):
    """A lazy description of rows; evaluated by iteration, ``len``, ``bool``, ``list`` and indexing, and then kept.

    A subclass adds methods of its own; ``objects = UserQuerySet.as_manager()`` gives them to the model too.
    """

    def _begin(self) -> None:
        super()._begin()
        self._lock = threading.RLock()
        self._evaluating = False

    @classmethod
    def as_manager(cls) -> ManagerOf[Self]:
        """A manager with the methods of this class: ``objects = UserQuerySet.as_manager()``.

        Requests: none.
        """
        return Manager.from_queryset(cls)()

    def _fetch(self) -> list[M]:
        """Every row, in a list of the caller's own; threads that ask at the same time share one walk.

        Raises: ``RuntimeError`` in a signal handler, or a report of ``on_invalid``, that runs while this thread is
        fetching these rows.
        Requests: one GET for each page; none once the rows are fetched.
        """
        return list(self._evaluated())

    def _evaluated(self) -> list[M]:
        with self._lock:
            if self._result_cache is None:
                if self._evaluating:
                    raise RuntimeError("this thread is fetching the rows of this queryset already: use `all()` for another one")
                self._evaluating = True
                try:
                    self._result_cache = self._instances(_run(self._endpoint.rows(self._plan), self.model))
                finally:
                    self._evaluating = False
            return self._result_cache

    def __iter__(self) -> Iterator[M]:
        return iter(self._evaluated())

    def __len__(self) -> int:
        return len(self._evaluated())

    def __bool__(self) -> bool:
        return bool(self._evaluated())

    @overload
    def __getitem__(self, key: int) -> M: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> Any:
        """``[3]`` is one row; ``[10:20]`` is a lazy slice; ``[::2]``, with a step, is a list.

        Raises: ``IndexError`` where there is no such row; ``ValueError`` for a negative number.
        Requests: one GET for a row; none for a slice; those of the slice for a list. None once the rows are fetched. Where
        ``on_invalid`` skips, one for each page up to the row.
        """
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
        if self._invalid == "skip":
            for instance in islice(self.iterator(), key, None):
                return instance
            raise IndexError(f"there is no row {key} that fits the schema")
        row = _run(self._endpoint.first(self._slice(slice(key, key + 1))._plan), self.model)
        if row is None:
            raise IndexError(f"there is no row {key}")
        return self._one(row)

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        """The rows page by page, with the memory of a few pages. ``chunk_size`` is the page's size, where it can be set.

        Raises: ``pydantic.ValidationError`` for a row that does not fit the schema; ``APIException``.
        Requests: one GET for each page, a few pages ahead of the reader.
        """
        query = self if chunk_size is None else self.page_size(chunk_size)
        walk = query._endpoint.walk(query._plan)
        start = 0
        while (rows := run(walk)) is not None:
            yield from query._instances(rows, start)
            start += len(rows)

    def keyset(self, after: Any = None) -> Iterator[M]:
        """The rows by primary key, asking for those after the last key: stable while rows come and go.

        ``after`` is a key, to go on from there.

        Raises: ``InvalidRequestError`` for a query with an order or a slice of its own; ``APIException``.
        Requests: one GET for each page; two more, once for each client, to see whether the server sorts by the key.
        """
        if self._empty:
            return
        walk = self._keyset(after)
        start = 0
        while (rows := run(walk)) is not None:
            yield from self._instances(rows, start)
            start += len(rows)

    def get(self, *args: Q, **kwargs: Any) -> M:
        """The one row for which the lookups hold.

        Raises: ``Model.DoesNotExist``, ``Model.MultipleObjectsReturned``, ``APIException``.
        Requests: one GET: of the row's URL when only the key is asked for, else of at most two rows. After a 404 of the
        row one more, which tells a missing row from a wrong URL.
        """
        query = self.filter(*args, **kwargs) if args or kwargs else self
        return query._one(_run(query._endpoint.get(query._plan), self.model))

    def first(self) -> M | None:
        """The first row, or ``None``.

        Requests: one GET of one row; two more, once for each client and ordering, to see whether the server sorts.
        None once the rows are fetched. One more for each row that ``on_invalid`` skips.
        """
        if self._result_cache is not None:
            return self._result_cache[0] if self._result_cache else None
        index = 0
        while True:
            plan = self._plan.slice(index, index + 1) if index else self._plan
            row = _run(self._endpoint.first(plan), self.model)
            if row is None:
                return None
            if (first := self._kept(row, index)) is not None:
                return first
            index += 1

    def last(self) -> M | None:
        """The last row, or ``None``.

        Requests: with an ordering, those of ``first``; else two GETs: of the count, and of the row at its end. None once
        the rows are fetched. Where ``on_invalid`` skips: always the two, and one more for each row that is skipped.
        """
        if self._result_cache is not None:
            return self._result_cache[-1] if self._result_cache else None
        if self._invalid == "raise":
            row = _run(self._endpoint.last(self._plan), self.model)
            return None if row is None else self._one(row)
        for index in range(self.count() - 1, -1, -1):
            row = _run(self._endpoint.first(self._plan.slice(index, index + 1)), self.model)
            if row is not None and (last := self._kept(row, index)) is not None:
                return last
        return None

    def count(self) -> int:
        """How many rows there are.

        Requests: one GET of one row, for the count beside it; one more, once for each client and filter, to see whether
        the server honours the filter. One for each page where a part of the query is evaluated here, or the server does
        not count. None once the rows are fetched.
        """
        if self._result_cache is not None and self._invalid == "raise":
            return len(self._result_cache)
        count: int = _run(self._endpoint.count(self._plan), self.model)
        return count

    def exists(self) -> bool:
        """Whether there is a row.

        Requests: one GET of one row; more where a part of the query is evaluated here, until one belongs. None once the
        rows are fetched.
        """
        if self._result_cache is not None and self._invalid == "raise":
            return bool(self._result_cache)
        exists: bool = _run(self._endpoint.exists(self._plan), self.model)
        return exists

    def values(self, *fields: str) -> list[dict[str, Any]]:
        """Dictionaries in place of instances, with these fields or all; ``address__city`` is a part of an object.

        The values have the types of the schema, such as ``Decimal`` and ``datetime``, as Django's have. Computed fields, and
        what the server sends beside the schema's fields, are given where they are named.

        Raises: ``ValueError`` for a name that neither the schema nor a row has; and as iteration.
        Requests: one GET for each page.
        """
        return self._values(fields, _run(self._endpoint.rows(self._plan), self.model))

    def values_list(self, *fields: str, flat: bool = False) -> list[Any]:
        """Tuples in place of instances; with ``flat=True`` the values of the one field. The names are as for ``values``.

        Raises: ``ValueError`` for ``flat=True`` without exactly one field; and as ``values``.
        Requests: one GET for each page.
        """
        if flat and len(fields) != 1:
            raise ValueError("flat=True takes exactly one field")
        return self._values_list(fields, flat, _run(self._endpoint.rows(self._plan), self.model))

    def in_bulk(self, id_list: Iterable[Any] | None = None) -> dict[Any, M]:
        """The rows with these primary keys, by key; keys without a row are left out. Without keys: every row of the query.

        Requests: one GET for each 100 keys; none for no keys. Without ``id_list`` one for each page.
        """
        if id_list is None:
            return {instance._pk(): instance for instance in self}
        rows = _run(self._by_key(id_list), self.model)
        return {instance._pk(): instance for instance in self._instances(rows)}

    def update(self, **kwargs: Any) -> int:
        """Writes the values into every row; gives how many rows have them now.

        Each row is checked against the whole filter before it is touched. ``address__city`` writes a part of an object.

        Raises: ``BulkWriteError`` when some rows could not be written; before anything is written,
        ``CountMismatchError`` when ``expect`` does not hold, and ``UnsupportedError`` when it cannot be seen on a row whether
        it matches.
        Requests: one GET for each page, then one PATCH for each row that differs.
        """
        return self._written(_run(self._update(kwargs), self.model))

    def delete(self) -> int:
        """Deletes every row; gives how many. Each row is checked against the whole filter before it is touched.

        Raises: as ``update``.
        Requests: one GET for each page, then one DELETE for each row.
        """
        return self._written(_run(self._delete(), self.model))

    def create(self, **kwargs: Any) -> M:
        """Creates a row. Only the given values are sent; other defaults are the server's. The filter plays no part in it.

        Raises: ``pydantic.ValidationError`` before anything is sent; ``BadRequestError`` with the server's messages in
        ``errors``; ``OutcomeUnknown`` when the row may be there all the same; ``APIException``.
        Requests: one POST, which is never sent again once the server may have got it.
        """
        new = self._unsaved(kwargs)
        save = new._new()
        new._saved(save, _run(self._endpoint.create(save.json), self.model))
        return new

    def get_or_create(self, defaults: Mapping[str, Any] | None = None, **kwargs: Any) -> tuple[M, bool]:
        """The row of this query for which the lookups hold, or a new one; and whether it is new.

        A new row gets what the lookups and filters say with ``=``, and the defaults, which may be functions.

        Raises: ``Model.MultipleObjectsReturned``; ``InvalidRequestError`` behind a slice, ``search`` or ``parameters``;
        and as ``create``.
        Requests: those of ``get``, and one POST for a new row. When the server refuses it as a duplicate, those of
        ``get`` again, for the row that somebody else has created.
        """
        upsert = Upsert(self, kwargs)
        return upsert.found(_run_or_invalid(upsert, upsert.get_or_create(defaults), self.model))

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[M, bool]:
        """The row of this query for which the lookups hold, with the defaults written into it; or a new one; and whether
        it is new. A new row gets ``create_defaults`` in place of ``defaults`` where they are given.

        Raises: as ``get_or_create``; ``UnsupportedError`` when it cannot be seen on the row that it matches.
        Requests: as ``get_or_create``, and one PATCH where the row differs from the defaults.
        """
        upsert = Upsert(self, kwargs)
        operation = upsert.update_or_create(defaults, create_defaults)
        found, created = upsert.found(_run_or_invalid(upsert, operation, self.model))
        if not created and (save := upsert.changes(found)).body:
            answer = _run(self._endpoint.save(found._key(), found._row, save.json), self.model)
            found._saved(save, answer)
        return found, created

    def bulk_create(self, objs: Iterable[Any], concurrency: int = 8) -> list[M]:
        """Creates many rows; gives them in the same order.

        ``objs`` are dictionaries, objects of the schema or instances of the model. Every one is validated before the
        first is sent. ``concurrency`` is how many requests are under way at a time.

        Raises: ``pydantic.ValidationError``; ``BulkCreateError``, which knows what was created and what was not.
        Requests: one POST for each row.
        """
        endpoint = self._endpoint.with_policy(concurrency=concurrency)
        instances = [self._given(obj) for obj in objs]
        saves = [instance._new() for instance in instances]
        created = endpoint.create_many([save.json for save in saves])
        return self._created(_run(created, self.model), instances, saves)


def _run_or_invalid(upsert: Upsert[Any], operation: Operation, model: type[Any]) -> Any:
    try:
        return _run(operation, model)
    except DoesNotExist as missing:
        if upsert.invalid is not None and isinstance(missing, model.DoesNotExist):
            raise upsert.invalid from None
        raise


Model = TypeVar("Model", bound="APIModel")
Rows = TypeVar("Rows", bound=QuerySet[Any])


class ModelManager:
    """``objects`` of a model that has no manager of its own."""

    # The second one lets a model have an `objects` of any type.
    @overload
    def __get__(self, instance: None, owner: type[Model]) -> Manager[Model]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Any: ...
    def __get__(self, instance: object, owner: type[Any]) -> Any:
        if instance is not None:
            raise AttributeError("the manager is used through the class, not through an instance")
        return Manager(owner)


if TYPE_CHECKING:

    class ManagerOf(Generic[Rows]):
        """A manager with the methods of a queryset class, which type checkers take for such a queryset."""

        def __get__(self, instance: object, owner: type[Any]) -> Rows: ...


class Manager(BaseManager[M]):
    """Where queries start: ``User.objects``. A subclass on the model adds methods, which chain.

    What is not described here is the method of ``QuerySet``, on ``get_queryset()``.
    """

    _query_class = QuerySet

    def __get__(self, instance: object, owner: type[Any]) -> Self:
        if instance is not None:
            raise AttributeError("the manager is used through the class, not through an instance")
        return self._bind(owner)

    @classmethod
    def from_queryset(cls, queryset_class: type[Rows], class_name: str | None = None) -> type[ManagerOf[Rows]]:
        """A manager class with the methods of a queryset class: ``objects = Manager.from_queryset(UserQuerySet)()``.

        As in Django: methods with an underscore, or with ``queryset_only = True``, stay on the queryset, and those that
        this class has are left as they are. Type checkers see the queryset's methods.

        Requests: none.
        """
        return cast("type[ManagerOf[Rows]]", cls._from_queryset(queryset_class, class_name))

    def get_queryset(self) -> QuerySet[M]:
        """Where every query starts; override it to restrict them all.

        Requests: none.
        """
        return cast("QuerySet[M]", self._query())

    def all(self) -> QuerySet[M]:
        """Every row. Nothing is sent before the rows are needed.

        Requests: none.
        """
        return self.get_queryset()

    def none(self) -> QuerySet[M]:
        """No rows, and no request.

        Requests: none.
        """
        return self.get_queryset().none()

    def filter(self, *args: Q, **kwargs: Any) -> QuerySet[M]:
        """Only the rows for which every lookup holds.

        Requests: none.
        """
        return self.get_queryset().filter(*args, **kwargs)

    def exclude(self, *args: Q, **kwargs: Any) -> QuerySet[M]:
        """Only the rows for which the lookups do not all hold.

        Requests: none.
        """
        return self.get_queryset().exclude(*args, **kwargs)

    def order_by(self, *fields: str) -> QuerySet[M]:
        """Every row, in this order.

        Requests: none.
        """
        return self.get_queryset().order_by(*fields)

    def reverse(self) -> QuerySet[M]:
        """Every row, in the opposite order.

        Requests: none.
        """
        return self.get_queryset().reverse()

    def search(self, words: str) -> QuerySet[M]:
        """Only the rows that the server finds for the words.

        Requests: none.
        """
        return self.get_queryset().search(words)

    def parameters(self, **parameters: Any) -> QuerySet[M]:
        """Every row, with query parameters that are sent as they stand.

        Requests: none.
        """
        return self.get_queryset().parameters(**parameters)

    def on_ignored(self, policy: OnIgnored) -> QuerySet[M]:
        """Every row, with another policy for what the server ignores.

        Requests: none.
        """
        return self.get_queryset().on_ignored(policy)

    def on_drift(self, policy: OnDrift) -> QuerySet[M]:
        """Every row, with another policy for data that moves.

        Requests: none.
        """
        return self.get_queryset().on_drift(policy)

    def on_invalid(self, policy: Literal["raise", "skip"], report: Callable[[RowError], object] | None = None) -> QuerySet[M]:
        """Every row, with another policy for rows that do not fit the schema.

        Requests: none.
        """
        return self.get_queryset().on_invalid(policy, report)

    def max_scan(self, rows: int) -> QuerySet[M]:
        """Every row, with another bound on what is read.

        Requests: none.
        """
        return self.get_queryset().max_scan(rows)

    def page_size(self, rows: int) -> QuerySet[M]:
        """Every row, in pages of this size.

        Requests: none.
        """
        return self.get_queryset().page_size(rows)

    def explain(self, rows: int | None = None) -> Explanation:
        """What reading every row will do.

        Requests: none.
        """
        return self.get_queryset().explain(rows)

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        """Every row, page by page, with the memory of a few pages.

        Requests: one GET for each page.
        """
        return self.get_queryset().iterator(chunk_size)

    def keyset(self, after: Any = None) -> Iterator[M]:
        """Every row by primary key, stable while rows come and go.

        Requests: one GET for each page; two more, once for each client, to see whether the server sorts by the key.
        """
        return self.get_queryset().keyset(after)

    def get(self, *args: Q, **kwargs: Any) -> M:
        """The one row for which the lookups hold; ``get(id=1)`` reads the row's own URL.

        Raises: ``Model.DoesNotExist``, ``Model.MultipleObjectsReturned``, ``APIException``.
        Requests: one GET; after a 404 of the row one more, which tells a missing row from a wrong URL.
        """
        return self.get_queryset().get(*args, **kwargs)

    def first(self) -> M | None:
        """The first row, or ``None``.

        Requests: one GET of one row.
        """
        return self.get_queryset().first()

    def last(self) -> M | None:
        """The last row, or ``None``.

        Requests: two GETs: of the count, and of the row at its end.
        """
        return self.get_queryset().last()

    def count(self) -> int:
        """How many rows there are.

        Requests: one GET of one row, for the count beside it; one for each page where the server does not count.
        """
        return self.get_queryset().count()

    def exists(self) -> bool:
        """Whether there is a row.

        Requests: one GET of one row.
        """
        return self.get_queryset().exists()

    def values(self, *fields: str) -> list[dict[str, Any]]:
        """Every row as a dictionary, with these fields or all.

        Requests: one GET for each page.
        """
        return self.get_queryset().values(*fields)

    def values_list(self, *fields: str, flat: bool = False) -> list[Any]:
        """Every row as a tuple; with ``flat=True`` the values of the one field.

        Requests: one GET for each page.
        """
        return self.get_queryset().values_list(*fields, flat=flat)

    def in_bulk(self, id_list: Iterable[Any] | None = None) -> dict[Any, M]:
        """The rows with these primary keys, by key.

        Requests: one GET for each 100 keys; without ``id_list`` one for each page.
        """
        return self.get_queryset().in_bulk(id_list)

    def update(self, **kwargs: Any) -> int:
        """Writes the values into every row; gives how many rows have them now. See ``QuerySet.update``.

        Requests: one GET for each page, then one PATCH for each row that differs.
        """
        return self.get_queryset().update(**kwargs)

    def create(self, **kwargs: Any) -> M:
        """Creates a row. See ``QuerySet.create``.

        Requests: one POST.
        """
        return self.get_queryset().create(**kwargs)

    def get_or_create(self, defaults: Mapping[str, Any] | None = None, **kwargs: Any) -> tuple[M, bool]:
        """The row for which the lookups hold, or a new one; and whether it is new. See ``QuerySet.get_or_create``.

        Requests: those of ``get``, and one POST for a new row.
        """
        return self.get_queryset().get_or_create(defaults, **kwargs)

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[M, bool]:
        """The row for which the lookups hold, changed, or a new one. See ``QuerySet.update_or_create``.

        Requests: those of ``get``, and one PATCH where the row differs or one POST for a new row.
        """
        return self.get_queryset().update_or_create(defaults, create_defaults, **kwargs)

    def bulk_create(self, objs: Iterable[Any], concurrency: int = 8) -> list[M]:
        """Creates many rows; gives them in the same order. See ``QuerySet.bulk_create``.

        Requests: one POST for each row.
        """
        return self.get_queryset().bulk_create(objs, concurrency)

    def route(self, route: str, method: str = "GET", data: Any = None) -> APIResponse:
        """Calls an extra route of the collection (DRF's ``@action(detail=False)``); ``data`` is sent as JSON.

        Raises: ``APIException``; an error status is one.
        Requests: one, of that method.
        """
        body = None if data is None else to_json(data)
        return response_of(_run(self._rows().call(method, self._route(route), body), self.model))


class APIModel(BaseAPIModel):
    """A row of a synchronous model."""

    __slots__ = ()

    _register_function: ClassVar[str] = "register_models"

    objects = ModelManager()

    def save(self, update_fields: Iterable[str] | None = None, *, force_insert: bool = False) -> None:
        """Sends what has changed; exactly ``update_fields`` where they are given; everything of a new row.

        A row without a key, or with one that a default has made, is new. A row with a key that the program gave is the
        server's, and is changed without being read; ``force_insert`` creates it.

        After an error the changes are still to be saved.

        Raises: ``BadRequestError`` with the server's messages in ``errors``; ``OutcomeUnknown`` when the change may have
        been made all the same; ``ValueError`` for a name that is no field, or read-only; ``Model.DoesNotExist``;
        ``APIException``.
        Requests: one PATCH; one POST for a new row; none when nothing has changed.
        """
        if saving := self._saving(update_fields, force_insert):
            save, operation = saving
            self._saved(save, _run(operation, type(self)))

    def delete(self) -> None:
        """Deletes the row. The instance stays readable.

        Raises: ``InvalidRequestError`` for a row that was never saved, or was deleted; ``Model.DoesNotExist``;
        ``APIException``.
        Requests: one DELETE.
        """
        _run(self._endpoint_of_row().delete(self._key()), type(self))
        object.__setattr__(self, "_deleted", True)

    def refresh_from_api(self) -> None:
        """Reads the row anew; changes that were not saved are lost.

        Raises: as ``delete``; ``pydantic.ValidationError`` for a row that does not fit the schema.
        Requests: one GET of the row's URL.
        """
        self._refreshed(_run(self._endpoint_of_row().refresh(self._key(), self._row), type(self)))

    def route(self, route: str, method: str = "POST", data: Any = None) -> APIResponse:
        """Calls an extra route of the row (DRF's ``@action(detail=True)``); ``data`` is sent as JSON.

        The instance is not changed.

        Raises: ``InvalidRequestError`` for a row that was never saved; ``APIException``; an error status is one.
        Requests: one, of that method.
        """
        endpoint = self._endpoint_of_row()
        path = self._path_of(route)
        body = None if data is None else to_json(data)
        return response_of(_run(endpoint.call(method, path, body), type(self)))

    def related(self, model: type[Model], route: str) -> Manager[Model]:
        """The rows of another model behind a nested route of this row: ``user.related(Post, "posts")``.

        Raises: ``InvalidRequestError`` for a row that was never saved.
        Requests: none.
        """
        return model.objects.using(self._client_of_row()).at(self._path_of(route))


def register_models(client: ServiceClient, *model_classes: type[APIModel]) -> None:
    """Lets the models speak through the client, in this context and those that come from it.

    Raises: ``ConfigurationError`` for an asynchronous client or model, or a model without a schema or an endpoint.
    Requests: none.
    """
    if not isinstance(client, ServiceClient):
        raise ConfigurationError(f"register_models() takes a ServiceClient, not {type(client).__name__}")
    for model in model_classes:
        if not (isinstance(model, type) and issubclass(model, APIModel)):
            raise ConfigurationError(f"{model!r} is not a subclass of APIModel; AsyncAPIModel has register_async_models()")
        model._info()
    _registry.register(client, *model_classes)
