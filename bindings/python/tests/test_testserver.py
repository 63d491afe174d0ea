"""The test server in the shapes of other APIs, as users start it."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    BadRequestError,
    ServiceClient,
    UnsupportedError,
    register_models,
)
from django_api_orm.testserver import TestServer
from pydantic import BaseModel
from test_writes import model, settle

ROWS = [{"id": key, "name": f"row {key}", "status": "A"} for key in range(1, 6)]


def get(server, path, **params):
    with ServiceClient(server.base_url) as client:
        return client.get(path, params=params)


def test_a_product_by_its_name():
    with TestServer({"things": ROWS}, shape="django_ninja") as server:
        answer = get(server, "/api/things", limit=2).json()
        assert answer == {"count": 5, "items": ROWS[:2]}


def test_a_shape_of_ones_own():
    shape = {
        "path": "/v2/{name}",
        "rows": "data",
        "count": None,
        "next": None,
        "previous": None,
        "shows": {"status": {"label": {"A": "Active"}}},
    }
    with TestServer({"things": ROWS}, shape=shape) as server:
        answer = get(server, "/v2/things", status="A", limit=1).json()
        assert answer == {"data": [{"id": 1, "name": "row 1", "status": "Active"}]}


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("wagtial", "wagtail"),
        ({"pagse": "token"}, "pagse"),
        ({"unknown": "refused"}, "equality"),
        ({"over_max": 9}, "status"),
    ],
)
def test_a_shape_that_there_is_not(shape, words):
    with pytest.raises(ValueError, match=words):
        TestServer({"things": ROWS}, shape=shape)


def test_the_command_line():
    command = [sys.executable, "-m", "django_api_orm.testserver", "--shape", "netbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            url = program.stdout.readline().removeprefix("base URL: ").strip()
            with ServiceClient(url, auth_token=program.stdout.readline().removeprefix("token: ").strip()) as client:
                assert len(client.get("/api/dcim/users/").json()["results"]) == 50
        finally:
            program.terminate()


class ThingSchema(BaseModel):
    id: int | None = None
    name: str


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ("wagtail", "/api/v2/things/"),
        ("kinto", "/v1/buckets/default/collections/things/records"),
        ("json_server", "/things"),
        ("datasette", "/data/things.json"),
        ("fastapi_pagination", "/things"),
        ("django_ninja", "/api/things"),
        ("netbox", "/api/dcim/things/"),
        ("sentry", "/api/0/things/"),
    ],
)
def test_every_row_of_a_product_is_found(shape, path):
    class Thing(APIModel):
        _schema_class = ThingSchema
        _endpoint = path

    rows = [{"id": key, "name": f"thing {key}"} for key in range(1, 131)]
    with TestServer({"things": rows}, shape=shape) as server, ServiceClient(server.base_url) as client:
        register_models(client, Thing)
        assert [thing.id for thing in Thing.objects.all()] == list(range(1, 131))


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ("kinto", "/v1/buckets/default/collections/things/records"),
        ("json_server", "/things"),
        ("datasette", "/data/things.json"),
    ],
)
def test_a_limit_that_is_taken_for_a_filter_leaves_no_row_out(shape, path):
    class Thing(APIModel):
        _schema_class = ThingSchema
        _endpoint = path

    rows = [{"id": key, "name": f"thing {key}"} for key in range(1, 131)]
    questions = {
        "count": (lambda things: things.count(), 130),
        "exists": (lambda things: things.exists(), True),
        "first": (lambda things: things.first().id, 1),
        "last": (lambda things: things.last().id, 130),
        "slice": (lambda things: [thing.id for thing in things.all()[60:63]], [61, 62, 63]),
    }
    with TestServer({"things": rows}, shape=shape) as server:
        for name, (question, answer) in questions.items():
            with ServiceClient(server.base_url) as client:
                register_models(client, Thing)
                assert question(Thing.objects) == answer, name


SILENT = {"next": None, "previous": None, "size": 20}


@pytest.mark.parametrize(
    "shape",
    [
        {"rows": None, "count": None, **SILENT},
        {"rows": "results", "count": None, **SILENT},
        {"rows": "results", "count": None, "page_count": "count", **SILENT},
        {"rows": None, "count": None, "pages": "page_number", "position_parameter": "page", "size_parameter": "size", **SILENT},
        {"rows": None, "count": None, "unknown": 400, **SILENT},
        {"rows": None, "count": None, "unknown": "equality", **SILENT},
        {"rows": None, "count": None, "pages": "whole", **SILENT},
        {"rows": None, "count": None, "pages": "whole", "unknown": 400, **SILENT},
        {"rows": None, "count": None, "pages": "whole", "unknown": "equality", **SILENT},
    ],
    ids=str,
)
def test_a_page_that_does_not_tell_of_others_is_not_the_end(shape):
    class Thing(APIModel):
        _schema_class = ThingSchema
        _endpoint = "/api/v1/things/"

    rows = [{"id": key, "name": f"thing {key}"} for key in range(1, 131)]
    questions = {
        "all": (lambda things: [thing.id for thing in things.all()], list(range(1, 131))),
        "iterator": (lambda things: [thing.id for thing in things.all().iterator()], list(range(1, 131))),
        "count": (lambda things: things.count(), 130),
        "exists": (lambda things: things.exists(), True),
        "first": (lambda things: things.first().id, 1),
        "last": (lambda things: things.last().id, 130),
        "slice": (lambda things: [thing.id for thing in things.all()[60:63]], [61, 62, 63]),
        "nested": (lambda things: [thing.id for thing in things.all()[10:][15:17]], [26, 27]),
    }
    with TestServer({"things": rows}, shape=shape) as server:
        with ServiceClient(server.base_url) as client:
            register_models(client, Thing)
            for name, (question, answer) in questions.items():
                assert question(Thing.objects) == answer, name
        for name, (question, answer) in questions.items():
            with ServiceClient(server.base_url) as client:
                register_models(client, Thing)
                assert question(Thing.objects) == answer, name


def test_a_plain_list_is_probed_once_and_not_where_it_is_declared():
    class Thing(APIModel):
        _schema_class = ThingSchema
        _endpoint = "/api/v1/things/"

    class Declared(Thing):
        _pagination = "none"

    rows = [{"id": key, "name": f"thing {key}"} for key in range(1, 31)]
    shape = {"rows": None, "count": None, "pages": "whole", **SILENT}
    with TestServer({"things": rows}, shape=shape) as server:
        for model, requests in ((Thing, (2, 1)), (Declared, (1, 1))):
            with ServiceClient(server.base_url) as client:
                register_models(client, model)
                for expected in requests:
                    before = client.stats.requests
                    assert len(model.objects.all()) == 30
                    assert client.stats.requests - before == expected, model
                assert model.objects.all().explain().requests(30) == 1


async def answer(asked):
    """A value, or the keys of rows."""
    if hasattr(asked, "__aiter__") and not hasattr(asked, "__await__"):
        return [thing.id async for thing in asked]
    found = await settle(asked)
    if found is None or isinstance(found, (bool, int)):
        return found
    return found.id if hasattr(found, "id") else [thing.id for thing in found]


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ("wagtail", "/api/v2/things/"),
        ("fastapi_pagination", "/things"),
        ({"size": 20, "max_size": 20, "over_max": 400, "unknown": 400}, "/api/v1/things/"),
        ({"size": 20, "max_size": 20, "over_max": 422, "next": None, "previous": None}, "/api/v1/things/"),
        ({"pages": "page_number", "position_parameter": "page", "size_parameter": "size", "unknown": 400}, "/api/v1/things/"),
    ],
    ids=str,
)
@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_what_a_server_refuses_is_left_out(shape, path, base):
    """A size above the server's cap, or a parameter that it does not know, chosen by the library itself."""
    rows = {"things": [{"id": key, "name": f"thing {key}"} for key in range(1, 251)]}
    questions = {
        "slice": (lambda things: things.all()[0:30], list(range(1, 31))),
        "pages": (lambda things: things.all()[0:130], list(range(1, 131))),
        "index": (lambda things: things.all()[100:101], [101]),
        "iterator": (lambda things: things.all().iterator(500), list(range(1, 251))),
        "last": (lambda things: things.last(), 250),
        "count": (lambda things: things.count(), 250),
        "exists": (lambda things: things.exists(), True),
    }

    async def main(server):
        for name, (question, right) in questions.items():
            thing = model(server, ThingSchema, base, path)
            assert await answer(question(thing.objects)) == right, name
            client = thing.objects.client
            requests = client.stats.requests
            assert await answer(question(thing.objects)) == right, name
            assert client.stats.requests - requests <= requests, name

    with TestServer(rows, shape=shape) as server:
        asyncio.run(main(server))


