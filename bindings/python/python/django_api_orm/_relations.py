"""Rows that point at each other: how relations are declared, read and assigned.

The row keeps what the server sends: a key, a slug, a URL or an object. The related row is fetched when it is first asked for,
and kept beside it. Which requests that takes is the engine's to decide; nothing here sends one.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import typing
import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, overload
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import core_schema

from ._engine import Relation as EngineRelation
from ._engine import related
from ._json import to_json
from ._registry import client_of
from ._warn import emit
from .exceptions import ConfigurationError, DecodeError, InvalidRequestError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from typing_extensions import Self

    from ._engine import Endpoint, Operation, Plan
    from ._model import BaseAPIModel
    from ._schema import ModelInfo
    from .async_base import AsyncAPIModel
    from .async_relating import AsyncRelatedManager
    from .base import APIModel
    from .relating import RelatedManager

T = TypeVar("T")

#: The form in which a relation is written.
Form = Literal["key", "url", "object"]
#: How many rows share the request for a row that one of them points at: as many as the engine asks for at once.
_GROUP = 100


def is_reference(annotation: Any) -> bool:
    """Whether it is the type of a reference, which can hold no more than the server shows."""
    return annotation is _Reference


class Declared:
    """What ``ForeignKey["User"]`` says: the target, and whether there are several."""

    __slots__ = ("many", "target")

    def __init__(self, target: Any, many: bool) -> None:
        self.target = target
        self.many = many

    def __repr__(self) -> str:
        return f"{'ManyToMany' if self.many else 'ForeignKey'}[{getattr(self.target, '__name__', self.target)!r}]"


class Relation:
    """What is said of a relation beside its target. Made by ``relation()``."""

    __slots__ = ("field", "to_field", "writes")

    def __init__(self, field: str | None, to_field: str | None, writes: Form | None) -> None:
        if writes not in (None, "key", "url", "object"):
            raise ConfigurationError(f'`writes` must be "key", "url" or "object", not {writes!r}')
        self.field = field
        self.to_field = to_field
        self.writes = writes


_UNSAID = Relation(None, None, None)


def relation(*, field: str | None = None, to_field: str | None = None, writes: Form | None = None) -> Any:
    """What is said of a relation where the rows do not show it: ``Annotated[ForeignKey["User"], relation(to_field="slug")]``
    in a schema, ``author: ForeignKey["User"] = relation(field="author_key")`` on a model.

    ``field`` is the schema's field that holds the reference, on a model; ``to_field`` the field of the related model whose
    value a plain reference is, if that is not the key; ``writes`` the form that the server takes: ``"key"``, ``"url"`` or
    ``"object"`` (``{"id": 3}``). By default that in which the server shows it, and the key where it shows an object.

    Raises: ``ConfigurationError`` for another form.
    Requests: none.
    """
    return Relation(field, to_field, writes)


def _key(value: Any) -> Any:
    """A reference as the program may give it, in JSON's types."""
    if isinstance(value, UUID):
        return str(value)
    wire_key = getattr(type(value), "_wire_key", None)
    return value if wire_key is None else wire_key(value)


