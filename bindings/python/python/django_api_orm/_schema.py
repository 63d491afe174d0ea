"""A model class and its schema: names on the wire, validation, and what is sent."""

from __future__ import annotations

import contextlib
import json
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import reduce
from operator import and_
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    RootModel,
    SerializeAsAny,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from ._engine import Condition, Model
from ._json import dumped, from_json, is_collection, is_iterable, jsonable, not_finite, text_of, to_json
from ._names import Names
from ._picking import Columns, fields_validator
from ._relation_bound import Bound
from ._relation_joins import behind
from ._relation_table import Relations
from ._relations import is_reference
from ._rows import instance_validator
from ._values import reading_durations, same, with_durations
from .exceptions import ConfigurationError, DecodeError, FieldError, InvalidRequestError
from .q import Q

T = TypeVar("T")

#: The choices of fields that are remembered for a model: programs make few.
_COLUMNS_KEPT = 64

#: A `Pagination` as the engine takes it.
Declared = tuple[str, int | None, str | None, str | None, int | None]

_STYLES = ("limit_offset", "page_number", "cursor", "link", "none")


class Pagination:
    """How an endpoint pages, if not as the first answer shows: ``_pagination = Pagination("page_number", 50)``.

    ``style`` is ``"limit_offset"``, ``"page_number"``, ``"cursor"``, ``"link"`` or ``"none"``; ``page_size`` is how many
    rows are asked for in a page, ``page_size_parameter`` the parameter that says so. ``position_parameter`` is the parameter
    that says which page, where that is not ``offset``, ``page`` or ``cursor``; ``first_page`` the number of the first page,
    where that is not 1.

    Raises: ``ConfigurationError`` for another style.
    """

    __slots__ = ("first_page", "page_size", "page_size_parameter", "position_parameter", "style")

    def __init__(
        self,
        style: str,
        page_size: int | None = None,
        page_size_parameter: str | None = None,
        *,
        position_parameter: str | None = None,
        first_page: int | None = None,
    ) -> None:
        if style not in _STYLES:
            raise ConfigurationError(f"a pagination style must be one of {', '.join(_STYLES)}, not {style!r}")
        self.style = style
        self.page_size = page_size
        self.page_size_parameter = page_size_parameter
        self.position_parameter = position_parameter
        self.first_page = first_page

    @property
    def _declared(self) -> Declared:
        return (self.style, self.page_size, self.page_size_parameter, self.position_parameter, self.first_page)


def _read_names(name: str, field: FieldInfo) -> list[str]:
    """The names that the field may have in a row; filters use the first."""
    alias = field.validation_alias
    names = [choice for choice in (alias.choices if isinstance(alias, AliasChoices) else [alias]) if isinstance(choice, str)]
    return names or [field.alias or name]


def _read_name(name: str, field: FieldInfo) -> str:
    return _read_names(name, field)[0]


def _sent_name(name: str, field: FieldInfo) -> str:
    return field.serialization_alias or field.alias or name


def _name_in(row: Mapping[str, Any], name: str, field: FieldInfo) -> str:
    """The field's name in this row: the one of its ``AliasChoices`` that the server uses."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else ()
    return next((choice for choice in choices if isinstance(choice, str) and choice in row), _read_name(name, field))


def _refuse_paths(schema: type[BaseModel]) -> None:
    for name, field in schema.model_fields.items():
        alias = field.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        if all(isinstance(choice, AliasPath) for choice in choices):
            raise ConfigurationError(
                f"the field `{schema.__name__}.{name}` has an AliasPath, which says how to read it but not how to write it: "
                "declare a nested schema"
            )


_KINDS: dict[Any, str] = {Decimal: "decimal", str: "text"}


def _kind(annotation: Any) -> str | None:
    """The kind of a field's values, if the engine has to know it: "1.50" and "1.5" are equal as decimals, but not as text."""
    kinds = [argument for argument in typing.get_args(annotation) or (annotation,) if argument is not type(None)]
    return _KINDS.get(kinds[0]) if len(kinds) == 1 else None


