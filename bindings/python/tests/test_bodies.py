"""Bodies as servers and the proxies before them write them: their encodings, and a byte order mark."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from django_api_orm import APIModel, AsyncAPIModel, BadRequestError, DecodeError
from django_api_orm.testserver import TestServer
from pydantic import BaseModel
from test_writes import model, settle

JSON = {"content-type": "application/json"}
MARK = b"\xef\xbb\xbf"


class Thing(BaseModel):
    id: int | None = None
    name: str = ""


@pytest.fixture
def things():
    with TestServer({"things": [{"id": 1, "name": "one"}]}) as server:
        yield server


ROWS = [{"id": number, "name": f"n{number}"} for number in range(1, 4)]
PAGE = json.dumps({"count": 3, "next": None, "previous": None, "results": ROWS}).encode()
BODIES = {
    "x-gzip": ("x-gzip", gzip.compress(PAGE)),
    "upper case": ("GZIP", gzip.compress(PAGE)),
    "several members": ("gzip", gzip.compress(PAGE[:40]) + gzip.compress(PAGE[40:90]) + gzip.compress(PAGE[90:])),
    "a mark": ("identity", MARK + PAGE),
    "a mark in gzip": ("X-GZip", gzip.compress(MARK) + gzip.compress(PAGE)),
}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize(("encoding", "body"), BODIES.values(), ids=BODIES)
def test_a_page_is_read(things, base, encoding, body):
    thing = model(things, Thing, base)

    async def main():
        things.fail_next(200, body, {**JSON, "content-encoding": encoding})
        assert [row["id"] for row in await settle(thing.objects.values())] == [1, 2, 3]
        things.fail_next(200, body, {**JSON, "content-encoding": encoding})
        answer = await settle(thing.objects.client.get("/api/v1/things/"))
        assert answer.json() == json.loads(PAGE) and answer.data["count"] == 3

    asyncio.run(main())


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_mark_before_a_row_or_a_refusal(things, base):
    thing = model(things, Thing, base)

    async def main():
        row = MARK + json.dumps({"id": 1, "name": "one"}).encode()
        things.fail_next(200, row, JSON)
        one = await settle(thing.objects.get(id=1))
        assert (one.name, one.raw()) == ("one", {"id": 1, "name": "one"})
        one.name = "two"
        things.fail_next(200, row.replace(b"one", b"two"), JSON)
        await settle(one.save())
        assert one.changes() == {} and one.raw() == {"id": 1, "name": "two"}
        things.fail_next(201, row.replace(b"1", b"7"), JSON)
        assert (await settle(thing.objects.create(name="one"))).id == 7
        things.fail_next(400, MARK + b'{"name": ["Too short."]}', JSON)
        with pytest.raises(BadRequestError) as refused:
            await settle(thing.objects.create(name=""))
        assert refused.value.errors == {"name": ["Too short."]}

    asyncio.run(main())


def test_a_body_that_is_cut_off_is_an_error(things):
    thing = model(things, Thing)
    body = BODIES["several members"][1]
    for end in (len(body) // 2, len(body) - 3):
        things.fail_next(200, body[:end], {**JSON, "content-encoding": "x-gzip"})
        with pytest.raises(DecodeError, match="decompress"):
            thing.objects.values()
