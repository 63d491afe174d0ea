"""``values`` and ``values_list``: some fields of the rows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import BaseModel, ValidationError

from . import fixture
from .site import settle


async def test_values_of_a_smaller_type(site):
    contacts = await settle(site.users.filter(active=True).values("id", "email"))
    assert contacts == [{"id": user.id, "email": user.email} for user in fixture.USERS if user.active]
    assert site.cost() == 2, "150 rows on two pages"


async def test_values_with_what_the_model_leaves_out(site):
    posts = await settle(site.posts.all()[:1].values("id", "body"))
    assert posts == [{"id": 1, "body": "Body of post 1.\nIt has two lines."}]


async def test_values_list_of_one_field(site):
    assert await settle(site.users.values_list("id", flat=True)) == list(range(1, 251))
    assert await settle(site.users.values_list("age", flat=True)) == [user.age for user in fixture.USERS]


async def test_values_list_of_several_fields(site):
    fields = ("id", "name", "balance", "joined_on", "tags")
    lines = await settle(site.users.order_by("-id")[:30].values_list(*fields))
    assert lines == [tuple(getattr(user, field) for field in fields) for user in fixture.USERS[::-1][:30]]
    assert all(type(line[2]) is Decimal for line in lines)


async def test_values_list_of_a_renamed_field(site):
    authors = await settle(site.posts.values_list("id", "author_id"))
    assert authors == [(post.id, post.author_id) for post in fixture.POSTS]


async def test_values_list_of_a_nested_field(site):
    cities = await settle(site.users.filter(address__state="IL").values_list("address__city", flat=True))
    assert cities == [user.address.city for user in fixture.USERS if user.address and user.address.state == "IL"]


async def test_a_row_that_does_not_fit_names_the_field(site):
    class Wrong(BaseModel):
        email: int

    with pytest.raises(ValidationError) as error:
        await settle(site.manager("Wrong", Wrong, "/api/v1/users/").all()[:1].values("email"))
    assert "email" in error.value.errors()[0]["loc"]


# Python's own


async def test_below_a_null_is_null(site):
    states = await settle(site.users.all()[:20].values_list("address__state", flat=True))
    assert states == [user.address and user.address.state for user in fixture.USERS[:20]]
    assert None in states


async def test_without_names_it_is_every_field(site):
    rows = await settle(site.teams.values())
    assert rows == [team.model_dump() for team in fixture.TEAMS]


async def test_flat_takes_one_field(site):
    for fields in ((), ("id", "name")):
        with pytest.raises(ValueError, match="flat"):
            await settle(site.users.values_list(*fields, flat=True))
    assert site.cost() == 0
