"""What two values have in common that are written differently, and what pydantic cannot read: equal values, durations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

#: A duration as Django REST Framework writes it from a day on: `1 02:00:00`, and `-1 22:00:00` for two hours less than nothing.
_DAYS = rb"(-?\d+) (\d{1,2}):(\d{2}):(\d{2}(?:\.\d{1,6})?)"


def same(one: Any, other: Any) -> bool:
    """Whether two values of a field are equal, so that writing the one over the other changes nothing: decimals with other
    digits, an instant in another zone, sets. Values of two types are not, such as ``1`` and ``True``.
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseModel):
        return same(vars(one), vars(other)) and same(one.model_extra, other.model_extra)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    try:
        return bool(one == other)
    except Exception:  # A type of the program's that does not compare.
        return False


def reading_durations(validate: Callable[[bytes], Any], schema: type[BaseModel], names: dict[str, list[str]]) -> Any:
    """The validator of rows, which reads durations of a day and more; the same one for a schema without durations.

    ``names`` are the names that fields may have in rows.
    """
    durations = [
        name for field, read in names.items() if timedelta in _parts(schema.model_fields[field].annotation) for name in read
    ]
    if not durations:
        return validate
    keys = b"|".join(re.escape(json.dumps(name).encode()) for name in durations)
    written = re.compile(rb"((?:" + keys + rb")\s*:\s*)\"" + _DAYS + b'"')
    # In the text, because numbers would lose digits on the way through Python.
    return lambda row: validate(written.sub(_as_iso, row))


def _parts(annotation: Any) -> set[Any]:
    """The types of an annotation, ``Optional`` looked through."""
    return {annotation, *getattr(annotation, "__args__", ())}


def _as_iso(found: re.Match[bytes]) -> bytes:
    key, days, hours, minutes, seconds = found.groups()
    length = timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    sign, length = ("-", -length) if length < timedelta(0) else ("", length)
    return key + f'"{sign}P{length.days}DT{length.seconds}.{length.microseconds:06}S"'.encode()