REFUSES = {"unknown": 400, "filters": {"exact": "{field}"}, "ordering": None}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize(("shape", "path"), [("wagtail", "/api/v2/things/"), (REFUSES, "/api/v1/things/")], ids=str)
def test_a_refusal_of_the_query_names_the_declaration_that_helps(shape, path, base):
    """A filter or an order that the server does not know, whatever is asked first."""
    rows = {"things": [{"id": key, "name": f"thing {key}"} for key in range(1, 31)]}
    declare, rename = "declare those that it has", "another name for `ordering`, set `ordering_parameter`"
    refused = {
        "rows": (lambda things: things.filter(id__gte=25).all(), declare),
        "count": (lambda things: things.filter(id__gte=25).count(), declare),
        "slice": (lambda things: things.filter(id__gte=25)[1:2], declare),
        "order": (lambda things: things.order_by("-id").all(), rename),
        "first": (lambda things: things.order_by("-id").first(), rename),
        "last": (lambda things: things.order_by("-id").last(), rename),
    }

    async def main(server):
        for name, (question, says) in refused.items():
            things = model(server, ThingSchema, base, path).objects
            with pytest.raises(BadRequestError, match=says) as error:
                await answer(question(things))
            assert str(error.value).count("refuses the query") == 1, name
        # With the declaration it is evaluated client-side.
        declared = model(server, ThingSchema, base, path, _filter_fields=("id", "name")).objects
        assert await answer(declared.filter(id__gte=25).all()) == list(range(25, 31))
        assert await answer(declared.filter(id__gte=25).count()) == 6
        if shape == "wagtail":
            client = (ServiceClient if base is APIModel else AsyncServiceClient)(server.base_url, ordering_parameter="order")
            assert await answer(client.manager(declared.model).order_by("-id").first()) == 30

    with TestServer(rows, shape=shape) as server:
        asyncio.run(main(server))


