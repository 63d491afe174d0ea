"""Refuses names that a model does not have before anything is sent: pydantic and most servers drop them without a word."""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, BeforeValidator, PlainValidator, RootModel, WrapValidator
from pydantic.fields import FieldInfo

from ._declaring import nearest
from ._json import PLAIN
from .exceptions import FieldError


class Names:
    """The names under which the fields of a model may be given."""

    def __init__(self, model: str, schema: type[BaseModel], readable: Iterable[str], primary_key: str) -> None:
        self._model = model
        self._schema = schema
        #: Computed fields are not sent; they may be given, so that `User(**other.to_dict())` makes a copy.
        self._of_new = frozenset((*readable, *_computed(schema), primary_key, "pk"))
        self._fields = frozenset((*readable, primary_key, "pk"))
        extra = schema.model_config.get("extra")
        self._is_open = extra == "allow"
        #: pydantic itself refuses the names where extra ones are forbidden.
        self._pydantic_decides = extra in ("allow", "forbid")
        self._reads_input = _reads_input(schema)

    def of_new(self, given: Iterable[str]) -> list[str]:
        """The names of a row that does not exist yet. Returns those that are no fields, and that a validator which sees the
        input first may make use of.

        Raises: ``FieldError``.
        """
        if self._pydantic_decides:
            return []
        unknown = [name for name in given if name not in self._of_new]
        if unknown and not self._reads_input:
            raise self.unknown(unknown[0])
        return unknown

    def of_lookups(self, given: Iterable[str], others: Collection[str]) -> None:
        """The names of lookups whose values a new row gets. ``others``: the names of relations, and of declared filters.

        Raises: ``FieldError``.
        """
        if not self._pydantic_decides:
            self._of_filters(given, others)

    def of_filters(self, given: Iterable[str], others: Collection[str]) -> None:
        """The same for the filters of a query, which pydantic does not see.

        Raises: ``FieldError``.
        """
        if not self._is_open:
            self._of_filters(given, others)

    def _of_filters(self, given: Iterable[str], others: Collection[str]) -> None:
        for name in given:
            head = name if name in self._fields else name.partition("__")[0]
            # The key of a related row, `owner_id` beside `owner`.
            heads = {name, head, head.removesuffix("_id")}
            if self._fields.isdisjoint(heads) and heads.isdisjoint(others):
                raise self.unknown(head)

    def of_changes(self, given: Iterable[str]) -> None:
        """The names of values that are written into a row: fields, and parts of them such as ``address__city``.

        Raises: ``FieldError``.
        """
        for name in given:
            head, *parts = [name] if name in self._fields else name.split("__")
            if head not in self._fields:
                if self._is_open:
                    continue
                raise self.unknown(name if not parts else head)
            schema = _schema_of(self._schema, head)
            for part in parts:
                if schema is None or schema.model_config.get("extra") == "allow":
                    break
                field = _field_of(schema, part)
                if field is None:
                    raise _unknown(f"`{self._model}`: `{schema.__name__}`", part, schema.model_fields)
                schema = _schema_of(schema, field)

    def inside(self, values: Mapping[str, Any]) -> None:
        """The names in dictionaries that are given for nested schemas, in lists of them too: pydantic drops those that it does
        not know.

        Raises: ``FieldError``.
        """
        for name, value in values.items():
            if type(value) in PLAIN or not isinstance(value, (Mapping, list, tuple)):
                continue
            schema: type[BaseModel] | None = self._schema
            *above, last = [name] if name in self._fields else name.split("__")
            for part in above:
                schema = None if schema is None else _schema_of(schema, part)
            own = None if schema is None else _field_of(schema, last)
            if schema is not None and own is not None and not _is_rewritten(schema, own):
                self._inside(schema.model_fields[own].annotation, value)

    def _inside(self, annotation: Any, value: Any) -> None:
        annotation = _unwrapped(annotation)
        arguments = typing.get_args(annotation)
        if isinstance(value, (list, tuple)):
            # What a tuple holds at each place is left to pydantic.
            if len(arguments) == 1 or arguments[1:] == (...,):
                for item in value:
                    self._inside(arguments[0], item)
        elif isinstance(value, Mapping):
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                self._inside_schema(annotation, value)
            elif len(arguments) == 2 and typing.get_origin(annotation) is not typing.Union:
                for item in value.values():
                    self._inside(arguments[1], item)

    def _inside_schema(self, schema: type[BaseModel], values: Mapping[str, Any]) -> None:
        if issubclass(schema, RootModel) or schema.model_config.get("extra") in ("allow", "forbid") or _reads_input(schema):
            return
        read = _read_inside(schema)
        for name, value in values.items():
            if name not in read:
                own = schema.model_fields.get(name)
                meant = None if own is None else next(iter(_names_read(schema, name, own)), None)
                raise _unknown(f"`{self._model}`: `{schema.__name__}`", name, read, meant=meant)
            field = read[name]
            if field is not None and not _is_rewritten(schema, field):
                self._inside(schema.model_fields[field].annotation, value)

    def unknown(self, name: str, where: str = "") -> FieldError:
        """The error for a name that is no field."""
        return _unknown(f"`{self._model}`", name, self._schema.model_fields, where)


