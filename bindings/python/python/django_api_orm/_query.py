"""What synchronous and asynchronous querysets share: the query that is built, and turning rows into answers.

Nothing here sends a request.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import ValidationError

from ._client import Home, endpoint_of
from ._engine import Condition, Endpoint, Operation, Plan
from ._json import to_json
from ._prefetching import Prefetch, relation_of, sent_beside, shown_with
from ._registry import client_of, is_registered
from ._relation_joins import crossed, joined
from ._relation_values import Across, across
from ._schema import naming
from .exceptions import BulkCreateError, BulkWriteError, ConflictError, DecodeError, RowError, _bulk_error, _told

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._client import BaseClient
    from ._manager import BaseManager
    from ._model import BaseAPIModel
    from ._schema import ModelInfo, Save

M = TypeVar("M", bound="BaseAPIModel")

#: The most rows that a server can count: databases count with signed 64-bit integers.
MOST_ROWS = 2**63 - 1


class BaseQuery(Generic[M]):
    """A lazy description of rows. Every method that changes it returns a new one."""

    _invalid: Literal["raise", "skip"] = "raise"
    _report: Callable[[RowError], object] | None = None
    _expected: int | None = None
    _empty = False
    #: All filters joined, and what else restricts the rows.
    _condition: Condition | None = None
    _restricted_by: str | None = None
    #: The policies that replace the client's.
    _policy: Mapping[str, Any] = {}
    #: The related rows that are fetched with the rows, and those that the server is asked to show in them.
    _prefetches: tuple[Prefetch, ...] = ()
    _expanded: tuple[str, ...] = ()
    _on_n_plus_one: str | None = None
    #: The paths of filters that cross a relation.
    _crossed: frozenset[str] = frozenset()
    #: The relation and the row whose related rows these are, as long as nothing else restricts them.
    _source: tuple[Any, Any] | None = None

    def __init__(
        self,
        model_class: type[M],
        client: BaseClient,
        *,
        endpoint: Endpoint | None = None,
        plan: Plan | None = None,
        manager: BaseManager[M] | None = None,
    ) -> None:
        self.model = model_class
        self._client = client
        self._endpoint = endpoint if endpoint is not None else client._endpoint(model_class)
        self._plan = plan if plan is not None else Plan()
        self._manager = manager
        self._begin()

    @property
    def client(self) -> Any:
        """The client that the query uses.

        Requests: none.
        """
        return self._client

    @property
    def _home(self) -> Any:
        """What the rows of this query are saved with: they are saved where they were read, and as the query says."""
        at = None if self._manager is None else self._manager._at
        policy = {name: self._policy[name] for name in _OF_ROWS if name in self._policy}
        return Home(self._client, at, policy) if policy or at is not None else self._client

    @property
    def manager(self) -> Any:
        """The manager that the query came from, on the query's client.

        Requests: none.
        """
        model: Any = self.model
        return (self._manager or model.objects).using(self._client)

    @property
    def model_class(self) -> type[M]:
        """The model class; ``model`` is the same.

        Requests: none.
        """
        return self.model

    @property
    def _info(self) -> ModelInfo:
        return self.model._info()

    def _begin(self) -> None:
        """Nothing is fetched yet."""
        self._result_cache: list[M] | None = None

    def _clone(self, *, plan: Plan | None = None, endpoint: Endpoint | None = None) -> Self:
        clone = type(self).__new__(type(self))
        clone.__dict__.update(self.__dict__)
        clone._begin()
        if plan is not None:
            clone._plan = plan
            clone._source = None
        if endpoint is not None:
            clone._endpoint = endpoint
            clone._source = None
        return clone

    def __copy__(self) -> Self:
        return self._clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # As in Django: the same query, not fetched yet. What it is made of never changes.
        return self._clone()

    def __reduce__(self) -> tuple[Any, ...]:
        """The query, and its rows if they are fetched, without the client, which holds credentials. The copy uses the client
        that the model is registered with where it is loaded, so it is refused for a query on another client.
        """
        model, manager = self.model, self._manager
        if not is_registered(model, self._client):
            raise TypeError(
                f"this queryset cannot be pickled: it uses a client that `{model.__name__}` is not registered with here, which "
                "holds connections and credentials, and a copy could not find it again; pickle its rows (`list(queryset)`)"
            )
        state = {name: value for name, value in vars(self).items() if name not in _NOT_PICKLED}
        state["_plan"] = self._plan.written()
        state["_condition"] = None if self._condition is None else self._condition.written()
        return (_restored, (type(self), state, None if manager is None else manager._state(), self._result_cache))

    def _filtered(self, plan: Plan, condition: Condition) -> Self:
        clone = self._clone(plan=plan)
        clone._condition = condition if self._condition is None else self._condition & condition
        return clone

    def _crossing(self, parts: Iterable[Any], lookups: Iterable[str]) -> Self:
        """The same query, once the engine knows the relations that its filters cross."""
        paths = crossed(self.model, parts, lookups) if self._info.has_relations else ()
        if paths:
            self._crossed = self._crossed | paths
            self._endpoint = joined(self._endpoint, self.model, self._client, self._crossed)
        return self

    def _sortable_by(self, fields: Iterable[str]) -> Self:
        """The same query, once the engine knows the relations that this order crosses."""
        paths = [field.removeprefix("-") for field in fields]
        return self._clone()._crossing((), paths) if any("__" in path for path in paths) else self

    def _restricted(self, plan: Plan, by: str) -> Self:
        clone = self._clone(plan=plan)
        clone._restricted_by = by
        return clone

    def _with_policy(self, **policy: Any) -> Self:
        clone = self._clone(endpoint=self._endpoint.with_policy(**policy))
        clone._policy = {**self._policy, **policy}
        return clone

    def using(self, client: Any) -> Self:
        """The same query, with its settings, on this client, whichever client the model is registered with.

        Requests: none.
        """
        at = None if self._manager is None else self._manager._at
        clone = self._clone(endpoint=endpoint_of(client, self.model, at).with_policy(**self._policy))
        clone._client = client
        clone._endpoint = joined(clone._endpoint, self.model, client, self._crossed)
        return clone

    def __getattr__(self, name: str) -> Any:
        # A custom manager's own methods continue from this query, so they chain.
        manager = self.__dict__.get("_manager")
        if manager is not None and not name.startswith("_"):
            for owner in type(manager).__mro__:
                if name in owner.__dict__ and not is_ours(owner):
                    return getattr(manager._on(self), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # Slices

    def _slice(self, key: slice) -> Self:
        for edge in (key.start, key.stop):
            if edge is not None and edge < 0:
                raise ValueError("negative slicing is not supported: reverse() the query, or use last()")
        start: int = key.start or 0
        stop: int | None = key.stop
        if start > MOST_ROWS:
            start = stop = 0
        if stop is not None and stop > MOST_ROWS:
            stop = None
        return self._restricted(self._plan.slice(start, stop), "a slice")

    # Rows

    @property
    def _row_plan(self) -> Plan:
        """The plan for rows that become instances: the server is asked to show the related rows, where it can."""
        plan = self._plan
        parameter = self.model._expand_parameter
        if parameter is not None and (expanded := self._to_be_expanded()):
            plan = plan.parameter(parameter, ",".join(dict.fromkeys(map(self._expanded_path, expanded))))
        parameter = self.model._prefetch_parameter
        if parameter is not None and (beside := sent_beside(self.model, self._prefetches)):
            plan = plan.parameter(parameter, ",".join(beside))
        return plan

    def _to_be_expanded(self) -> list[str]:
        """The paths of the related rows that the server is asked to show; of JSON:API, which has lists of them too, every one
        that is fetched as it is.
        """
        if self.model._json_api is None:
            return list(self._expanded)
        return [*self._expanded, *shown_with(self.model, self._prefetches)]

    def _expanded_path(self, path: str) -> str:
        parts: list[str] = []
        model: Any = self.model
        for name in path.split("__"):
            relation: Any = relation_of(model, name)
            parts.append(relation.info.wire[relation.field])
            model = relation.target
        return ".".join(parts)

    def _read(self, rows: list[bytes], start: int = 0) -> list[M]:
        """The instances of rows, which know of each other."""
        instances = self._instances(rows, start)
        if self._on_n_plus_one is not None:
            for group in {id(row._peers): row._peers for row in instances}.values():
                if group is not None:
                    group.policy = self._on_n_plus_one
        return instances

    def _instances(self, rows: list[bytes], start: int = 0) -> list[M]:
        if self._invalid == "raise":
            return self.model._from_rows(rows, self._home, start)
        instances: list[M] = []
        for index, row in enumerate(rows, start):
            try:
                instances.append(self.model._from_row(row, self._home))
            except (ValidationError, DecodeError) as error:
                self._skipped(row, index, error)
        return instances

    def _skipped(self, row: bytes, index: int, error: ValidationError | DecodeError) -> None:
        if self._report is not None:
            skipped = RowError(str(error), index, self._info.key_in(row))
            skipped.__cause__ = error
            self._report(skipped)

    def _one(self, row: bytes) -> M:
        return self.model._from_row(row, self._home)

    def _kept(self, row: bytes, index: int) -> M | None:
        """The instance; ``None`` where the row does not fit the schema and is to be skipped."""
        if self._invalid == "raise":
            return self._one(row)
        return next(iter(self._instances([row], index)), None)

    # Single rows, and rows by a field

    def _orders(self, fields: Iterable[str]) -> list[str]:
        return [self._info.order(field) for field in fields]

    def _key_of(self, obj: Any) -> Any:
        wire_key = getattr(type(obj), "_wire_key", None)
        if wire_key is None:
            raise TypeError(f"contains() takes an instance of a model, not {type(obj).__name__}")
        return wire_key(obj)

    def _key_field(self, name: str) -> str:
        info = self._info
        field = info.pk_name if name == "pk" else info.name_of(name)
        if field not in info.wire and field != info.pk_name:
            raise ValueError(f"`{self.model.__name__}` has no field `{name}`: choose from {', '.join(sorted(info.wire))}")
        return field

    def _by_field(self, instances: Iterable[M], field: str) -> dict[Any, M]:
        found: dict[Any, M] = {}
        for instance in instances:
            value = instance._value(field)
            if value in found and instance != found[value]:
                raise self.model.MultipleObjectsReturned(
                    f"several {self.model.__name__} rows have `{field}` {value!r}, so the field does not identify a row"
                )
            found[value] = instance
        return found

    def _rows_by(self, field: str, values: Iterable[Any]) -> Operation:
        with naming(f"{field}__in"):
            return self._endpoint.rows_by(self._plan, self._info._path(field), to_json(list(values)))

    # Values

    def _across(self, fields: tuple[str, ...]) -> Across | None:
        """The values by these names, if one of them is behind a relation."""
        return across(self.model, self._client, fields, self._plan) if self._info.has_relations else None

    def _values(self, fields: tuple[str, ...], rows: list[bytes], start: int = 0) -> list[dict[str, Any]]:
        columns = self._info.columns(fields or tuple(self._info.wire))
        return columns.dictionaries(*self._valid(rows, start, columns.read))

    def _tuples(self, fields: tuple[str, ...], flat: bool, named: bool) -> Callable[[list[bytes], int], list[Any]]:
        """A function that makes the tuples of ``values_list`` from rows."""
        _check_shape(fields, flat, named)
        names = fields or tuple(self._info.wire)
        make = self._shaped(names, flat, named)
        return lambda rows, start: make(self._picked(rows, names, start))

    @staticmethod
    def _shaped(names: tuple[str, ...], flat: bool, named: bool) -> Callable[[list[tuple[Any, ...]]], list[Any]]:
        if flat:
            return lambda rows: [value for (value,) in rows]
        if named:
            make = _row_class(names)._make
            return lambda rows: list(map(make, rows))
        return lambda rows: rows

    def _picked(self, rows: list[bytes], names: tuple[str, ...], start: int) -> list[tuple[Any, ...]]:
        columns = self._info.columns(names)
        return columns.tuples(*self._valid(rows, start, columns.read))

    def _valid(self, rows: list[bytes], start: int, read: Callable[[bytes], Any]) -> tuple[list[Any], list[bytes]]:
        """What ``read`` makes of the rows, and the rows that it was made of."""
        if self._invalid == "raise":
            return self._info.rows(rows, start, read), rows
        valid: list[tuple[Any, bytes]] = []
        for index, row in enumerate(rows, start):
            try:
                valid.append((read(row), row))
            except ValidationError as error:
                self._skipped(row, index, error)
        return [data for data, _ in valid], [row for _, row in valid]

    # Writes

    def _update(self, values: Mapping[str, Any]) -> Operation:
        body = to_json(self._info.values(values))
        return self._endpoint.update_rows(self._plan, self._expected, body)

    def _delete(self) -> Operation:
        return self._endpoint.delete_rows(self._plan, self._expected)

    @staticmethod
    def _written(value: int | tuple[list[str], list[tuple[str, Any]], str]) -> int:
        if isinstance(value, int):
            return value
        written, failed, message = value
        error = _bulk_error(BulkWriteError, message, failed)
        error.written = written
        raise error

    def _unsaved(self, values: Mapping[str, Any]) -> M:
        return self.model._unsaved(values, self._home)

    def _created(self, results: list[Any], instances: list[M], saves: list[Save]) -> list[M]:
        """The instances in the order of the input, given ones included; or one exception that says which rows were created
        and which were not.
        """
        created: list[tuple[int, M]] = []
        failed: list[tuple[int, Any]] = []
        for index, (result, instance, save) in enumerate(zip(results, instances, saves)):  # noqa: B905
            try:
                if isinstance(result, Exception):
                    raise result
                object.__setattr__(instance, "_client", self._home)
                instance._saved(save, result)
                created.append((index, instance))
            except Exception as failure:
                failed.append((index, failure))
        if not failed:
            return [instance for _, instance in created]
        error = _bulk_error(BulkCreateError, _told(failed, len(results), "created"), failed)
        error.created = created
        raise error

    @staticmethod
    def _changes_of(objs: Iterable[M], fields: Iterable[str]) -> list[tuple[M, str, Save]]:
        """The rows that have changed in these fields: each with its key and what has to be sent."""
        fields = fields if isinstance(fields, str) else list(fields)
        changes: list[tuple[M, str, Save]] = []
        for row in objs:
            names = set(row._named(fields, "fields"))
            save = row._changed(None).only(names)
            key = row._key()
            if save.body:
                changes.append((row, key, save))
        return changes

    @staticmethod
    def _bulk_saved(changes: list[tuple[M, str, Save]], results: list[Any]) -> int:
        written: list[str] = []
        failed: list[tuple[str, Any]] = []
        for (row, key, save), result in zip(changes, results):  # noqa: B905
            try:
                if isinstance(result, ConflictError):
                    row._failed(result)
                if isinstance(result, Exception):
                    raise result
                row._saved(save, result)
                written.append(key)
            except Exception as failure:
                failed.append((key, failure))
        if not failed:
            return len(written)
        error = _bulk_error(BulkWriteError, _told(failed, len(results), "written"), failed)
        error.written = written
        raise error

    def _given(self, obj: Any) -> M:
        """The instance for an argument of ``bulk_create``, validated."""
        if isinstance(obj, self.model):
            return obj
        if isinstance(obj, self._info.schema):
            return self.model._made(obj.model_copy(), None, self._home)
        return self._unsaved(_mapping(obj))

    def _keyset(self, after: Any) -> Any:
        return self._endpoint.keyset(self._plan, None if after is None else to_json(after))

    def __repr__(self) -> str:
        if self._result_cache is not None:
            shown = ", ".join(repr(row) for row in self._result_cache[:20])
            return f"<{type(self).__name__} [{shown}{', ...' if len(self._result_cache) > 20 else ''}]>"
        return f"<{type(self).__name__} of {self.model.__name__}, not fetched>"


#: What belongs to a process, or is made anew.
_NOT_PICKLED = frozenset(("_client", "_endpoint", "_manager", "_result_cache", "_lock", "_evaluating", "_under_way", "_source"))
#: The policies that hold for the rows of a query, too.
_OF_ROWS = ("on_unsaved_", "timeout")


def _restored(kind: Any, state: dict[str, Any], manager: tuple[str, dict[str, Any]] | None, rows: list[Any] | None) -> Any:
    """A queryset from a pickle, on the client that its model is registered with here."""
    model = state["model"]
    query: BaseQuery[Any] = kind.__new__(kind)
    query.__dict__.update(state)
    query._plan = Plan.read(state["_plan"])
    query._condition = None if state["_condition"] is None else Condition.read(state["_condition"])
    query._client = client_of(model)
    query._manager = None
    if manager is not None:
        name, values = manager
        query._manager = getattr(model, name)._copy()
        query._manager.__dict__.update(values)
    at = None if query._manager is None else query._manager._at
    query._endpoint = endpoint_of(query._client, model, at).with_policy(**query._policy)
    query._endpoint = joined(query._endpoint, model, query._client, query._crossed)
    query._begin()
    query._result_cache = rows
    return query


@functools.lru_cache(maxsize=256)
def _row_class(names: Sequence[str]) -> type[Any]:
    return namedtuple("Row", names)


def _check_shape(fields: tuple[str, ...], flat: bool, named: bool) -> None:
    if flat and named:
        raise TypeError("flat=True and named=True cannot be used together")
    if flat and len(fields) != 1:
        raise ValueError("flat=True takes exactly one field")


def is_ours(owner: type[Any]) -> bool:
    """Whether a class belongs to this package, and not to the program."""
    return owner.__module__.partition(".")[0] == __name__.partition(".")[0]


def _mapping(obj: Any) -> Mapping[str, Any]:
    if isinstance(obj, Mapping):
        return obj
    dump = getattr(obj, "model_dump", None)
    if dump is None:
        raise TypeError(f"a row is a dictionary, a schema's object or an instance, not {type(obj).__name__}")
    dumped: Mapping[str, Any] = dump(exclude_unset=True)
    return dumped
