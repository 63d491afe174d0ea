"""The queries of the matrix, each with its answer said once more as plain conditions on the rows of the fixture."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django_api_orm import Q

Condition = Callable[[Any], Any]


@dataclasses.dataclass
class Plan:
    """A query and what it should find."""

    name: str
    condition: Condition
    #: A manager's query.
    query: Callable[[Any], Any]
    #: Where the server's text lookups know less of letters than those here.
    on_the_server: Condition | None = None
    #: The part of the condition that the server is asked for, where that is not all of it.
    asked: Condition | None = None
    #: Sorts the rows of the fixture, which stand in the order of their keys.
    order: Callable[[list[Any]], list[Any]] = list
    part: slice | None = None

    def _condition(self, honoured: bool) -> Condition:
        return self.on_the_server if honoured and self.on_the_server else self.condition

    def expected(self, items: list[Any], honoured: bool) -> list[int]:
        """The ids that the query should find."""
        condition = self._condition(honoured)
        rows = self.order([item for item in items if condition(item)])
        return [row.id for row in rows[self.part or slice(None)]]

    def rows_on_the_server(self, items: list[Any]) -> int:
        """How many rows a server that honours its filters has for what it is asked."""
        condition = self.asked or self._condition(honoured=True)
        return sum(1 for item in items if condition(item))


def by(key: Callable[[Any], Any], *, down: bool = False, ties_down: bool = False) -> Callable[[list[Any]], list[Any]]:
    """Sorts by a key, and by the primary key where that is the same. Nulls are the smallest."""

    def null_is_smallest(row: Any) -> tuple[bool, Any]:
        value = key(row)
        return (value is not None, 0 if value is None else value)

    def order(rows: list[Any]) -> list[Any]:
        by_pk = sorted(rows, key=lambda row: row.id, reverse=ties_down)
        # Sorting backwards keeps the order of equals too.
        return sorted(by_pk, key=null_is_smallest, reverse=down)

    return order


def folded(item: Any) -> str:
    return item.name.lower()


def folded_in_sql(item: Any) -> str:
    """As SQLite folds: ASCII only."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in item.name)


def is_toy_or_low(item: Any) -> bool:
    return (item.kind == "toy" or item.rank is None or item.rank <= 3) and item.price < 500


NOON = datetime.datetime(2023, 8, 12, 11, 0, 0, 1, tzinfo=datetime.timezone.utc)

LOOKUPS = [
    Plan("everything", lambda item: True, lambda items: items.all()),
    Plan("key", lambda item: item.id == 77, lambda items: items.filter(id=77)),
    Plan(
        "keys, one of them nobody's",
        lambda item: item.id in (1, 5, 130),
        lambda items: items.filter(id__in=[5, 130, 5000, 1]),
    ),
    Plan("no key", lambda item: False, lambda items: items.filter(id__in=[])),
    Plan("a bound that only later pages violate", lambda item: item.id < 65, lambda items: items.filter(id__lt=65)),
    Plan("two bounds", lambda item: 21 <= item.id < 45, lambda items: items.filter(id__gt=20, id__lt=45)),
    Plan("no row", lambda item: False, lambda items: items.filter(id__gt=1000)),
    Plan("number", lambda item: item.rank == 8, lambda items: items.filter(rank=8)),
    Plan("numbers", lambda item: item.rank in (-3, 0, 16), lambda items: items.filter(rank__in=[-3, 0, 16])),
    Plan(
        "less, and no null",
        lambda item: item.rank is not None and item.rank < 3,
        lambda items: items.filter(rank__lt=3),
    ),
    Plan("between", lambda item: item.rank in (3, 4, 5), lambda items: items.filter(rank__gte=3, rank__lte=5)),
    Plan(
        "between, which is no filter of the server",
        lambda item: item.rank in (0, 1, 2, 3),
        lambda items: items.filter(rank__range=(0, 3)),
    ),
    Plan("null", lambda item: item.rank is None, lambda items: items.filter(rank__isnull=True)),
    Plan("not null", lambda item: item.rank is not None, lambda items: items.filter(rank__isnull=False)),
    Plan("decimal", lambda item: item.price == 97, lambda items: items.filter(price=Decimal("97.0"))),
    Plan(
        "greater than a decimal",
        lambda item: item.price > Decimal("900.5"),
        lambda items: items.filter(price__gt=Decimal("900.5")),
    ),
    Plan("flag", lambda item: item.flag, lambda items: items.filter(flag=True)),
    Plan(
        "before a time",
        lambda item: item.seen_at is not None and item.seen_at < NOON,
        lambda items: items.filter(seen_at__lt=NOON),
    ),
    Plan(
        "year",
        lambda item: item.seen_at is not None and item.seen_at.year == 2024,
        lambda items: items.filter(seen_at__year=2024),
    ),
    Plan(
        "no time, which is no filter of the server",
        lambda item: item.seen_at is None,
        lambda items: items.filter(seen_at__isnull=True),
    ),
]

