"""What synchronous and asynchronous models share: fields, changes, identity."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ValidationError

from . import exceptions
from ._client import Home, endpoint_of
from ._declaring import ModelType, is_djangos, nearest, not_djangos
from ._engine import Endpoint
from ._json import jsonable, to_json
from ._registry import client_of
from ._relation_bound import Assigned
from ._relation_groups import share
from ._relation_targets import known
from ._rows import PYDANTICS, Slots, VersionedRow, defaulted
from ._schema import ModelInfo, Pagination, Save, put
from .exceptions import ConfigurationError, ConflictError, InvalidRequestError

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._client import BaseClient
    from ._engine import Operation, Written
    from ._relation_groups import Group

_lock = threading.RLock()


if TYPE_CHECKING:
    # Hidden from type checkers, so that a model may name its schema as a base for them: see docs/python/models.md.
    class _Declared: ...
else:

    class _Declared(metaclass=ModelType):
        __slots__ = ()


class BaseAPIModel(_Declared):
    """A row. Its fields are those of ``_schema_class``; reading one costs what a plain attribute costs.

    The schema's validator fills the instance itself. The schema's object, for what only that can do, is made at first use,
    and shares the instance's ``__dict__``, so fields, methods and properties of the class, and changes inside nested objects
    all work as on the schema.
    """

    if not TYPE_CHECKING:
        # For the same reason.
        __slots__ = ("__dict__", "__weakref__", *PYDANTICS, "_client", "_data", "_deleted", "_peers", "_related", "_row")

    _client: Any
    #: The schema's object.
    _data: BaseModel
    _deleted: bool
    #: The related rows that are kept, and the rows that were read with this one.
    _related: dict[str, Any] | None
    _peers: Group | None
    #: The server's JSON of the row; ``None`` until it is saved.
    _row: bytes | None

    #: The pydantic schema of a row.
    _schema_class: ClassVar[type[BaseModel]]
    #: The collection's path, such as ``/api/v1/users/``.
    _endpoint: ClassVar[str]
    #: The primary key's field.
    _id_field: ClassVar[str] = "id"
    #: The field whose value is in a row's URL, if that is not the primary key (DRF's ``lookup_field``).
    _lookup_field: ClassVar[str | None] = None
    #: Fields that only the server writes: never sent.
    _read_only_fields: ClassVar[tuple[str, ...] | list[str] | frozenset[str]] = ()
    #: The lookups that the server filters by; every other one is evaluated client-side. ``None``: learnt from its answers.
    _filter_fields: ClassVar[tuple[str, ...] | list[str] | None] = None
    #: How the endpoint pages; ``None``: recognised from the first answer.
    _pagination: ClassVar[str | Pagination | None] = None
    #: The header in which the endpoint takes an idempotency key, such as ``Idempotency-Key``: each write then carries one.
    _idempotency_header: ClassVar[str | None] = None
    #: The field, or the fields together, that tell a row from all others: ``reconcile`` finds a new row by them.
    _natural_key: ClassVar[str | tuple[str, ...] | list[str]] = ()

    #: The parameter by which the server shows related rows whole: ``expand``, ``include``.
    _expand_parameter: ClassVar[str | None] = None

    #: The type of the endpoint's resources, where it speaks JSON:API: ``"articles"``.
    _json_api: ClassVar[str | None] = None

    #: Whether a list of values is sent as ``id=1&id=2``, and not as ``id__in=1,2``.
    _repeated_values: ClassVar[bool] = False

    #: Whether the table is small: related rows are not asked for by their keys, all of them are read.
    _small_table: ClassVar[bool] = False

    #: The parameter by which the server sends related rows beside the rows, under the same name: ``prefetch``.
    _prefetch_parameter: ClassVar[str | None] = None

    DoesNotExist: ClassVar[type[exceptions.DoesNotExist]] = exceptions.DoesNotExist
    MultipleObjectsReturned: ClassVar[type[exceptions.MultipleObjectsReturned]] = exceptions.MultipleObjectsReturned
    _RowMissing: ClassVar[type[exceptions.NotFoundError]] = exceptions._RowMissing
    #: The same of a write that may have been carried out before the row was gone.
    _RowMissingUnknown: ClassVar[type[exceptions.APIException]] = exceptions._RowMissingUnknown
    _register_function: ClassVar[str] = "register_models"
    _known: ClassVar[tuple[type[Any], ModelInfo] | None] = None
    #: The manager of this class, or of the one that it inherits from, where it declares none.
    _own_manager: ClassVar[Any] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        known(cls)

        def own(name: str, *bases: type[Exception]) -> Any:
            return type(name, bases, {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.{name}"})

        cls.DoesNotExist = own("DoesNotExist", cls.DoesNotExist)
        cls.MultipleObjectsReturned = own("MultipleObjectsReturned", cls.MultipleObjectsReturned)
        cls._RowMissing = own("_RowMissing", cls.DoesNotExist, exceptions.NotFoundError)
        cls._RowMissingUnknown = own("_RowMissingUnknown", cls._RowMissing, exceptions.OutcomeUnknown)
        cls._RowMissing.__name__ = cls._RowMissingUnknown.__name__ = "DoesNotExist"

    @classmethod
    def _info(cls) -> ModelInfo:
        known = cls._known
        if known is not None and known[0] is cls:
            return known[1]
        with _lock:
            info = ModelInfo(cls)
            cls._known = (cls, info)
        return info

    @classmethod
    def get_schema_class(cls) -> type[BaseModel]:
        """The schema of the rows.

        Raises: ``ConfigurationError`` if there is none.
        Requests: none.
        """
        schema = getattr(cls, "_schema_class", None)
        if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
            raise ConfigurationError(f"{cls.__name__}._schema_class must be a subclass of pydantic.BaseModel")
        return schema

    @classmethod
    def get_endpoint(cls) -> str:
        """The collection's path.

        Raises: ``ConfigurationError`` if there is none.
        Requests: none.
        """
        endpoint = getattr(cls, "_endpoint", None)
        if not isinstance(endpoint, str) or not endpoint:
            raise ConfigurationError(f"{cls.__name__}._endpoint must be a path such as '/api/v1/users/'")
        return endpoint

    # Making instances

    def __init__(self, **values: Any) -> None:
        """A row that is not saved yet, from the values of its fields, by Python's names or those on the wire.

        The key and read-only fields may be missing. ``_client`` names a client other than the registered one.

        Raises: ``FieldError`` for a name that is no field, unless the schema allows extra names; ``pydantic.ValidationError``.
        Requests: none.
        """
        set_slot = object.__setattr__
        set_slot(self, "_client", values.pop("_client", None))
        set_slot(self, "_row", None)
        given = values.pop("_pydantic_instance", None)
        info = self._info()
        data = given if given is not None else info.named(values)
        set_slot(self, "_data", data)
        set_slot(self, "__dict__", data.__dict__)
        if info.relations:
            info.relations.keep(self, values)

    @classmethod
    def _made(cls, data: BaseModel, row: bytes | None, client: BaseClient | None) -> Self:
        self = cls.__new__(cls)
        set_slot = object.__setattr__
        set_slot(self, "_client", client)
        set_slot(self, "_row", row)
        set_slot(self, "_data", data)
        set_slot(self, "__dict__", data.__dict__)
        return self

    @classmethod
    def _unsaved(cls, values: Mapping[str, Any], client: Any) -> Self:
        """A row of these values, which the server does not have yet."""
        info = cls._info()
        new = cls._made(info.named(values), None, client)
        info.relations.keep(new, values)
        return new

    @classmethod
    def _from_row(cls, row: bytes, client: BaseClient | None) -> Self:
        info = cls._info()
        read = info.read_instance
        try:
            if read is None:
                return cls._made(info.validate_json(row), row, client)
            self: Self = read(row)
        except ValidationError as error:
            raise info.invalid_row(error, row, 0) from None
        _SLOTS.set_client(self, client)
        _SLOTS.set_row(self, row)
        return self

    @classmethod
    def _from_rows(cls, rows: list[bytes], client: BaseClient | None, start: int = 0) -> list[Self]:
        info = cls._info()
        fields = info.whole(rows)
        if fields is not None:
            made = _SLOTS.fill(cls, rows, fields, client)
        elif info.read_instance is None:
            objects = info.rows(rows, start, info.validate_json)
            made = list(map(cls.__new__, repeat(cls, len(rows))))
            _SLOTS.pair(rows, made, client, objects)
        else:
            made = info.rows(rows, start, info.read_instance)
            _SLOTS.read(rows, made, client, info.all_fields)
        if info.has_relations:
            own = client.client if isinstance(client, Home) else client
            share(made, "batch" if own is None else own._on_n_plus_one)
        return made

    @classmethod
    def from_api(cls, data: Mapping[str, Any], client: Any = None) -> Self:
        """An instance of a row that the server sent, by the names on the wire; ``client`` replaces the registered one.

        Raises: ``pydantic.ValidationError``.
        Requests: none.
        """
        return cls._from_row(to_json(dict(data)), client)

    # Attributes

    def __getattr__(self, name: str) -> Any:
        # Called only for what is neither a field nor defined on the class: computed fields and extras of the schema.
        if not name.startswith("_"):
            if name == "pk":
                return self._pk()
            return getattr(object.__getattribute__(self, "_data"), name)
        if is_djangos(name):
            raise AttributeError(not_djangos(type(self), name))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(type(self), name, None), Assigned):
            object.__setattr__(self, name, value)
        else:
            self._set_field(name, value)

    def _set_field(self, name: str, value: Any) -> None:
        data: BaseModel = self._data
        if value is None and self._unset_key(name):
            return
        if type(data).model_config.get("frozen") and (name in type(data).model_fields or name == "pk"):
            # pydantic's own error: its validator alone would let the value in.
            setattr(data, self._info().pk_name if name == "pk" else name, value)
        if name in type(data).model_fields:
            # Either the value is valid, or nothing changes: pydantic has already replaced the dictionary when a validator of
            # the whole model raises.
            self._info().known.inside({name: value})
            before, given, extra = data.__dict__, data.__pydantic_fields_set__.copy(), data.__pydantic_extra__
            try:
                self._info().validate_assignment(data, name, value)
            except BaseException:
                object.__setattr__(data, "__dict__", before)
                object.__setattr__(data, "__pydantic_fields_set__", given)
                object.__setattr__(data, "__pydantic_extra__", extra)
                raise
            object.__setattr__(self, "__dict__", data.__dict__)
        elif name == "pk":
            setattr(self, self._info().pk_name, value)
        elif type(data).model_config.get("extra") == "allow" and not hasattr(type(self), name) and name[0] != "_":
            setattr(data, name, value)
            object.__setattr__(self, "__dict__", data.__dict__)
        else:
            self._refuse_misspelt(name)
            object.__setattr__(self, name, value)

    def _unset_key(self, name: str) -> bool:
        """Takes the primary key away, so that saving makes a copy; also where the schema requires one. Whether that could be
        done.
        """
        info, data = self._info(), self._data
        field = type(data).model_fields.get(info.pk_name)
        if name not in (info.pk_name, "pk" if "pk" not in info.wire else info.pk_name) or field is None:
            return False
        if field.frozen or data.model_config.get("frozen"):
            return False
        put(data, info.pk_name, None)
        return True

    def _refuse_misspelt(self, name: str) -> None:
        """Other attributes may be set, as in Django; one that was meant to be a field would not be saved."""
        model = type(self)
        if name[0] == "_" or name in self.__dict__ or hasattr(model, name):
            return
        if not any(name in getattr(owner, "__annotations__", ()) for owner in model.__mro__):
            field = nearest(name, type(self._data).model_fields)
            if field is not None:
                raise AttributeError(
                    f"`{model.__name__}` has no field `{name}`: did you mean `{field}`? To set an attribute of this name, "
                    "declare it in the class body"
                )

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *type(self._data).model_fields, "pk"})

    def _pk(self) -> Any:
        return self._value(self._info().pk_name)

    def _value(self, name: str) -> Any:
        """A field of the schema, or what else it has of this name; ``None`` where there is nothing."""
        fields = self.__dict__
        return fields[name] if name in fields else getattr(self._data, name, None)

    @staticmethod
    def _wire_key(instance: BaseAPIModel) -> Any:
        """The value of the instance in a filter or a foreign key."""
        key = instance._pk()
        if key is None:
            raise ValueError(f"this {type(instance).__name__} has no key yet: save it first")
        return key

    def to_dict(self, exclude_unset: bool = False, exclude_none: bool = False) -> dict[str, Any]:
        """The fields in JSON's types, by their Python names.

        ``exclude_unset`` leaves out what neither the server nor the program gave, ``exclude_none`` what is ``None``.

        Requests: none.
        """
        return self.model_dump(mode="json", exclude_unset=exclude_unset, exclude_none=exclude_none)

    def model_dump(self, **kwargs: Any) -> dict[str, Any]:
        """The schema's ``model_dump``: a dictionary of Python values.

        Requests: none.
        """
        return self._data.model_dump(**kwargs)

    def model_dump_json(self, **kwargs: Any) -> str:
        """The schema's ``model_dump_json``: JSON text.

        Requests: none.
        """
        return self._data.model_dump_json(**kwargs)

    @property
    def _pydantic_instance(self) -> BaseModel:
        return self._data

    def raw(self) -> dict[str, Any] | None:
        """The row as the server last sent it, including what the schema does not declare; ``None`` until it is saved.

        Requests: none.
        """
        return None if self._row is None else json.loads(self._row)

    def changes(self) -> dict[str, Any]:
        """What ``save`` would send: the fields that differ from the server's row, by the names they are sent under.

        Requests: none.
        """
        return self._changes()

    # The package itself calls only names with an underscore: a field may be named `changes` or `raw`, and hides the method.
    def _changes(self) -> dict[str, Any]:
        info = self._info()
        return info.save(self._data, None if info.engine.is_copy(*self._held()) else self._row).body

    # Identity

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or not isinstance(other, BaseAPIModel):
            return NotImplemented
        key = self._pk()
        return key is not None and bool(key == other._pk())

    def __hash__(self) -> int:
        key = self._pk()
        if key is None:
            raise TypeError(f"a {type(self).__name__} without a key cannot be hashed")
        return hash((type(self), key))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __str__(self) -> str:
        return f"{type(self).__name__} object ({self._pk()})"

    def __copy__(self) -> Self:
        copy = self._made(self._data.model_copy(), self._row, self._client)
        object.__setattr__(copy, "_deleted", self._deleted)
        return copy

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        copy = self._made(self._data.model_copy(deep=True), self._row, self._client)
        object.__setattr__(copy, "_deleted", self._deleted)
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the client: it holds credentials. The copy uses the client that is registered where it is loaded.
        return (_restore, (type(self), self._data, self._row, self._deleted, self._at()))

    # Writing

    def _at(self) -> str | None:
        """The collection that the row was read from, if that is not the model's own."""
        return self._client.path if isinstance(self._client, Home) else None

    def _client_of_row(self) -> Any:
        client = self._client.client if isinstance(self._client, Home) else self._client
        return client_of(type(self)) if client is None else client

    def _endpoint_of_row(self) -> Endpoint:
        endpoint = endpoint_of(self._client_of_row(), type(self), self._at())
        policy = self._client.policy if isinstance(self._client, Home) else None
        return endpoint.with_policy(**policy) if policy else endpoint

    def _path_of(self, route: str) -> str:
        """The path of a route below the row."""
        engine, at = self._info().engine, self._at()
        return (engine if at is None else engine.at(at)).route(self._key(), route)

    def _key(self) -> str:
        """The value in the row's URL."""
        return self._info().engine.key(*self._held())

    def _held(self) -> tuple[bytes | None, bytes, bytes | None, bool]:
        """The row as the server last showed it, its two keys as they are now, and whether it was deleted."""
        info = self._info()
        primary_key = self._key_now(info.pk_name) if info.pk_name in info.wire else None
        return self._row, self._key_now(info.key_name), primary_key, self._deleted

    def _key_now(self, name: str) -> bytes:
        key = getattr(self._data, name, None)
        try:
            return to_json(key)
        except TypeError:
            return to_json(str(key))

    def _saving(
        self,
        update_fields: Iterable[str] | None,
        force_insert: bool = False,
        on_conflict: str = "error",
        check: bool = False,
        shown: bytes | None = None,
    ) -> tuple[Save, Operation] | None:
        """What ``save`` sends, and the operation that sends it; ``None`` if nothing has changed. ``shown``: the row as the
        server has shown it since, of which the changes were made.
        """
        info, endpoint = self._info(), self._endpoint_of_row()
        info.relations.settle(self)
        key = None
        if not force_insert:
            given = info.key_name in self._data.model_fields_set
            key = info.engine.saved_at(*self._held(), given=given)
        if key is None and self._row is not None and not force_insert and info.engine.is_copy(*self._held()):
            save = self._new(update_fields).with_(info.relations.keys_of(self))
            if self._deleted:
                # It cannot be read any more.
                return save, endpoint.create(save.json)
            return save, endpoint.copy(self._row, save.json, info.relations.named_by())
        if key is None:
            save = self._new(update_fields)
            return save, endpoint.create(save.json)
        save = self._changed(update_fields)
        if not save.body:
            return None
        save.rebased = shown is not None
        row = self._row if shown is None else shown
        return save, endpoint.save(key, row, save.json, on_conflict=on_conflict, check=check)

    def _failed(self, error: ConflictError) -> None:
        """Adds the instance to an error that tells of its row: this one, and what the server has by now."""
        error.instance = self
        if error._current is not None:
            row, names = error._current
            info = self._info()
            error.fields = tuple(info.own.get(name, name) for name in names)
            with contextlib.suppress(ValidationError, exceptions.DecodeError):
                error.current = self._from_row(row, self._client)

    def _new(self, update_fields: Iterable[str] | None = None) -> Save:
        """What is sent to create the row."""
        if update_fields is not None:
            raise InvalidRequestError(f"this {type(self).__name__} is not saved yet: save it without `update_fields` first")
        return self._info().save(self._data, None)

    def _changed(self, update_fields: Iterable[str] | None) -> Save:
        """The changes to a row that the server has; exactly these fields if they are named."""
        info = self._info()
        names = None if update_fields is None else self._named(update_fields)
        save = info.save(self._data, self._row, names)
        if self._row is None and names is None:
            return save.only(save.body.keys() - {info.sent.get(info.pk_name, info.pk_name)})
        return save

    def _named(self, fields: Iterable[str], parameter: str = "update_fields") -> list[str]:
        """The names, as they are sent, that the program has given as this parameter."""
        info = self._info()
        if isinstance(fields, str):
            raise TypeError(f"{parameter} must be a list of names, not a str")
        names: list[str] = []
        for field in fields:
            name = info.name_of(field.split("__")[0])
            if name not in (self._data.model_extra or {}):
                if name not in info.sent:
                    raise info.known.unknown(field, f" ({parameter})")
                if name in info.read_only:
                    raise ValueError(f"{type(self).__name__}.{name} is read-only and cannot be saved")
            names.append(info.sent.get(name, name))
        return names

    def _saved(self, save: Save, answer: Written) -> None:
        """Takes over the row as it is after the write; fields that were not sent, or have changed since, stay as they are."""
        info = self._info()
        written, row, assumed, unsaved, error = answer
        own = self._data
        now = info.text(own)
        kept = [name for name in save.body if name not in unsaved]
        pending = info.engine.pending(now, save.before, save.again, save.then, kept)
        object.__setattr__(self, "_deleted", False)
        try:
            if written != "row":
                row = self._as_read(row, save, [name for name in assumed if name not in pending])
            # Without a row in the answer, the fields are what was sent, and what this instance had before.
            data = own if written == "nothing" and not save.rebased else info.validate_json(row)
        except (ValidationError, exceptions.DecodeError) as unread:
            row = info.engine.unread(save.row, save.json, row)
            self._keep(self._as_read(row, save, [name for name in save.body if name not in pending]))
            raise _written_but(type(self), info.key_in(row), unread) from unread
        if pending and data is not own:
            self._carry(pending, data)
        self._take(data, row)
        if isinstance(error, exceptions.UnsavedError):
            error.instance = self
            raise error

    def _as_read(self, row: bytes, save: Save, names: Iterable[str]) -> bytes:
        """The row with these fields, which it has as they were sent, as the schema reads them: it may write them otherwise."""
        info = self._info()
        fields = [info.own[name] for name in names if name in info.own and name in save.body]
        odd = self._read_otherwise(row, save, fields)
        if not odd:
            return row
        plain: dict[str, Any] = {}
        for name in odd:
            # It may be able to read what it would write without its own serializer.
            with contextlib.suppress(TypeError, ValueError):
                plain[info.sent[name]] = jsonable(getattr(self._data, name))
        version = row.version if isinstance(row, VersionedRow) else None
        row = info.engine.put(row, to_json(plain))
        unread = [name for name in odd if name not in info.read(row).model_fields_set]
        if unread:
            # It can read neither form, so what was sent cannot be kept.
            values = json.loads(row)
            for name in unread:
                values.pop(info.name_in(values, name), None)
            row = to_json(values)
        return row if version is None else VersionedRow(row, version)

    def _read_otherwise(self, row: bytes, save: Save, fields: list[str]) -> list[str]:
        """Of the fields, those that the schema does not read in the row as they were sent."""
        if not fields:
            return []
        info = self._info()
        read = info.read(row)
        again = info.body(read, row, fields, read)
        return [name for name in fields if again.get(info.sent[name], self) != save.body[info.sent[name]]]

    def _carry(self, sent: Iterable[str], data: BaseModel) -> None:
        """Keeps the values of these fields, which are still unsaved; the others are the server's."""
        own = self._info().own
        for name in (own.get(name, name) for name in sent):
            if name in type(data).model_fields:
                put(data, name, getattr(self._data, name))
            elif data.__pydantic_extra__ is not None:
                data.__pydantic_extra__[name] = (self._data.model_extra or {})[name]

    def _keep(self, row: bytes) -> None:
        """Takes over only the keys of the row."""
        info = self._info()
        object.__setattr__(self, "_row", row)
        read = info.read(row)
        for name in {info.pk_name, info.key_name} & read.model_fields_set:
            put(self._data, name, getattr(read, name))

    def _take(self, data: BaseModel, row: bytes | None) -> None:
        fields = type(data).model_fields
        before = self.__dict__
        if own := {name: value for name, value in before.items() if name not in fields}:
            object.__setattr__(data, "__dict__", {**data.__dict__, **own})
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_row", row)
        object.__setattr__(self, "__dict__", data.__dict__)
        if self._related:
            self._info().relations.taken(self, before)

    def _refreshed(self, row: bytes) -> None:
        info = self._info()
        try:
            data = info.validate_json(row)
        except ValidationError as error:
            raise info.invalid_row(error, row, 0) from None
        self._take(data, row)
        object.__setattr__(self, "_related", None)

    def __delattr__(self, name: str) -> None:
        if name in type(self._data).model_fields:
            raise AttributeError(f"a field cannot be deleted: {name}")
        object.__delattr__(self, name)


