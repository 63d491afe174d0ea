"""One table with a column of every kind, behind every paginator, with every filter or fewer."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from rest_framework import serializers
from rest_framework.viewsets import ModelViewSet

from . import models, pagination
from .filters import COMPARE, filterset

ROWS = 60
LABELS = [
    *[
        "",
        "apple",
        "Apple",
        "APPLE",
        "pear tree",
        "100%",
        "a_b",
        "back\\slash",
        "Émile",
        "E\u0301mile",
    ],
    *["émile", "Straße", "日本", "שלום", "🦀 crab", "x,y", "null", "true", "42", "z" * 80],
]
NUMBERS = [None, 0, 1, -1, 2, 7, 7, 40, 2**31 - 1, -(2**31)]
RATIOS = [None, 0.0, 0.5, -0.5, 1.25, 1e10]
PRICES = [None, *map(Decimal, ["0.000", "1.500", "-1.500", "12.345", "999999999.999", "0.001"])]
DAYS = [None, date(1969, 12, 31), date(2000, 2, 29), date(2024, 1, 1), date(2024, 12, 31)]
MOMENTS = [
    None,
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 30, 15, 500000, tzinfo=UTC),
    datetime(2024, 12, 31, 23, 30, tzinfo=UTC),
]
SPANS = [
    *[None, timedelta(0), timedelta(seconds=90), timedelta(days=1, hours=2)],
    *[timedelta(days=-1, seconds=1), timedelta(days=400, microseconds=5)],
]
CLOCKS = [None, time(0, 0), time(9, 30), time(9, 30, 0, 250000), time(23, 59, 59)]
GRADES = [None, "f", "g", "p"]
EXTRAS = [{}, {"a": 1}, {"a": "one"}, {"a": None}, {"a": [1, 2]}, {"b": {"c": True}}]


def _uuid(number):
    return uuid.UUID(int=number * 0x0123456789ABCDEF0123456789ABCDEF % 2**128)


def make_rows():
    """Fill the tables: each column has its values in turn, each at a pace of its own."""
    makers = models.Maker.objects.bulk_create(
        models.Maker(id=_uuid(n), name=name) for n, name in enumerate(["Ann", "bob", "Émile"], 1)
    )
    marks = models.Mark.objects.bulk_create(
        models.Mark(name=name) for name in ["new", "old", "sold"]
    )
    owners, origins, teams = [None, *makers], [None, *marks], [None, 1, 2, 3]

    def pick(values, n, step):
        return (
            values[n * step % len(values)]
            if len(values) % step
            else values[n // step % len(values)]
        )

    for n in range(ROWS):
        specimen = models.Specimen.objects.create(
            label=pick(LABELS, n, 1),
            slug=f"specimen-{n % 45}",
            number=pick(NUMBERS, n, 3),
            ratio=pick(RATIOS, n, 5),
            price=pick(PRICES, n, 2),
            day=pick(DAYS, n, 3),
            moment=pick(MOMENTS, n, 5),
            span=pick(SPANS, n, 7),
            clock=pick(CLOCKS, n, 2),
            code=None if n % 6 == 0 else _uuid(n % 20),
            grade=pick(GRADES, n, 3),
            sound=pick([None, True, False], n, 2),
            extra=pick(EXTRAS, n, 5),
            maker=pick(owners, n, 3),
            team_id=pick(teams, n // 4, 1),
            origin=pick(origins, n // 3, 1),
        )
        specimen.marks.set(mark for place, mark in enumerate(marks) if n >> place & 1)


class MarkSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.Mark
        fields = ["id", "name"]


class SpecimenSerializer(serializers.ModelSerializer):
    """Related rows as a key (`maker`), a URL (`team`), an object (`origin`), a list (`marks`)."""

    team = serializers.HyperlinkedRelatedField(
        view_name="team-detail", queryset=models.Team.objects.all(), allow_null=True, required=False
    )
    origin = MarkSerializer(read_only=True)

    class Meta:
        model = models.Specimen
        fields = [
            *["id", "label", "slug", "number", "ratio", "price", "day", "moment", "span", "clock"],
            *["code", "grade", "sound", "extra", "maker", "team", "origin", "marks"],
        ]


ORDERED = [*COMPARE, "in", "range", "isnull"]
EVERY_FILTER = filterset(
    models.Specimen,
    id=[*COMPARE, "in", "range"],
    label=["exact", "iexact", "contains", "icontains", "startswith", "endswith", "regex", "in"],
    slug=["exact", "in", "startswith"],
    number=ORDERED,
    ratio=ORDERED,
    price=ORDERED,
    day=[*ORDERED, "year", "month", "day"],
    moment=[*ORDERED, "year", "month", "day", "date"],
    span=[*COMPARE, "isnull"],
    clock=[*COMPARE, "isnull"],
    code=["exact", "in", "isnull"],
    grade=["exact", "in", "isnull"],
    sound=["exact", "isnull"],
    maker=["exact", "in", "isnull"],
    maker__name=["exact", "startswith"],
    team=["exact", "in", "isnull"],
    team__name=["exact"],
    origin=["exact", "isnull"],
    origin__name=["exact"],
    marks__name=["exact"],
)
FEW_FILTERS = filterset(
    models.Specimen, number=["exact", "gte"], label=["icontains"], grade=["exact"], moment=["lt"]
)
COLUMNS = ["id", "label", "number", "ratio", "price", "day", "moment", "span", "clock", "grade"]


class SpecimenViewSet(ModelViewSet):
    queryset = models.Specimen.objects.select_related("origin").prefetch_related("marks")
    serializer_class = SpecimenSerializer
    filterset_class = EVERY_FILTER
    ordering_fields = COLUMNS


def viewsets():
    """Yield (name, viewset) for every paginator: with every filter, with a few, with none."""
    for name, paginator in pagination.every().items():
        paged = {"pagination_class": paginator}
        few = {"filterset_class": FEW_FILTERS, "ordering_fields": ["id", "number"]}
        yield f"{name}-all", type("Specimens", (SpecimenViewSet,), paged)
        yield f"{name}-few", type("FewFilters", (SpecimenViewSet,), paged | few)
        yield f"{name}-off", type("NoFilters", (SpecimenViewSet,), paged | {"filter_backends": []})
