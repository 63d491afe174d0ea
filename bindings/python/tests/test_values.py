"""Values: what is equal, what is read, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import datetime as dt
import ipaddress
import json
import math
from collections import deque
from decimal import Decimal
from typing import Annotated, Any

import pytest
from django_api_orm import APIModel, AsyncAPIModel, BadRequestError, BulkWriteError, InvalidRequestError
from django_api_orm.testserver import TestServer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from test_writes import JSON, model, settle, writes
from typing_extensions import TypedDict

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


@pytest.mark.parametrize(("shown", "equal", "other"), [(1.5, "1.50", "1.51"), ("1.5", "1.500", "-1.5"), (2, "2.00", "2.01")])
def test_places_behind_a_number_are_no_change(shown, equal, other):
    class Model(APIModel):
        _schema_class = Thing
        _endpoint = "/things/"

    one = Model.from_api({**ROW, "price": shown})
    one.price = Decimal(equal)
    assert one.changes() == {}
    one.price = Decimal(other)
    assert one.changes() == {"price": other}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_an_equal_value_is_written_where_the_row_may_have_another_one(base):
    shape = {"shows": {"price": {"rounded": 1}, "name": {"label": {"n": "Name"}}}}
    with TestServer({"things": [{**ROW, "price": "1.04", "name": "n"}]}, shape=shape) as server:
        thing = model(server, Thing, base)

        async def main():
            one = thing.objects.filter(id=1)
            # The first may be all there is, and nothing tells yet that the name is shown in another form.
            equal = {"price": Decimal("1.0"), "name": "Name", "numbers": [1, 2]}
            await settle(one.update(**equal))
            assert await settle(thing.objects.update_or_create(equal, id=1)) and writes(server) == []
            await settle(one.update(price=Decimal("1.00")))
            await settle(thing.objects.update_or_create({"price": Decimal("1.000"), "numbers": [1, 2]}, id=1))
            assert [body for _, _, body in writes(server)] == [{"price": "1.00"}, {"price": "1.000"}]
            assert await settle(thing.objects.filter(name="n").count()) == 1
            found = await settle(thing.objects.filter(name="n"))
            assert [row.name for row in found] == ["Name"]
            row, created = await settle(thing.objects.update_or_create({"name": "Name"}, id=1))
            assert (row.changes(), created, writes(server)[2][2]) == ({}, False, {"name": "Name"})

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


class Leg(BaseModel):
    takes: dt.timedelta
    name: str = ""
    stops: list[dt.timedelta] = []


class Pause(TypedDict):
    length: dt.timedelta


class Trip(BaseModel):
    id: int | None = None
    big: int = 0
    name: str = ""
    takes: dt.timedelta | None = None
    legs: list[Leg] = []
    by_name: dict[str, Leg] = {}
    pause: Pause | None = None
    either: Leg | dt.timedelta | None = None
    text: str | dt.timedelta = ""
    notes: dict[str, str] = {}


DAY = "1 02:00:00"
LENGTH = dt.timedelta(days=1, hours=2)
TRIP = """ {"id": 1, "big": 36893488147419103233, "name": "1 02:00:00", "takes" : "1 02:00:00",
  "legs": [{"takes": "00:00:01", "name": "1 02:00:00"},
           {"stops": ["1 02:00:00", "P1DT2H", "-1 22:00:00.000001"], "takes": "1 02:00:00"}],
  "by_name": {"a\\"b, {": {"takes": "1 02:00:00", "name": "[\\\\"}}, "pause": {"length": "1 02:00:00"}, "either": "1 02:00:00",
  "text": "1 02:00:00", "notes": {"takes": "1 02:00:00"}} """


class TripModel(APIModel):
    _schema_class = Trip
    _endpoint = "/things/"


def test_durations_are_read_at_any_depth_and_texts_stay_texts():
    (trip,) = TripModel._from_rows([TRIP.encode()], None)
    assert trip.takes == trip.either == trip.pause["length"] == LENGTH
    assert [leg.takes for leg in trip.legs] == [dt.timedelta(seconds=1), LENGTH]
    assert trip.legs[1].stops == [LENGTH, LENGTH, dt.timedelta(hours=-2, microseconds=1)]
    assert trip.by_name['a"b, {'].takes == LENGTH and trip.by_name['a"b, {'].name == "[\\"
    assert trip.name == trip.legs[0].name == trip.text == trip.notes["takes"] == DAY
    # No digit is lost on the way.
    assert trip.big == 36893488147419103233
    assert trip.changes() == {}
    for wrong in ("1 02:00", "x 02:00:00", DAY + "0" * 9):
        with pytest.raises(ValidationError, match="takes"):
            TripModel.from_api({"id": 1, "takes": wrong})


YEARS = dt.timedelta(days=400, microseconds=5)


@pytest.fixture
def trips():
    with TestServer({"things": [json.loads(TRIP.replace("36893488147419103233", "3"))]}) as server:
        yield server


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_durations_of_a_year_and_more_are_written_in_days(trips, base):
    thing = model(trips, Trip, base)

    async def main():
        await settle(thing.objects.filter(takes__gte=YEARS, id__in=[1]).exclude(takes=-YEARS).exists())
        target = next(target for _, target, _ in trips.requests() if "takes__gte" in target)
        assert "takes__gte=P400DT0.000005S" in target and "Y" not in target
        one = await settle(thing.objects.get(id=1))
        one.takes = YEARS
        one.legs = [Leg(takes=-YEARS, stops=[YEARS, LENGTH])]
        one.pause, one.either = {"length": YEARS}, YEARS
        written = "P400DT0.000005S"
        assert one.changes() == {
            "takes": written,
            "legs": [{"takes": "-" + written, "name": "", "stops": [written, "P1DT2H"]}],
            "pause": {"length": written},
            "either": written,
        }
        await settle(one.save())
        again = await settle(thing.objects.get(id=1))
        assert (again.takes, again.legs[0].takes, again.changes()) == (YEARS, -YEARS, {})
        again.takes = dt.timedelta(days=400, microseconds=5)
        assert again.changes() == {}
        # The schema's own form stays.
        assert await settle(thing.objects.filter(id=1).update(takes=YEARS, notes={"takes": "P1Y"})) == 1
        assert json.loads(trips.requests()[-1][2]) == {"notes": {"takes": "P1Y"}}

    asyncio.run(main())


def test_a_part_of_a_row_shows_durations_too():
    with TestServer({"things": [{"id": 1, "takes": None, "name": "n"}]}) as server:
        thing = model(server, Trip).objects.get(id=1)
        thing.name = "m"
        server.fail_next(200, b'{"takes": "1 02:00:00", "legs": [{"takes": "1 02:00:00", "name": "1 02:00:00"}]}', JSON)
        thing.save()
        assert (thing.takes, thing.legs) == (LENGTH, [Leg(takes=LENGTH, name=DAY)])


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


class Spelt(BaseModel):
    id: int | None = None
    data: Any = None
    text: str | None = None
    named: Annotated[str, Field(alias="inText")] = ""
    at: dt.datetime | None = None
    parts: dict[str, Any] = {}
    flag: bool = True


INSTANT = "2024-01-01T00:00:00Z"
SPELT = {
    "id": 1,
    "data": {"on": 1, "n": True},
    "text": INSTANT,
    "inText": INSTANT,
    "at": INSTANT,
    "parts": {"on": 1},
    "flag": True,
}
ELSEWHERE = "2024-01-01T01:00:00+01:00"

ANOTHER = {
    "JSON": ({"data": {"on": True, "n": 1}}, {"data": {"on": True, "n": 1}}),
    "a part": ({"parts__on": True}, {"parts": {"on": True}}),
    "a text": ({"text": ELSEWHERE}, {"text": ELSEWHERE}),
    "a text by its name": ({"named": ELSEWHERE}, {"inText": ELSEWHERE}),
    "no zone": ({"at": dt.datetime(2024, 1, 1)}, {"at": "2024-01-01T00:00:00"}),
    "another zone": ({"at": dt.datetime.fromisoformat(ELSEWHERE)}, {}),
    "a flag": ({"flag": 1}, {}),
    "the same": ({name: SPELT[name] for name in ("data", "text", "parts")}, {}),
}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize(("values", "sent"), ANOTHER.values(), ids=ANOTHER)
def test_what_may_be_another_value_is_sent(base, values, sent):
    async def main(rows, server):
        for write in (lambda: rows.update_or_create(id=1, defaults=values), lambda: rows.filter(id=1).update(**values)):
            # The server has seen no other kinds of values, and refuses them.
            with contextlib.suppress(BadRequestError, BulkWriteError):
                await settle(write())
            assert [body for _, _, body in writes(server)] == ([sent] if sent else [])
            server.reset()

    with TestServer({"things": [SPELT]}) as server:
        asyncio.run(main(model(server, Spelt, base).objects, server))


class Net(BaseModel):
    id: int | None = None
    prefix: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_network_is_one_value_of_a_filter(base):
    # Of 2 ** 64 addresses.
    nets = [ipaddress.ip_network(text) for text in ("10.0.0.0/30", "2001:db8::/64")]

    async def main(rows):
        for key, net in enumerate(nets, 1):
            assert (await settle(rows.get(prefix=net))).pk == key
            assert await settle(rows.filter(prefix=net).count()) == 1
            assert await settle(rows.exclude(prefix__in=[net]).count()) == 1
            found, created = await settle(rows.get_or_create(prefix=net))
            assert (found.pk, created) == (key, False)
        # As in Django, whatever is iterable is a list of values there.
        assert await settle(rows.filter(prefix__in=ipaddress.ip_network("10.0.0.0/30")).count()) == 0

    with TestServer({"things": [{"id": key, "prefix": str(net)} for key, net in enumerate(nets, 1)]}) as server:
        asyncio.run(main(model(server, Net, base).objects))
        assert any("prefix=10.0.0.0/30" in path for _, path, _ in server.requests())
        assert writes(server) == []


def test_what_is_iterable_is_a_list_of_values(things):
    rows = model(things, Thing).objects
    for values in ({1, 2}, range(3), iter([1, 2]), {1: 2}.keys(), deque([1, 2]), (key for key in (1, 2)), frozenset((1,))):
        assert [row.pk for row in rows.filter(id__in=values)] == [1]
    for values in ([1, 2], deque([1, 2]), iter([1, 2])):
        assert [row.pk for row in rows.filter(numbers=values)] == [1]


class Measured(BaseModel):
    id: int | None = None
    value: float | None = Field(default=None, alias="v")
    inner: dict[str, float | None] = {}


class Anything(Measured):
    any: object = None


UNWRITABLE = {
    "create": lambda rows, one: rows.create(v=math.nan),
    "bulk_create": lambda rows, one: rows.bulk_create([{"v": math.inf}]),
    "update": lambda rows, one: rows.update(value=math.nan),
    "filter": lambda rows, one: rows.filter(v=math.nan).count(),
    "defaults": lambda rows, one: rows.update_or_create(id=1, defaults={"v": math.nan}),
    "save": lambda rows, one: one.save(),
    "bulk_update": lambda rows, one: rows.bulk_update([one], ["value"]),
    "changes": lambda rows, one: one.changes(),
}


@pytest.mark.parametrize("schema", [Measured, Anything])
@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("key", [1, 2])
@pytest.mark.parametrize("call", UNWRITABLE)
def test_what_has_no_json_form_is_refused_by_its_name_before_a_request(schema, base, key, call):
    async def main(server):
        rows = model(server, schema, base).objects
        one = await settle(rows.get(id=key))
        before = len(server.requests())
        for value in (math.nan, -math.inf):
            one.value = value
            with pytest.raises(InvalidRequestError, match=r"`(v|value)`: (nan|-?inf) has no JSON form"):
                await settle(UNWRITABLE[call](rows, one))
        one.value, one.inner = None, {"a": math.nan}
        with pytest.raises(InvalidRequestError, match=r"`inner\.a`: nan has no JSON form"):
            await settle(one.save())
        assert len(server.requests()) == before

    with TestServer({"things": [{"id": 1, "v": 1.5, "inner": {}}, {"id": 2, "v": None, "inner": {"a": None}}]}) as server:
        asyncio.run(main(server))


def test_a_number_that_the_server_writes_as_text_stays():
    with TestServer({"things": [{"id": 1, "v": "NaN", "inner": {}}]}) as server:
        one = model(server, Measured).objects.get(id=1)
        assert math.isnan(one.value) and one.changes() == {}
        one.inner = {"a": 1.0}
        one.save()
        assert writes(server)[0][2] == {"inner": {"a": 1.0}}