def _unknown(owner: str, name: str, fields: Iterable[str], where: str = "", meant: str | None = None) -> FieldError:
    fields = sorted(fields)
    near = meant or nearest(name, fields)
    if near is not None:
        cure = f"did you mean `{near}`?"
    else:
        cure = f"choose from {', '.join(fields)}; to send it, declare it in the schema, or let the schema allow extra names"
    return FieldError(f"{owner} has no field `{name}`{where}: {cure}")


def _computed(schema: type[BaseModel]) -> Iterable[str]:
    for name, field in schema.model_computed_fields.items():
        yield name
        if field.alias:
            yield field.alias


def _reads_input(schema: type[BaseModel]) -> bool:
    validators = schema.__pydantic_decorators__.model_validators.values()
    return any(validator.info.mode != "after" for validator in validators)


def _is_rewritten(schema: type[BaseModel], name: str) -> bool:
    """Whether a validator of the field sees the input before pydantic does, and may read other names."""
    before = (BeforeValidator, PlainValidator, WrapValidator)
    if any(isinstance(part, before) for part in schema.model_fields[name].metadata):
        return True
    validators = schema.__pydantic_decorators__.field_validators.values()
    return any(validator.info.mode != "after" and {name, "*"} & {*validator.info.fields} for validator in validators)


def _names_read(schema: type[BaseModel], name: str, field: FieldInfo) -> Iterable[str]:
    """The names by which pydantic itself reads a field."""
    config = schema.model_config
    alias = field.validation_alias or field.alias
    if alias is None:
        yield name
        return
    if config.get("validate_by_alias", True) is not False:
        for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
            first = choice.path[0] if isinstance(choice, AliasPath) else choice
            if isinstance(first, str):
                yield first
    if config.get("populate_by_name") or config.get("validate_by_name"):
        yield name


@lru_cache(maxsize=1024)
def _read_inside(schema: type[BaseModel]) -> Mapping[str, str | None]:
    """The names that a dictionary for a nested schema may have, and their fields; ``None`` for computed ones, which may be
    given so that a copy can be made of what was read.
    """
    read: dict[str, str | None] = dict.fromkeys(_computed(schema))
    for name, field in schema.model_fields.items():
        read.update(dict.fromkeys(_names_read(schema, name, field), name))
    return read


def _field_of(schema: type[BaseModel], name: str) -> str | None:
    """The field that has this name, Python's or one on the wire."""
    if name in schema.model_fields:
        return name
    for own, field in schema.model_fields.items():
        if name in (field.alias, field.validation_alias, field.serialization_alias):
            return own
    return None


def _schema_of(schema: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The schema of a field's value, where it can be only one."""
    own = _field_of(schema, name)
    annotation = None if own is None else _unwrapped(schema.model_fields[own].annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _unwrapped(annotation: Any) -> Any:
    """The one type that a value has, unless it is ``None``; ``None`` where it may be of several."""
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif hasattr(annotation, "__value__"):  # `type Name = ...`
            annotation = annotation.__value__
        elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
            arguments = [argument for argument in typing.get_args(annotation) if argument is not type(None)]
            annotation = arguments[0] if len(arguments) == 1 else None
        else:
            return annotation
