"""What ``latest``, ``contains`` and ``in_bulk`` ask: the engine's operations, as Rust has them."""

from __future__ import annotations

import asyncio
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel
from django_api_orm.testserver import TestServer
from pydantic import BaseModel, ValidationError
from test_writes import model, settle

ROWS = [{"id": number, "name": f"{number:03}" + "x" * 60, "rank": number % 7} for number in range(1, 131)]


class Row(BaseModel):
    id: int | None = None
    name: str
    rank: int


def asked(server: TestServer) -> list[str]:
    targets = [target for _, target, _ in server.requests()]
    server.reset()
    return targets


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_row_is_contained_whatever_the_server_filters_by(base):
    with TestServer({"things": ROWS}, shape={"ignores": ["id"]}) as server:
        thing = model(server, Row, base)

        async def main():
            row = await settle(thing.objects.get(name=ROWS[6]["name"]))
            asked(server)
            assert await settle(thing.objects.contains(row)) is True
            assert asked(server) == ["/api/v1/things/7/"]

        asyncio.run(main())


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_what_is_asked(base):
    with TestServer({"things": ROWS}) as server:
        thing = model(server, Row, base)

        async def main():
            row = await settle(thing.objects.get(id=7))
            ranked = thing.objects.filter(rank=0)
            assert [await settle(rows.contains(row)) for rows in (ranked, ranked)] == [True] * 2
            assert asked(server)[-1] == "/api/v1/things/?rank=0&id=7&limit=1"
            assert (await settle(thing.objects.latest("rank", "-id"))).id == 6
            assert asked(server)[-1] == "/api/v1/things/?ordering=-rank,id&limit=1"
            names = [row["name"] for row in ROWS[:70]]
            found = await settle(thing.objects.in_bulk([*names, *names[:3]], field_name="name"))
            assert [row.id for row in found.values()] == list(range(1, 71))
            targets = asked(server)
            assert len(targets) > 1 and max(map(len, targets)) < 2500

        asyncio.run(main())


def test_what_is_no_value_is_named():
    with TestServer({"things": ROWS}) as server:
        thing = model(server, Row)
        wrong: list[Any] = [float("nan")]
        with pytest.raises(orm.InvalidRequestError, match="`name__in`"):
            thing.objects.in_bulk(wrong, field_name="name")
        with pytest.raises(orm.InvalidRequestError, match="`id__in`"):
            thing.objects.in_bulk(wrong)
        for find in (thing.objects.latest, thing.objects.all().earliest):
            with pytest.raises(ValueError, match="at least one field"):
                find()
        assert server.requests() == []


def test_the_latest_row_is_never_another_one():
    with TestServer({"things": [*ROWS[:3], {"id": 9, "name": "n", "rank": "no number"}]}) as server:
        thing = model(server, Row)
        skipping = thing.objects.on_invalid("skip")
        with pytest.raises(ValidationError, match="rank"):
            skipping.latest("id")
        assert skipping.earliest("id").id == 1