class _Reference:
    """The schema's type of a reference: whatever form the server shows."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        shown = core_schema.union_schema(
            [
                core_schema.int_schema(strict=True),
                core_schema.str_schema(strict=True),
                core_schema.dict_schema(core_schema.str_schema()),
            ],
            mode="left_to_right",
        )
        given = core_schema.no_info_before_validator_function(_key, shown)
        return core_schema.json_or_python_schema(json_schema=shown, python_schema=given)


if TYPE_CHECKING:
    Sync = TypeVar("Sync", bound="APIModel | None")
    Async = TypeVar("Async", bound="AsyncAPIModel | None")
    SyncRow = TypeVar("SyncRow", bound="APIModel")
    AsyncRow = TypeVar("AsyncRow", bound="AsyncAPIModel")

    class ForeignKey(Generic[T]):
        @overload
        def __get__(self, instance: None, owner: Any) -> Self: ...
        @overload
        def __get__(self: ForeignKey[Sync], instance: object, owner: Any) -> Sync: ...
        @overload
        def __get__(self: ForeignKey[Async], instance: object, owner: Any) -> Awaitable[Async]: ...
        def __get__(self, instance: Any, owner: Any) -> Any: ...
        def __set__(self, instance: object, value: T | int | str | UUID | dict[str, Any] | None) -> None: ...

    class ManyToMany(Generic[T]):
        @overload
        def __get__(self, instance: None, owner: Any) -> Self: ...
        @overload
        def __get__(self: ManyToMany[SyncRow], instance: object, owner: Any) -> RelatedManager[SyncRow]: ...
        @overload
        def __get__(self: ManyToMany[AsyncRow], instance: object, owner: Any) -> AsyncRelatedManager[AsyncRow]: ...
        def __get__(self, instance: Any, owner: Any) -> Any: ...
        def __set__(self, instance: object, value: Iterable[T | int | str | UUID | dict[str, Any]]) -> None: ...

else:

    class ForeignKey:
        """A field whose value is a row of another model: ``author: ForeignKey["User"]``, ``ForeignKey["User"] | None``."""

        def __class_getitem__(cls, target: Any) -> Any:
            return Annotated[_Reference, Declared(target, many=False)]

    class ManyToMany:
        """A field whose value is a list of rows of another model: ``tags: ManyToMany["Tag"]``."""

        def __class_getitem__(cls, target: Any) -> Any:
            return Annotated[list[_Reference], Declared(target, many=True)]


# Which model is meant

_models: dict[str, list[weakref.ref[type[Any]]]] = {}
_WORDS = re.compile(r"[\w.]+")


def known(model: type[Any]) -> None:
    """Remembers a model class for relations that name it."""
    alive = [each for each in _models.get(model.__name__, ()) if each() is not None]
    _models[model.__name__] = [*alive, weakref.ref(model)]


def _target(declared: Any, owner: type[Any], name: str) -> type[Any]:
    """The model that a relation names: in the owner's module, or by its name wherever it is."""
    arguments = [argument for argument in typing.get_args(declared) if argument is not type(None)]
    declared = arguments[0] if arguments else declared
    declared = getattr(declared, "__forward_arg__", declared)
    where = f"`{owner.__name__}.{name}`"
    if isinstance(declared, type):
        found: type[Any] = declared
    else:
        words = [word for word in _WORDS.findall(str(declared)) if word not in ("None", "Optional", "Union", "typing")]
        found = _named(words[0] if len(words) == 1 else str(declared), owner, where)
    if not hasattr(found, "_register_function"):
        raise ConfigurationError(f"{where} points at {found.__name__}, which is not a model")
    if found._register_function != owner._register_function:
        raise ConfigurationError(
            f"{where} points at `{found.__name__}`, which is of the other half: a synchronous model points at synchronous "
            "ones, an asynchronous one at asynchronous ones"
        )
    return found


def _named(name: str, owner: type[Any], where: str) -> type[Any]:
    module, _, short = name.rpartition(".")
    models = [model for each in _models.get(short, ()) if (model := each()) is not None]
    halves = [model for model in models if model._register_function == owner._register_function]
    models = halves or models
    scope = owner.__qualname__.rpartition(".")[0]
    narrower: list[Callable[[type[Any]], bool]] = [
        lambda model: not module or model.__module__ == module or model.__module__.endswith("." + module),
        lambda model: model.__module__ == owner.__module__,
        lambda model: model.__qualname__.rpartition(".")[0] == scope,
    ]
    models = [model for model in models if narrower[0](model)]
    for holds in narrower[1:]:
        models = [model for model in models if holds(model)] or models
    if not models:
        raise ConfigurationError(f"{where} points at `{name}`, and no model has that name: import its module first")
    places = {(model.__module__, model.__qualname__) for model in models}
    if len(places) > 1:
        choices = ", ".join(sorted(".".join(place) for place in places))
        raise ConfigurationError(f"{where} points at `{name}`, which may be {choices}: name the module, too")
    # A class that was defined again, in a notebook or by a reload, replaces the earlier one.
    return models[-1]


# Reading and assigning

#: What is kept for a related row that does not exist.
MISSING: Any = object()


