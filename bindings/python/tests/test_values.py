"""Values: what is equal, what is read, what is refused."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import pickle
from decimal import Decimal

import pytest
from django_api_orm import APIModel, AsyncAPIModel
from django_api_orm.testserver import TestServer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from test_writes import model, settle

ROW = {
    "id": 1,
    "name": "1 02:00:00",
    "price": "1.50",
    "prices": {"a": "1.50"},
    "at": "2024-01-01T12:00:00Z",
    "tags": ["b", "a", "ddd"],
    "numbers": [1, 2],
    "takes": "1 02:00:00",
    "any": 1,
}


class Thing(BaseModel):
    id: int | None = None
    name: str = ""
    price: Decimal = Decimal(0)
    prices: dict[str, Decimal] = {}
    at: dt.datetime | None = None
    tags: set[str] = set()
    numbers: list[int] = []
    takes: dt.timedelta | None = Field(default=None)
    any: object = None


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")
    id: int | None = None
    name: str = ""


@pytest.fixture
def things():
    with TestServer({"things": [ROW]}) as server:
        yield server


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_an_equal_value_is_no_change(things, base):
    thing = model(things, Thing, base)

    async def main():
        one = await settle(thing.objects.get(id=1))
        one.price = Decimal("1.5")
        one.prices = {"a": Decimal("1.500")}
        one.at = dt.datetime(2024, 1, 1, 14, tzinfo=dt.timezone(dt.timedelta(hours=2)))
        one.tags = {"ddd", "a", "b"}
        before = len(things.requests())
        assert one.changes() == {}
        await settle(one.save())
        assert len(things.requests()) == before
        # A list has an order, and `True` is not 1.
        one.numbers, one.any = [2, 1], True
        assert one.changes() == {"numbers": [2, 1], "any": True}
        one.numbers, one.any, one.price = [1, 2], 1, Decimal("1.51")
        assert one.changes() == {"price": "1.51"}
        await settle(one.save())
        assert (await settle(thing.objects.get(id=1))).price == Decimal("1.51")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 02:00:00", 93600),
        ("-1 22:00:00", -7200),
        ("10 00:00:00.500000", 864000.5),
        ("02:00:00", 7200),
        ("P1DT2H", 93600),
    ],
)
def test_durations_are_read_as_servers_write_them(text, seconds):
    class Model(APIModel):
        _schema_class = Thing
        _endpoint = "/things/"

    read = Model.from_api({**ROW, "takes": text})
    assert (read.takes, read.changes()) == (dt.timedelta(seconds=seconds), {})
    # A text is no duration, whatever it looks like.
    assert read.name == "1 02:00:00" and read.raw()["takes"] == text


def test_a_frozen_schema_refuses_assignment(things):
    thing = model(things, Frozen).objects.get(id=1)
    for name in ("name", "pk", "id", "extra"):
        for value in ("2", None):
            with pytest.raises(ValidationError, match="frozen"):
                setattr(thing, name, value)
    assert (thing.name, thing.pk, thing.changes()) == ("1 02:00:00", 1, {})


def test_querysets_are_copied(things):
    rows = model(things, Thing).objects.filter(id=1)
    assert len(rows) == 1
    for make in (copy.copy, copy.deepcopy):
        made = make(rows)
        assert made is not rows and "not fetched" in repr(made)
        assert [row.pk for row in made] == [1]
    with pytest.raises(TypeError, match=r"cannot be pickled.*list\(queryset\)"):
        pickle.dumps(rows)
