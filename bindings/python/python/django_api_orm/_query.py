"""What synchronous and asynchronous querysets and managers share: building a query, and turning rows into answers.

Nothing here sends a request.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from ._client import Nested, _text, endpoint_of
from ._engine import Condition, Endpoint, Operation, Plan
from ._json import to_json
from ._registry import client_of
from .exceptions import BulkCreateError, BulkWriteError, DecodeError, RowError
from .q import Q

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._client import BaseClient
    from ._model import BaseAPIModel
    from ._schema import ModelInfo, Save

M = TypeVar("M", bound="BaseAPIModel")

OnIgnored = Literal["local", "error", "trust"]
OnDrift = Literal["warn", "error", "ignore"]

#: The most rows that servers count: what databases hold in 64 bits with a sign.
_MOST_ROWS = 2**63 - 1


class Explanation(str):
    """What a query will do, as text; and by parts: ``pushed``, ``local``, ``checked`` and ``requests(rows)``."""

    #: The query parameters that the server is sent, pagination left out.
    pushed: list[tuple[str, str]]
    #: What is evaluated here, and why.
    local: list[str]
    #: The lookups that every row is checked against.
    checked: list[str]
    _requests: Callable[[int], int | None]

    def requests(self, rows: int) -> int | None:
        """How many requests it takes if the server has ``rows`` rows; ``None`` while its page size is not known.

        Requests: none.
        """
        return self._requests(rows)


class BaseQuery(Generic[M]):
    """A lazy description of rows. Every method that changes it gives a new one."""

    _invalid: Literal["raise", "skip"] = "raise"
    _report: Callable[[RowError], object] | None = None
    _expected: int | None = None
    _empty = False
    #: What the filters say together, and what restricts the rows in another way.
    _condition: Condition | None = None
    _restricted_by: str | None = None
    #: What was set in place of the client's policies.
    _policy: Mapping[str, Any] = {}

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
        """The client that the query goes through.

        Requests: none.
        """
        return self._client

    @property
    def _home(self) -> Any:
        """Where the rows of this query live: they are saved where they were read."""
        at = None if self._manager is None else self._manager._at
        return self._client if at is None else Nested(self._client, at)

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
        if endpoint is not None:
            clone._endpoint = endpoint
        return clone

    def _filtered(self, plan: Plan, condition: Condition) -> Self:
        clone = self._clone(plan=plan)
        clone._condition = condition if self._condition is None else self._condition & condition
        return clone

    def _restricted(self, plan: Plan, by: str) -> Self:
        clone = self._clone(plan=plan)
        clone._restricted_by = by
        return clone

    def _with_policy(self, **policy: Any) -> Self:
        clone = self._clone(endpoint=self._endpoint.with_policy(**policy))
        clone._policy = {**self._policy, **policy}
        return clone

    def using(self, client: Any) -> Self:
        """The same query, with its settings, on this client, whatever the model is registered with.

        Requests: none.
        """
        at = None if self._manager is None else self._manager._at
        clone = self._clone(endpoint=endpoint_of(client, self.model, at).with_policy(**self._policy))
        clone._client = client
        return clone

    def __getattr__(self, name: str) -> Any:
        # A custom manager's own methods go on from this query, so they chain.
        manager = self.__dict__.get("_manager")
        if manager is not None and not name.startswith("_"):
            for owner in type(manager).__mro__:
                if name in owner.__dict__ and not _is_ours(owner):
                    return getattr(manager._on(self), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # Which rows

    def all(self) -> Self:
        """The same rows, to be fetched anew.

        Requests: none.
        """
        return self._clone()

    def none(self) -> Self:
        """No rows, and no request, whatever the query is changed to.

        Requests: none.
        """
        clone = self._restricted(Plan().filter(self._info.condition((), {"pk__in": []})), "none()")
        clone._empty = True
        return clone

    def filter(self, *args: Q, **kwargs: Any) -> Self:
        """Only the rows for which every lookup holds: ``filter(age__gte=18)``, ``filter(Q(a=1) | Q(b=2))``.

        A value may be a date, a number, a UUID, ``None``, an instance of a model (its key), or for ``in`` any iterable.

        Raises: ``TypeError`` or ``ValueError`` for a value without a JSON form. A mistake such as a filter after a slice is
        raised by the first request, before it is sent: ``InvalidRequestError``.
        Requests: none.
        """
        condition = self._info.condition(args, kwargs)
        return self._filtered(self._plan.filter(condition), condition)

    def exclude(self, *args: Q, **kwargs: Any) -> Self:
        """Only the rows for which the lookups do not all hold, with Django's rules for nulls. As ``filter``.

        Requests: none.
        """
        condition = self._info.condition(args, kwargs)
        return self._filtered(self._plan.exclude(condition), ~condition)

    def order_by(self, *fields: str) -> Self:
        """In this order, instead of any earlier one: ``order_by("name", "-created_at")``.

        Raises: ``TypeError`` for what is no name.
        Requests: none.
        """
        info = self._info
        return self._clone(plan=self._plan.order_by([info.order(field) for field in fields]))

    def reverse(self) -> Self:
        """In the opposite order. Without an order every page is read, and the rows are turned round.

        Requests: none.
        """
        return self._clone(plan=self._plan.reverse())

    def search(self, words: str) -> Self:
        """Only the rows that the server finds for the words (DRF's ``SearchFilter``). Only the server can judge them.

        Requests: none.
        """
        return self._restricted(self._plan.search(words), "search()")

    def parameters(self, **parameters: Any) -> Self:
        """Sends query parameters as they stand. The server alone knows what they do to the answer.

        Requests: none.
        """
        plan = self._plan
        for name, value in parameters.items():
            plan = plan.parameter(name, _text(value))
        return self._restricted(plan, "parameters()")

    # How it behaves

    def on_ignored(self, policy: OnIgnored) -> Self:
        """When the server ignores a filter or an ordering: finish here (``"local"``), raise ``IgnoredError`` (``"error"``), or
        take the rows as they come (``"trust"``).

        Raises: ``ValueError`` for another word.
        Requests: none.
        """
        return self._with_policy(on_ignored_=policy)

    def on_drift(self, policy: OnDrift) -> Self:
        """When the data moves during a walk over pages: ``"warn"``, ``"error"`` or ``"ignore"``.

        Raises: ``ValueError`` for another word.
        Requests: none.
        """
        return self._with_policy(on_drift_=policy)

    def max_scan(self, rows: int) -> Self:
        """The most rows that are read when a part of the query is evaluated here; beyond that ``UnsupportedError``.

        Requests: none.
        """
        return self._with_policy(max_scan=_rows("max_scan()", rows))

    def page_size(self, rows: int) -> Self:
        """Rows asked for in a page, where the paginator allows it.

        Requests: none.
        """
        return self._with_policy(page_size=_rows("page_size()", rows))

    def expect(self, rows: int) -> Self:
        """``update`` and ``delete`` raise ``CountMismatchError``, and write nothing, unless exactly so many rows match.

        Requests: none.
        """
        clone = self._clone()
        clone._expected = _rows("expect()", rows)
        return clone

    def on_invalid(self, policy: Literal["raise", "skip"], report: Callable[[RowError], object] | None = None) -> Self:
        """Whether a row that does not fit the schema raises pydantic's ``ValidationError`` (``"raise"``), or is left out and
        handed to ``report`` as a ``RowError`` (``"skip"``).

        Rows are left out wherever they become objects or values: iteration, ``first``, ``last``, ``[3]``, ``values``,
        ``in_bulk``. ``count``, ``exists`` and slices speak of the server's rows, so ``[:10]`` may give fewer than ten; what
        asks for one row (``get``, ``create``) raises.

        Raises: ``ValueError`` for another word.
        Requests: none.
        """
        if policy not in ("raise", "skip"):
            raise ValueError(f'on_invalid is "raise" or "skip", not {policy!r}')
        clone = self._clone()
        clone._invalid, clone._report = policy, report
        return clone

    def explain(self, rows: int | None = None) -> Explanation:
        """What the query will do: what the server is asked, what is evaluated here and why, and what it costs when the server
        has ``rows`` rows.

        Raises: ``InvalidRequestError`` for a query that cannot be made.
        Requests: none.
        """
        rows = None if rows is None else _rows("explain()", rows)
        text, pushed, local, checked, _ = self._endpoint.explain(self._plan, rows)
        explanation = Explanation(text)
        explanation.pushed, explanation.local, explanation.checked = pushed, local, checked
        explanation._requests = lambda count: self._endpoint.explain(self._plan, count)[4]
        return explanation

    # Slices

    def _slice(self, key: slice) -> Self:
        for edge in (key.start, key.stop):
            if edge is not None and edge < 0:
                raise ValueError("negative slicing is not supported: reverse() the query, or use last()")
        start: int = key.start or 0
        stop: int | None = key.stop
        if start > _MOST_ROWS:
            start = stop = 0
        if stop is not None and stop > _MOST_ROWS:
            stop = None
        return self._restricted(self._plan.slice(start, stop), "a slice")

    # Rows

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

    # Values

    def _values(self, fields: tuple[str, ...], rows: list[bytes], start: int = 0) -> list[dict[str, Any]]:
        names = fields or tuple(self._info.wire)
        return [dict(zip(names, row)) for row in self._picked(rows, names, start)]  # noqa: B905

    def _values_list(self, fields: tuple[str, ...], flat: bool, rows: list[bytes], start: int = 0) -> list[Any]:
        names = fields or tuple(self._info.wire)
        picked = self._picked(rows, names, start)
        return [row[0] for row in picked] if flat else picked

    def _valid(self, rows: list[bytes], start: int) -> tuple[list[BaseModel], list[bytes]]:
        """The schema's objects, and the rows that they were made of."""
        if self._invalid == "raise":
            return self._info.rows(rows, start), rows
        valid: list[tuple[BaseModel, bytes]] = []
        for index, row in enumerate(rows, start):
            try:
                valid.append((self._info.validate_json(row), row))
            except ValidationError as error:
                self._skipped(row, index, error)
        return [data for data, _ in valid], [row for _, row in valid]

    def _picked(self, rows: list[bytes], names: tuple[str, ...], start: int) -> list[tuple[Any, ...]]:
        info = self._info
        objects, rows = self._valid(rows, start)
        paths = [(info.pk_name if name == "pk" else name).split("__") for name in names]
        declared = info.wire.keys() | info.schema.model_computed_fields.keys()
        if paths and all(len(path) == 1 and path[0] in declared for path in paths):
            return list(zip(*[map(attrgetter(name), objects) for (name,) in paths]))  # noqa: B905
        undeclared = [path[0] for path in paths if path[0] not in declared]
        picked: list[tuple[Any, ...]] = []
        for data, row in zip(objects, rows):  # noqa: B905
            raw = json.loads(row) if undeclared else {}
            for name in undeclared:
                if name not in raw:
                    choices = ", ".join(sorted(declared | raw.keys()))
                    raise ValueError(f"`{self.model.__name__}` has no field `{name}`: choose from {choices}")
            picked.append(tuple(_pick(data if path[0] in declared else raw, path) for path in paths))
        return picked

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
        error = BulkWriteError(message)
        error.written, error.failed = written, failed
        error.__cause__ = failed[0][1]
        raise error

    def _unsaved(self, values: Mapping[str, Any]) -> M:
        return self.model._made(self._info.new(values), None, self._home)

    def _created(self, results: list[Any], instances: list[M], saves: list[Save]) -> list[M]:
        """Instances in the order of the input, those that were given among them; or everything that is known in one
        exception.
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
            except Exception as error:
                failed.append((index, error))
        if not failed:
            return [instance for _, instance in created]
        error = BulkCreateError(
            f"{len(failed)} of {len(results)} rows could not be created; row {failed[0][0]}: {failed[0][1]}"
        )
        error.created, error.failed = created, failed
        error.__cause__ = failed[0][1]
        raise error

    def _given(self, obj: Any) -> M:
        """The instance of what ``bulk_create`` is given, validated."""
        if isinstance(obj, self.model):
            return obj
        if isinstance(obj, self._info.schema):
            return self.model._made(obj.model_copy(), None, self._home)
        return self._unsaved(_mapping(obj))

    def _by_key(self, keys: Iterable[Any]) -> Operation:
        return self._endpoint.by_key(self._plan, to_json(list(keys)))

    def _keyset(self, after: Any) -> Any:
        return self._endpoint.keyset(self._plan, None if after is None else to_json(after))

    def __repr__(self) -> str:
        if self._result_cache is not None:
            shown = ", ".join(repr(row) for row in self._result_cache[:20])
            return f"<{type(self).__name__} [{shown}{', ...' if len(self._result_cache) > 20 else ''}]>"
        return f"<{type(self).__name__} of {self.model.__name__}, not fetched>"


def _is_ours(owner: type[Any]) -> bool:
    """Whether a class belongs to this package, and not to the program."""
    return owner.__module__.partition(".")[0] == __name__.partition(".")[0]


def _pick(value: Any, path: list[str]) -> Any:
    """The value at a path; nothing is below a null, nor where an object of any shape has no such key."""
    for name in path:
        if value is None:
            return None
        below = value.get(name) if isinstance(value, dict) else getattr(value, name, _MISSING)
        if below is _MISSING or callable(below):
            raise ValueError(f"there is no `{name}` for `{'__'.join(path)}` in a value of type {type(value).__name__}")
        value = below
    return value


_MISSING: Any = object()


def _rows(where: str, number: int) -> int:
    if not 0 <= number <= _MOST_ROWS:
        raise ValueError(f"{where} takes a number of rows, not {number}")
    return number


class BaseManager(Generic[M]):
    """Where queries start. ``User.objects`` gives it bound to the model and its client."""

    _query_class: type[Any]

    def __init__(self, model_class: type[M] | None = None, client: Any = None) -> None:
        self._model = model_class
        self._explicit: BaseClient | None = client
        self._at: str | None = None
        self._base: BaseQuery[M] | None = None
        self._bound: BaseClient | None = None

    def _copy(self) -> Self:
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def _bind(self, owner: type[Any]) -> Self:
        if self._model is owner or (self._model is not None and self._explicit is not None):
            return self
        bound = self._copy()
        bound._model = owner
        return bound

    def _on(self, query: BaseQuery[M]) -> Self:
        """The same manager, whose queries go on from this one."""
        manager = self._copy()
        manager._base = query
        return manager

    @property
    def model(self) -> type[M]:
        """The model class.

        Raises: ``TypeError`` for a manager without a model.
        Requests: none.
        """
        if self._model is None:
            raise TypeError("a manager is used through a model: User.objects")
        return self._model

    model_class = model

    @property
    def client(self) -> Any:
        """The client that queries go through here and now.

        Raises: ``ConfigurationError`` when the model is not registered here, or it is in doubt with which client.
        Requests: none.
        """
        if self._base is not None:
            return self._base._client
        return self._explicit if self._explicit is not None else client_of(self.model)

    def using(self, client: Any) -> Self:
        """The same manager on this client, whatever the model is registered with.

        Requests: none.
        """
        manager = self._copy()
        manager._explicit = client
        return manager

    def at(self, endpoint: str) -> Self:
        """The same model behind another collection, such as the nested route ``/api/v1/users/3/posts/``.

        Requests: none.
        """
        manager = self._copy()
        manager._at = endpoint
        return manager

    def get_endpoint(self) -> str:
        """The collection's path.

        Requests: none.
        """
        return self._at if self._at is not None else self.model.get_endpoint()

    def _rows(self) -> Endpoint:
        return endpoint_of(self.client, self.model, self._at)

    def _query(self) -> Any:
        if self._base is not None:
            return self._base._clone()
        client = self.client
        return self._query_class(self.model, client, endpoint=endpoint_of(client, self.model, self._at), manager=self)

    @classmethod
    def _from_queryset(cls, queryset_class: type[Any], class_name: str | None) -> type[Any]:
        def on_queryset(name: str, method: FunctionType) -> Callable[..., Any]:
            @functools.wraps(method)
            def called(self: Any, *args: Any, **kwargs: Any) -> Any:
                return getattr(self.get_queryset(), name)(*args, **kwargs)

            return called

        methods: dict[str, Any] = {"_query_class": queryset_class, "__module__": queryset_class.__module__}
        for owner in reversed(queryset_class.__mro__):
            for name, method in vars(owner).items():
                queryset_only = getattr(method, "queryset_only", name.startswith("_"))
                if isinstance(method, FunctionType) and not queryset_only and not hasattr(cls, name) and not _is_ours(owner):
                    methods[name] = on_queryset(name, method)
        return type(class_name or f"{cls.__name__}From{queryset_class.__name__}", (cls,), methods)

    def _route(self, route: str, key: Any = None) -> str:
        model = self.model._info().engine
        if self._at is not None:
            model = model.at(self._at)
        return model.route(None if key is None else str(key), route)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._model.__name__ if self._model else 'no model'}>"


def _mapping(obj: Any) -> Mapping[str, Any]:
    if isinstance(obj, Mapping):
        return obj
    dump = getattr(obj, "model_dump", None)
    if dump is None:
        raise TypeError(f"a row is a dictionary, a schema's object or an instance, not {type(obj).__name__}")
    dumped: Mapping[str, Any] = dump(exclude_unset=True)
    return dumped
