"""From the bytes of a row to an instance, with one object a row wherever the schema allows it.

The schema's validator is compiled a second time with the model's class in place of the schema's, so that it fills instances
of the model instead of the schema's objects. Only what reads a row is taken over: an instance is no pydantic object, and has
none of its methods, nor its equality. The schema's object is made when something asks it, and shares the fields then.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

from pydantic import BaseModel
from pydantic_core import SchemaValidator

#: The slots in which pydantic's validator leaves what it knows of a row beside its fields.
PYDANTICS = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


class VersionedRow(bytes):
    """The server's JSON of a row that was read by itself, with the version that the server named for it.

    It is the row wherever bytes are, and gives its version back to the engine when it is written.
    """

    version: str

    def __new__(cls, text: bytes, version: str) -> VersionedRow:
        self = super().__new__(cls, text)
        self.version = version
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return VersionedRow, (bytes(self), self.version)


def description(schema: type[BaseModel]) -> tuple[dict[str, Any], Any] | None:
    """How pydantic describes the schema's object, and the schemas that it refers to.

    ``None`` where the schema has code that sees the object which is made of a row, and expects one of its own class:
    validators of the whole object, ``model_post_init`` with private attributes, ``__init__``, ``__new__``, plugins.
    """
    core: Any = schema.__pydantic_core_schema__
    definitions: Any = None
    if schema.__new__ is not object.__new__ or not isinstance(schema.__pydantic_validator__, SchemaValidator):
        return None
    if core["type"] == "definitions":
        core, definitions = core["schema"], core["definitions"]
        if core["type"] == "definition-ref":
            core = next(each for each in definitions if each.get("ref") == core["schema_ref"])
    if core["type"] != "model" or core["cls"] is not schema or any(core.get(name) for name in _SEEN):
        return None
    return core, definitions


def compiled(schema: type[BaseModel], core: dict[str, Any], definitions: Any) -> Callable[[bytes], Any]:
    """The validator of another description that is made of the schema's."""
    # Without its reference: rows inside the row are the schema's.
    core = {name: value for name, value in core.items() if name != "ref"}
    if definitions is not None:
        core = {"type": "definitions", "schema": core, "definitions": definitions}
    whole: Any = core
    read: Callable[[bytes], Any] = SchemaValidator(whole, {"title": schema.__pydantic_validator__.title}).validate_json
    return read


def instance_validator(model: type[Any], schema: type[BaseModel]) -> Callable[[bytes], Any] | None:
    """A validator that reads a row as the schema does, and gives an instance of the model; ``None`` where there is none."""
    described = description(schema)
    if described is None:
        return None
    core, definitions = described
    return compiled(schema, {**core, "cls": model}, definitions)


#: What in the description of a schema says that its own code sees the object.
_SEEN = ("post_init", "custom_init", "root_model")


def defaulted(slot: Any, make: Callable[[Any], Any]) -> Any:
    """A slot that most rows leave empty, to cost nothing; it reads as what ``make`` gives then."""
    read = slot.__get__

    def get(instance: Any) -> Any:
        try:
            return read(instance)
        except AttributeError:
            return make(instance)

    return property(get, slot.__set__)


class Slots:
    """The slots of instances, for all rows of a page at once: no Python code runs for each row."""

    def __init__(self, model: type[Any]) -> None:
        self.client, self.row, self.data, self.fields, self.given, self.extra = (
            model.__dict__[name] for name in ("_client", "_row", "_data", "__dict__", *PYDANTICS[:2])
        )
        self.set_client, self.set_row = self.client.__set__, self.row.__set__

    def read(self, rows: Sequence[bytes], instances: list[Any], client: Any, names: int | None) -> None:
        """Completes instances that the validator has made of the rows. ``names``: how many fields the schema has, where it
        allows no others.
        """
        _set(self.client, instances, repeat(client))
        _set(self.row, instances, rows)
        if names is not None and set(map(len, map(self.given.__get__, instances))) == {names}:
            # Every row gave every field: a set of them for each is most of what a row weighs.
            _set(self.given, instances, repeat(None))

    def fill(self, model: type[Any], rows: Sequence[bytes], fields: list[dict[str, Any]], client: Any) -> list[Any]:
        """New instances of rows that gave every field."""
        new: Any = model.__new__
        instances = list(map(new, repeat(model, len(rows))))
        _set(self.fields, instances, fields)
        _set(self.client, instances, repeat(client))
        _set(self.row, instances, rows)
        return instances

    def pair(self, rows: Sequence[bytes], instances: list[Any], client: Any, objects: list[BaseModel]) -> None:
        """Completes new instances of the rows, of which the schema's objects were made."""
        _set(self.client, instances, repeat(client))
        _set(self.row, instances, rows)
        _set(self.data, instances, objects)
        _set(self.fields, instances, map(_DICT_OF, objects))

    def object_of(self, instance: Any, schema: type[BaseModel]) -> BaseModel:
        """The schema's object for an instance that the validator has made: one for each, which shares the fields."""
        with _lock:
            try:
                data: BaseModel = self.data.__get__(instance)
            except AttributeError:
                data = schema.__new__(schema)
                given = _filled(self.given, instance)
                set_slot = object.__setattr__
                set_slot(data, "__dict__", instance.__dict__)
                set_slot(data, "__pydantic_fields_set__", set(schema.model_fields) if given is None else given)
                set_slot(data, "__pydantic_extra__", _filled(self.extra, instance))
                set_slot(data, "__pydantic_private__", None)
                self.data.__set__(instance, data)
        return data


def _filled(slot: Any, instance: Any) -> Any:
    """What is in a slot; ``None`` where nothing is."""
    try:
        return slot.__get__(instance)
    except AttributeError:
        return None


def _set(slot: Any, instances: list[Any], values: Iterable[Any]) -> None:
    deque(map(slot.__set__, instances, values), maxlen=0)


_DICT_OF = attrgetter("__dict__")

_lock = threading.Lock()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
