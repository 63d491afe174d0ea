"""From Python values to JSON text: dates, decimals, UUIDs, enums, pydantic models and instances of models included."""

from __future__ import annotations

from typing import Any

import pydantic_core


def _other(value: Any) -> Any:
    """What pydantic does not know: an instance stands for its key, a queryset for its rows."""
    key = getattr(type(value), "_wire_key", None)
    if key is not None:
        return key(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(value: Any) -> bytes:
    """JSON text. Raises ``TypeError`` or ``ValueError`` for what has none."""
    try:
        return pydantic_core.to_json(value, fallback=_other)
    except pydantic_core.PydanticSerializationError as error:
        raise TypeError(str(error)) from None
