"""Servers whose answers do not prove what they seem to: rows that show another form than filters take, and empty answers."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    BulkWriteError,
    IgnoredError,
    Q,
    ServiceClient,
    UnsavedError,
    UnsupportedError,
    register_async_models,
    register_models,
)
from django_api_orm.testserver import TestServer
from pydantic import BaseModel

LABELS = {"shows": {"status": {"label": {"A": "Active", "D": "Done"}}}}
EQUALITY = {"unknown": "equality", "filters": {"exact": "{field}"}, "ordering": None}


class TaskSchema(BaseModel):
    id: int | None = None
    title: str
    status: str = "A"
    views: int | None = None


def tasks():
    return [
        {"id": key, "title": f"A title of number {key:02}", "status": "AD"[key % 3 == 0], "views": 10 * key}
        for key in range(1, 31)
    ]


@contextmanager
def served(shape, rows=None, **settings):
    class Task(APIModel):
        _schema_class = TaskSchema
        _endpoint = "/api/v1/tasks/"

    with TestServer({"tasks": rows or tasks()}, shape=shape) as server, ServiceClient(server.base_url, **settings) as client:
        register_models(client, Task)
        yield Task.objects, server


def writes(server):
    return [method for method, _, _ in server.requests() if method != "GET"]


@pytest.mark.parametrize("settings", [{}, {"on_ignored": "error"}])
def test_a_label_is_no_proof_that_the_filter_is_ignored(settings):
    done = list(range(3, 31, 3))
    with served(LABELS, **settings) as (objects, _):
        assert [task.id for task in objects.filter(status="D")] == done
        assert objects.filter(status="D").count() == 10
        assert objects.filter(status="D").exists()
        assert not objects.filter(status="X").exists()
        assert objects.get(status="D", id=9).id == 9
        assert [task.id for task in objects.filter(status="D")[4:7]] == [15, 18, 21]
    with served(LABELS, **settings) as (objects, _):
        assert objects.filter(status="D").count() == 10
    with served(LABELS, **settings) as (objects, _):
        assert objects.filter(status="D").last().id == 30


def test_nothing_is_evaluated_on_numbers_that_were_rounded():
    class GoodSchema(BaseModel):
        id: int | None = None
        price: Decimal

    class Good(APIModel):
        _schema_class = GoodSchema
        _endpoint = "/api/v1/goods/"

    goods = [{"id": 1, "price": "1.00"}, {"id": 2, "price": "1.04"}]
    shape = {"shows": {"price": {"rounded": 1}}}
    with TestServer({"goods": goods}, shape=shape) as server, ServiceClient(server.base_url) as client:
        register_models(client, Good)
        for query in (Good.objects.exclude(price__gt=1), Good.objects.exclude(price=Decimal("1.00"))):
            with pytest.raises(UnsupportedError, match="another form"):
                list(query)
            with pytest.raises(UnsupportedError):
                query.delete()
        assert writes(server) == []


@pytest.mark.parametrize("way", ["save", "update", "update_or_create", "bulk_update"])
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_label_of_what_was_sent_is_no_loss(way, is_kept):
    class Task(APIModel):
        _schema_class = TaskSchema
        _endpoint = "/api/v1/tasks/"
        _filter_fields = ("id", "status")

    shape = {"shows": {"status": {"label": {"pub": "Published", "dra": "Draft"}}}, "drops": ["status"]}
    rows = [{"id": 1, "title": "one", "status": "pub" if is_kept else "dra"}]
    with TestServer({"tasks": rows}, shape=shape) as server, ServiceClient(server.base_url) as client:
        register_models(client, Task)

        def write():
            if way == "update":
                Task.objects.filter(id=1).update(status="pub")
            elif way == "update_or_create":
                Task.objects.update_or_create({"status": "pub"}, id=1)
            else:
                row = Task.objects.get(id=1)
                row.status = "pub"
                row.save() if way == "save" else Task.objects.bulk_update([row], ["status"])

        if is_kept:
            write()
        else:
            with pytest.raises(BulkWriteError if way in ("update", "bulk_update") else UnsavedError, match="did not keep"):
                write()
        assert writes(server) == ["PATCH"]


@pytest.mark.parametrize("is_known", [True, False])
def test_nothing_is_evaluated_on_a_label(is_known):
    with served(LABELS) as (objects, _):
        if is_known:
            assert len(objects.filter(status="D")) == 10
        with pytest.raises(UnsupportedError, match="another form"):
            list(objects.exclude(status="A"))


def test_writes_by_a_label():
    with served(LABELS) as (objects, server):
        task, created = objects.get_or_create(status="D", id=9, defaults={"title": "x"})
        assert (task.id, created) == (9, False)
        with pytest.raises(UnsupportedError, match="another form"):
            objects.update_or_create(status="D", id=9, defaults={"title": "x"})
        with pytest.raises(UnsupportedError, match="another form"):
            objects.filter(status="D").update(title="x")
        assert writes(server) == []
        for expected in (True, False):
            task, created = objects.get_or_create(status="D", title="new", defaults={"views": 1})
            assert (task.id, created) == (31, expected)
        assert writes(server) == ["POST"]


def test_null_is_no_label():
    """What a field shows in other words tells nothing of what was kept; but null has none, and no value is shown as null."""

    class Thing(APIModel):
        class _schema_class(BaseModel):
            id: int | None = None
            kind: str | None = None

        _endpoint = "/api/v1/things/"

    rows = [{"id": 1, "kind": "a"}, {"id": 2, "kind": None}, {"id": 3, "kind": "b"}]
    shape = {"shows": {"kind": {"label": {"a": "Kind a", "b": "Kind b"}}}, "drops": ["kind"]}
    with TestServer({"things": rows}, shape=shape) as server, ServiceClient(server.base_url) as client:
        register_models(client, Thing)
        assert Thing.objects.filter(kind="a").count() == 1
        for key, kind in ((1, None), (2, "a")):
            thing = Thing.objects.get(id=key)
            thing.kind = kind
            with pytest.raises(UnsavedError, match="kind"):
                thing.save()
        # Its label may be that of the code which the row has.
        thing = Thing.objects.get(id=1)
        thing.kind = "a"
        thing.save()


def test_a_shortened_text():
    with served({"shows": {"title": {"shortened": 9}}}) as (objects, server):
        assert objects.filter(title="A title of number 07").count() == 1
        assert objects.get(title="A title of number 07").id == 7
        task, created = objects.get_or_create(title="A title of number 07", defaults={"status": "A"})
        assert (task.id, created) == (7, False)
        assert objects.filter(title__icontains="NUMBER 1").count() == 10
        assert writes(server) == []


@pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
@pytest.mark.parametrize(
    ("lookups", "expected"),
    [
        ({"views__gte": 200}, 11),
        ({"views__lt": 40}, 3),
        ({"views__range": (40, 60)}, 3),
        ({"views__in": [40, 60]}, 2),
        ({"views__isnull": False}, 30),
        ({"title__icontains": "NUMBER 1"}, 10),
        ({"title__startswith": "A title"}, 30),
    ],
)
def test_a_filter_that_the_server_never_had(lookups, expected):
    with served(EQUALITY) as (objects, _):
        assert objects.filter(**lookups).count() == expected
        assert len(objects.filter(**lookups)) == expected
    with served(EQUALITY) as (objects, _):
        assert objects.filter(**lookups).exists()
    with served(EQUALITY, on_ignored="error") as (objects, _), pytest.raises(IgnoredError, match=next(iter(lookups))):
        list(objects.filter(**lookups))


@pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
def test_an_order_that_the_server_never_had():
    with served(EQUALITY) as (objects, _):
        assert objects.order_by("-views").first().id == 30
        assert [task.id for task in objects.order_by("-id")[:2]] == [30, 29]


def test_an_empty_answer_of_django_rest_framework_is_believed():
    with served({}) as (objects, server):
        server.reset()
        for requests in (1, 2, 3):
            assert not objects.filter(views__gte=1000).exists()
            assert len(server.requests()) == requests


def test_an_empty_answer_of_another_server_is_doubted_once():
    with served({"unknown": 400}) as (objects, server):
        server.reset()
        # The size is doubted, and the parameter, which the least number shows to be known.
        for requests in (3, 4, 5):
            assert not objects.filter(views__gte=1000).exists()
            assert len(server.requests()) == requests


@pytest.mark.parametrize("pages", ["whole", "page_number"])
def test_no_row_is_created_because_a_size_was_taken_for_a_filter(pages):
    with served({"unknown": "equality", "pages": pages}) as (objects, server):
        _, created = objects.get_or_create(title="A title of number 03")
        assert not created
        _, created = objects.update_or_create(title="A title of number 03", defaults={"views": 7})
        assert not created
        assert "POST" not in writes(server)


@pytest.mark.filterwarnings("ignore::django_api_orm.DataMovedWarning")
@pytest.mark.parametrize("method", ["get_or_create", "update_or_create"])
def test_no_row_is_created_where_the_server_counts_one_and_sends_none(method):
    none = b'{"count": 1, "next": null, "previous": null, "results": []}'
    with served({}) as (objects, server):
        server.fail_next(200, none, {"content-type": "application/json"})
        with pytest.raises(UnsupportedError, match="counts 1 rows"):
            getattr(objects, method)(title="new", defaults={"views": 1})
        assert writes(server) == []
        _, created = getattr(objects, method)(title="new", defaults={"views": 1})
        assert created


@pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
def test_asynchronously():
    class Task(AsyncAPIModel):
        _schema_class = TaskSchema
        _endpoint = "/api/v1/tasks/"

    async def use(shape):
        with TestServer({"tasks": tasks()}, shape=shape) as server:
            async with AsyncServiceClient(server.base_url) as client:
                register_async_models(client, Task)
                return await Task.objects.filter(status="D").count(), await Task.objects.filter(views__gte=200).count()

    assert asyncio.run(use(LABELS)) == (10, 11)
    assert asyncio.run(use(EQUALITY)) == (10, 11)


def test_an_explanation_names_the_probes_that_may_be_made():
    with served({"next": None}) as (objects, server):
        server.reset()
        for query, says in [
            (
                objects.filter(status="D"),
                "where a row does not satisfy it, or does not tell, a probe shows whether the server uses it",
            ),
            (objects.filter(views__gte=200), "if nothing comes, probes show whether the server knows the parameters"),
            (objects.exclude(status="A"), "a probe shows first whether they show values as the server filters by them"),
            (objects.filter(owner=1), "trusted only once a probe shows that the server uses it"),
            (objects.order_by("title"), "where rows raise a doubt about the order, probes settle it"),
            (objects.order_by("title")[:3], "2 to see what the server honours"),
            (objects.filter(status="D")[5:], "2 to see what the server honours"),
            (objects.all(), "up to 5 more, once, if nothing tells whether the first page is the last one"),
            (objects.all()[:3], "1 more where a first page of a size that was asked for is empty"),
        ]:
            assert says in str(query.explain()), query
            assert "probe" not in str(query.on_ignored("trust").explain()), query
        assert server.requests() == []
        assert len(objects.filter(status="D")) == 10 and len(objects.all()) == 30
        assert "up to 5 more" not in str(objects.all().explain())


def test_a_misspelt_name():
    with served({"ordering": None}) as (objects, _):
        with pytest.raises(UnsupportedError, match=r"`titel`.*did you mean `title`"):
            list(objects.order_by("titel"))
        with pytest.raises(UnsupportedError, match=r"`view`.*did you mean `views`"):
            objects.latest("view")
        with pytest.raises(UnsupportedError, match="did you mean `title`"):
            list(objects.filter(titel="x"))


class GoodSchema(BaseModel):
    id: int | None = None
    price: float | str
    taken: str
    owner: Any = None


GOODS = [
    {"id": key, "price": key + 0.26, "taken": f"2024-05-01T10:{key:02}:30.500000Z", "owner": key % 3 + 1}
    for key in range(1, 31)
]
OWNERS = {"1": "ann", "2": "bob", "3": "eve"}
#: How a field is shown, what filters it, and the keys that the server finds.
SHOWN = {
    "a rounded number": ("price", {"rounded": 1}, {"price": 3.26}, [3]),
    "a rounded number from below": ("price", {"rounded": 1}, {"price__gte": 28.26}, [28, 29, 30]),
    "a rounded number from above": ("price", {"rounded": 1}, {"price__lte": 2.26}, [1, 2]),
    "a time without its fraction": ("taken", {"shortened": 19}, {"taken": "2024-05-01T10:04:30.5Z"}, [4]),
    "after a time without its fraction": ("taken", {"shortened": 19}, {"taken__gte": "2024-05-01T10:28:30.5Z"}, [28, 29, 30]),
    "before a time without its seconds": ("taken", {"shortened": 16}, {"taken__lt": "2024-05-01T10:03:30.5Z"}, [1, 2]),
    "a name for a key": ("owner", {"label": OWNERS}, {"owner": 2}, list(range(1, 31, 3))),
    "an object for a key": ("owner", {"value_and_label": OWNERS}, {"owner": 2}, list(range(1, 31, 3))),
    "a name for one of several keys": (
        "owner",
        {"label": OWNERS},
        {"owner__in": [1, 2]},
        [k for k in range(1, 31) if k % 3 != 2],
    ),
}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("field", "form", "lookups", "expected"), SHOWN.values(), ids=SHOWN)
def test_a_form_that_the_filter_does_not_take(field, form, lookups, expected, kind):
    """Each question first, by a client that knows nothing of the endpoint, and once more with what it has learnt."""
    base, client, register = (
        (APIModel, ServiceClient, register_models)
        if kind == "sync"
        else (AsyncAPIModel, AsyncServiceClient, register_async_models)
    )
    questions = {
        "list": (lambda goods: goods.filter(**lookups), expected),
        "count": (lambda goods: goods.filter(**lookups).count(), len(expected)),
        "exists": (lambda goods: goods.filter(**lookups).exists(), True),
        "first": (lambda goods: goods.filter(**lookups).first(), expected[:1]),
        "last": (lambda goods: goods.filter(**lookups).last(), expected[-1:]),
        "slice": (lambda goods: goods.filter(**lookups)[1:3], expected[1:3]),
        "in_bulk": (lambda goods: goods.filter(**lookups).in_bulk([expected[0]]), [expected[0]]),
        "get": (lambda goods: goods.get(id=expected[0], **lookups), expected[:1]),
        "get_or_create": (lambda goods: goods.get_or_create(id=expected[0], **lookups), (expected[:1], False)),
    }

    async def answer(asked):
        found = await asked if hasattr(asked, "__await__") else asked
        if isinstance(found, tuple):
            return [found[0].id], found[1]
        if isinstance(found, (bool, int)):
            return found
        return list(found) if isinstance(found, dict) else [row.id for row in ([found] if hasattr(found, "id") else found)]

    async def main(server):
        for name, (ask, right) in questions.items():
            good = type("Good", (base,), {"_schema_class": GoodSchema, "_endpoint": "/api/v1/goods/"})
            register(client(server.base_url), good)
            for _ in range(2):
                assert await answer(ask(good.objects)) == right, name
            try:
                others = await answer(good.objects.exclude(**lookups))
            except UnsupportedError:
                continue
            assert others == [key for key in range(1, 31) if key not in expected], name

    with TestServer({"goods": GOODS}, shape={"shows": {field: form}}) as server:
        asyncio.run(main(server))
        assert writes(server) == []


TITLES = ["Ann", "ann", "ANNA", "Bob", "Änn", "änn", "1", "1.0", "01"]


def titled():
    return [{"id": key, "title": title, "status": "A", "views": key} for key, title in enumerate(TITLES, 1)]


@pytest.mark.parametrize(
    "lookups", [{"title__contains": "nn"}, {"title__icontains": "än"}, {"title": "ann"}, {"title__gt": "01"}]
)
def test_exclude_has_the_rows_that_filter_has_not(lookups):
    with served({}, titled()) as (objects, server):
        found = {task.id for task in objects.filter(**lookups)}
        for _ in range(2):
            before = len(server.requests())
            assert {task.id for task in objects.exclude(**lookups)} == set(range(1, 10)) - found
            either = objects.filter(Q(**lookups) | Q(views=99))
            assert {task.id for task in either} == found
        assert len(server.requests()) == before + 2, "it was found out once"


def test_rows_in_another_case_are_written_to_as_they_are_listed():
    with served({}, titled()) as (objects, _):
        assert objects.filter(title__contains="nn").delete() == 5
        assert [task.id for task in objects.order_by("id")] == [4, 7, 8, 9]


def test_a_fraction_is_not_cut_off():
    with served({}, titled()) as (objects, _):
        assert [task.id for task in objects.filter(views__gte=7.5).order_by("id")] == [8, 9]
        assert objects.filter(views__lt=2.5).count() == 2


class BoughtSchema(BaseModel):
    id: int | None = None
    day: str


class Bought(APIModel):
    _schema_class = BoughtSchema
    _endpoint = "/api/v1/goods/"


@pytest.mark.parametrize("asked", [date(2024, 5, 3), "2024-05-03"])
def test_a_day_as_people_write_it_is_evaluated_on_no_row(asked):
    """The server filters and sorts by `2024-05-03`, and shows `03.05.2024`."""
    days = [f"2024-{month:02}-03" for month in range(1, 13)]
    label = {day: f"03.{day[5:7]}.2024" for day in days}
    goods = [{"id": key, "day": day} for key, day in enumerate(days, 1)]
    shape = {"shows": {"day": {"label": label}}}
    with TestServer({"goods": goods}, shape=shape) as server, ServiceClient(server.base_url) as client:
        register_models(client, Bought)
        for evaluated in (
            lambda: list(Bought.objects.exclude(day=asked)),
            lambda: Bought.objects.exclude(day=asked).count(),
            lambda: list(Bought.objects.filter(Q(day=asked) | Q(id=1))),
            lambda: Bought.objects.exclude(day=asked).delete(),
        ):
            with pytest.raises(UnsupportedError, match="day"):
                evaluated()
        assert writes(server) == []
        assert [good.day for good in Bought.objects.filter(day=asked)] == ["03.05.2024"]