_SLOTS = Slots(BaseAPIModel)

if not TYPE_CHECKING:
    BaseAPIModel._data = defaulted(BaseAPIModel._data, lambda self: _SLOTS.object_of(self, self._info().schema))
    BaseAPIModel._deleted = defaulted(BaseAPIModel._deleted, lambda self: False)
    #: For rows that refer to other rows: those that were fetched, and those that are fetched together with this one.
    BaseAPIModel._related = defaulted(BaseAPIModel._related, lambda self: None)
    BaseAPIModel._peers = defaulted(BaseAPIModel._peers, lambda self: None)


def _written_but(model: type[Any], key: Any, error: Exception) -> exceptions.DecodeError:
    """The error for an answer that does not fit the schema, to a write that has been carried out."""
    unread = exceptions.DecodeError(
        f"the {model.__name__} was written (key: {key!r}), but the server's answer does not fit the schema, so the "
        "row's present state is unknown; do not write it again: see `__cause__`"
    )
    unread.key = key
    unread._is_carried_out = True
    return unread


def _restore(model: type[Any], data: BaseModel, row: bytes | None, deleted: bool, at: str | None = None) -> Any:
    instance = model._made(data, row, None if at is None else Home(None, at))
    object.__setattr__(instance, "_deleted", deleted)
    return instance


def specialise(model: type[Any], error: Exception) -> None:
    """Turns a general error into the model's own: ``User.DoesNotExist``."""
    kind = type(error)
    if kind is exceptions._RowMissing:
        error.__class__ = model._RowMissing
    elif kind is exceptions._RowMissingUnknown:
        error.__class__ = model._RowMissingUnknown
    elif kind is exceptions.DoesNotExist:
        error.__class__ = model.DoesNotExist
    elif kind is exceptions.MultipleObjectsReturned:
        error.__class__ = model.MultipleObjectsReturned