def test_an_explanation_counts_the_pages_after_a_refusal():
    class Thing(APIModel):
        _schema_class = ThingSchema
        _endpoint = "/api/v2/things/"

    rows = [{"id": key, "name": f"thing {key}"} for key in range(1, 131)]
    with TestServer({"things": rows}, shape="wagtail") as server, ServiceClient(server.base_url) as client:
        register_models(client, Thing)
        assert len(Thing.objects.all()[:60]) == 60
        told = Thing.objects.all()[:60].explain().requests(130)
        before = client.stats.requests
        assert len(Thing.objects.all()[:60]) == 60
        assert told == client.stats.requests - before


def test_rows_may_come_under_a_name_of_their_own():
    class Task(APIModel):
        _schema_class = ThingSchema
        _endpoint = "/api/tasks"

    with TestServer({"tasks": ROWS}, shape="label_studio") as server, ServiceClient(server.base_url) as client:
        register_models(client, Task)
        assert [task.id for task in Task.objects.all()] == [row["id"] for row in ROWS]
        assert Task.objects.count() == len(ROWS)


def test_more_without_a_way_to_it_is_an_error():
    class Thing(APIModel):
        _schema_class = ThingSchema
        _endpoint = "/api/v1/things/"

    shape = {"pages": "token", "size": 2, "count": None, "next": None, "previous": None, "more": "has_more"}
    with TestServer({"things": ROWS}, shape=shape) as server, ServiceClient(server.base_url) as client:
        register_models(client, Thing)
        with pytest.raises(UnsupportedError, match="more rows follow"):
            list(Thing.objects.all())
