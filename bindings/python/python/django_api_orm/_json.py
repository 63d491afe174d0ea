"""Python values as JSON text (dates, decimals, UUIDs, enums, pydantic models, instances of models), and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pydantic_core
from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from ._values import duration
from .exceptions import DecodeError, InvalidRequestError


def _other(value: Any) -> Any:
    """The JSON form of a type that pydantic does not know: an instance of a model is written as its key."""
    key = getattr(type(value), "_wire_key", None)
    if key is not None:
        return key(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


#: The types of values that have nothing inside.
PLAIN = frozenset((str, int, float, bool, type(None), bytes))
_SECRETS = (Secret, SecretStr, SecretBytes)


def revealed(value: Any) -> Any:
    """The value with what pydantic would write otherwise than servers read it: secrets as asterisks, durations in years."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, _SECRETS):
        return revealed(value.get_secret_value())
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, BaseModel):
        return dumped(value)
    if isinstance(value, dict):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [revealed(item) for item in value]
    return value


def dumped(data: BaseModel, include: set[str] | None = None, reveals: bool = True) -> dict[str, Any]:
    """The fields by the names they are sent under, in JSON's types, revealed; ``reveals``: whether that may differ."""
    written = data.model_dump(mode="json", by_alias=True, include=include, warnings=False)
    if not reveals:
        return written
    revealed: dict[str, Any] = _unmasked(written, data.model_dump(by_alias=True, include=include, warnings=False))
    return revealed


def _unmasked(written: Any, value: Any) -> Any:
    """What pydantic wrote for a value, revealed; the output of the schema's own serializers stays."""
    if isinstance(value, _SECRETS):
        return jsonable(value) if written == str(value) else written
    if isinstance(value, timedelta):
        return jsonable(value) if written == pydantic_core.to_jsonable_python(value) else written
    if isinstance(value, dict) and isinstance(written, dict) and len(value) == len(written):
        return {name: _unmasked(part, inner) for (name, part), inner in zip(written.items(), value.values())}  # noqa: B905
    if isinstance(value, (list, tuple, set, frozenset)) and isinstance(written, list) and len(value) == len(written):
        return [_unmasked(part, inner) for part, inner in zip(written, value)]  # noqa: B905
    return written


def is_iterable(value: Any) -> bool:
    """Whether a list can be made of a value that is neither one nor a value of JSON already."""
    if isinstance(value, (str, bytes, dict, list, tuple, BaseModel)) or hasattr(type(value), "_wire_key"):
        return False
    return hasattr(value, "__iter__")


def is_collection(value: Any) -> bool:
    """The same, without what is written as one value although it is iterable, such as a network of IP addresses."""
    if not is_iterable(value):
        return False
    if hasattr(value, "__next__"):
        return True
    try:
        return isinstance(pydantic_core.to_jsonable_python(value), list)
    except pydantic_core.PydanticSerializationError:
        return True


def jsonable(value: Any) -> Any:
    """The value in JSON's types. Raises what ``to_json`` raises."""
    return json.loads(to_json(value))


def to_json(value: Any) -> bytes:
    """The value as JSON text. Raises ``TypeError`` or ``ValueError`` for a value that has no JSON form."""
    return text_of(revealed(value))


def text_of(value: Any) -> bytes:
    """As ``to_json``, for a value that is in JSON's types already."""
    try:
        text = pydantic_core.to_json(value, fallback=_other)
    except pydantic_core.PydanticSerializationError as error:
        raise TypeError(str(error)) from None
    if (b"NaN" in text or b"Infinity" in text) and (found := next(not_finite(pydantic_core.from_json(text)), None)):
        path, number = found
        raise InvalidRequestError(f"{f'`{path}`: ' if path else ''}{number} has no JSON form")
    return text


def not_finite(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """The numbers in a value that have no JSON form, NaN and the infinities, by their paths."""
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path, value
    elif isinstance(value, BaseModel):
        yield from not_finite(vars(value), path)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from not_finite(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from not_finite(part, path)


def from_json(text: bytes) -> Any:
    """The value of JSON text. Raises ``DecodeError`` for text that is not JSON, such as ``NaN``, or is nested too deeply."""
    try:
        return pydantic_core.from_json(text.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    except ValueError as error:
        raise DecodeError(f"invalid JSON: {error}") from error
