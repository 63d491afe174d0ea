"""The relations of one model, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._relation_bound import MISSING, kept_of
from ._relation_fields import ASSIGNED, PENDING, KeyOf, ToMany, ToOne, ToRows
from ._relations import UNSAID, Declared, Relation, key_of, on_model, said_of
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from ._schema import ModelInfo


class Relations:
    """The relations of one model, by name."""

    def __init__(self, info: ModelInfo) -> None:
        self._info = info
        self.forward: dict[str, ToRows] = {}
        for name, field in info.schema.model_fields.items():
            found = list(said_of(field.annotation, field.metadata))
            declared = next((each for each in found if isinstance(each, Declared)), None)
            if declared is not None:
                said = next((each for each in found if isinstance(each, Relation)), UNSAID)
                self._add(name, name, declared, said)
        for name, declared, said in on_model(info.model):
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

    def is_across(self, path: str) -> bool:
        """Whether a path leads to a field of a related row."""
        head, _, rest = path.partition("__")
        return bool(rest) and (head in self.forward or self._info.name_of(head) in self.of_field)

    def given(self, values: Mapping[str, Any], new: bool = False) -> dict[str, Any]:
        """Values for a row, with the references in place of related rows; by the names of the schema's fields. ``new``: the row
        is made of them, so that related rows may be created with it.
        """
        if not self.forward:
            return dict(values)
        named: dict[str, Any] = {}
        for name, value in values.items():
            each = self.forward.get(name) or self.of_field.get(self._info.name_of(name))
            if each is None:
                named[name] = value
            elif each.many and isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
                named[each.field] = [each.written(item, None, nested=new) for item in value]
            else:
                named[each.field] = None if value is None else each.written(value, None, nested=new)
        return named

    def keep(self, row: Any, values: Mapping[str, Any]) -> None:
        """Keeps the related rows that a new row was made of."""
        if not self.forward:
            return
        for name, value in values.items():
            each = self.forward.get(name)
            if each is not None and not each.many and getattr(type(value), "_wire_key", None) is not None:
                kept_of(row)[name] = value

    def settle(self, row: Any) -> None:
        """Before the row is saved."""
        for each in self.forward.values():
            each.settle(row)

    def keys_of(self, row: Any) -> dict[str, Any]:
        """What a copy of the row sends for the related rows that it shows whole."""
        found = {
            each.info.sent[each.field]: each.reference(row) for each in self.forward.values() if each.field in each.info.sent
        }
        return {name: reference for name, reference in found.items() if reference is not None}

    def named_by(self) -> dict[str, str]:
        """The names of the fields, as they are sent, and of those of the related rows that name these."""
        return {
            each.info.sent[each.field]: each.target._info().wire.get(each.to_field, each.to_field)
            for each in self.forward.values()
            if each.field in each.info.sent and each.takes_keys
        }

    def taken(self, row: Any, before: Mapping[str, Any]) -> None:
        """After the server's row was taken over, in place of the fields ``before``: what points elsewhere now is not kept."""
        kept = row._related
        if not kept:
            return
        kept.pop(ASSIGNED, None)
        for name in list(kept):
            each = self.forward.get(name)
            if each is None:
                continue
            value = kept[name]
            # What was created with the row is there now, and is not this instance.
            is_created = each.creates and hasattr(type(value), "_wire_key") and value._pk() is None
            if each.raw(row) == before.get(each.field) and not is_created:
                continue
            if is_created or each.many or value is MISSING or each.key(row) != key_of(value._value(each.to_field)):
                del kept[name]
                kept.get(PENDING, set()).discard(name)
