"""A large page of an asynchronous query: the other tasks of the loop have their turns while its rows are validated."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django_api_orm import AsyncAPIModel, AsyncServiceClient, register_async_models
from django_api_orm.testserver import TestServer
from pydantic import BaseModel, ValidationError, field_validator

ROWS = 10_000
#: The last row's name does not fit the strict schema.
INVALID = ROWS


def validated(key: int) -> None:
    """Called for each row; a test puts its own function here."""


class ThingSchema(BaseModel):
    id: int
    name: str

    @field_validator("id")
    @classmethod
    def _seen(cls, key: int) -> int:
        validated(key)
        return key


class StrictSchema(BaseModel):
    id: int
    name: str

    @field_validator("name")
    @classmethod
    def _valid(cls, name: str) -> str:
        if name == f"thing {INVALID}":
            raise ValueError("not this one")
        return name


class Thing(AsyncAPIModel):
    _schema_class = ThingSchema
    _endpoint = "/api/v1/things/"


class StrictThing(AsyncAPIModel):
    _schema_class = StrictSchema
    _endpoint = "/api/v1/things/"


@pytest.fixture(scope="module")
def things():
    with TestServer({"things": [{"id": key, "name": f"thing {key}"} for key in range(1, ROWS + 1)]}) as server:
        yield server


def query(server: TestServer, model: type[AsyncAPIModel]) -> Any:
    register_async_models(AsyncServiceClient(server.base_url), model)
    return model.objects.all().page_size(ROWS)


READERS: dict[str, Callable[[Any], Any]] = {
    "await": lambda rows: rows,
    "_fetch": lambda rows: rows._fetch(),
    "async for": lambda rows: _listed(rows),
    "iterator": lambda rows: _listed(rows.iterator()),
    "keyset": lambda rows: _listed(rows.keyset()),
    "values": lambda rows: rows.values("id", "name"),
    "values_list": lambda rows: rows.values_list("id", "name"),
    "in_bulk": lambda rows: rows.in_bulk(),
}


async def _listed(rows: Any) -> list[Any]:
    return [row async for row in rows]


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_other_tasks_have_turns_while_rows_are_validated(things, read, monkeypatch):
    turns = 0
    rows_in_turn: Counter[int] = Counter()

    def count(key):
        rows_in_turn[turns] += 1

    async def tick():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main():
        ticking = asyncio.ensure_future(tick())
        rows = await read(query(things, Thing))
        ticking.cancel()
        return len(rows)

    monkeypatch.setattr(sys.modules[__name__], "validated", count)
    assert asyncio.run(main()) == ROWS
    assert sum(rows_in_turn.values()) >= ROWS
    assert max(rows_in_turn.values()) <= 1000


def test_a_fetch_that_is_cancelled_while_rows_are_validated_keeps_nothing(things, monkeypatch):
    keys = []

    async def main():
        rows = query(things, Thing)
        fetching = asyncio.ensure_future(rows._fetch())

        def cancel(key):
            keys.append(key)
            if len(keys) == 3000:
                fetching.cancel()

        monkeypatch.setattr(sys.modules[__name__], "validated", cancel)
        with pytest.raises(asyncio.CancelledError):
            await fetching
        assert 3000 <= len(keys) < ROWS
        assert rows._result_cache is None
        keys.clear()
        assert len(await rows) == len(keys) == ROWS

    asyncio.run(main())


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_an_invalid_row_far_behind_is_named(things, read):
    async def main():
        await read(query(things, StrictThing))

    with pytest.raises(ValidationError, match=rf"in row {INVALID - 1} \(id={INVALID}\)") as raised:
        asyncio.run(main())
    assert raised.value.errors()[0]["loc"] == (INVALID - 1, "name")
