"""Refuses names that a model does not have before anything is sent: pydantic and most servers drop them without a word."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from ._declaring import nearest
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
        #: pydantic itself refuses the names where extra ones are forbidden, and a validator that sees the input first may
        #: read names that are no fields.
        self._pydantic_decides = extra in ("allow", "forbid") or _reads_input(schema)

    def of_new(self, given: Iterable[str]) -> None:
        """The names of a row that does not exist yet.

        Raises: ``FieldError``.
        """
        if self._pydantic_decides:
            return
        for name in given:
            if name not in self._of_new:
                raise self.unknown(name)

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

    def unknown(self, name: str, where: str = "") -> FieldError:
        """The error for a name that is no field."""
        return _unknown(f"`{self._model}`", name, self._schema.model_fields, where)


def _unknown(owner: str, name: str, fields: Iterable[str], where: str = "") -> FieldError:
    fields = sorted(fields)
    near = nearest(name, fields)
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
    annotation: Any = None if own is None else schema.model_fields[own].annotation
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        arguments = [argument for argument in typing.get_args(annotation) if argument is not type(None)]
        annotation = arguments[0] if len(arguments) == 1 else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
