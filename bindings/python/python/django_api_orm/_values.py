"""What two values have in common that are written differently, and what pydantic cannot read: equal values, durations."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import reduce
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

T = TypeVar("T")
_Path = tuple[Any, ...]

#: A duration as Django REST Framework writes it from a day on: `1 02:00:00`, and `-1 22:00:00` for two hours less than nothing.
_DAYS = re.compile(r"(-?\d+) (\d{1,2}):(\d{2}):(\d{2}(?:\.\d{1,6})?)")
#: From here on pydantic writes years, which Django does not read.
_YEAR = timedelta(days=365)
#: The texts, the other values and the punctuation of JSON.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


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


def duration(length: timedelta) -> str | timedelta:
    """What is written for a duration: in days, where pydantic would write years."""
    return length if abs(length) < _YEAR else _iso(length)


def _iso(length: timedelta) -> str:
    sign, length = ("-", -length) if length < timedelta(0) else ("", length)
    return f"{sign}P{length.days}DT{length.seconds}.{length.microseconds:06}S"


def reading_durations(validate: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """The validator of rows, which reads durations as Django REST Framework writes them, too.

    The schema is asked first, so that a text that looks like a duration stays what it is.
    """

    def read(row: bytes) -> T:
        try:
            return validate(row)
        except ValidationError as error:
            lengths = dict(_unread(error, _decoded(row)))
            if not lengths:
                raise
        return validate(_rewritten(row, lengths))

    return read


def with_durations(error: ValidationError, name: str, value: Any) -> Any:
    """The value of a field with the durations that were not read; raises the error again if there are none."""
    whole = {name: copy.deepcopy(value)}
    lengths = list(_unread(error, whole))
    if not lengths:
        raise error
    for (*path, last), length in lengths:
        reduce(lambda part, step: part[step], path, whole)[last] = length
    return whole[name]


def _decoded(row: bytes) -> Any:
    try:
        return json.loads(row)
    except (ValueError, RecursionError):
        return None


def _unread(error: ValidationError, value: Any) -> Iterator[tuple[_Path, timedelta]]:
    """The durations that pydantic could not read, by their places in the value."""
    for line in error.errors(include_url=False, include_context=False):
        if line["type"] != "time_delta_parsing":
            continue
        part = value
        path: list[Any] = []
        steps: tuple[Any, ...] = line["loc"]
        for step in steps:
            # A step may also be the name of a member of a union.
            if step in (part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()):
                part = part[step]
                path.append(step)
        found = _DAYS.fullmatch(part) if isinstance(part, str) else None
        if found is not None:
            days, hours, minutes, seconds = found.groups()
            with contextlib.suppress(OverflowError):
                clock = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
                yield tuple(path), timedelta(days=int(days)) + clock


def _rewritten(row: bytes, lengths: dict[_Path, timedelta]) -> bytes:
    """The row with other texts at these places. The rest stays as it is: numbers would lose digits in Python's hands."""
    parts: list[bytes] = []
    path: list[Any] = []
    end = 0
    for token in _TOKEN.finditer(row):
        text = token.group()
        is_key = bool(path) and path[-1] is None
        if text in (b"{", b"["):
            path.append(None if text == b"{" else 0)
        elif text in (b"}", b"]"):
            path.pop()
        elif text == b",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif is_key:
            path[-1] = json.loads(text)
        elif text.startswith(b'"') and (length := lengths.get(tuple(path))) is not None:
            parts += [row[end : token.start()], f'"{_iso(length)}"'.encode()]
            end = token.end()
    return b"".join([*parts, row[end:]])
