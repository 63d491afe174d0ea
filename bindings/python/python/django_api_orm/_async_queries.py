"""The asynchronous methods of querysets and managers that send requests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from pydantic import ValidationError

from ._alias import alias
from ._async_evaluation import ask, in_turns
from ._json import to_json
from ._query import M
from ._reconciled import Reconciled, looking
from ._upsert import Upsert
from .exceptions import APIException, DecodeError, DoesNotExist, UnsavedError
from .q import Q

if TYPE_CHECKING:
    from ._engine import Operation
    from ._model import BaseAPIModel
    from .async_base import AsyncQuerySet


class AsyncQueries(Generic[M]):
    """The methods that querysets and managers share, and that send requests."""

    def _start(self) -> AsyncQuerySet[M]:
        raise NotImplementedError

    async def get(self, *args: Q, **kwargs: Any) -> M:
        """The one row that matches the lookups.

        Raises: ``Model.DoesNotExist``, ``Model.MultipleObjectsReturned``, ``APIException``.
        Requests: one GET: of the row's URL when only the key is given, else of at most two rows. After a 404 of the row two
        more, once for each client: the first row of the list, and that row at its URL. They tell a missing row from rows that
        have no such URLs. None once a row has been read at its URL.
        """
        query = self._start()
        if args or kwargs:
            query = query.filter(*args, **kwargs)
        row = query._one(await ask(query._endpoint.get(query._row_plan), query.model))
        return (await query._with_related([row]))[0]

    async def first(self) -> M | None:
        """The first row, or ``None``; without an ordering the first one that the server sends.

        Django would then order by the key. That would take a probe of whether the server sorts, and would hide the order
        that the API has chosen: use ``order_by("pk")`` where it matters.

        Requests: one GET of one row; two more, once for each client and ordering, as a probe of whether the server sorts.
        None once the rows are fetched. One more for each row that ``on_invalid`` skips.
        """
        query = self._start()
        if query._result_cache is not None:
            return query._result_cache[0] if query._result_cache else None
        index = 0
        while True:
            plan = query._row_plan.slice(index, index + 1) if index else query._row_plan
            row = await ask(query._endpoint.first(plan), query.model)
            if row is None:
                return None
            if (first := query._kept(row, index)) is not None:
                return (await query._with_related([first]))[0]
            index += 1

    async def last(self) -> M | None:
        """The last row, or ``None``.

        Requests: with an ordering, those of ``first``; else two GETs: for the count, and for the last row. None once
        the rows are fetched. Where ``on_invalid`` skips: always the two, and one more for each row that is skipped.
        """
        query = self._start()
        if query._result_cache is not None:
            return query._result_cache[-1] if query._result_cache else None
        if query._invalid == "raise":
            row = await ask(query._endpoint.last(query._row_plan), query.model)
            return None if row is None else (await query._with_related([query._one(row)]))[0]
        for index in range(await query.count() - 1, -1, -1):
            row = await ask(query._endpoint.first(query._row_plan.slice(index, index + 1)), query.model)
            if row is not None and (last := query._kept(row, index)) is not None:
                return (await query._with_related([last]))[0]
        return None

    async def earliest(self, *fields: str) -> M:
        """The first row by these fields, which replace any earlier ordering.

        Raises: ``Model.DoesNotExist`` if there is no row; ``InvalidRequestError`` without fields, and after a slice;
        ``APIException``.
        Requests: one GET of one row; two more, once for each client and ordering, as a probe of whether the server sorts.
        """
        query = self._start()._sortable_by(fields)
        row = query._one(await ask(query._endpoint.earliest(query._row_plan, query._orders(fields)), query.model))
        return (await query._with_related([row]))[0]

    async def latest(self, *fields: str) -> M:
        """The last row by these fields, which replace any earlier ordering: ``latest("created_at")``.

        Raises: ``Model.DoesNotExist`` if there is no row; ``InvalidRequestError`` without fields, and after a slice;
        ``APIException``.
        Requests: one GET of one row; two more, once for each client and ordering, as a probe of whether the server sorts.
        """
        query = self._start()._sortable_by(fields)
        row = query._one(await ask(query._endpoint.latest(query._row_plan, query._orders(fields)), query.model))
        return (await query._with_related([row]))[0]

    async def count(self) -> int:
        """How many rows there are.

        Requests: one GET of one row, for the count beside it; one more, once for each client and filter, as a probe of
        whether the server honours the filter. One for each page if part of the query is evaluated client-side, or the
        server does not count; one more, once for each client and field, if that part compares a text and no row shows that it
        is the text that the server filters by. None once the rows are fetched.
        """
        query = self._start()
        if query._result_cache is not None and query._invalid == "raise":
            return len(query._result_cache)
        count: int = await ask(query._endpoint.count(query._plan), query.model)
        return count

    async def exists(self) -> bool:
        """Whether there is a row.

        Requests: one GET of one row; if part of the query is evaluated client-side, more until a row matches. None once the
        rows are fetched.
        """
        query = self._start()
        if query._result_cache is not None and query._invalid == "raise":
            return bool(query._result_cache)
        exists: bool = await ask(query._endpoint.exists(query._plan), query.model)
        return exists

    async def contains(self, obj: BaseAPIModel) -> bool:
        """Whether the row of this instance is among the rows.

        Raises: ``TypeError`` for anything but an instance of a model; ``ValueError`` for one without a key; ``APIException``.
        Requests: when the query has no filters, those of ``get`` for its key, whatever the server filters by; else those of
        ``exists``. None once the rows are fetched, nor for an instance of another model.
        """
        query = self._start()
        key = query._key_of(obj)
        if not isinstance(obj, query.model):
            return False
        if query._result_cache is not None and query._invalid == "raise":
            return any(row._pk() == key for row in query._result_cache)
        contains: bool = await ask(query._endpoint.contains(query._plan, to_json(key)), query.model)
        return contains

    async def values(self, *fields: str) -> list[dict[str, Any]]:
        """Dictionaries instead of instances, with these fields or all; ``address__city`` is a part of an object, and
        ``author__name`` is behind a relation. Across a relation to several rows (``tags__name``) a row comes once for each of
        them, as Django's does, or once with ``None``.

        The values have the types of the schema, such as ``Decimal`` and ``datetime``, as Django's have. Computed fields, and
        fields that the schema does not declare, are included if they are named. Only these fields are validated, unless the
        schema has validators that look at several fields.

        Raises: ``ValueError`` for a name that neither the schema nor a row has; across a relation to several rows
        ``UnsupportedError`` for a slice, and for a query that filters by that relation, too; and as iteration.
        Requests: one GET for each page; for each relation that a name crosses one for each 100 different keys, unless the rows
        show the values.
        """
        query = self._start()
        across = query._across(fields)
        rows = await ask(query._endpoint.rows(query._plan), query.model)
        if across is None:
            return await in_turns(partial(query._values, fields), rows)
        return [dict(zip(fields, values)) for values in await query._behind(across, rows)]  # noqa: B905

    async def values_list(self, *fields: str, flat: bool = False, named: bool = False) -> list[Any]:
        """Tuples instead of instances; with ``flat=True`` the values of the one field, with ``named=True`` named tuples. The
        names are as for ``values``.

        Raises: ``ValueError`` for ``flat=True`` without exactly one field; ``TypeError`` for both; and as ``values``.
        Requests: as ``values``.
        """
        query = self._start()
        make = query._tuples(fields, flat, named)
        across = query._across(fields)
        rows = await ask(query._endpoint.rows(query._plan), query.model)
        if across is None:
            return await in_turns(make, rows)
        return query._shaped(fields, flat, named)(await query._behind(across, rows))

    async def in_bulk(self, id_list: Iterable[Any] | None = None, *, field_name: str = "pk") -> dict[Any, M]:
        """The rows with these primary keys, by key; keys without a row are left out. Without keys: every row of the query.

        ``field_name`` is another unique field, such as a slug; ``id_list`` then holds its values.

        Raises: ``Model.MultipleObjectsReturned`` when two rows have the same value; ``ValueError`` for a name that is not a
        field; ``APIException``.
        Requests: one GET for each 100 keys, or 2,000 bytes of them; none for no keys. Without ``id_list`` one for each page. By
        another field at least as many; one more, once for each client, as a probe of whether the server honours the filter.
        """
        query = self._start()
        field = query._key_field(field_name)
        if id_list is None:
            return query._by_field(await query._evaluated(), field)
        rows = await ask(query._rows_by(field, id_list), query.model)
        return query._by_field(await query._with_related(await in_turns(query._read, rows)), field)

    def iterator(self, chunk_size: int | None = None) -> AsyncIterator[M]:
        """The rows page by page, with the memory of a few pages. ``chunk_size`` is the page size, if the paginator allows it.

        Raises: ``pydantic.ValidationError`` for a row that does not fit the schema; ``APIException``.
        Requests: one GET for each page, a few pages ahead of the reader.
        """
        query = self._start()
        if chunk_size is not None:
            query = query.page_size(chunk_size)
        return query._walked(query._endpoint.walk(query._row_plan))

    def keyset(self, after: Any = None) -> AsyncIterator[M]:
        """The rows by primary key, each page asking for those after the last key: stable while rows come and go.

        ``after`` is a key to resume from.

        Raises: ``InvalidRequestError`` for a query that has an ordering or a slice; ``APIException``.
        Requests: one GET for each page; two more, once for each client, as a probe of whether the server sorts by the key.
        """
        query = self._start()
        return query._walked(None if query._empty else query._keyset(after))

    async def update(self, **kwargs: Any) -> int:
        """Writes the values into every row; returns how many rows have them now.

        Each row is checked against the whole filter before it is touched. ``address__city`` writes a part of an object. Several
        requests are in flight at a time: ``concurrency``.

        Raises: ``BulkWriteError`` when some rows could not be written; before anything is sent, ``FieldError`` for a name that
        is no field, unless the schema allows extra names; before anything is written, ``CountMismatchError`` when ``expect``
        does not hold, and ``UnsupportedError`` when a row does not show whether it matches.
        Requests: one GET for each page, then one PATCH for each row that differs.
        """
        query = self._start()
        return query._written(await ask(query._update(kwargs), query.model))

    async def create(self, **kwargs: Any) -> M:
        """Creates a row. Only the given values are sent; other defaults are the server's. Filters are not applied to it.

        Raises: before anything is sent, ``pydantic.ValidationError``, and ``FieldError`` for a name that is no field, unless
        the schema allows extra names; ``BadRequestError`` with the server's messages in
        ``errors``; ``OutcomeUnknown`` when the row may have been created nevertheless; ``UnsavedError`` when it was created,
        and not with the key that was given; ``APIException``.
        Requests: one POST, which is never sent again once the server may have received it; one GET more when a key was given
        that the answer does not show.
        """
        query = self._start()
        new = query._unsaved(kwargs)
        save = new._new()
        new._saved(save, await ask(query._endpoint.create(save.json), query.model))
        return new

    async def get_or_create(self, defaults: Mapping[str, Any] | None = None, **kwargs: Any) -> tuple[M, bool]:
        """The row of this query that matches the lookups, or a new one; and whether it is new.

        A new row gets the values of exact lookups and filters, and the defaults, which may be callables.

        Raises: ``Model.MultipleObjectsReturned``; ``InvalidRequestError`` after a slice, ``search`` or ``parameters``;
        ``UnsavedError`` when the new row, its ``instance``, does not keep a lookup, and from then on before one is created; and
        as ``create``.
        Requests: those of ``get``, and one POST for a new row; one GET more when that does not show the lookups. When only
        the key is given, a 404 is not enough to create a row: the list is asked for the key, too. When the server refuses the
        row as a duplicate, those of ``get`` again, for the row that another client has created.
        """
        query = self._start()
        upsert = Upsert(query, kwargs)
        return upsert.found(await _ask_or_invalid(upsert, upsert.get_or_create(defaults), query.model))

    async def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[M, bool]:
        """The row of this query that matches the lookups, with the defaults written into it, or a new one; and whether it is
        new. A new row gets ``create_defaults`` instead of ``defaults`` if they are given.

        Raises: as ``get_or_create``; ``UnsupportedError`` when the row does not show whether it matches.
        Requests: as ``get_or_create``, and one PATCH if the row differs from the defaults.
        """
        query = self._start()
        upsert = Upsert(query, kwargs)
        operation = upsert.update_or_create(defaults, create_defaults)
        found, created = upsert.found(await _ask_or_invalid(upsert, operation, query.model))
        if not created and (save := upsert.changes(found)).body:
            saving = query._endpoint.save(found._key(), found._row, save.json, on_conflict="merge")
            await found._write(save, saving)
        return found, created

    async def reconcile(self, error: APIException, *, by: Iterable[str] = ()) -> Reconciled[M]:
        """Looks what has become of a write of which the error says that its outcome is unknown: ``create``, ``save``,
        ``delete``, one of many rows, or ``get_or_create``, which knows what it has looked the row up by.

        ``by`` names the fields that tell a row which was to be created from all other rows; without them, it is looked for by
        the model's ``_natural_key``, or by the key that was sent.

        Raises: ``InvalidRequestError`` for an error whose outcome is known, or of a write to another collection, and where
        nothing is known that identifies the new row; ``APIException``.
        Requests: one GET: of the list for a new row, and as many more as the look before a row is created takes to be sure; of
        the row's URL for one that was saved or deleted, and after a 404 there, once for each client, two more.
        """
        query = self._start()
        outcome, rows = await ask(looking(query, error, by), query.model)
        return Reconciled(outcome, [query._one(row) for row in rows])

    async def bulk_create(self, objs: Iterable[Any], concurrency: int | None = None) -> list[M]:
        """Creates many rows; returns them in the same order.

        ``objs`` are dictionaries, objects of the schema or instances of the model. Every one is validated before the
        first is sent. ``concurrency`` is how many requests are in flight at a time, as the method of that name says it.

        Raises: ``FieldError``; ``pydantic.ValidationError``; ``BulkCreateError``, which says which rows were
        created and which were not.
        Requests: one POST for each row.
        """
        query = self._start()
        if concurrency is not None:
            query = query.concurrency(concurrency)
        instances = [query._given(obj) for obj in objs]
        saves = [instance._new() for instance in instances]
        created = query._endpoint.create_many([save.json for save in saves])
        return query._created(await ask(created, query.model), instances, saves)

    async def bulk_update(self, objs: Iterable[M], fields: Iterable[str], concurrency: int | None = None) -> int:
        """Saves these fields of many rows; returns how many rows had changes in them. Other changes stay unsaved.

        ``concurrency`` is how many requests are in flight at a time, as the method of that name says it.

        Raises: ``BulkWriteError``, which says which rows were written and which were not, by key; ``ValueError``, before
        anything is sent, for a name that is read-only or no field (``FieldError``); ``InvalidRequestError`` for a row
        without a key.
        Requests: one PATCH for each row that differs.
        """
        query = self._start()
        if concurrency is not None:
            query = query.concurrency(concurrency)
        changes = query._changes_of(objs, fields)
        saved = query._endpoint.save_many([(row._at(), key, row._row, save.json) for row, key, save in changes])
        return query._bulk_saved(changes, await ask(saved, query.model) if changes else [])

    # As in Django, whose names these are.
    aget = alias(get)
    afirst = alias(first)
    alast = alias(last)
    aearliest = alias(earliest)
    alatest = alias(latest)
    acount = alias(count)
    aexists = alias(exists)
    acontains = alias(contains)
    ain_bulk = alias(in_bulk)
    aiterator = alias(iterator)
    aupdate = alias(update)
    acreate = alias(create)
    aget_or_create = alias(get_or_create)
    aupdate_or_create = alias(update_or_create)
    areconcile = alias(reconcile)
    abulk_create = alias(bulk_create)
    abulk_update = alias(bulk_update)


async def _ask_or_invalid(upsert: Upsert[Any], operation: Operation, model: type[Any]) -> Any:
    try:
        return await ask(operation, model)
    except DoesNotExist as missing:
        if upsert.invalid is not None and isinstance(missing, model.DoesNotExist):
            raise upsert.invalid from None
        raise
    except UnsavedError as error:
        if error._row is not None:
            with contextlib.suppress(ValidationError, DecodeError):
                error.instance = upsert.query._one(error._row)
        raise
