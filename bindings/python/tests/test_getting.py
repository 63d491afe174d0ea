"""``Model.objects.get`` of one value makes no queryset; what it asks, gives and raises is what a queryset's ``get`` does."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncManager, AsyncQuerySet, Manager, QuerySet
from django_api_orm.testserver import TestServer
from pydantic import BaseModel, Field
from test_writes import model, settle

ROWS = [{"id": number, "name": f"n{number}", "rank": number % 3, "shownAs": number} for number in range(1, 10)]


class Row(BaseModel):
    id: int | None = None
    name: str
    rank: int
    shown: int = Field(alias="shownAs")


BASES = [(APIModel, Manager, QuerySet), (AsyncAPIModel, AsyncManager, AsyncQuerySet)]
LOOKUPS: list[dict[str, Any]] = [
    {"id": 7},
    {"pk": 7},
    {"id": "7"},
    {"name": "n3"},
    {"shown": 4},
    {"id": 70},
    {"rank": 1},
    {"rank__gt": 1},
    {"name": None},
    {"id": 2**70},
    {"id": True},
    {"name": "ü"},
    {"name": "\ud800"},
    {"nme": 1},
    {"id": 7, "name": "n7"},
]


async def outcome(server: TestServer, ask: Any, lookups: dict[str, Any]) -> tuple[Any, list[str]]:
    server.reset()
    try:
        row = await settle(ask(**lookups))
        told: Any = (type(row), row.id, row.name, row._client)
    except Exception as error:
        told = (type(error), str(error))
    # A probe asks for a value that no row has.
    return told, [re.sub(r"\d{6,}", "#", target) for _, target, _ in server.requests()]


@pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
@pytest.mark.parametrize(("base", "manager", "queryset"), BASES)
@pytest.mark.parametrize("lookups", LOOKUPS, ids=str)
def test_it_is_a_querysets_get(base, manager, queryset, lookups):
    with TestServer({"things": ROWS}) as server:

        async def main():
            one, other = (model(server, Row, base) for _ in range(2))
            given, asked = await outcome(server, one.objects.get, lookups)
            expected, usual = await outcome(server, other.objects.all().get, lookups)
            assert asked == usual
            if given[0] is one:
                assert expected[0] is other and given[1:3] == expected[1:3] and given[3]._engine is not None
            elif issubclass(given[0], one.DoesNotExist) or issubclass(given[0], one.MultipleObjectsReturned):
                assert given[1] == expected[1] and given[0].__qualname__ == expected[0].__qualname__
            else:
                assert given == expected

        asyncio.run(main())


@pytest.mark.parametrize(("base", "manager", "queryset"), BASES)
def test_what_the_program_overrides_has_its_say(base, manager, queryset):
    class Low(manager):
        def get_queryset(self):
            return super().get_queryset().filter(rank=0)

    class Named(queryset):
        def get(self, *args, **kwargs):
            return super().get(*args, name=kwargs["id"])

    class Second(queryset):
        def filter(self, *args, **kwargs):
            return super().filter(id=2)

    with TestServer({"things": ROWS}) as server:
        thing = model(server, Row, base)
        thing.low, thing.named, thing.second = Low(), Named.as_manager(), Second.as_manager()

        async def main():
            assert (await settle(thing.low.get(name="n3"))).id == 3
            with pytest.raises(thing.DoesNotExist):
                await settle(thing.low.get(name="n4"))
            assert (await settle(thing.named.get(id="n5"))).id == 5
            assert (await settle(thing.second.get(id=5))).id == 2

        asyncio.run(main())


@pytest.mark.parametrize(("base", "manager", "queryset"), BASES)
def test_another_collection_and_another_client(base, manager, queryset):
    with TestServer({"things": ROWS, "others": [{**ROWS[0], "name": "other"}]}) as server:
        thing = model(server, Row, base)

        async def main():
            other = await settle(thing.objects.at("/api/v1/others/").get(id=1))
            assert other.name == "other" and other._at() == "/api/v1/others/"
            client = thing.objects.client
            mine = client.with_auth(auth=orm.BearerAuth("mine"))
            row = await settle(thing.objects.using(mine).get(id=1))
            assert row._client is mine and row.name == "n1"

        asyncio.run(main())


@pytest.mark.parametrize(("base", "manager", "queryset"), BASES)
def test_no_queryset_is_made(base, manager, queryset, monkeypatch):
    with TestServer({"things": ROWS}) as server:
        thing = model(server, Row, base)
        monkeypatch.setattr(manager, "_query", None)

        async def main():
            assert (await settle(thing.objects.get(id=7))).name == "n7"

        asyncio.run(main())


@pytest.mark.parametrize(("base", "manager", "queryset"), BASES)
def test_a_get_that_a_test_replaces(base, manager, queryset, monkeypatch):
    with TestServer({"things": ROWS}) as server:
        thing = model(server, Row, base)

        async def later(self, **kwargs):
            return "replaced"

        monkeypatch.setattr(queryset, "get", later)
        assert asyncio.run(settle(thing.objects.get(id=7))) == "replaced"
        assert server.requests() == []


@pytest.mark.parametrize(("base", "manager", "queryset"), BASES)
def test_create_makes_no_queryset_and_what_the_program_overrides_has_its_say(base, manager, queryset):
    started = []

    class Counted(manager):
        def get_queryset(self):
            started.append(1)
            return super().get_queryset()

    class Named(queryset):
        def create(self, **kwargs):
            return super().create(**{**kwargs, "name": "always"})

    with TestServer({"things": ROWS, "others": []}) as server:
        thing = model(server, Row, base)
        thing.counted, thing.named = Counted(), Named.as_manager()

        async def main():
            new = {"name": "new", "rank": 1, "shown": 2}
            row = await settle(thing.objects.create(**new))
            assert (type(row), row.name, row.shown, row.changes()) == (thing, "new", 2, {}) and row.id is not None
            assert row._client is thing.objects.client
            assert (await settle(thing.objects.get(id=row.id))).name == "new"
            assert (await settle(thing.counted.create(**new))).name == "new" and started == [1]
            assert (await settle(thing.named.create(**new))).name == "always"
            other = await settle(thing.objects.at("/api/v1/others/").create(**new))
            assert other._at() == "/api/v1/others/"
            with pytest.raises(orm.FieldError):
                await settle(thing.objects.create(**new, nme=1))

        asyncio.run(main())
