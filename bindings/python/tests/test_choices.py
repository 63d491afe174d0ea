"""A server that shows the labels of choices, filters by their codes, and drops what is no choice."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    Q,
    ServiceClient,
    UnsupportedError,
    register_async_models,
    register_models,
)
from pydantic import BaseModel
from serving import Handler, Loopback

LABELS = {"a": "Alpha", "b": "Beta", "c": "Gamma"}

pytestmark = pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")


class Choosing(Handler):
    """Nine things, three of each kind, in pages of four."""

    def do_GET(self):
        sent = dict(parse_qsl(urlsplit(self.path).query))
        rows = [(1 + row, "abc"[row // 3]) for row in range(9)]
        for name in ("kind", "kind__in"):
            codes = sent.get(name, "no").split(",")
            if all(code in LABELS for code in codes):
                rows = [(key, kind) for key, kind in rows if kind in codes]
        start = int(sent.get("offset", 0))
        end = start + min(int(sent.get("limit", 4)), 4)
        shown = [{"id": key, "kind": LABELS[kind]} for key, kind in rows[start:end]]
        following = f"/?limit=4&offset={end}" if end < len(rows) else None
        page = {"count": len(rows), "next": following, "previous": None, "results": shown}
        body = json.dumps(page).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class ThingSchema(BaseModel):
    id: int | None = None
    kind: str


@contextmanager
def things():
    class Thing(APIModel):
        _schema_class = ThingSchema
        _endpoint = "/things/"

    with Loopback(Choosing) as server, ServiceClient(server.base_url) as client:
        register_models(client, Thing)
        yield Thing.objects


def test_a_value_that_is_dropped_says_nothing_of_another_one():
    with things() as objects:
        for none in "zyz":
            assert list(objects.filter(kind=none)) == []
            assert objects.filter(kind=none).count() == 0
        for first, code in zip((1, 4, 7), "abc", strict=True):
            assert [thing.id for thing in objects.filter(kind=code)] == [first, first + 1, first + 2]
            assert objects.filter(kind=code).count() == 3


@pytest.mark.parametrize("asked_before", ["", "z"])
@pytest.mark.parametrize(
    "query",
    [
        lambda objects: objects.exclude(kind="a"),
        lambda objects: objects.exclude(kind__in=["z", "b"]),
        lambda objects: objects.filter(Q(kind="a") | Q(id=9)),
        lambda objects: objects.filter(~Q(kind="c")),
        lambda objects: objects.filter(kind__in=["a", "z"]),
    ],
)
def test_nothing_is_evaluated_on_a_label(query, asked_before):
    with things() as objects:
        for none in asked_before:
            assert len(objects.exclude(kind=none)) == 9
        with pytest.raises(UnsupportedError, match="another form"):
            list(query(objects))
        with pytest.raises(UnsupportedError, match="another form"):
            query(objects).count()


def test_asynchronously():
    class Thing(AsyncAPIModel):
        _schema_class = ThingSchema
        _endpoint = "/things/"

    async def use(query):
        async with AsyncServiceClient(server.base_url) as client:
            register_async_models(client, Thing)
            return await query(Thing.objects)

    async def one_after_the_other(objects):
        return [len(await objects.filter(kind=code)) for code in "zab"]

    with Loopback(Choosing) as server:
        assert asyncio.run(use(one_after_the_other)) == [0, 3, 3]
        for query in (
            lambda objects: objects.exclude(kind="a"),
            lambda objects: objects.filter(kind__in=["a", "z"]).count(),
        ):
            with pytest.raises(UnsupportedError, match="another form"):
                asyncio.run(use(query))