TEXTS = [
    Plan("text", lambda item: item.name == "zebra", lambda items: items.filter(name="zebra")),
    Plan("text that is not ASCII", lambda item: item.name == "日本酒", lambda items: items.filter(name="日本酒")),
    Plan("text in any case", lambda item: folded(item) == "zebra", lambda items: items.filter(name__iexact="zEBRA")),
    Plan(
        "umlauts in any case",
        lambda item: folded(item) == "äpfel",
        lambda items: items.filter(name__iexact="äPFEL"),
        on_the_server=lambda item: folded_in_sql(item) == "äpfel",
    ),
    Plan(
        "part of a text in any case",
        lambda item: "apfel 1" in folded(item),
        lambda items: items.filter(name__icontains="APFEL 1"),
    ),
    Plan(
        "part of a text with umlauts in any case",
        lambda item: "naïve" in folded(item),
        lambda items: items.filter(name__icontains="NAÏVE"),
        on_the_server=lambda item: "naÏve" in folded_in_sql(item),
    ),
    Plan(
        "beginning, which is no filter of the server",
        lambda item: item.name.startswith("Äp"),
        lambda items: items.filter(name__startswith="Äp"),
    ),
    Plan(
        "end in any case, which is no filter of the server",
        lambda item: folded(item).endswith("ökonom"),
        lambda items: items.filter(name__iendswith="öKONOM"),
    ),
    Plan(
        "expression, which is no filter of the server",
        lambda item: item.name.startswith(("Zebra 1", "zebra 1")),
        lambda items: items.filter(name__regex="^[Zz]ebra 1"),
    ),
    Plan("texts", lambda item: item.kind in ("toy", "Tool"), lambda items: items.filter(kind__in=["toy", "Tool"])),
    Plan(
        "texts with a comma",
        lambda item: item.kind in ("toy", "book,map"),
        lambda items: items.filter(kind__in=["toy", "book,map"]),
    ),
    Plan("a text with a comma", lambda item: item.kind == "book,map", lambda items: items.filter(kind="book,map")),
    Plan("empty text", lambda item: item.kind == "", lambda items: items.filter(kind="")),
]

TREES = [
    Plan("not equal keeps nulls", lambda item: item.rank != 8, lambda items: items.filter(~Q(rank=8))),
    Plan(
        "exclude keeps nulls",
        lambda item: item.rank is None or item.rank <= 3,
        lambda items: items.exclude(rank__gt=3),
    ),
    Plan(
        "exclude of two conditions",
        lambda item: not (item.flag and item.rank == 8),
        lambda items: items.exclude(flag=True, rank=8),
    ),
    Plan(
        "exclude of null",
        lambda item: item.rank is not None and item.kind != "toy",
        lambda items: items.exclude(Q(rank__isnull=True) | Q(kind="toy")),
        asked=lambda item: item.rank is not None,
    ),
    Plan(
        "equalities joined by or",
        lambda item: item.rank in (8, -1, 12),
        lambda items: items.filter(Q(rank=8) | Q(rank=-1) | Q(rank=12)),
    ),
    Plan(
        "or of two fields",
        lambda item: item.rank is None or folded(item) == "äpfel",
        lambda items: items.filter(Q(rank__isnull=True) | Q(name__iexact="ÄPFEL")),
    ),
    Plan(
        "two values of one parameter",
        lambda item: False,
        lambda items: items.filter(kind="toy").filter(kind="tool"),
        asked=lambda item: item.kind == "toy",
    ),
    Plan(
        "a filter of the server and one that it lacks",
        lambda item: item.flag and "too" in item.kind.lower(),
        lambda items: items.filter(flag=True, kind__icontains="TOO"),
        asked=lambda item: item.flag,
    ),
    Plan(
        "a tree",
        is_toy_or_low,
        lambda items: items.filter((Q(kind="toy") | ~Q(rank__gt=3)) & Q(price__lt=Decimal(500))),
        asked=lambda item: item.price < 500,
    ),
    Plan(
        "a deeper tree",
        lambda item: not ((item.flag or item.rank is None) and item.kind != "tool"),
        lambda items: items.filter(~((Q(flag=True) | Q(rank__isnull=True)) & ~Q(kind="tool"))),
    ),
]