def _nested(annotation: Any) -> type[BaseModel] | None:
    """The schema that a field holds, ``Optional`` and lists looked through."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, list, tuple, typing.Annotated):
        for argument in typing.get_args(annotation):
            found = _nested(argument)
            if found is not None:
                return found
    return None


def _types(annotation: Any, known: set[Any] | None = None) -> set[Any]:
    """Every class that a field can hold, including those inside nested schemas and collections; ``Any`` if the annotation
    does not say.
    """
    known = set() if known is None else known
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        known |= _of_subclasses(arguments[1:])
        return _types(arguments[0], known)
    if origin is typing.Literal or is_reference(annotation):
        return known
    if hasattr(annotation, "__value__"):  # `type Name = ...`
        return _types(annotation.__value__, known)
    if isinstance(origin, type):
        known.add(origin)
    for argument in arguments:
        if not isinstance(argument, list):
            _types(argument, known)
    if isinstance(annotation, type) and annotation not in known:
        known.add(annotation)
        if issubclass(annotation, BaseModel):
            for field in annotation.model_fields.values():
                _types(field.annotation, known)
                known |= _of_subclasses(field.metadata)
            if annotation.model_config.get("extra") == "allow":
                known.add(Any)
    if origin is None and annotation not in _WITHOUT_SECRETS and not _is_schema_or_enum(annotation):
        known.add(Any)
    return known


def _of_subclasses(metadata: Iterable[Any]) -> set[Any]:
    """``SerializeAsAny`` also sends the fields of a subclass."""
    marker: Any = SerializeAsAny
    return {Any} if any(isinstance(part, marker) for part in metadata) else set()


#: Types that hold no secret by themselves.
_WITHOUT_SECRETS = frozenset((str, int, float, bool, bytes, type(None), Decimal, UUID, date, time, datetime, timedelta))


def _is_schema_or_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, (BaseModel, Enum))


def _names(model: type[Any], attribute: str) -> tuple[str, ...]:
    given = getattr(model, attribute)
    names = None if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    if names is None or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"{model.__name__}.{attribute} must be a list of names, such as ['name'], not {given!r}")
    return names


class ModelInfo:
    """A model class as the engine sees it, and the conversion of its rows into objects and back."""

    def __init__(self, model: type[Any]) -> None:
        self.model = model
        self.schema: type[BaseModel] = model.get_schema_class()
        if issubclass(self.schema, RootModel):
            raise ConfigurationError(f"{model.__name__}._schema_class is a RootModel: a row has fields")
        self.schema.model_rebuild()
        fields = self.schema.model_fields
        kinds = _types(self.schema)
        #: Whether a value can hold what pydantic writes otherwise than servers read it: a secret, a duration.
        self.reveals = Any in kinds or timedelta in kinds
        schemas = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        for schema in schemas:
            _refuse_paths(schema)
        self.wire: dict[str, str] = {name: _read_name(name, field) for name, field in fields.items()}
        self.names: dict[str, str] = {wire: name for name, wire in self.wire.items()}
        self.sent: dict[str, str] = {name: _sent_name(name, field) for name, field in fields.items()}
        #: Fields by the names that are sent.
        self.own: dict[str, str] = {sent: name for name, sent in self.sent.items()}
        #: Fields that the server may call by several names.
        self.choices = frozenset(name for name, field in fields.items() if isinstance(field.validation_alias, AliasChoices))
        self.pk_name: str = model._id_field
        self.pk_wire = self.wire.get(self.pk_name, self.pk_name)
        lookup = model._lookup_field
        if lookup is not None and not (isinstance(lookup, str) and lookup):
            raise ConfigurationError(f"{model.__name__}._lookup_field must be the name of a field, not {lookup!r}")
        #: The fields by the names that filters take, and their names on the wire.
        self.paths = {self.pk_name: self.pk_wire, "pk": self.pk_wire, **self.wire}
        self.key_name: str = lookup or self.pk_name
        self.key_wire = self.wire.get(self.key_name, self.key_name)
        if self.pk_name != "id" and self.pk_name not in fields:
            raise ConfigurationError(f"{model.__name__}._id_field names {self.pk_name!r}, which is not a field of the schema")
        self.read_only = frozenset(_names(model, "_read_only_fields"))
        if unknown := sorted(self.read_only - fields.keys()):
            raise ConfigurationError(f"{model.__name__}._read_only_fields has names that are not fields: {', '.join(unknown)}")
        readable = [each for name, field in fields.items() for each in (name, *_read_names(name, field))]
        #: Fields by every name that they may be given by.
        self._by_name = {each: name for name, field in fields.items() for each in _read_names(name, field)}
        self._by_name.update((name, name) for name in fields)
        self.relations = Relations(self)
        #: Whether it points at other models, or others at it.
        self.has_relations = bool(self.relations) or any(isinstance(getattr(model, name, None), Bound) for name in dir(model))
        #: The names that a program may give.
        self.known = Names(model.__name__, self.schema, readable, self.pk_name)
        #: Computed fields, which are not sent.
        self.computed = set(self.schema.model_computed_fields)
        #: Whether a nested schema has computed fields, which are not the server's.
        self.computes_inside = any(schema.model_computed_fields for schema in schemas)
        validator = self.schema.__pydantic_validator__
        read: Callable[[bytes], BaseModel] = validator.validate_json
        self.validate_json = reading_durations(read) if self.reveals else read
        at_once = instance_validator(model, self.schema)
        #: The same, but of instances of the model; ``None`` where that takes the schema's object.
        self.read_instance = at_once if at_once is None or not self.reveals else reading_durations(at_once)
        #: How many fields a row can give, where the schema knows them all.
        self.all_fields = None if self.schema.model_config.get("extra") == "allow" else len(fields)
        self._read_fields = self._fields_reader()
        self.validate_python: Callable[[Any], BaseModel] = validator.validate_python
        self.validate_assignment: Callable[[Any, str, Any], Any] = validator.validate_assignment
        #: The fields that are the server's to give, so that a row which it does not have yet may lack them.
        self._servers = [name for name in (self.pk_name, *self.read_only) if name in fields and fields[name].is_required()]
        self._new_schema: type[BaseModel] | None = None
        self._columns: dict[tuple[str, ...], Columns] = {}
        keys = model._idempotency_header
        if keys is not None and not (isinstance(keys, str) and keys):
            raise ConfigurationError(f"{model.__name__}._idempotency_header must be the name of a header, not {keys!r}")
        key = model._natural_key
        natural = (key,) if isinstance(key, str) else _names(model, "_natural_key")
        if unknown := sorted(set(natural) - fields.keys()):
            raise ConfigurationError(f"{model.__name__}._natural_key has names that are not fields: {', '.join(unknown)}")
        if never := sorted(self.read_only.intersection(natural)):
            raise ConfigurationError(
                f"{model.__name__}._natural_key has names that are read-only, so a new row is not sent with them: "
                f"{', '.join(never)}"
            )
        filters = None if model._filter_fields is None else _names(model, "_filter_fields")
        #: The names that lookups may have beside those of fields.
        self.filtered_by = frozenset((*(filters or ()), *self.relations.forward))
        self.engine = Model(
            model.__name__,
            model.get_endpoint(),
            self.pk_wire,
            self.key_wire if lookup else None,
            [
                (
                    _read_names(name, field),
                    self.sent[name],
                    name in self.read_only,
                    self._kind(name, field.annotation),
                    self._filtered(name),
                )
                for name, field in fields.items()
            ],
            self._pagination(model._pagination),
            None if filters is None else [self._path(name) for name in filters],
            [
                (read, sent)
                for schema in schemas
                for name, field in schema.model_fields.items()
                for sent in [_sent_name(name, field)]
                for read in _read_names(name, field)
                if read != sent
            ],
            keys,
            model._prefetch_parameter,
            [self.wire[name] for name in natural],
            self._json_api(model._json_api),
            bool(model._repeated_values),
            bool(model._small_table),
        )

    def _json_api(self, resource_type: Any) -> tuple[str, bool, list[str]] | None:
        if resource_type is None:
            return None
        if not isinstance(resource_type, str) or not resource_type:
            raise ConfigurationError(
                f"{self.model.__name__}._json_api must be the type of the resources, such as 'articles', not {resource_type!r}"
            )
        key = self.schema.model_fields.get(self.pk_name)
        kinds = set() if key is None else _types(key.annotation)
        relationships = [self.sent[each.field] for each in self.relations.forward.values()]
        return resource_type, int in kinds and str not in kinds, relationships

    def _kind(self, name: str, annotation: Any) -> str | None:
        relation = self.relations.of_field.get(name)
        if relation is None:
            return _kind(annotation)
        is_by_key = relation.said.to_field is None
        return ("keys" if relation.many else "key") if is_by_key else ("others" if relation.many else "other")

    def _filtered(self, name: str) -> str | None:
        relation = self.relations.of_field.get(name)
        return None if relation is None else relation.said.filter

    def read_names(self, name: str) -> list[str]:
        """The names that a field may have in a row."""
        return _read_names(name, self.schema.model_fields[name])

    @staticmethod
    def _pagination(declared: str | Pagination | None) -> Declared | None:
        if declared is None:
            return None
        if isinstance(declared, str):
            declared = Pagination(declared)
        if not isinstance(declared, Pagination):
            raise ConfigurationError(f"_pagination must be a Pagination(...) or one of {', '.join(_STYLES)}, not {declared!r}")
        return declared._declared

    # Names and conditions

    def _path(self, path: str, name_of: Callable[[str, FieldInfo], str] = _read_name) -> str:
        """A path in Python's names with the names on the wire: ``address__zip_code__in`` may be ``address__zip__in``."""
        if path in self.wire:
            return name_of(path, self.schema.model_fields[path])
        head, *rest = path.split("__")
        if head == "pk":
            return "__".join([self.pk_wire, *rest])
        crossing = behind(self.model, path) if rest and self.has_relations else None
        if crossing is not None:
            return crossing
        head = self.name_of(head)
        parts: list[str] = []
        schema: type[BaseModel] | None = self.schema
        for part in (head, *rest):
            field = schema.model_fields.get(part) if schema is not None else None
            parts.append(part if field is None else name_of(part, field))
            schema = None if field is None else _nested(field.annotation)
        return "__".join(parts)

    def order(self, field: str) -> str:
        if not isinstance(field, str):
            raise TypeError(f"order_by() takes names, not {type(field).__name__}")
        return "-" + self._path(field[1:]) if field.startswith("-") else self._path(field)

    def condition(self, parts: Iterable[Any], lookups: Mapping[str, Any]) -> Condition:
        """The engine's condition for the arguments of ``filter``."""
        conditions: list[Condition] = []
        for part in parts:
            if not isinstance(part, Q):
                raise TypeError(f"filter() takes Q objects and lookups, not {type(part).__name__}")
            conditions.append(self._compile(part))
        conditions += [self._lookup(name, value) for name, value in lookups.items()]
        return reduce(and_, conditions) if conditions else Condition()

    def _compile(self, q: Q) -> Condition:
        parts = [self._compile(part) if isinstance(part, Q) else self._lookup(*part) for part in q._parts]
        condition = Condition()
        for part in parts:
            condition = condition | part if q._word == "OR" else condition & part
        return ~condition if q._word == "NOT" else condition

    def _lookup(self, name: str, value: Any) -> Condition:
        if is_collection(value) or (name.endswith("__in") and is_iterable(value)):
            value = list(value)
        with naming(name):
            return Condition.lookup(self._path(name), to_json(value))

    # Validation

    def rows(self, rows: Sequence[bytes], start: int, read: Callable[[bytes], T]) -> list[T]:
        """What ``read`` makes of the rows; an invalid row is named in the error."""
        made: list[T] = []
        try:
            made.extend(map(read, rows))
        except ValidationError as error:
            # What was made before stays in the list.
            raise self.invalid_row(error, rows[len(made)], start + len(made)) from None
        return made

    def _fields_reader(self) -> Callable[[bytes], dict[str, Any]] | None:
        """A validator of the fields that a row gives, where nothing else makes an instance: no set of them, no object."""
        if self.read_instance is None or self.schema.model_config.get("extra", "ignore") != "ignore":
            return None
        read = fields_validator(self.schema, self.wire, as_given=True)
        return read if read is None or not self.reveals else reading_durations(read)

    def whole(self, rows: Sequence[bytes]) -> list[dict[str, Any]] | None:
        """The fields of rows that give every one of them; ``None`` where one does not, or does not fit the schema."""
        read = self._read_fields
        if read is None:
            return None
        made: list[dict[str, Any]] = []
        try:
            made.extend(map(read, rows))
        except ValidationError:
            # Whoever reads them otherwise raises an error that names the row.
            return None
        if set(map(len, made)) - {self.all_fields}:
            # Where a row leaves fields out, others will, too, and would be read twice.
            self._read_fields = None
            return None
        return made

    def columns(self, names: tuple[str, ...]) -> Columns:
        """These fields, as ``values`` gives them."""
        columns = self._columns.get(names)
        if columns is None:
            if len(self._columns) == _COLUMNS_KEPT:
                self._columns.clear()
            columns = self._columns[names] = Columns(self, names)
        return columns

    def key_in(self, row: bytes) -> Any:
        """The primary key in a row that may be anything."""
        try:
            fields = from_json(row)
        except DecodeError:
            return None
        return fields.get(self.pk_wire) if isinstance(fields, dict) else None

    def invalid_row(self, error: ValidationError, row: bytes, index: int) -> ValidationError | DecodeError:
        """The same error with the row's index in front of each location, and its key in the title; for a row that cannot be
        read at all, because it is nested too deeply, an error that says so.
        """
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            return DecodeError(f"row {index} of {self.model.__name__} cannot be read: {first['msg']}")
        key = self.key_in(row)
        title = f"{error.title} in row {index} ({self.pk_name}={key!r}) of {self.model.__name__}"
        details: list[InitErrorDetails] = []
        for line in error.errors(include_url=False):
            kind = _custom(line["type"], line["msg"])
            details.append(InitErrorDetails(type=kind, loc=(index, *line["loc"]), input=line["input"]))
        return ValidationError.from_exception_data(title, details, "json")

    def once(self, values: Mapping[str, Any]) -> None:
        """Refuses values of which two are for the same field, by two of its names.

        Raises: ``FieldError``.
        """
        if values.keys() <= self.wire.keys():
            return
        given: dict[str, str] = {}
        for name in values:
            relation = self.relations.forward.get(name)
            field = self._by_name.get(name, name) if relation is None else relation.field
            first = given.setdefault(self._path(field), name)
            if first != name:
                raise FieldError(f"`{self.model.__name__}`: `{first}` and `{name}` are the same field: give one of them")

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values under the names that the schema reads."""
        return {self.pk_wire if name == "pk" else self.wire.get(name, name): value for name, value in values.items()}

    def named(self, values: Mapping[str, Any]) -> BaseModel:
        """The same as ``new``, for values whose names the program has given: refuses those that are no fields."""
        self.once(values)
        values = self.relations.given(values, new=True)
        unknown = self.known.of_new(values)
        self.known.inside(values)
        new = self.new(values)
        if unknown and self._makes(new, {name: value for name, value in values.items() if name not in unknown}):
            raise self.known.unknown(unknown[0])
        return new

    def _makes(self, data: BaseModel, values: Mapping[str, Any]) -> bool:
        """Whether these values make the same object."""
        try:
            other = self.new(values)
        except Exception:  # The schema's own code may raise anything.
            return False
        return same(_given_to(data), _given_to(other))

    def new(self, values: Mapping[str, Any]) -> BaseModel:
        """Validates the values of a row that does not exist yet: the key and read-only fields may be missing."""
        given = self.given(values)
        if all(self.wire[name] in given for name in self._servers):
            return self.validate_python(given)
        schema = self._new_schema
        if schema is None:
            everything = dict.fromkeys(self._servers, (Any, None))
            schema = self._new_schema = create_model(self.schema.__name__, __base__=self.schema, **everything)  # type: ignore[call-overload]
        new: BaseModel = schema.__pydantic_validator__.validate_python(given)
        return new

    # What is sent

    def dump(self, data: BaseModel, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Fields by the names they are sent under, in JSON's types."""
        return self._without_computed(data, dumped(data, None if names is None else set(names), self.reveals))

    def _without_computed(self, data: BaseModel, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields without what nested objects compute."""
        if self.computes_inside:
            for name, sent in self.sent.items():
                if sent in fields:
                    _leave_computed(fields[sent], getattr(data, name, None))
        return fields

    def dump_set(self, data: BaseModel) -> dict[str, Any]:
        """The fields that were given a value; schema defaults, and a key that is missing, are the server's to choose. Computed
        fields are not sent.
        """
        without = {self.pk_name} if getattr(data, self.pk_name, None) is None else set()
        fields = self.dump(data, data.model_fields_set & self.sent.keys() - self.read_only - without)
        if data.model_extra:
            fields.update(jsonable(data.model_extra))
        return fields

    def assigned(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Single values, each validated as an assignment, by their fields; and what is no field, in JSON's types, by its path
        on the wire: a part of an object, such as ``address__city``, and what the schema does not declare.
        """
        fields: dict[str, Any] = {}
        parts: dict[str, Any] = {}
        self.once(values)
        for given, value in self.relations.given(values).items():
            self.known.of_changes([given])
            self.known.inside({given: value})
            name = self.pk_name if given == "pk" else self.name_of(given)
            field = name if name in self.wire else self.name_of(given.partition("__")[0])
            if field in self.read_only:
                raise ValueError(f"{self.model.__name__}.{field} is read-only and cannot be saved")
            if name in self.wire:
                fields[name] = self._value(name, value)
                continue
            path, written = self._path(name), self._path(name, _sent_name)
            if path != written:
                raise InvalidRequestError(f"`{given}` is read as `{path}` and sent as `{written}`: give the whole `{field}`")
            parts[path] = jsonable(value)
        return fields, parts

    def values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent for single values."""
        fields, parts = self.assigned(values)
        return {**self.as_sent(fields), **parts}

    def as_sent(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Values of fields as they are sent."""
        blank = self.schema.model_construct()
        for name in fields:
            put(blank, name, fields[name])
        return self.dump(blank, fields)

    def _value(self, name: str, value: Any) -> Any:
        """One value as its field has it, whatever the other fields are."""
        blank = self.schema.model_construct()
        try:
            self.validate_assignment(blank, name, value)
        except ValidationError as error:
            if any(line["loc"] for line in error.errors(include_url=False)):
                raise
            # Only a validator of the whole model raises: it misses the other fields.
        except Exception:
            # So does this one, with an error of its own. (A field that is refused raises a `ValidationError`.)
            pass
        if name in blank.model_fields_set:
            return getattr(blank, name)
        # It raised before the field was validated.
        field = self.schema.model_fields[name]
        annotated: Any = Annotated
        return TypeAdapter(annotated[field.annotation, field]).validate_python(value)

    def name_of(self, name: str) -> str:
        """A field's own name, given that or its name in a row."""
        return name if name in self.wire else self.names.get(name, name)

    def read(self, row: bytes) -> BaseModel:
        """The row as the schema reads it; without the fields that do not fit, where an answer to a write was no row."""
        try:
            return self.validate_json(row)
        except ValidationError:
            blank = self.schema.model_construct()
            values = from_json(row)
            for name, field in self.schema.model_fields.items():
                if (read := _name_in(values, name, field)) in values:
                    with contextlib.suppress(Exception):
                        self._read_field(blank, name, values[read])
            return blank

    def _read_field(self, blank: BaseModel, name: str, value: Any) -> None:
        try:
            self.validate_assignment(blank, name, value)
        except ValidationError as error:
            self.validate_assignment(blank, name, with_durations(error, name, value))

    def text(self, data: BaseModel) -> bytes:
        """The row as it would be sent, in JSON: to be compared."""
        if self.reveals or self.computes_inside:
            return to_json({**self.dump(data, self.sent), **jsonable(data.model_extra or {})})
        return data.__pydantic_serializer__.to_json(data, by_alias=True, exclude=self.computed, warnings=False)

    def save(self, data: BaseModel, row: bytes | None, names: Iterable[str] | None = None) -> Save:
        """A write of what differs from the server's row, as the schema reads that; of these fields, by the names that are
        sent, where they are given.
        """
        then = self.text(data)
        if row is None:
            body = self.dump_set(data) if names is None else self.body(data, None, self._fields(names), None, names)
            return Save(body, then, then, row)
        read = self.read(row)
        before, again = self.text(read), None
        if then != before and (unset := self.sent.keys() - data.model_fields_set - read.model_fields_set):
            again = to_json(self.dump(self.read(row), unset))
        if names is None:
            changed = self.engine.changed(then, before, again)
            names = [name for name in changed if name not in self.own or not self._is_same(self.own[name], data, read)]
            # What the row does not show is no equal value.
            assigned = data.model_fields_set & self.sent.keys() - read.model_fields_set - self.read_only
            assigned |= {name for name in self.sent if self._is_unwritable(name, data, read)}
            names += [self.sent[name] for name in assigned if self.sent[name] not in names]
        return Save(self.body(data, row, self._fields(names), read, names), then, before, row, again)

    @staticmethod
    def _is_same(name: str, data: BaseModel, read: BaseModel) -> bool:
        """Whether a field that is written differently has an equal value all the same."""
        here, there = vars(data), vars(read)
        return name in here and name in there and same(here[name], there[name])

    @staticmethod
    def _is_unwritable(name: str, data: BaseModel, read: BaseModel) -> bool:
        """Whether a field has got a value that is compared as a null and cannot be sent."""
        here, there = vars(data).get(name), vars(read).get(name)
        return here is not there and any(not_finite(here)) and not any(not_finite(there))

    def _fields(self, names: Iterable[str]) -> list[str]:
        names = set(names)
        return [name for name, sent in self.sent.items() if sent in names]

    def body(
        self, data: BaseModel, row: bytes | None, fields: list[str], read: BaseModel | None, also: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Fields as they are sent, objects whole, with what the server's have and the schema does not declare, which the engine
        adds; ``also`` what is no field of the schema.
        """
        # Computed fields are declared, so they are left out only afterwards.
        now = dumped(data, set(fields), self.reveals)
        if row is not None and read is not None and any(isinstance(part, (dict, list)) for part in now.values()):
            before = dumped(read, set(fields), self.reveals)
            now = json.loads(self.engine.with_undeclared(row, to_json(now), to_json(before)))
        now = self._without_computed(data, now)
        body: dict[str, Any] = {}
        for name in fields:
            sent = self.sent[name]
            # One that is not there is declared as one that is not sent, if it has a value.
            if sent in now or getattr(data, name, None) is None:
                body[sent] = now.get(sent)
        extra = data.model_extra or {}
        body.update({name: jsonable(extra.get(name)) for name in also if name not in self.own})
        return body

    def name_in(self, row: Mapping[str, Any], name: str) -> str:
        """A field's name in this row."""
        return _name_in(row, name, self.schema.model_fields[name]) if name in self.choices else self.wire[name]


class Save:
    """A write that is under way: what is sent, and how the row was then, all by the names that are sent."""

    __slots__ = ("again", "before", "body", "json", "rebased", "row", "then")

    def __init__(self, body: dict[str, Any], then: bytes, before: bytes, row: bytes | None, again: bytes | None = None) -> None:
        self.body = body
        self.json = text_of(body)
        #: The row as it was when it was sent, and the server's, and what another reading makes of its defaults.
        self.then, self.before, self.again = then, before, again
        #: The row that is written to; ``None`` where it is created.
        self.row = row
        #: Whether it is written to a row that the server has shown since, whose other fields the instance does not have.
        self.rebased = False

    def with_(self, more: Mapping[str, Any]) -> Save:
        return self._of({**self.body, **more}) if more else self

    def only(self, names: Iterable[str]) -> Save:
        return self._of({sent: value for sent, value in self.body.items() if sent in names})

    def _of(self, body: dict[str, Any]) -> Save:
        save = Save(body, self.then, self.before, self.row, self.again)
        save.rebased = self.rebased
        return save


def put(data: BaseModel, name: str, value: Any) -> None:
    """Sets a field to what is known to be valid."""
    vars(data)[name] = value
    data.__pydantic_fields_set__.add(name)


def _given_to(data: BaseModel) -> tuple[dict[str, Any], Any]:
    """What an object was given; a default may be another one each time."""
    given = {name: value for name, value in vars(data).items() if name in data.model_fields_set}
    return given, data.__pydantic_private__


def _leave_computed(dumped: Any, value: Any) -> None:
    """Leaves out the computed fields of nested objects."""
    if isinstance(value, BaseModel) and isinstance(dumped, dict):
        schema = type(value)
        for name, computed in schema.model_computed_fields.items():
            dumped.pop(computed.alias or name, None)
        for name, field in schema.model_fields.items():
            _leave_computed(dumped.get(_sent_name(name, field)), getattr(value, name, None))
    elif isinstance(value, (list, tuple)) and isinstance(dumped, list):
        for item, part in zip(dumped, value):  # noqa: B905
            _leave_computed(item, part)
    elif isinstance(value, dict) and isinstance(dumped, dict):
        for item, part in zip(dumped.values(), value.values()):  # noqa: B905
            _leave_computed(item, part)


@contextlib.contextmanager
def naming(lookup: str) -> Iterator[None]:
    """Names the lookup in the error of a value that has no JSON form, such as a NaN, or an instance without a key."""
    try:
        yield
    except ValueError as error:
        raise InvalidRequestError(f"`{lookup}`: {error}") from None


def _custom(kind: str, message: str) -> PydanticCustomError:
    make = typing.cast(Any, PydanticCustomError)
    # The message is complete: what looks like a placeholder is not one.
    error: PydanticCustomError = make(kind, message)
    return error
