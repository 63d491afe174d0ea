"""From Python values to JSON text: dates, decimals, UUIDs, enums, pydantic models and instances of models included."""

from __future__ import annotations

from typing import Any

import pydantic_core
from pydantic import Secret, SecretBytes, SecretStr


def _other(value: Any) -> Any:
    """What pydantic does not know: an instance stands for its key, a queryset for its rows."""
    key = getattr(type(value), "_wire_key", None)
    if key is not None:
        return key(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_PLAIN = frozenset((str, int, float, bool, type(None), bytes))


def revealed(value: Any) -> Any:
    """The value with what its secrets hold, which pydantic would write as asterisks."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (Secret, SecretStr, SecretBytes)):
        return revealed(value.get_secret_value())
    if isinstance(value, dict):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [revealed(item) for item in value]
    return value


def to_json(value: Any) -> bytes:
    """JSON text. Raises ``TypeError`` or ``ValueError`` for what has none."""
    try:
        return pydantic_core.to_json(revealed(value), fallback=_other)
    except pydantic_core.PydanticSerializationError as error:
        raise TypeError(str(error)) from None