ORDERS = [
    Plan("down", lambda item: True, lambda items: items.order_by("-id"), order=by(lambda item: item.id, down=True)),
    Plan("decimals up", lambda item: True, lambda items: items.order_by("price"), order=by(lambda item: item.price)),
    Plan(
        "nulls and ties up",
        lambda item: True,
        lambda items: items.order_by("rank", "id"),
        order=by(lambda item: item.rank),
    ),
    Plan(
        "nulls and ties down",
        lambda item: not item.flag,
        lambda items: items.filter(flag=False).order_by("-rank", "id"),
        order=by(lambda item: item.rank, down=True),
    ),
    Plan(
        "names down, ties up",
        lambda item: item.id < 60,
        lambda items: items.filter(id__lt=60).order_by("-name", "id"),
        order=by(lambda item: item.name, down=True),
    ),
    Plan(
        "a key that the server drops, and one that it knows",
        lambda item: item.rank != 8,
        lambda items: items.exclude(rank=8).order_by("kind", "-id"),
        order=by(lambda item: item.kind, ties_down=True),
    ),
    Plan(
        "times, which are no order of the server",
        lambda item: True,
        lambda items: items.order_by("-seen_at", "-id"),
        order=by(lambda item: item.seen_at and item.seen_at.timestamp(), down=True, ties_down=True),
    ),
    Plan(
        "an order turned",
        lambda item: item.flag,
        lambda items: items.filter(flag=True).order_by("rank", "-id").reverse(),
        order=by(lambda item: item.rank, down=True),
    ),
    Plan(
        "no order turned",
        lambda item: item.kind == "tool",
        lambda items: items.filter(kind="tool").reverse(),
        order=by(lambda item: item.id, down=True),
    ),
]

SLICES = [
    Plan("the first rows", lambda item: True, lambda items: items.all()[:7], part=slice(7)),
    Plan("across pages", lambda item: True, lambda items: items.all()[15:55], part=slice(15, 55)),
    Plan("to the end", lambda item: True, lambda items: items.all()[119:], part=slice(119, None)),
    Plan("beyond the end", lambda item: True, lambda items: items.all()[200:], part=slice(200, None)),
    Plan("a slice of a slice", lambda item: True, lambda items: items.all()[10:90][15:100][:30], part=slice(25, 55)),
    Plan(
        "a slice of a filter",
        lambda item: not item.flag,
        lambda items: items.filter(flag=False)[30:50],
        part=slice(30, 50),
    ),
    Plan(
        "a slice of what the first page does not show",
        lambda item: item.id < 65,
        lambda items: items.filter(id__lt=65)[50:],
        part=slice(50, None),
    ),
    Plan(
        "a slice of a condition that no query string can say",
        lambda item: item.rank != 8,
        lambda items: items.exclude(rank=8)[35:45],
        part=slice(35, 45),
    ),
    Plan(
        "a slice of an order",
        lambda item: item.rank is not None and item.rank >= 3,
        lambda items: items.filter(rank__gte=3).order_by("-rank", "id")[15:40],
        order=by(lambda item: item.rank, down=True),
        part=slice(15, 40),
    ),
    Plan(
        "the first rows of an order that the server drops",
        lambda item: True,
        lambda items: items.order_by("-kind", "id")[:30],
        order=by(lambda item: item.kind, down=True),
        part=slice(30),
    ),
    Plan(
        "a slice of no order turned",
        lambda item: True,
        lambda items: items.all().reverse()[10:25],
        order=by(lambda item: item.id, down=True),
        part=slice(10, 25),
    ),
]

PLANS = [*LOOKUPS, *TEXTS, *TREES, *ORDERS, *SLICES]
