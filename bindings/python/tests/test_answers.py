"""Answers of success that do not show the row that was written, or not its key."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel
from django_api_orm.testserver import TestServer
from pydantic import BaseModel, ConfigDict
from test_writes import JSON, model, settle, writes

BASES = pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])


class Thing(BaseModel):
    id: int | None = None
    name: str
    rank: int | None = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: int | None = None


@pytest.fixture
def things():
    with TestServer({"things": [{"id": 1, "name": "one", "rank": 1}]}) as server:
        yield server


def answer(server, status, body):
    server.fail_next(status, json.dumps(body).encode(), JSON)


@BASES
@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "errors": {"name": ["taken"]}},
        {"detail": "read-only mode"},
        {"data": {"id": 2, "name": "new"}},
        ["not allowed"],
    ],
)
def test_an_answer_about_something_else_does_not_say_that_the_row_was_saved(things, base, body):
    rows = model(things, Thing, base).objects

    async def main():
        one = await settle(rows.get(id=1))
        one.name = "new"
        answer(things, 200, body)
        with pytest.raises(orm.DecodeError, match="may not have been saved") as error:
            await settle(one.save())
        assert error.value.is_outcome_unknown and isinstance(error.value, orm.OutcomeUnknown)
        assert one.changes() == {"name": "new"}
        answer(things, 200, body)
        with pytest.raises(orm.BulkWriteError, match="may not have been saved") as some:
            await settle(rows.bulk_update([one], ["name"]))
        assert some.value.written == []
        if isinstance(body, dict):
            answer(things, 201, body)
            with pytest.raises(orm.DecodeError, match="may not have been created"):
                await settle(rows.create(name="n"))

    asyncio.run(main())


@BASES
def test_the_error_of_many_writes_says_what_has_become_of_each(things, base):
    rows = model(things, Thing, base).objects
    new = [{"name": name} for name in "abc"]

    async def failed(call, kind, says):
        with pytest.raises(kind, match=f"^{says}; row ") as error:
            await settle(call())
        is_unknown = "may or may not" in says
        assert (isinstance(error.value, orm.OutcomeUnknown), error.value.is_outcome_unknown) == (is_unknown, is_unknown)

    async def main():
        answer(things, 400, {"name": ["taken"]})
        answer(things, 201, {"success": False})
        things.fail_next(201)
        says = "1 of 3 rows could not be created, 1 may or may not have been created, 1 failed after being created"
        await failed(lambda: rows.bulk_create(new, concurrency=1), orm.BulkCreateError, says)
        answer(things, 400, {})
        await failed(lambda: rows.bulk_create(new[:1]), orm.BulkCreateError, "1 of 1 rows could not be created")
        answer(things, 201, {"id": 9, "name": None})
        await failed(lambda: rows.bulk_create(new[:1]), orm.BulkCreateError, "1 of 1 rows failed after being created")
        one = await settle(rows.get(id=1))
        one.rank = 7
        answer(things, 200, {"success": False})
        says = "1 of 1 rows may or may not have been written"
        await failed(lambda: rows.bulk_update([one], ["rank"]), orm.BulkWriteError, says)
        answer(things, 200, one.raw())
        says = "1 of 1 rows failed after being written"
        await failed(lambda: rows.bulk_update([one], ["rank"]), orm.BulkWriteError, says)
        for reply, says in (
            ({"success": False}, "may or may not have been written"),
            (one.raw(), "failed after being written"),
        ):
            answer(things, 200, {"count": 1, "next": None, "previous": None, "results": [one.raw()]})
            answer(things, 200, reply)
            await failed(lambda: rows.update(rank=7), orm.BulkWriteError, f"1 of 1 rows {says}")

    asyncio.run(main())


@BASES
@pytest.mark.parametrize(("status", "body"), [(200, {}), (200, True), (202, {"job": 7})])
def test_an_answer_that_says_nothing_or_later_is_a_success(things, base, status, body):
    async def main():
        one = await settle(model(things, Thing, base).objects.get(id=1))
        one.name = "new"
        answer(things, status, body)
        await settle(one.save())
        assert (one.name, one.changes()) == ("new", {})

    asyncio.run(main())


@BASES
def test_the_key_of_a_job_is_not_that_of_the_row(things, base):
    async def main():
        rows = model(things, Thing, base).objects
        for body in ({"id": 17, "status": "queued"}, {"id": 17, "name": "import"}, {}):
            answer(things, 202, body)
            with pytest.raises(orm.DecodeError, match="will create it later"):
                await settle(rows.create(name="n"))
        answer(things, 202, {"id": 17, "name": "n", "rank": 1})
        assert (await settle(rows.create(name="n"))).pk == 17
        one = await settle(rows.get(id=1))
        one.name = "new"
        answer(things, 202, {"id": 17, "status": "queued"})
        await settle(one.save())
        assert (one.pk, one.name, one.changes()) == (1, "new", {})

    asyncio.run(main())


@pytest.mark.parametrize("wrap", [lambda row: {"ok": True, "data": row}, lambda row: [row]])
def test_a_row_inside_its_answer_is_the_answer(things, wrap):
    one = model(things, Thing).objects.get(id=1)
    row = {"id": 1, "name": "New", "rank": 1}
    one.name = "new"
    answer(things, 200, wrap(row))
    one.save()
    assert (one.name, one.raw()) == ("New", row)
    one.rank = 77
    answer(things, 200, wrap(row))
    with pytest.raises(orm.UnsavedError, match="`rank`"):
        one.save()


def test_what_was_sent_is_shown_also_where_the_schema_does_not_declare_it(things):
    rows = model(things, Open).objects
    answer(things, 201, {"name": "n"})
    assert rows.create(name="n").name == "n"
    answer(things, 201, {"success": False})
    with pytest.raises(orm.DecodeError, match="may not have been created"):
        rows.create(name="n")
    one = rows.get(id=1)
    one.name = "new"
    answer(things, 200, {"success": False})
    with pytest.raises(orm.DecodeError, match="may not have been saved"):
        one.save()


@BASES
def test_a_key_that_was_sent_and_is_not_shown_is_asked_for(things, base):
    rows = model(things, Thing, base).objects

    async def main():
        answer(things, 201, {"name": "new"})
        answer(things, 200, {"id": 7, "name": "NEW", "rank": 5})
        made = await settle(rows.create(id=7, name="new", rank=5))
        assert made.to_dict() == {"id": 7, "name": "NEW", "rank": 5}
        answer(things, 201, {"name": "new"})
        # A row is there, but another one.
        with pytest.raises(orm.UnsavedError, match="`id` is not known") as error:
            await settle(rows.create(id=1, name="new"))
        assert error.value.instance is None
        # The row's URL, the list, and the new row.
        answer(things, 404, {})
        answer(things, 200, {"count": 0, "next": None, "previous": None, "results": []})
        answer(things, 201, {"name": "new"})
        before = len(writes(things))
        for says in ("`id` is not known", "none was created"):
            with pytest.raises(orm.UnsavedError, match=says):
                await settle(rows.update_or_create(id=9, defaults={"name": "new"}))
        assert len(writes(things)) == before + 1

    asyncio.run(main())


class Kinded(BaseModel):
    id: int | None = None
    kind: Any = None


UNCHANGED = [
    # What the row showed, what is sent, whether the answer that shows the first is an error, and whether it still is once the
    # field was seen to show other words than were sent.
    ({"b": 2}, {"a": 1}, True, None),
    ({"id": 5, "name": "x"}, {"pk": 5}, False, None),
    ("Active", "A", False, False),
    ("Active", "P", False, False),
    ("Draft", "pub", True, False),
    (1, 2, True, None),
]


@BASES
@pytest.mark.parametrize(("was", "sent", "at_first", "later"), UNCHANGED)
def test_an_unchanged_value_is_an_error_unless_it_may_be_what_was_sent(things, base, was, sent, at_first, later):
    rows = model(things, Kinded, base).objects

    async def save(before, value, shown):
        answer(things, 200, {"id": 1, "kind": before})
        one = await settle(rows.get(id=1))
        one.kind = value
        answer(things, 200, {"id": 1, "kind": shown})
        try:
            await settle(one.save())
        except orm.UnsavedError:
            return True
        return False

    async def main():
        assert await save(was, sent, was) is at_first
        if later is not None:
            # Once, another client may have changed the field.
            assert not await save("Draft", "act", "In force")
            assert await save(was, sent, was) is at_first
            assert not await save("Draft", "rev", "Under review")
            assert await save(was, sent, was) is later

    asyncio.run(main())
