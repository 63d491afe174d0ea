"""Endpoints whose rows have no URLs by the model's key: a 404 is no missing row, and no reason to create one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django_api_orm import APIModel, AsyncAPIModel, NotFoundError
from django_api_orm.testserver import TestServer
from pydantic import BaseModel
from test_writes import model, settle, writes


class Thing(BaseModel):
    id: int | None = None
    slug: str = ""
    name: str = ""


ROWS = {"things": [{"id": key, "slug": f"thing-{key}", "name": f"thing {key}"} for key in range(1, 31)]}
#: Addressed by slug, or not at all; by a list that filters by the key, or does not.
SHAPES: dict[str, dict[str, Any]] = {
    "by slug": {"details": {"by": "slug"}},
    "no URLs": {"details": "absent"},
    "by slug, unfiltered": {"details": {"by": "slug"}, "ignores": ["id"]},
    "no URLs, unfiltered": {"details": "absent", "ignores": ["id"]},
    "no URLs, no other names": {"details": "absent", "unknown": 400},
}


@pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_row_without_a_url_is_found_and_not_created_again(shape, base):
    """Each question first, by a client that knows nothing of the endpoint."""
    other = {"name": "other", "slug": "other"}
    questions = {
        "get": lambda things: things.get(id=3),
        "filter": lambda things: things.filter(id=3).first(),
        "get_or_create": lambda things: things.get_or_create(id=3, defaults=other),
        "update_or_create": lambda things: things.update_or_create(id=3, defaults={"name": "thing 3"}),
    }

    async def main(server):
        for name, ask in questions.items():
            things = model(server, Thing, base).objects
            for _ in range(2):
                found = await settle(ask(things))
                row, created = found if isinstance(found, tuple) else (found, False)
                assert (row.id, created) == (3, False), name
            with pytest.raises(things.model.DoesNotExist):
                await settle(things.get(id=31))
            assert await settle(things.in_bulk([3, 31])) == {3: row}
        for write in (row.save, row.delete, row.refresh_from_api):
            row.name = "changed"
            with pytest.raises(NotFoundError, match="has no URL for each by its `id`") as error:
                await settle(write())
            assert not isinstance(error.value, things.model.DoesNotExist)

    with TestServer(ROWS, shape=shape) as server:
        asyncio.run(main(server))
        assert [method for method, _, _ in writes(server) if method == "POST"] == []


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_row_that_is_in_no_list_is_created_once(shape, base):
    async def main(server):
        things = model(server, Thing, base).objects
        for expected in (True, False):
            row, created = await settle(things.get_or_create(slug="new", defaults={"name": "new"}))
            assert (row.id, created) == (31, expected)

    with TestServer(ROWS, shape=shape) as server:
        asyncio.run(main(server))
        assert [method for method, _, _ in writes(server)] == ["POST"]
