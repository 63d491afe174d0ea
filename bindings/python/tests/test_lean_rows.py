"""Lists that show fewer fields of a row than its own URL: what was set is sent, and a copy has every field."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django_api_orm import APIModel, AsyncAPIModel, ForeignKey
from pydantic import BaseModel
from serving import Handler, Loopback
from test_writes import model, settle

BASES = pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])

ROW = {"id": 1, "name": "one", "active": False, "note": "kept", "rank": 5}


class Thing(BaseModel):
    id: int | None = None
    name: str = ""
    active: bool = True
    note: str = ""
    rank: int = 0


class Lean(Loopback):
    """Rows in memory, of which the list shows these fields."""

    token = None

    def __init__(self, row, *listed):
        self.rows: list[dict[str, Any]] = [dict(row)]
        self.asked: list[tuple[Any, ...]] = []
        rows, asked = self.rows, self.asked

        class Answering(Handler):
            def do_GET(self):
                url = urlsplit(self.path)
                asked.append(("GET", url.path))
                if key := url.path.removeprefix("/api/v1/things/").strip("/"):
                    self.answer(200, next(row for row in rows if str(row["id"]) == key))
                    return
                filters = {name: value for name, value in parse_qsl(url.query) if name in row}
                found = [row for row in rows if all(str(row[name]) == value for name, value in filters.items())]
                self.answer_page([{name: row[name] for name in listed} for row in found])

            def do_PATCH(self):
                sent = self.sent()
                asked.append(("PATCH", self.path, sent))
                row = next(row for row in rows if self.path.endswith(f"/{row['id']}/"))
                row.update(sent)
                self.answer(200, row)

            def do_POST(self):
                sent = self.sent()
                asked.append(("POST", self.path, sent))
                rows.append({**row, **sent, "id": len(rows) + 1})
                self.answer(201, rows[-1])

        super().__init__(Answering)

    def cost(self):
        """The requests since the last time."""
        asked = [*self.asked]
        self.asked.clear()
        return asked


LIST, ONE = "/api/v1/things/", "/api/v1/things/1/"


@pytest.fixture
def lean():
    with Lean(ROW, "id", "name") as server:
        yield server


@BASES
def test_a_field_that_is_set_to_its_default_is_saved_where_the_row_does_not_show_it(lean, base):
    async def main():
        one = await settle(model(lean, Thing, base).objects.first())
        lean.cost()
        await settle(one.save())
        assert lean.cost() == []
        one.active = True
        assert one.changes() == {"active": True}
        await settle(one.save())
        assert lean.cost() == [("PATCH", ONE, {"active": True})]
        # The answer shows every field.
        assert (one.note, one.rank, one.changes()) == ("kept", 5, {})
        one.active = True
        await settle(one.save())
        assert lean.cost() == []

    asyncio.run(main())


@BASES
def test_what_was_not_assigned_is_not_sent(lean, base):
    async def main():
        rows = model(lean, Thing, base).objects
        one = await settle(rows.first())
        one.name = "new"
        await settle(one.save())
        one = await settle(rows.first())
        lean.cost()
        one.rank = 0
        await settle(rows.bulk_update([one], ["name"]))
        assert lean.cost() == []
        await settle(rows.update_or_create(name="new", defaults={"note": ""}))
        assert [asked for asked in lean.cost() if asked[0] != "GET"] == [("PATCH", ONE, {"note": ""})]

    asyncio.run(main())
    assert lean.rows == [{**ROW, "name": "new", "note": ""}]


@BASES
def test_many_rows_and_an_upsert_send_defaults_as_well(lean, base):
    async def main():
        rows = model(lean, Thing, base).objects
        one = await settle(rows.first())
        lean.cost()
        one.active, one.rank = True, 0
        assert await settle(rows.bulk_update([one], ["active"])) == 1
        assert lean.cost() == [("PATCH", ONE, {"active": True})]
        lean.rows[0]["active"] = False
        found, created = await settle(rows.update_or_create(name="one", defaults={"active": True}))
        assert (found.active, created) == (True, False)
        assert [asked for asked in lean.cost() if asked[0] != "GET"] == [("PATCH", ONE, {"active": True})]

    asyncio.run(main())


@BASES
def test_a_copy_has_the_fields_that_the_list_has_left_out(lean, base):
    async def main():
        one = await settle(model(lean, Thing, base).objects.first())
        lean.cost()
        one.pk = None
        one.note, one.rank = "mine", 0
        await settle(one.save())
        sent = {"name": "one", "active": False, "note": "mine", "rank": 0}
        assert lean.cost() == [("GET", ONE), ("POST", LIST, sent)]
        assert (one.pk, one.active, one.note, one.rank) == (2, False, "mine", 0)

    asyncio.run(main())


@BASES
def test_a_copy_of_a_row_that_shows_every_field_is_one_request(lean, base):
    async def main():
        one = await settle(model(lean, Thing, base).objects.get(id=1))
        lean.cost()
        one.pk = None
        one.name = "copy"
        await settle(one.save())
        assert lean.cost() == [("POST", LIST, {"name": "copy", "active": False, "note": "kept", "rank": 5})]

    asyncio.run(main())


@BASES
@pytest.mark.parametrize("listed", [("id", "title"), ("id", "title", "writer"), ("id", "title", "writer", "note")])
def test_a_copy_sends_the_key_of_a_related_row_that_is_shown_whole(base, listed):
    class Writer(base):
        class Schema(BaseModel):
            id: int | None = None
            name: str = ""

        _schema_class = Schema
        _endpoint = "/api/v1/writers/"

    class Book(BaseModel):
        id: int | None = None
        title: str = ""
        writer: ForeignKey[Writer] | None = None
        note: str = ""

    async def main(server):
        one = await settle(model(server, Book, base).objects.first())
        server.cost()
        one.pk = None
        await settle(one.save())
        post = ("POST", LIST, {"title": "A", "writer": 3, "note": "kept"})
        assert server.cost() == ([post] if "note" in listed else [("GET", ONE), post])

    with Lean({"id": 1, "title": "A", "writer": {"id": 3, "name": "Ann"}, "note": "kept"}, *listed) as server:
        asyncio.run(main(server))
