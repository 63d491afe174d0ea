"""Random querysets, as data: what both Django's ORM and the package are asked.

A description is JSON: `{"steps": [["filter", Q], ["order_by", [..]], ["slice", [0, 5]], ..], "end": ["count"]}`, where a `Q`
is `["and" | "or", Q, ..]`, `["not", Q]` or `[lookup, value]`. Values are spelt as they are on the wire; `typed` gives the
package Python's own.
"""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

Description = dict[str, Any]

#: Of each column: values that some row has, and values beside them.
VALUES: dict[str, list[Any]] = {
    "id": [1, 2, 17, 30, 59, 60, 61, 0],
    "label": [
        "apple",
        "Apple",
        "pear tree",
        "100%",
        "a_b",
        "back\\slash",
        "Émile",
        "E\u0301mile",
        "日本",
        "🦀 crab",
        "x,y",
        "42",
        "no",
    ],
    "slug": ["specimen-0", "specimen-7", "specimen-44", "specimen-45"],
    "number": [0, 1, -1, 7, 8, 40, 2**31 - 1, -(2**31)],
    "ratio": [0.0, 0.5, -0.5, 1.25, 1e10, 0.1],
    "price": ["0.000", "1.500", "1.5", "-1.500", "12.345", "999999999.999", "0.002"],
    "day": ["1969-12-31", "2000-02-29", "2024-01-01", "2024-12-31", "2024-06-01"],
    "moment": [
        *["1969-12-31T23:59:59Z", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000001Z", "2024-02-29T12:30:15.500000Z"],
        *["2024-12-31T23:30:00Z", "2025-01-01T00:30:00+01:00"],
    ],
    "span": [
        *["00:00:00", "00:01:30", "1 02:00:00", "-1 00:00:01", "40 00:00:00", "00:00:07"],
        *["400 00:00:00.000005", "400 00:00:00", "-400 00:00:00", "365 00:00:00"],
    ],
    "clock": ["00:00:00", "09:30:00", "09:30:00.250000", "23:59:59"],
    "code": [
        "02468acf-1357-9bde-0246-8acf13579bde",
        "048d159e-26af-37bc-048d-159e26af37bc",
        "00000000-0000-0000-0000-000000000009",
    ],
    "grade": ["f", "g", "p"],
    "sound": [True, False],
    "maker": ["01234567-89ab-cdef-0123-456789abcdef", "02468acf-1357-9bde-0246-8acf13579bde"],
    "team": [1, 2, 3, 4],
    "origin": [1, 2, 3],
}
ORDERED = ["id", "number", "ratio", "price", "day", "moment", "span", "clock"]
NULLABLE = [column for column in VALUES if column not in ("id", "label", "slug")]
#: What the server sorts by, where it sorts.
SORTED = ["id", "label", "number", "ratio", "price", "day", "moment", "span", "clock", "grade"]


def one(draw: random.Random) -> list[Any]:
    """A single lookup."""
    column = draw.choice(list(VALUES))
    value = draw.choice(VALUES[column])
    kinds = ["exact", "exact", "in"]
    if column in ORDERED:
        kinds += ["gt", "gte", "lt", "lte", "range"]
    if column in NULLABLE:
        kinds += ["isnull"]
    if column in ("day", "moment"):
        kinds += ["year", "month", "day"]
    if column == "label":
        kinds += ["text", "text"]
    match draw.choice(kinds):
        case "exact":
            return [column, value]
        case "in":
            return [f"{column}__in", draw.sample(VALUES[column], draw.randint(1, 2))]
        case "range":
            return [f"{column}__range", draw.sample(VALUES[column], 2)]
        case "isnull":
            return [f"{column}__isnull", draw.random() < 0.5]
        case "year":
            return [f"{column}__year", draw.choice([1969, 2000, 2024, 2025])]
        case "month" | "day" as part:
            return [f"{column}__{part}", draw.choice([1, 2, 12, 29, 31])]
        case "text":
            # Without a letter of two cases: SQLite's LIKE ignores the case of some, which other databases do not.
            lookup = draw.choice(["contains", "startswith", "endswith"])
            return [f"label__{lookup}", draw.choice(["%", "_", "\\", "日", "🦀", ",", "42", "100%"])]
        case comparison:
            return [f"{column}__{comparison}", value]


def condition(draw: random.Random, depth: int = 2) -> list[Any]:
    kind = draw.choice(["one", "one", "and", "or", "not"]) if depth else "one"
    if kind == "one":
        return one(draw)
    if kind == "not":
        return ["not", condition(draw, depth - 1)]
    return [kind, *(condition(draw, depth - 1) for _ in range(2))]


def describe(draw: random.Random) -> Description:
    steps: list[list[Any]] = []
    for _ in range(draw.choice([0, 1, 1, 1, 2])):
        steps.append([draw.choice(["filter", "filter", "exclude"]), condition(draw)])
    ordered = draw.random() < 0.6
    if ordered:
        # The key makes the order total, so that there is one right answer.
        columns = draw.sample([column for column in SORTED if column != "id"], draw.choice([0, 1, 1, 2]))
        steps.append(["order_by", [draw.choice(["", "-"]) + column for column in [*columns, "id"]]])
    reversed_ = draw.random() < 0.2
    if reversed_:
        steps.append(["reverse", None])
    ends = [["list"], ["list"], ["count"], ["exists"], ["first"], ["values_list", ["id", "number", "label"]]]
    sliced = draw.random() < 0.35
    if sliced:
        for _ in range(draw.choice([1, 1, 2])):
            start = draw.choice([None, 0, 1, 3, 19, 25])
            steps.append(["slice", [start, draw.choice([None, (start or 0) + draw.choice([0, 1, 5, 31])])]])
    else:
        ends += [["last"], ["get", draw.randint(1, 62)], ["in_bulk", draw.sample(range(1, 66), 4)]]
        # Django reverses these, too, after `reverse()`, although they have an order of their own.
        if not reversed_:
            ends += [["latest", ["number", "id"]], ["earliest", ["-id"]]]
    return {"steps": steps, "end": draw.choice(ends)}


def smaller(described: Description) -> Iterator[Description]:
    """The descriptions that are one part shorter."""
    steps = described["steps"]
    for place, (name, argument) in enumerate(steps):
        yield {**described, "steps": steps[:place] + steps[place + 1 :]}
        if name in ("filter", "exclude"):
            for part in _smaller_condition(argument):
                yield {**described, "steps": [*steps[:place], [name, part], *steps[place + 1 :]]}
        if name == "order_by" and len(argument) > 1:
            yield {**described, "steps": [*steps[:place], [name, argument[1:]], *steps[place + 1 :]]}


def _smaller_condition(described: list[Any]) -> Iterator[list[Any]]:
    kind, *rest = described
    if kind in ("and", "or", "not"):
        yield from rest
        for place, part in enumerate(rest):
            for shorter in _smaller_condition(part):
                yield [kind, *rest[:place], shorter, *rest[place + 1 :]]


def _span(text: str) -> datetime.timedelta:
    days, _, clock = text.rpartition(" ")
    hours, minutes, seconds = clock.split(":")
    return datetime.timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


_TYPES: dict[str, Any] = {
    "price": Decimal,
    "day": datetime.date.fromisoformat,
    "moment": lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")),
    "span": _span,
    "clock": datetime.time.fromisoformat,
    "code": uuid.UUID,
    "maker": uuid.UUID,
}


def typed(lookup: str, value: Any) -> Any:
    """The value as a Python program would write it."""
    column, _, operation = lookup.partition("__")
    if column not in _TYPES or operation in ("isnull", "year", "month", "day"):
        return value
    if isinstance(value, list):
        return [_TYPES[column](one) for one in value]
    return _TYPES[column](value)
