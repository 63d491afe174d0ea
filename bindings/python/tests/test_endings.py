"""Where a collection ends: servers whose first page names no link, or a count that is none, and answers without an end."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django_api_orm import APIModel, AsyncAPIModel, DataMovedWarning, DecodeError, Pagination, UnsupportedError
from django_api_orm.testserver import TestServer
from pydantic import BaseModel
from serving import Handler, Loopback
from test_writes import model, settle

ROWS = 250


class Thing(BaseModel):
    id: int | None = None
    name: str = ""


SILENT: dict[str, Any] = {"count": None, "next": None, "previous": None, "size": 50}
PLAIN = {**SILENT, "rows": None}
#: Servers that send 50 of 250 rows, and what their first page says of the others.
SHAPES: dict[str, dict[str, Any]] = {
    "a list with X-Pagination headers": {
        **PLAIN,
        "pages": "page_number",
        "next_header": "X-Pagination-Next",
        "count_header": "X-Pagination-Count",
    },
    "a list with X-Pagination-Count": {**PLAIN, "pages": "page_number", "count_header": "X-Pagination-Count"},
    "a list with Next-Page": {**PLAIN, "pages": "token", "next_header": "Next-Page"},
    "a list": PLAIN,
    "a list of numbered pages": {**PLAIN, "pages": "page_number"},
    "results": SILENT,
    "results of numbered pages": {**SILENT, "pages": "page_number"},
    "the count of the page": {**SILENT, "page_count": "count"},
    "two counts and a flag": {**SILENT, "page_count": "count", "count": "total_count", "more": "next_page_results"},
    "two counts": {**SILENT, "page_count": "count", "count": "total_count"},
    **{
        f"{flag} alone": {**SILENT, "more": flag}
        for flag in ("has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage", "more", "meta.has_more")
    },
}

ASKED = {
    "all": (lambda things: things.all(), list(range(1, ROWS + 1))),
    "count": (lambda things: things.count(), ROWS),
    "slice": (lambda things: things.all()[60:63], [61, 62, 63]),
    "index": (lambda things: things.all()[60:61], [61]),
    "first": (lambda things: things.first(), [1]),
    "last": (lambda things: things.last(), [ROWS]),
    "exists": (lambda things: things.exists(), True),
}


def things_of(count: int = ROWS) -> dict[str, Any]:
    return {"things": [{"id": key, "name": f"thing {key}"} for key in range(1, count + 1)]}


async def answer(asked: Any) -> Any:
    found = await settle(asked)
    if found is None or isinstance(found, (bool, int)):
        return found
    return [row.id for row in (found if isinstance(found, list) else [found] if hasattr(found, "id") else list(found))]


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_collection_is_read_to_its_end(shape, base):
    """By a client that knows nothing of the endpoint, and by one that knows it, for each question."""

    async def main(server):
        known = model(server, Thing, base)
        for name, (ask, expected) in ASKED.items():
            assert await answer(ask(model(server, Thing, base).objects)) == expected, name
            assert await answer(ask(known.objects)) == expected, f"{name}, known"

    with TestServer(things_of(), shape=shape) as server:
        asyncio.run(main(server))


TOKEN = {
    **SILENT,
    "rows": "items",
    "count": "total",
    "pages": "token",
    "next_token": "next_page",
    "position_parameter": "next_page",
}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_token_is_followed_as_it_is_declared_and_no_further(base):
    """A total and a token: the name of the parameter that takes it cannot be guessed."""
    by_its_name = Pagination("cursor", position_parameter="next_page")

    async def main(server):
        for pagination in ({}, {"_pagination": "cursor"}):
            things = model(server, Thing, base, **pagination).objects
            for name in ("all", "slice", "last"):
                ask, _ = ASKED[name]
                with pytest.raises(UnsupportedError, match=r"counts 250 rows, sent 50\b"):
                    await answer(ask(things))
            for name in ("count", "first", "exists"):
                ask, expected = ASKED[name]
                assert await answer(ask(things)) == expected, name
        for name, (ask, expected) in ASKED.items():
            declared = model(server, Thing, base, _pagination=by_its_name)
            assert await answer(ask(declared.objects)) == expected, name

    with TestServer(things_of(), shape=TOKEN) as server:
        asyncio.run(main(server))


def scripted(pages):
    """A server whose answer is made of the query, as pairs; `pages` gives the body and the headers."""

    class Scripted(Handler):
        def do_GET(self):
            asked = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body, headers = pages(asked)
            self.server.asked.append(asked)
            text = json.dumps(body).encode()
            self.send_response(200)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

    site = Loopback(Scripted)
    site.asked = site._server.asked = []
    site.token = None
    return site


def rows(first, end):
    return [{"id": key, "name": f"thing {key}"} for key in range(first, end + 1)]


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("results", ["true", "false"])
def test_a_link_header_is_followed_as_long_as_it_says_that_rows_follow(base, results):
    """It names a page after the last one, too; and says of it that it is empty, or leaves that to the page."""

    def pages(asked):
        number = int(asked.get("cursor", 0))
        end = results if number == 2 else "true"
        link = f'<http://h/?cursor={number + 1}>; rel="next"; results="{end}"'
        return rows(number * 20 + 1, number * 20 + 20) if number < 3 else [], {"Link": link}

    with scripted(pages) as site:
        things = model(site, Thing, base).objects
        if results == "false":
            assert asyncio.run(_list(things)) == list(range(1, 61))
            assert len(site.asked) == 3
        else:
            with pytest.raises(DecodeError, match="100 pages without rows, one after the other"):
                asyncio.run(_list(things))
            assert len(site.asked) == 3 + 100


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_empty_pages_that_link_to_new_ones_without_end_are_an_error(base):
    def pages(asked):
        number = int(asked.get("cursor", 0))
        shown = rows(number * 20 + 1, number * 20 + 20) if number < 3 else []
        return {"next": f"http://h/?cursor={number + 1}", "results": shown}, {}

    async def main(things):
        for name in ("all", "count", "last"):
            ask, _ = ASKED[name]
            with pytest.raises(DecodeError, match="100 pages without rows, one after the other"):
                await answer(ask(things))
        assert await answer(things.first()) == [1]

    with scripted(pages) as site:
        asyncio.run(main(model(site, Thing, base).objects))


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_an_empty_page_is_not_the_end_where_another_one_follows(base):
    def pages(asked):
        number = int(asked.get("cursor", 0))
        following = f"http://h/?cursor={number + 1}" if number < 9 else None
        return {"next": following, "results": rows(number + 1, number + 1) if number in (0, 9) else []}, {}

    with scripted(pages) as site:
        assert asyncio.run(_list(model(site, Thing, base).objects)) == [1, 10]


async def _list(things):
    return [thing.id for thing in await settle(things.all())]


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_counts_that_disagree_are_an_error(base):
    with scripted(lambda _: ({"count": 60, "total": 250, "results": rows(1, 20)}, {})) as site:
        things = model(site, Thing, base).objects
        for ask in (lambda: things.all(), lambda: things.count()):
            with pytest.raises(UnsupportedError, match=r"60.*250|250.*60"):
                asyncio.run(answer_of(ask))


async def answer_of(ask):
    return await answer(ask())


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("count", [30, 129, 131])
def test_the_last_row_is_that_behind_which_none_follows(count, base):
    """The count is not true: the answer for the last row of it shows others behind, or there is none."""

    def pages(asked):
        start, size = int(asked.get("offset", 0)), int(asked.get("limit", 20))
        end = min(start + size, 130)
        following = f"http://h/?limit={size}&offset={end}" if end < 130 else None
        return {"count": count, "next": following, "previous": None, "results": rows(start + 1, end)}, {}

    async def main(site):
        with pytest.warns(DataMovedWarning):
            assert await answer(model(site, Thing, base).objects.last()) == [130]
        with pytest.raises(DecodeError, match=f"{count} rows"):
            await answer(model(site, Thing, base).objects.on_drift("error").last())

    with scripted(pages) as site:
        asyncio.run(main(site))


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_guess_that_leads_back_brings_no_row_twice(base):
    """The server takes the rows 1 and 2 off their page after it was cut, and names a next page only where there is one."""

    def pages(asked):
        kept = [row for row in rows(1, 5) if asked.get("name") in (None, row["name"])]
        start, size = int(asked.get("offset", 0)), int(asked.get("limit", 2))
        shown = [row for row in kept if row["id"] > 2]
        link = {"Link": f'<http://h/?limit={size}&offset={start + size}>; rel="next"'} if start + size < len(kept) else {}
        return {"count": len(shown), "results": [row for row in kept[start : start + size] if row in shown]}, link

    async def main(things):
        # A single row shows that the server has offsets, and nothing of its pages.
        assert [thing.id for thing in await settle(things.filter(name="thing 5"))] == [5]
        assert await _list(things.page_size(5)) == [3, 4, 5]

    with scripted(pages) as site:
        asyncio.run(main(model(site, Thing, base).objects))
