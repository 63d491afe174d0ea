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
    "extra": [{}, {"a": 1}, {"a": "one"}, {"b": {"c": True}}, {"a": [1, 2]}],
    "extra__a": [1, "one", 2],
    "maker__name": ["Ann", "bob", "Émile", "Eve"],
    "origin__name": ["new", "old", "sold", "lost"],
    "marks": [1, 2, 3],
    "marks__name": ["new", "old", "sold", "lost"],
}
COMPARED = ["exact", "in", "gt", "gte", "lt", "lte", "range"]
TEXT = ["exact", "in", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"]
DATE = ["year", "month", "day", "week_day"]
CLOCK = ["hour", "minute", "second"]
#: What each column is looked up by: every kind of column with every lookup that the package and the ORM have for it.
LOOKUPS: dict[str, list[str]] = {
    "id": COMPARED,
    "label": [*TEXT, "regex", "iregex"],
    "slug": TEXT,
    "number": [*COMPARED, "isnull"],
    "ratio": [*COMPARED, "isnull"],
    "price": [*COMPARED, "isnull"],
    "day": [*COMPARED, *DATE, "isnull"],
    "moment": [*COMPARED, *DATE, *CLOCK, "date", "isnull"],
    "span": [*COMPARED, "isnull"],
    "clock": [*COMPARED, *CLOCK, "isnull"],
    "code": ["exact", "in", "isnull"],
    "grade": ["exact", "in", "iexact", "isnull"],
    "sound": ["exact", "isnull"],
    "extra": ["exact"],
    "extra__a": ["exact", "in"],
    "maker": ["exact", "in", "isnull"],
    "maker__name": ["exact", "in", "startswith"],
    "team": ["exact", "in", "isnull"],
    "origin": ["exact", "in", "isnull"],
    "origin__name": ["exact", "in", "startswith"],
    "marks": ["exact", "in"],
    "marks__name": ["exact"],
}
#: Every column with every lookup.
PAIRS = [(column, lookup) for column, lookups in LOOKUPS.items() for lookup in lookups]
#: What the server sorts by, where it sorts.
SORTED = ["id", "label", "number", "ratio", "price", "day", "moment", "span", "clock", "grade"]
#: Parts of texts. Those without a letter of two cases: SQLite's LIKE ignores the case of some, which other databases do not; in
#: a lookup that ignores case, letters whose case every database knows.
PARTS = {
    "contains": ["%", "_", "\\", "日", "🦀", ",", "42", "100%"],
    "icontains": ["APP", "tree", "CRAB", "Tru", "-4", "日"],
    "slug": ["-4", "specimen-", "7"],
    "regex": ["^[a-z]+$", r"\d", "^日", "e$", "^.{5}$"],
    "iexact": ["APPLE", "pear TREE", "SPECIMEN-7", "F", "Null"],
    "year": [1969, 2000, 2024, 2025],
    "month": [1, 2, 6, 12],
    "day": [1, 29, 31, 12],
    "week_day": [1, 2, 3, 4, 5, 6, 7],
    "hour": [0, 9, 12, 23],
    "minute": [0, 30, 59],
    "second": [0, 15, 59],
    "date": ["2024-01-01", "2024-02-29", "2024-12-31", "1969-12-31"],
}
#: Values of any kind that `values_list` gives.
SHOWN = [column for column in VALUES if "__" not in column and column not in ("marks", "team", "origin", "extra")]
ENDS = ["list", "count", "exists", "first", "values_list", "last", "get", "in_bulk", "latest", "earliest"]


def one(draw: random.Random, pair: tuple[str, str] | None = None) -> list[Any]:
    """A single lookup, of this column by this, if that is said."""
    column, lookup = pair or draw.choice(PAIRS)
    if lookup == "exact":
        return [column, draw.choice(VALUES[column])]
    if lookup == "in":
        return [f"{column}__in", draw.sample(VALUES[column], draw.randint(1, 2))]
    if lookup == "range":
        return [f"{column}__range", draw.sample(VALUES[column], 2)]
    if lookup == "isnull":
        return [f"{column}__isnull", draw.random() < 0.5]
    if lookup in PARTS and lookup not in ("contains", "icontains"):
        values = PARTS[lookup]
    elif lookup == "iregex":
        values = ["^APPLE$", "TREE", r"\d"]
    elif lookup.startswith("i"):
        values = PARTS["icontains"]
    elif column.endswith("__name"):
        values = ["n", "A", "É", "so"]
    elif lookup in ("contains", "startswith", "endswith"):
        values = PARTS["slug" if column == "slug" else "contains"]
    else:
        values = VALUES[column]
    return [f"{column}__{lookup}", draw.choice(values)]


def condition(draw: random.Random, pair: tuple[str, str] | None = None, depth: int = 2) -> list[Any]:
    """A tree of lookups, in which this column is looked up by this, if that is said."""
    kind = draw.choice(["one", "one", "and", "or", "not"]) if depth else "one"
    if kind == "one":
        return one(draw, pair)
    if kind == "not":
        return ["not", condition(draw, pair, depth - 1)]
    parts = [condition(draw, pair, depth - 1), condition(draw, None, depth - 1)]
    return [kind, *draw.sample(parts, 2)]


def cases(name: str, number: int, first: int = 0) -> Iterator[Description]:
    """So many querysets, the same for a name each time. Lookups and ends come in turn, from that of the `first` case on."""
    draw = random.Random(name)
    pairs = random.Random("pairs").sample(PAIRS, len(PAIRS))
    keys = [sign + column for column in SORTED for sign in ("", "-")]
    for case in range(first, first + number):
        key = keys[case // 2 % len(keys)] if case % 2 else None
        yield describe(draw, pairs[case % len(pairs)], ENDS[case // 3 % len(ENDS)], key)


def describe(draw: random.Random, pair: tuple[str, str], wanted: str, key: str | None) -> Description:
    """A queryset with this lookup, ordered by this key if there is one, and with this end if it fits."""
    steps: list[list[Any]] = []
    for number in range(draw.choice([1, 1, 1, 2])):
        steps.append([draw.choice(["filter", "filter", "exclude"]), condition(draw, None if number else pair)])
    if key is not None:
        # The primary key makes the order total, so that there is one right answer.
        first = key.removeprefix("-")
        others = [column for column in SORTED if column not in ("id", first)]
        columns = [draw.choice(["", "-"]) + column for column in [*draw.sample(others, draw.choice([0, 0, 1])), "id"]]
        steps.append(["order_by", [key] if first == "id" else [key, *columns]])
    reversed_ = draw.random() < 0.2
    if reversed_:
        steps.append(["reverse", None])
    ends = [["list"], ["list"], ["count"], ["exists"], ["first"], ["values_list", draw.sample(SHOWN, 3)]]
    sliced = draw.random() < 0.35 and wanted not in ENDS[5:]
    if sliced:
        for _ in range(draw.choice([1, 1, 2])):
            start = draw.choice([None, 0, 1, 3, 19, 25])
            steps.append(["slice", [start, draw.choice([None, (start or 0) + draw.choice([0, 1, 5, 31])])]])
    else:
        ends += [["last"], ["get", draw.randint(1, 62)], ["in_bulk", draw.sample(range(1, 66), 4)]]
        # Django reverses these, too, after `reverse()`, although they have an order of their own.
        if not reversed_:
            ends += [["latest", ["number", "id"]], ["earliest", ["-id"]]]
    fitting = [end for end in ends if end[0] == wanted]
    return {"steps": steps, "end": draw.choice(fitting or ends)}


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
    if column not in _TYPES or operation in ("isnull", *DATE, *CLOCK) or operation.startswith("name"):
        return value
    if operation == "date":
        return datetime.date.fromisoformat(value)
    if isinstance(value, list):
        return [_TYPES[column](one) for one in value]
    return _TYPES[column](value)
