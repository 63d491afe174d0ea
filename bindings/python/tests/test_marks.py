"""What answers say of the pages after them, of a row and of a failure, in the words that products have for it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    BulkWriteError,
    DecodeError,
    OutcomeUnknown,
    Pagination,
    ServiceClient,
    UnsupportedError,
)
from pydantic import BaseModel
from serving import Handler, Loopback
from test_writes import settle

ROWS = 130
BASES = pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])


class Thing(BaseModel):
    id: int | None = None
    name: str = ""
    open: bool | None = None


def rows(start: int, stop: int) -> list[dict[str, Any]]:
    return [{"id": key, "name": f"thing {key}", "open": key % 2 == 0} for key in range(start + 1, min(stop, ROWS) + 1)]


def serving(answer):
    """A server that answers every request by the function of its method and query: a status, a body and headers."""

    class Answers(Handler):
        def reply(self):
            if "Content-Length" in self.headers:
                self.sent()
            url = urlsplit(self.path)
            requests.append(f"{self.command} {self.path}")
            status, body, headers = answer(self.command, url.path, dict(parse_qsl(url.query)))
            text = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = reply

    requests: list[str] = []
    server = Loopback(Answers)
    server.requests = requests
    return server


def things(server, base, pagination=None):
    client = (ServiceClient if base is APIModel else AsyncServiceClient)(server.base_url)
    settings = {} if pagination is None else {"_pagination": pagination}
    return client.manager(type("Thing", (base,), {"_schema_class": Thing, "_endpoint": "/things/", **settings}))


async def ids(queryset):
    return [row.id for row in await settle(queryset)]


EVERY = list(range(1, ROWS + 1))


def told(how: str, start: int) -> dict[str, Any]:
    """Twenty rows, and what says that others follow them."""
    end = start + 20
    token = f"c{end}" if end < ROWS else None
    link = token and f"/things/?token={token}"
    says: dict[str, Any] = {
        "paging": {"paging": {"next": {"after": token, "link": link}}},
        "pageInfo": {"pageInfo": {"hasNextPage": token is not None, "endCursor": f"c{end}"}},
        "nextLink": {"nextLink": link},
        "@odata.nextLink": {"@odata.nextLink": link},
        "nextPageToken": {} if token is None else {"nextPageToken": token},
    }.get(how, {how: token})
    return {"items": rows(start, end), **says}


def by_token(how: str):
    def answer(method, path, query):
        return 200, told(how, int(query.get("token", "c0")[1:])), {}

    return answer


@BASES
@pytest.mark.parametrize("how", ["paging", "nextLink", "@odata.nextLink"])
async def test_a_link_leads_on_whatever_it_is_called(base, how):
    with serving(by_token(how)) as server:
        assert await ids(things(server, base).all()) == EVERY
        assert await settle(things(server, base).count()) == ROWS


@BASES
@pytest.mark.parametrize("how", ["next_cursor", "nextPageToken", "continuationToken", "pageInfo", "offset"])
async def test_a_token_leads_on_where_its_parameter_is_declared(base, how):
    with serving(by_token(how)) as server:
        declared = things(server, base, Pagination("cursor", position_parameter="token"))
        assert await ids(declared.all()) == EVERY
        assert await ids(declared.all()[60:63]) == [61, 62, 63]
        for asked in (lambda: ids(things(server, base).all()), lambda: settle(things(server, base).count())):
            with pytest.raises(UnsupportedError, match="declare the pagination"):
                await asked()


@BASES
@pytest.mark.parametrize("name", ["totalElements", "totalItems", "recordsFiltered"])
async def test_a_count_of_any_usual_name(base, name):
    with serving(lambda method, path, query: (200, {"content": rows(0, 50), name: ROWS}, {})) as server:
        assert await settle(things(server, base).count()) == ROWS
        with pytest.raises(UnsupportedError, match="counts 130 rows, sent 50"):
            await ids(things(server, base).all())


@BASES
async def test_headers_and_lists_of_any_name(base):
    def by_header(method, path, query):
        page = int(query.get("page", 1))
        around = {"TotalCount": ROWS, "HasNext": page * 20 < ROWS}
        return 200, rows(page * 20 - 20, page * 20), {"X-Pagination": json.dumps(around)}

    def by_name(method, path, query):
        page = int(query.get("page", 1))
        return 200, {"tasks": rows(page * 20 - 20, page * 20), "total": ROWS}, {}

    for answer in (by_header, by_name):
        with serving(answer) as server:
            assert await ids(things(server, base).all()) == EVERY


@BASES
async def test_rows_may_be_skipped_under_another_name(base):
    def answer(method, path, query):
        skip = int(query.get("skip", 0))
        return 200, rows(skip, skip + int(query.get("limit", 100))), {}

    with serving(answer) as server:
        silent = things(server, base)
        for _ in range(2):
            with pytest.raises(UnsupportedError, match="skip"):
                await ids(silent.all())
            with pytest.raises(UnsupportedError, match="skip"):
                await settle(silent.get_or_create(name="thing 120", defaults={"open": True}))
        declared = things(server, base, Pagination("limit_offset", position_parameter="skip"))
        assert await ids(declared.all()) == EVERY
        assert not [request for request in server.requests if not request.startswith("GET")]


@BASES
async def test_a_slice_begins_where_a_page_does_on_a_strict_server(base):
    def answer(method, path, query):
        if query.keys() - {"page"}:
            return 422, {"detail": "unknown parameter"}, {}
        page = int(query.get("page", 1))
        return 200, {"items": rows(page * 50 - 50, page * 50), "total": ROWS}, {}

    with serving(answer) as server:
        assert await ids(things(server, base).all()[50:53]) == [51, 52, 53]


@BASES
async def test_a_row_inside_the_answer_of_its_url_and_urls_that_are_refused(base):
    def answer(method, path, query):
        if path == "/things/3/":
            return 200, {"data": rows(2, 3)[0]}, {}
        if path == "/things/4/":
            return 422, {"detail": "no UUID"}, {}
        found = [row for row in rows(0, ROWS) if str(row["id"]) == query.get("id", str(row["id"]))]
        return 200, {"items": found, "total": len(found)}, {}

    with serving(answer) as server:
        assert (await settle(things(server, base).get(id=3))).name == "thing 3"
        assert (await settle(things(server, base).get(id=4))).name == "thing 4"


@BASES
async def test_a_flag_that_is_spelt_otherwise(base):
    def answer(method, path, query):
        found = [row for row in rows(0, 20) if str(row["open"]) == query.get("open", str(row["open"]))]
        return 200, {"items": found, "total": len(found)}, {}

    with serving(answer) as server:
        assert await ids(things(server, base).filter(open=True)) == list(range(2, 21, 2))
        assert await settle(things(server, base).filter(open=True).exists())


FAILURES: list[Any] = [
    {"success": False},
    {"error": {"id": 1}},
    {"status": "error"},
    False,
    [],
    0,
    "locked",
    {"id": None, "ok": True},
]


@BASES
@pytest.mark.parametrize("body", FAILURES)
async def test_an_answer_that_says_of_a_failure_is_no_success(base, body):
    def answer(method, path, query):
        one = {"id": 1, "name": "one", "open": True}
        if method != "GET":
            return 200, body, {}
        return 200, one if path == "/things/1/" else {"items": [one], "total": 1}, {}

    with serving(answer) as server:
        manager = things(server, base)
        row = await settle(manager.get(id=1))
        row.name = "new"
        for write in (row.save, row.delete, lambda: manager.create(name="n")):
            with pytest.raises(OutcomeUnknown, match="may not have been"):
                await settle(write())
        for write in (lambda: manager.filter(name="one").update(name="new"), lambda: manager.filter(name="one").delete()):
            with pytest.raises(BulkWriteError, match="may not have been"):
                await settle(write())


@BASES
async def test_no_rows_beside_a_failure_are_no_empty_list(base):
    for body in ({"success": False, "results": []}, {"results": [], "errors": ["denied"]}, {"code": 500, "data": []}):
        with serving(lambda method, path, query, body=body: (200, body, {})) as server:
            with pytest.raises(DecodeError, match="says that it failed"):
                await settle(things(server, base).get_or_create(name="one"))
            assert not [request for request in server.requests if not request.startswith("GET")]
