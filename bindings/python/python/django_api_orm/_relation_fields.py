"""Fields that say which row of another model is meant, or which rows are: how they are read and assigned."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ._engine import Relation as EngineRelation
from ._json import to_json
from ._relation_bound import MISSING, Assigned, Bound, client_of_target, kept_of
from ._relations import Declared, Relation, key_of
from .exceptions import DecodeError, InvalidRequestError

if TYPE_CHECKING:
    from ._client import BaseClient
    from ._engine import Endpoint, Plan
    from ._schema import ModelInfo


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
        return self.part_of([self.source(row) for row in rows], endpoint, plan)

    def part_of(self, sources: list[bytes], endpoint: Endpoint, plan: Plan) -> Any:
        return self.engine, endpoint, plan, None, sources

    def explained(self, client: BaseClient) -> str:
        whole = client_of_target(client, self.target)._endpoint(self.target).whole_explained()
        return f"{self.engine.explained(self.target._info().engine, None)}{whole}"

    def requests(self, keys: int, client: BaseClient) -> int:
        target = self.target
        endpoint: Endpoint = client_of_target(client, target)._endpoint(target)
        return endpoint.requests_by_keys(keys)

    @property
    def is_optional(self) -> bool:
        """Whether it may be null."""
        return type(None) in typing.get_args(self.info.schema.model_fields[self.field].annotation)

    def source(self, row: Any) -> bytes:
        """The row as far as the engine has to know it."""
        raw = self.raw(row)
        if row._row is not None and _has_objects(raw) and self.name not in kept_of(row).get(ASSIGNED, ()):
            # As the server wrote it: numbers would lose digits in Python's hands.
            source: bytes = row._row
            return source
        return to_json({self.info.wire[self.field]: raw})

    def missing(self, reference: Any) -> Exception:
        """The error for a row that is not there."""
        error: Exception = self.target.DoesNotExist(
            f"the `{self.target.__name__}` that {self!r} names does not exist, or is not shown to this client: {reference!r}"
        )
        return error

    # Assigning

    def written(self, value: Any, shown: Any, nested: bool = False) -> Any:
        """The reference in the form that the server takes. ``shown`` is one that it has shown. ``nested``: a row that is not
        saved may be created with this one.
        """
        if getattr(type(value), "_wire_key", None) is None:
            return self._linked(key_of(value))
        target = self.target
        if not isinstance(value, target):
            raise ValueError(
                f"`{self.owner.__name__}.{self.name}` takes a `{target.__name__}`, or its key, not a `{type(value).__name__}`"
            )
        key = key_of(value._value(self.to_field))
        if key is None and nested and self.creates:
            return self._whole(value)
        if key is None:
            raise ValueError(
                f"`{self.owner.__name__}.{self.name}` is a `{target.__name__}` that is not saved, so it has no key to be sent: "
                "save it first"
            )
        shown = self._seen if shown is None else shown
        form = self.said.writes or ("url" if _is_url(shown) else "key")
        if target._json_api is not None:
            return self._linked(key)
        if form in ("object", "nested"):
            return {target._info().wire.get(self.to_field, self.to_field): key}
        return self.engine.url(value._key(), shown if _is_url(shown) else None) if form == "url" else key

    def _linked(self, key: Any) -> Any:
        """A key as relationships of JSON:API name a row, where the related rows are of that."""
        if self.target._json_api is None or isinstance(key, dict) or key is None:
            return key
        return {"type": self.target._json_api, "id": str(key)}

    def reference(self, row: Any) -> Any:
        """What names the related rows in a new row, where this one shows them whole and the server takes their keys; else
        ``None``.
        """
        return self.key(row) if self.takes_keys and _has_objects(self.raw(row)) else None

    @property
    def takes_keys(self) -> bool:
        """Whether the server takes what names the related rows, and not objects."""
        return self.said.writes not in ("object", "nested") and self.target._json_api is None

    @property
    def creates(self) -> bool:
        """Whether the server creates related rows with the row that they are sent in."""
        return self.said.writes == "nested"

    @staticmethod
    def _whole(value: Any) -> dict[str, Any]:
        """What would be sent to create the related row."""
        info = value._info()
        info.relations.settle(value)
        body = dict(value._new().body)
        key = info.sent.get(info.pk_name, info.pk_name)
        if body.get(key) is None:
            body.pop(key, None)
        return body

    def assign(self, row: Any, value: Any) -> None:
        """Puts the reference into the row, and keeps the related row."""
        kept = kept_of(row)
        if self.many:
            value = list(value)
            shown = next(iter(self.raw(row) or ()), None)
            references: Any = [self.written(each, shown, nested=True) for each in value]
        else:
            if getattr(type(value), "_wire_key", None) is not None and isinstance(value, self.target) and value._pk() is None:
                # Its key is known when it is saved.
                kept[self.name] = value
                kept.setdefault(PENDING, set()).add(self.name)
                return
            before = kept.get(self.name)
            if before is not None and before is value and self._key_shown(row) == key_of(value._value(self.to_field)):
                return
            references = None if value is None else self.written(value, self.raw(row))
            if value is not None and self.raw(row) is not None and self._same(row, references):
                references = self.raw(row)
        kept.pop(self.name, None)
        kept.get(PENDING, set()).discard(self.name)
        if references != self.raw(row):
            row._set_field(self.field, references)
            kept.setdefault(ASSIGNED, set()).add(self.name)
        if not self.many and isinstance(value, self.target):
            kept[self.name] = value

    def _key_shown(self, row: Any) -> Any:
        """The key; ``None`` where the row holds a related one that has none yet."""
        try:
            return self.key(row)
        except DecodeError:
            return None

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
        """Before the row is saved: the key of a related row that was not saved when it was assigned, or all of it where the
        server creates it.

        Raises: ``InvalidRequestError`` where it still is not, and the server does not.
        """
        related = (row._related or {}).get(self.name)
        if self.many or related is None or related is MISSING:
            return
        if related._pk() is None and self.creates:
            whole = self._whole(related)
            if whole != self.raw(row):
                row._set_field(self.field, whole)
                kept_of(row).setdefault(ASSIGNED, set()).add(self.name)
            return
        if related._pk() is None:
            raise InvalidRequestError(
                f"`{self.owner.__name__}.{self.name}` is a `{self.target.__name__}` that is not saved, so it has no key to be "
                "sent: save it first"
            )
        if self._key_shown(row) != key_of(related._value(self.to_field)):
            self.assign(row, related)

    def pending(self, row: Any) -> Any:
        """The related row that was assigned before it was saved, as long as the row does not say its key."""
        kept = row._related or {}
        return kept.get(self.name) if self.name in kept.get(PENDING, ()) else None

    def points_at(self, row: Any, related: Any) -> bool:
        """Whether the row points at this one."""
        try:
            return self._same(row, self.written(related, self.raw(row)))
        except ValueError:
            return False

    # Keys

    def key(self, row: Any) -> Any:
        """The value by which the related row is named, mostly its key, in JSON's types."""
        key = self.key_as_field(row)
        return [key_of(each) for each in key] if isinstance(key, list) else key_of(key)

    def key_as_field(self, row: Any) -> Any:
        """The same as the related row has it: a UUID where its field is one."""
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
            return TypeAdapter(field.annotation).validate_python(value)
        except ValidationError:
            return value