class Group:
    """Rows of one page: what one of them points at is fetched for all of them at once."""

    __slots__ = ("lock", "policy", "rows", "touched")

    def __init__(self, rows: Iterable[BaseAPIModel]) -> None:
        self.rows = [weakref.ref(row) for row in rows]
        self.lock: Any = None
        #: What is done about a relation that one of the rows is asked for.
        self.policy = "batch"
        #: The relations that were asked for on one of the rows.
        self.touched: set[str] = set()


def share(rows: list[Any]) -> None:
    """Tells the rows of a page of each other."""
    for start in range(0, len(rows), _GROUP):
        part = rows[start : start + _GROUP]
        group = Group(part)
        for row in part:
            object.__setattr__(row, "_peers", group)


def kept_of(row: Any) -> dict[str, Any]:
    """The related rows that are kept, by the names of the relations."""
    kept: dict[str, Any] | None = row._related
    if kept is None:
        kept = {}
        object.__setattr__(row, "_related", kept)
    return kept


class Bound:
    """A relation of one model."""

    many = False
    #: Whether the rows of a page are asked for together at the first touch; else at the second one.
    at_once = True

    def __init__(self, owner: type[Any], name: str, target: Any) -> None:
        self.owner = owner
        self.name = name
        self._declared_target = target
        self._target: type[Any] | None = None

    @property
    def target(self) -> type[Any]:
        """The model of the related rows.

        Raises: ``ConfigurationError`` where no model is meant, or several may be.
        """
        if self._target is None:
            self._target = _target(self._declared_target, self.owner, self.name)
        return self._target

    def client(self, row: Any) -> Any:
        """The client that the related rows are fetched with."""
        return client_for(row, self.target)

    def path(self, row: Any) -> str | None:
        """The nested route where the related rows are, if there is one."""
        return None

    # What is kept

    def is_kept(self, row: Any) -> bool:
        """Whether nothing has to be fetched any more."""
        return self.name in (row._related or ())

    def forget(self, row: Any) -> None:
        """Lets the next access fetch again."""
        (row._related or {}).pop(self.name, None)

    def keep(self, row: Any, related: list[Any]) -> None:
        """Keeps what was found for the row."""
        kept_of(row)[self.name] = related

    # Fetching

    def is_null(self, row: Any) -> bool:
        """Whether the row points at nothing, so that nothing has to be asked."""
        return False

    def source(self, row: Any) -> bytes:
        """The row as far as the engine has to know it."""
        raise NotImplementedError

    def part(self, rows: list[Any], endpoint: Endpoint, plan: Plan) -> Any:
        """What the engine is told to fetch the related rows of these rows."""
        raise NotImplementedError

    def explained(self) -> str:
        """How they are fetched, in words."""
        raise NotImplementedError

    def checked(self, objs: Iterable[Any]) -> list[Any]:
        """Saved instances of the target.

        Raises: ``ValueError`` for anything else.
        """
        objs = list(objs)
        for obj in objs:
            if not isinstance(obj, self.target):
                raise ValueError(f"{self!r} takes instances of `{self.target.__name__}`, not {type(obj).__name__}")
            if obj._pk() is None:
                raise ValueError(f"this `{self.target.__name__}` is not saved, so it cannot be related: save it first")
        return objs

    def __repr__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"


class Assigned:
    """What is assigned in another way than a field: relations and their keys."""


