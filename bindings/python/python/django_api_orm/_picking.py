"""The values that ``values`` and ``values_list`` give: only their fields are read and validated, not whole rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from ._rows import compiled, description
from ._values import reading_durations

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ._schema import ModelInfo


class Columns:
    """Fields by the names that the program gave, and how they are read.

    The whole row is read, as the schema's object, where its fields depend on each other, or a name is a computed field.
    """

    def __init__(self, info: ModelInfo, names: tuple[str, ...]) -> None:
        self.info = info
        self.names = names
        self.paths = [(info.pk_name if name == "pk" else name).split("__") for name in names]
        heads = [path[0] for path in self.paths]
        self.declared = info.wire.keys() | info.schema.model_computed_fields.keys()
        self.undeclared = [head for head in heads if head not in self.declared]
        #: Whether each value is a field, and not a part of one.
        self.are_fields = bool(names) and not self.undeclared and all(len(path) == 1 for path in self.paths)
        read = None if info.computed.intersection(heads) else fields_validator(info.schema, heads)
        #: Whether rows are read as dictionaries, and not as the schema's objects.
        self.as_dictionaries = read is not None
        self.read: Callable[[bytes], Any] = info.validate_json
        if read is not None:
            self.read = reading_durations(read) if info.reveals else read

    def dictionaries(self, objects: list[Any], rows: list[bytes]) -> list[dict[str, Any]]:
        """The values by their names, of what ``read`` has made of the rows."""
        names = self.names
        if self.are_fields and self.as_dictionaries and [path[0] for path in self.paths] == list(dict.fromkeys(names)):
            return objects
        return [dict(zip(names, values)) for values in self.tuples(objects, rows)]  # noqa: B905

    def tuples(self, objects: list[Any], rows: list[bytes]) -> list[tuple[Any, ...]]:
        """The values in the order of their names."""
        if self.are_fields:
            get: Any = itemgetter if self.as_dictionaries else attrgetter
            names = [path[0] for path in self.paths]
            if len(names) == 1:
                return list(zip(map(get(*names), objects)))
            return list(map(get(*names), objects))
        return [self._parts(data, row) for data, row in zip(objects, rows)]  # noqa: B905

    def _parts(self, data: Any, row: bytes) -> tuple[Any, ...]:
        raw = json.loads(row) if self.undeclared else {}
        for name in self.undeclared:
            if name not in raw:
                choices = ", ".join(sorted(self.declared | raw.keys()))
                raise ValueError(f"`{self.info.model.__name__}` has no field `{name}`: choose from {choices}")
        return tuple(_pick(data if path[0] in self.declared else raw, path) for path in self.paths)


def fields_validator(
    schema: type[BaseModel], names: Iterable[str], *, as_given: bool = False
) -> Callable[[bytes], dict[str, Any]] | None:
    """A validator of these fields of a row, which gives a dictionary of them in this order; ``None`` where a field can depend
    on others. ``as_given``: what has a default, and is not in the row, is not in the dictionary.
    """
    described = description(schema)
    if described is None:
        return None
    core, definitions = described
    inner = core["schema"]
    if inner["type"] != "model-fields":
        return None
    fields: dict[str, Any] = {}
    for name in names:
        if name in inner["fields"]:
            field = inner["fields"][name]
            part = field["schema"]
            has_default = part["type"] == "default"
            if has_default and as_given and part.get("on_error", "raise") == "raise":
                part = part["schema"]
            if _sees_others(part) or (as_given and _fills_in(part)):
                return None
            alias = {"validation_alias": field["validation_alias"]} if "validation_alias" in field else {}
            fields[name] = {"type": "typed-dict-field", "schema": part, "required": not has_default, **alias}
    of_fields = {"type": "typed-dict", "fields": fields, "extra_behavior": "ignore", "config": core.get("config", {})}
    return compiled(schema, of_fields, definitions)


def _sees_others(part: Any) -> bool:
    """Whether a validator or a default of the field is told the fields before it."""
    if isinstance(part, dict):
        if part.get("type") == "with-info" or part.get("default_factory_takes_data"):
            return True
        return any(_sees_others(value) for name, value in part.items() if name not in _NOT_DESCRIBED)
    return isinstance(part, (list, tuple)) and any(map(_sees_others, part))


def _fills_in(part: Any) -> bool:
    """Whether a default stands below what is done with the field's value."""
    while isinstance(part, dict):
        if part.get("type") == "default":
            return True
        part = part.get("schema")
    return False


#: What a description holds of the program's.
_NOT_DESCRIBED = frozenset(("cls", "default", "metadata", "serialization"))


def _pick(value: Any, path: list[str]) -> Any:
    """The value at a path; ``None`` below a null. Raises ``ValueError`` where there is no such field or key."""
    for name in path:
        if value is None:
            return None
        below = value.get(name) if isinstance(value, dict) else getattr(value, name, _MISSING)
        if below is _MISSING or callable(below):
            raise ValueError(f"there is no `{name}` for `{'__'.join(path)}` in a value of type {type(value).__name__}")
        value = below
    return value


_MISSING: Any = object()
