"""How relations are declared: what annotations say, and how pydantic reads a reference.

The row keeps what the server sends: a key, a slug, a URL or an object. The related row is fetched when it is first asked for,
and kept beside it. Which requests that takes is the engine's to decide.
"""

from __future__ import annotations

import re
import sys
import typing
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, overload
from uuid import UUID

from pydantic_core import core_schema

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from typing_extensions import Self

    from .async_base import AsyncAPIModel
    from .async_relating import AsyncRelatedManager
    from .base import APIModel
    from .relating import RelatedManager


T = TypeVar("T")

#: The form in which a relation is written.
Form = Literal["key", "url", "object", "nested"]


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

    __slots__ = ("field", "filter", "to_field", "writes")

    def __init__(self, field: str | None, to_field: str | None, writes: Form | None, filter: str | None) -> None:
        if writes not in (None, "key", "url", "object", "nested"):
            raise ConfigurationError(f'`writes` must be "key", "url", "object" or "nested", not {writes!r}')
        self.field = field
        self.to_field = to_field
        self.writes = writes
        self.filter = filter


UNSAID = Relation(None, None, None, None)


def relation(
    *, field: str | None = None, to_field: str | None = None, writes: Form | None = None, filter: str | None = None
) -> Any:
    """What is said of a relation where the rows do not show it: ``Annotated[ForeignKey["User"], relation(to_field="slug")]``
    in a schema, ``author: ForeignKey["User"] = relation(field="author_key")`` on a model.

    ``field`` is the schema's field that holds the reference, on a model; ``to_field`` the field of the related model whose
    value a plain reference is, if that is not the key; ``writes`` the form that the server takes: ``"key"``, ``"url"`` or
    ``"object"`` (``{"id": 3}``). By default that in which the server shows it, and the key where it shows an object. Where the
    server creates related rows together with a row, ``"nested"``: one that is not saved is sent whole, others as ``{"id": 3}``.
    ``filter`` is the name of the query parameter that filters by the relation, where that is another one: ``"site_id"``.

    Raises: ``ConfigurationError`` for another form.
    Requests: none.
    """
    return Relation(field, to_field, writes, filter)


def key_of(value: Any) -> Any:
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
        given = core_schema.no_info_before_validator_function(key_of, shown)
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


def said_of(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[Any]:
    """What a field's annotation says of a relation."""
    yield from (each for each in metadata if isinstance(each, (Declared, Relation)))
    yield from (each for each in getattr(annotation, "__metadata__", ()) if isinstance(each, (Declared, Relation)))
    for argument in typing.get_args(annotation):
        yield from said_of(argument)


_ANNOTATION = re.compile(r"\b(ForeignKey|ManyToMany)\[\s*[\"']?([^\]\"']+)")


def on_model(model: type[Any]) -> Iterator[tuple[str, Declared, Relation]]:
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
                declared = next((each for each in said_of(annotation) if isinstance(each, Declared)), None)
            if declared is not None:
                said = vars(owner).get(name)
                found[name] = (declared, said if isinstance(said, Relation) else getattr(said, "said", UNSAID))
    for name, (declared, said) in found.items():
        yield name, declared, said


def _annotations(owner: type[Any]) -> Mapping[str, Any]:
    given: Mapping[str, Any] | None = vars(owner).get("__annotations__")
    return given if given is not None else getattr(owner, "__annotations__", {})


def _in_module(name: str, owner: type[Any]) -> Any:
    """What a name is in the module of the class, if that is a model: it may have been imported under another name."""
    found = getattr(sys.modules.get(owner.__module__), name.strip(), None)
    return found if isinstance(found, type) and hasattr(found, "_register_function") else name
