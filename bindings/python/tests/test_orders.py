"""Orders that the server was asked for and does not keep: what the rows show overrules what the probes have shown."""

from __future__ import annotations

import asyncio
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel
from django_api_orm.testserver import TestServer
from pydantic import BaseModel
from test_writes import model, settle

#: The ends of both directions differ, so a probe of the ends alone would take the server for one that sorts.
RANKS = [7, 14, 21, 3, 8]


class Thing(BaseModel):
    id: int | None = None
    rank: int | None = None


def server(ranks: list[Any], **shape: Any) -> TestServer:
    rows = [{"id": number, "rank": rank} for number, rank in enumerate(ranks, 1)]
    return TestServer({"things": rows}, shape={"descending": False, **shape})


ANSWERS = {
    "first": (lambda rows: rows.first(), 3),
    "last": (lambda rows: rows.reverse().last(), 3),
    "latest": (lambda rows: rows.latest("rank"), 3),
    "earliest": (lambda rows: rows.earliest("-rank"), 3),
    "rows": (lambda rows: rows.all(), [3, 2, 5, 1, 4]),
    "the first of them": (lambda rows: rows[:3], [3, 2, 5]),
    "the last of them": (lambda rows: rows[2:5], [5, 1, 4]),
    "values": (lambda rows: rows.values_list("id", flat=True), [3, 2, 5, 1, 4]),
}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize(("ask", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_a_server_that_takes_the_minus_for_another_field(base, ask, expected):
    with server(RANKS) as site:
        thing = model(site, Thing, base)

        async def main():
            # Twice: with what was learnt, too.
            for _ in range(2):
                found = await settle(ask(thing.objects.order_by("-rank")))
                found = found if hasattr(found, "id") else [getattr(row, "id", row) for row in found]
                assert getattr(found, "id", found) == expected

        with pytest.warns(orm.IgnoredWarning, match="rank"):
            asyncio.run(main())


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_it_is_an_error_where_that_is_wanted(base):
    with server(RANKS) as site:
        thing = model(site, Thing, base)

        async def main():
            strict = thing.objects.on_ignored("error").order_by("-rank")
            for ask in (strict.first, strict.last, lambda: strict.latest("rank")):
                with pytest.raises(orm.IgnoredError, match="rank"):
                    await settle(ask())
            trusting = thing.objects.on_ignored("trust").order_by("-rank")
            assert [row.id for row in await settle(trusting)] == [1, 2, 3, 4, 5]

        asyncio.run(main())


def test_a_null_among_other_values_is_an_order_of_no_database():
    with server([3, None, 3, 1]) as site, pytest.warns(orm.IgnoredWarning):
        assert [row.id for row in model(site, Thing).objects.order_by("-rank")] == [1, 3, 4, 2]


def test_what_cannot_be_undone_is_an_error():
    # The first page is in order by chance, and its rows are with the program when the second one shows that nothing sorts.
    with server([1] * 100 + [2], ordering=None) as site:
        rows = iter(model(site, Thing).objects.order_by("-rank").iterator())
        seen = []
        with pytest.raises(orm.UnsupportedError, match="collect the whole query"):
            seen.extend(row.id for row in rows)
        assert seen == list(range(1, 101))
        assert model(site, Thing).objects.order_by("-rank").first().id == 101


class Named(BaseModel):
    id: int | None = None
    name: str


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_ends_that_look_equal_are_not_when_their_texts_are_cut_off(base):
    rows = [{"id": 1, "name": "ann b"}, {"id": 2, "name": "ann"}]
    with TestServer({"things": rows}, shape={"shows": {"name": {"shortened": 2}}}) as site:
        named = model(site, Named, base)

        async def main():
            by_name = named.objects.order_by("name", "id")
            for _ in range(2):
                assert (await settle(by_name.first())).id == 2
                assert (await settle(by_name.last())).id == 1
                assert [row.id for row in await settle(by_name)] == [2, 1]

        asyncio.run(main())