#: Under which the names of relations are kept whose reference the program has assigned.
ASSIGNED = "="
#: Of those the ones whose related row had no key then, so that the row still says what it said before.
PENDING = "?"


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
            raise self.missing(self.key(row))
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
        """The references in a row that the server has sent.

        Raises: ``DecodeError`` for a row that does not show them.
        """
        self.engine.keys(row)
        return self.info.read(row).__dict__.get(self.field) or []

    def references(self, row: Any, objs: Iterable[Any]) -> list[Any]:
        """Instances and keys as references, in the form that the server takes."""
        shown = next(iter(self.raw(row) or ()), None)
        return [self.written(obj, shown) for obj in objs]

    def changed(self, references: list[Any], added: list[Any], removed: list[Any]) -> list[Any]:
        """The references with and without these, each as it is written."""
        if self.said.writes != "object" and _has_objects(references):
            references = [self._linked(each) for each in json.loads(self.engine.plain(to_json(references)))]
        references = [*references, *added]
        return [references[place] for place in self.engine.kept(to_json(references), to_json(removed))]

    def names_same(self, some: list[Any], others: list[Any]) -> bool:
        """Whether both name the same rows, in whatever order."""
        return self.engine.names_same(to_json(some), to_json(others))

    def put(self, row: Any, references: Any) -> None:
        row._set_field(self.field, references)
        self.forget(row)


class KeyOf(Assigned):
    """``post.author_id``: the key of the related row, without a request."""

    def __init__(self, relation: ToRows) -> None:
        self._relation = relation

    def __get__(self, row: Any, owner: Any = None) -> Any:
        if row is None:
            return self
        related = self._relation.pending(row)
        return self._relation.key_as_field(row) if related is None else related._value(self._relation.to_field)

    def __set__(self, row: Any, value: Any) -> None:
        self._relation.assign(row, value)