class ToRows(Bound, Assigned):
    """A field of the row that says which row of another model is meant, or which rows are."""

    def __init__(self, info: ModelInfo, name: str, field: str, declared: Declared, said: Relation) -> None:
        super().__init__(info.model, name, declared.target)
        self.info = info
        #: The schema's field.
        self.field = field
        self.many = declared.many
        self.said = said
        self._engine: EngineRelation | None = None
        #: The form in which the server has shown it last.
        self._seen: Any = None

    @property
    def engine(self) -> EngineRelation:
        if self._engine is None:
            target = self.target._info()
            to_field = None if self.said.to_field is None else target._path(self.said.to_field)
            self._engine = EngineRelation(self.name, self.info.read_names(self.field), target.engine, to_field)
        return self._engine

    @property
    def to_field(self) -> str:
        """The related model's field of which a plain reference is the value."""
        return self.said.to_field or self.target._info().pk_name

    def raw(self, row: Any) -> Any:
        """What the row says."""
        return row.__dict__.get(self.field)

    def is_null(self, row: Any) -> bool:
        return self.raw(row) is None or self.raw(row) == []

    def part(self, rows: list[Any], endpoint: Endpoint, plan: Plan) -> Any:
        for row in rows:
            raw = self.raw(row)
            self._seen = (raw[0] if raw else self._seen) if isinstance(raw, list) else raw
        return self.engine, endpoint, plan, None, [self.source(row) for row in rows]

    def explained(self) -> str:
        return self.engine.explained(self.target._info().engine, None)

    @property
    def is_optional(self) -> bool:
        """Whether it may be null."""
        return type(None) in typing.get_args(self.info.schema.model_fields[self.field].annotation)

    def source(self, row: Any) -> bytes:
        """The row as far as the engine has to know it."""
        raw = self.raw(row)
        if row._row is not None and _has_objects(raw) and self.name not in kept_of(row).get(_ASSIGNED, ()):
            # As the server wrote it: numbers would lose digits in Python's hands.
            source: bytes = row._row
            return source
        return to_json({self.info.wire[self.field]: raw})

    # Assigning

    def written(self, value: Any, shown: Any) -> Any:
        """The reference in the form that the server takes. ``shown`` is one that it has shown."""
        if getattr(type(value), "_wire_key", None) is None:
            return _key(value)
        target = self.target
        if not isinstance(value, target):
            raise ValueError(
                f"`{self.owner.__name__}.{self.name}` takes a `{target.__name__}`, or its key, not a `{type(value).__name__}`"
            )
        key = _key(value._value(self.to_field))
        if key is None:
            raise ValueError(
                f"`{self.owner.__name__}.{self.name}` is a `{target.__name__}` that is not saved, so it has no key to be sent: "
                "save it first"
            )
        shown = self._seen if shown is None else shown
        form = self.said.writes or ("url" if _is_url(shown) else "key")
        if form == "object":
            return {target._info().wire.get(self.to_field, self.to_field): key}
        return self.engine.url(value._key(), shown if _is_url(shown) else None) if form == "url" else key

    def assign(self, row: Any, value: Any) -> None:
        """Puts the reference into the row, and keeps the related row."""
        kept = kept_of(row)
        if self.many:
            value = list(value)
            shown = next(iter(self.raw(row) or ()), None)
            references: Any = [self.written(each, shown) for each in value]
        else:
            if getattr(type(value), "_wire_key", None) is not None and isinstance(value, self.target) and value._pk() is None:
                # Its key is known when it is saved.
                kept[self.name] = value
                return
            before = kept.get(self.name)
            if before is not None and before is value and self.key(row) == _key(value._value(self.to_field)):
                return
            references = None if value is None else self.written(value, self.raw(row))
            if value is not None and self.raw(row) is not None and self._same(row, references):
                references = self.raw(row)
        kept.pop(self.name, None)
        if references != self.raw(row):
            row._set_field(self.field, references)
            kept.setdefault(_ASSIGNED, set()).add(self.name)
        if not self.many and isinstance(value, self.target):
            kept[self.name] = value

    def _same(self, row: Any, reference: Any) -> bool:
        """Whether the row points there already, in whatever form."""
        wire = self.info.wire[self.field]

        def names(raw: Any) -> list[tuple[str, str]]:
            return [(by, value.strip('"')) for by, value in self.engine.keys(to_json({wire: raw}))]

        try:
            return names(self.raw(row)) == names(reference)
        except DecodeError:
            return False

    def settle(self, row: Any) -> None:
        """Before the row is saved: the key of a related row that was not saved when it was assigned.

        Raises: ``InvalidRequestError`` where it still is not.
        """
        related = (row._related or {}).get(self.name)
        if self.many or related is None or related is MISSING:
            return
        if related._pk() is None:
            raise InvalidRequestError(
                f"`{self.owner.__name__}.{self.name}` is a `{self.target.__name__}` that is not saved, so it has no key to be "
                "sent: save it first"
            )
        if self.key(row) != _key(related._value(self.to_field)):
            self.assign(row, related)

    def points_at(self, row: Any, related: Any) -> bool:
        """Whether the row points at this one."""
        try:
            return self._same(row, self.written(related, self.raw(row)))
        except ValueError:
            return False

    # Keys

    def key(self, row: Any) -> Any:
        """The value by which the related row is named: mostly its key."""
        raw = self.raw(row)
        if raw is None:
            return None
        if isinstance(raw, int):
            return raw
        keys = self.engine.keys(to_json({self.info.wire[self.field]: raw}))
        values = [self._typed(by, json.loads(value)) for by, value in keys]
        return values if self.many else next(iter(values), None)

    def _typed(self, by: str, value: Any) -> Any:
        """The value as the related model's field has it: ``3`` for the ``"3"`` of a URL."""
        info = self.target._info()
        field = info.schema.model_fields.get(info.name_of(by))
        if field is None or not isinstance(value, str):
            return value
        try:
            return _key(TypeAdapter(field.annotation).validate_python(value))
        except ValidationError:
            return value


