"""The Python half of ``get_or_create`` and ``update_or_create``: it names and validates, the engine decides.

``update_or_create`` is two operations of the engine, a search and a save, with the schema between them. What is sent to a row
depends on how the schema reads that row: which parts of an object it declares (the others are sent along), which member of a
union the object is, and whether a value is equal to the one that is there, which its own serializers may write in another form.
Pydantic runs on the program's thread, never in the engine's tasks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from ._engine import Condition, nested
from ._json import jsonable, to_json
from ._schema import Save, put
from ._values import same
from .exceptions import FieldError, InvalidRequestError

if TYPE_CHECKING:
    from ._engine import Operation, Written
    from ._model import BaseAPIModel
    from ._query import BaseQuery

M = TypeVar("M", bound="BaseAPIModel")


class Upsert(Generic[M]):
    """A row that is looked up, and created if it does not exist."""

    def __init__(self, query: BaseQuery[M], lookups: Mapping[str, Any]) -> None:
        if query._restricted_by is not None:
            raise InvalidRequestError(
                f"get_or_create() and update_or_create() cannot be used after {query._restricted_by}, because a row does not "
                "show whether it belongs there: leave it out, or use get() and create()"
            )
        self.query = query
        self.info = query._info
        self.endpoint = query._endpoint
        conditions = {name: self.info.condition((), {name: value}) for name, value in lookups.items()}
        self.condition = query._condition or Condition()
        for condition in conditions.values():
            self.condition = self.condition & condition
        # What a lookup across a relation says is a value of another row.
        self.equalities = {
            name.removesuffix("__exact"): value
            for name, value in lookups.items()
            if conditions[name].is_equality and not self.info.relations.is_across(name.removesuffix("__exact"))
        }
        self.invalid: ValidationError | FieldError | None = None
        #: The row to create; ``None`` while the values are invalid, which matters only if no row is found.
        self.new: M | None = None

    def _find_or_create(self, defaults: Mapping[str, Any], *, for_write: bool) -> Operation:
        self.info.known.of_lookups(self.equalities, self.info.filtered_by)
        self.info.known.of_changes(defaults)
        self.info.once(self.equalities)
        self.info.once(defaults)
        self.info.known.inside(defaults)
        values = {**self.equalities, **defaults}
        fields = {name: value for name, value in values.items() if name in self.info.wire or "__" not in name}
        parts = {self.info._path(name): jsonable(value) for name, value in values.items() if name not in fields}
        fields = self.info.given(self.info.relations.given(fields))
        try:
            data = self.info.new({**fields, **json.loads(nested(to_json(parts), list(fields)))})
            self.new = self.query.model._made(data, None, self.query._home)
        except ValidationError as invalid:
            self.invalid = invalid
        self.save: Save | None = None
        if self.new is not None:
            save = self.new._new()
            body = json.loads(self.info.engine.new_row(self.condition, save.json))
            try:
                self.info.known.of_filters([name for name in body if name not in self.info.own], self.info.filtered_by)
                self.save = save.with_(body)
            except FieldError as invalid:
                self.invalid = invalid
        new = None if self.save is None else self.save.json
        return self.endpoint.find_or_create(self.condition, new, for_write=for_write)

    def get_or_create(self, defaults: Mapping[str, Any] | None) -> Operation:
        return self._find_or_create(_evaluated(defaults or {}), for_write=False)

    def update_or_create(self, defaults: Mapping[str, Any] | None, create_defaults: Mapping[str, Any] | None) -> Operation:
        update = _evaluated(defaults or {})
        self.fields, self.parts = self.info.assigned(update)
        return self._find_or_create(update if create_defaults is None else _evaluated(create_defaults), for_write=True)

    def found(self, answer: tuple[Written, bool]) -> tuple[M, bool]:
        written, created = answer
        if created and self.new is not None and self.save is not None:
            self.new._saved(self.save, written)
            return self.new, True
        return self.query._one(written[1]), False

    def changes(self, found: M) -> Save:
        """Sets the defaults on the row that was found, and returns what has to be sent."""
        info, row, data = self.info, found._row or b"{}", found._data
        fields = dict(self.fields)
        changed = self.endpoint.assigned(row, to_json(self.parts), [info.sent[name] for name in fields])
        parts: dict[str, Any] = json.loads(changed)
        if parts:
            read = info.validate_json(info.engine.put(row, changed))
            fields.update({name: getattr(read, name) for name in map(info.name_of, parts) if name in info.wire})
        unseen = self.endpoint.unseen(row, to_json(info.as_sent(self.fields)))
        for name, value in fields.items():
            if info.sent[name] in unseen or name not in data.model_fields_set or not same(getattr(data, name), value):
                put(data, name, value)
        save = found._changed(None)
        if unseen:
            # The row may have another value, though it seems to be equal.
            save = save.with_(found._changed([info.own[name] for name in unseen]).body)
        return save.with_(parts)


def _evaluated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults may be callables, as in Django."""
    return {name: value() if callable(value) else value for name, value in values.items()}