#: Under which the names of relations are kept whose reference the program has assigned.
_ASSIGNED = "="


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://", "/"))


def _has_objects(raw: Any) -> bool:
    return isinstance(raw, dict) or (isinstance(raw, list) and any(isinstance(each, dict) for each in raw))


class ToOne(ToRows):
    """``post.author``: the related row; ``None`` for null."""

    def __get__(self, row: Any, owner: Any = None) -> Any:
        return self if row is None else row._related_row(self)

    def __set__(self, row: Any, value: Any) -> None:
        self.assign(row, value)

    def keep(self, row: Any, related: list[Any]) -> None:
        kept_of(row)[self.name] = related[0] if related else MISSING

    def kept(self, row: Any) -> Any:
        """The related row that is kept.

        Raises: the target's ``DoesNotExist``.
        """
        related = kept_of(row)[self.name]
        if related is MISSING:
            raise self.target.DoesNotExist(
                f"the `{self.target.__name__}` that {self!r} names does not exist, or is not shown to this client: "
                f"{self.key(row)!r}"
            )
        return related


class ToMany(ToRows):
    """``post.tags``: a manager of the related rows."""

    def __get__(self, row: Any, owner: Any = None) -> Any:
        return self if row is None else row._related_rows(self)

    def __set__(self, row: Any, value: Any) -> None:
        self.assign(row, value)

    def kept(self, row: Any) -> list[Any]:
        return list(kept_of(row)[self.name])

    def query(self, row: Any, client: Any) -> Any:
        """The rows that the row points at."""
        query = self.target.objects.using(client).get_queryset()
        keys = self.keys(self.raw(row))
        if not keys:
            return query.none()
        by = {name for name, _ in keys}
        if len(by) > 1:
            raise InvalidRequestError(f"{self!r} names its rows by different fields: {', '.join(sorted(by))}")
        query = query.filter(**{f"{by.pop()}__in": [value for _, value in keys]})
        query._source = (self, row)
        return query

    def values_of_new(self, row: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(values)

    def keys(self, references: Any) -> list[tuple[str, Any]]:
        """The fields and values by which these references name their rows."""
        if not references:
            return []
        found = self.engine.keys(to_json({self.info.wire[self.field]: references}))
        return [(by, json.loads(value)) for by, value in found]

    def shown(self, row: bytes) -> list[Any]:
        """The references in a row that the server has sent."""
        return self.info.read(row).__dict__.get(self.field) or []

    def references(self, row: Any, objs: Iterable[Any]) -> list[Any]:
        """Instances and keys as references, in the form that the server takes."""
        shown = next(iter(self.raw(row) or ()), None)
        return [self.written(obj, shown) for obj in objs]

    def changed(self, references: list[Any], added: list[Any], removed: list[Any]) -> list[Any]:
        """The references with and without these."""
        away = {str(key) for each in removed for key in self.keys([each])}
        there: set[str] = set()
        left: list[Any] = []
        for reference in [*map(self._plain, references), *added]:
            names = {str(key) for key in self.keys([reference])}
            if not names & (away | there):
                left.append(reference)
            there |= names
        return left

    def _plain(self, reference: Any) -> Any:
        """An object as the key that is written for it."""
        if not isinstance(reference, dict) or self.said.writes == "object":
            return reference
        return next((value for _, value in self.keys([reference])), reference)

    def names_same(self, some: list[Any], others: list[Any]) -> bool:
        """Whether both name the same rows, in whatever order."""
        return {str(key) for key in self.keys(some)} == {str(key) for key in self.keys(others)}

    def put(self, row: Any, references: Any) -> None:
        row._set_field(self.field, references)
        self.forget(row)


class KeyOf(Assigned):
    """``post.author_id``: the key of the related row, without a request."""

    def __init__(self, relation: ToRows) -> None:
        self._relation = relation

    def __get__(self, row: Any, owner: Any = None) -> Any:
        return self if row is None else self._relation.key(row)

    def __set__(self, row: Any, value: Any) -> None:
        self._relation.assign(row, value)


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
        return self.back.engine, endpoint, plan, self.filter_name, [self.source(row) for row in rows]

    def explained(self) -> str:
        """How they are fetched, in words."""
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


class Relations:
    """The relations of one model, by name."""

    def __init__(self, info: ModelInfo) -> None:
        self._info = info
        self.forward: dict[str, ToRows] = {}
        for name, field in info.schema.model_fields.items():
            found = list(_declared(field.annotation, field.metadata))
            declared = next((each for each in found if isinstance(each, Declared)), None)
            if declared is not None:
                said = next((each for each in found if isinstance(each, Relation)), _UNSAID)
                self._add(name, name, declared, said)
        for name, declared, said in _on_model(info.model):
            self._add(name, self._field(name, said), declared, said)
        #: The relations by the schema's fields.
        self.of_field = {each.field: each for each in self.forward.values()}

    def _field(self, name: str, said: Relation) -> str:
        choices = [said.field] if said.field else [name, f"{name}_id"]
        for choice in choices:
            if self._info.name_of(choice) in self._info.wire:
                return self._info.name_of(choice)
        raise ConfigurationError(
            f"`{self._info.model.__name__}.{name}` is a relation, and the schema has no field "
            f"{' or '.join(f'`{choice}`' for choice in choices)} to hold it: declare it there, or name another one with "
            "relation(field=...)"
        )

    def _add(self, name: str, field: str, declared: Declared, said: Relation) -> None:
        model = self._info.model
        made = (ToMany if declared.many else ToOne)(self._info, name, field, declared, said)
        self.forward[name] = made
        type.__setattr__(model, name, made)
        key = f"{name}_id"
        if not declared.many and key not in self._info.wire and not hasattr(model, key):
            type.__setattr__(model, key, KeyOf(made))
            self._info.names.setdefault(key, field)

    def __bool__(self) -> bool:
        return bool(self.forward)

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values for a row, with the references in place of related rows; by the names of the schema's fields."""
        named: dict[str, Any] = {}
        for name, value in values.items():
            each = self.forward.get(name) or self.of_field.get(self._info.name_of(name))
            if each is None:
                named[name] = value
            elif each.many and isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
                named[each.field] = [each.written(item, None) for item in value]
            else:
                named[each.field] = None if value is None else each.written(value, None)
        return named

    def keep(self, row: Any, values: Mapping[str, Any]) -> None:
        """Keeps the related rows that a new row was made of."""
        for name, value in values.items():
            each = self.forward.get(name)
            if each is not None and not each.many and getattr(type(value), "_wire_key", None) is not None:
                kept_of(row)[name] = value

    def settle(self, row: Any) -> None:
        """Before the row is saved."""
        for each in self.forward.values():
            each.settle(row)

    def taken(self, row: Any, before: Mapping[str, Any]) -> None:
        """After the server's row was taken over, in place of the fields ``before``: what points elsewhere now is not kept."""
        kept = row._related
        if not kept:
            return
        kept.pop(_ASSIGNED, None)
        for name in list(kept):
            each = self.forward.get(name)
            if each is None or each.raw(row) == before.get(each.field):
                continue
            value = kept[name]
            if each.many or value is MISSING or each.key(row) != _key(value._value(each.to_field)):
                del kept[name]


def _declared(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[Any]:
    """What a field's annotation says of a relation."""
    yield from (each for each in metadata if isinstance(each, (Declared, Relation)))
    yield from (each for each in getattr(annotation, "__metadata__", ()) if isinstance(each, (Declared, Relation)))
    for argument in typing.get_args(annotation):
        yield from _declared(argument)


_ANNOTATION = re.compile(r"\b(ForeignKey|ManyToMany)\[\s*[\"']?([^\]\"']+)")


def _on_model(model: type[Any]) -> Iterator[tuple[str, Declared, Relation]]:
    """The relations that are declared in the class body."""
    found: dict[str, tuple[Declared, Relation]] = {}
    for owner in reversed(model.__mro__):
        if not hasattr(owner, "_register_function"):
            continue
        for name, annotation in _annotations(owner).items():
            declared: Declared | None = None
            if isinstance(annotation, str):
                words = _ANNOTATION.search(annotation)
                if words is not None:
                    declared = Declared(_in_module(words[2], owner), many=words[1] == "ManyToMany")
            else:
                declared = next((each for each in _declared(annotation) if isinstance(each, Declared)), None)
            if declared is not None:
                said = vars(owner).get(name)
                found[name] = (declared, said if isinstance(said, Relation) else getattr(said, "said", _UNSAID))
    for name, (declared, said) in found.items():
        yield name, declared, said


def _annotations(owner: type[Any]) -> Mapping[str, Any]:
    given: Mapping[str, Any] | None = vars(owner).get("__annotations__")
    return given if given is not None else getattr(owner, "__annotations__", {})


def _in_module(name: str, owner: type[Any]) -> Any:
    """What a name is in the module of the class, if that is a model: it may have been imported under another name."""
    found = getattr(sys.modules.get(owner.__module__), name.strip(), None)
    return found if isinstance(found, type) and hasattr(found, "_register_function") else name


class Batch:
    """The related rows of one row of a page, or of all of them."""

    def __init__(self, row: Any, relation: Bound) -> None:
        self.relation = relation
        self.rows = [row]
        group = row._peers
        if group is None:
            return
        if relation.at_once or relation.name in group.touched:
            peers = (peer for each in group.rows if (peer := each()) is not None)
            self.rows += [
                peer for peer in peers if peer is not row and not relation.is_kept(peer) and not relation.is_null(peer)
            ]
        group.touched.add(relation.name)
        if len(self.rows) > 1 and group.policy != "batch":
            self._noticed(group.policy)

    def _noticed(self, policy: str) -> None:
        relation = self.relation
        noticed = (
            f"`{relation!r}` is asked for on one of {len(self.rows)} rows that were read together, and was not fetched with "
            f'them: say prefetch_related("{relation.name}")'
        )
        if policy == "error":
            raise InvalidRequestError(noticed)
        emit([("n_plus_one", f"{noticed}; it was fetched for all of them now")])

    def operation(self, plan: Plan) -> Operation:
        """What fetches them."""
        self.client = self.relation.client(self.rows[0])
        return related([self.relation.part(self.rows, self.client._endpoint(self.relation.target), plan)])

    def take(self, answer: list[tuple[list[bytes], list[list[int]]]]) -> None:
        """Keeps what was found."""
        [(rows, places)] = answer
        found = self.relation.target._from_rows(rows, self.client) if rows else []
        for row, own in zip(self.rows, places):  # noqa: B905
            self.relation.keep(row, [found[place] for place in own])


def lock_of(row: Any, make: Callable[[], Any]) -> Any:
    """Held while the related rows of a page are fetched, so that they are once."""
    group = row._peers
    if group is None:
        return contextlib.nullcontext()
    if group.lock is None:
        group.lock = make()
    return group.lock


def client_for(row: Any, target: type[Any]) -> Any:
    """The client for rows that a row points at: that of the row, for it says who asks; another one where the target is
    registered at another address.
    """
    own = row._client_of_row()
    try:
        other = client_of(target)
    except ConfigurationError:
        return own
    return own if other.base_url == own.base_url else other
