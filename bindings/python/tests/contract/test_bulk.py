"""``bulk_create``: many rows, in order, and nothing lost when some fail."""

from __future__ import annotations

import django_api_orm as orm
import pytest
from pydantic import ValidationError

from .site import ids, settle, writes


def row(number):
    return {"name": f"User {number}", "email": f"bulk{number}@example.com"}


@writes
async def test_the_instances_come_in_the_order_of_the_rows(site):
    users = await settle(site.users.bulk_create(row(number) for number in range(30)))
    assert [user.name for user in users] == [f"User {number}" for number in range(30)]
    assert site.cost() == 30
    assert sorted(ids(users)) == list(range(251, 281))
    assert await settle(site.users.count()) == 280


@writes
async def test_one_at_a_time(site):
    labels = [site.models.Label(name=name) for name in "abc"]
    labels = await settle(site.labels.bulk_create(labels, concurrency=1))
    assert ids(labels) == [31, 32, 33]


@writes
async def test_the_instances_can_be_saved(site):
    users = await settle(site.users.bulk_create([row(1), row(2)]))
    users[1].name = "Changed"
    await settle(users[1].save())
    assert (await settle(site.users.get(email="bulk2@example.com"))).name == "Changed"


@writes
async def test_a_partial_failure_carries_what_was_created_and_what_was_not(site):
    rows = [
        row(0),
        {"name": "Taken", "email": "user1@example.com"},
        row(2),
        {"name": "", "email": "bulk3@example.com"},
        row(4),
    ]
    with pytest.raises(orm.BulkCreateError, match=r"^2 of 5") as failure:
        await settle(site.users.bulk_create(rows))
    error = failure.value
    assert [(index, user.name) for index, user in error.created] == [(0, "User 0"), (2, "User 2"), (4, "User 4")]
    assert [(index, list(refused.errors)) for index, refused in error.failed] == [(1, ["email"]), (3, ["name"])]
    assert all(isinstance(refused, orm.BadRequestError) for _, refused in error.failed)
    there = site.users.filter(email__in=["bulk0@example.com", "bulk3@example.com"])
    assert await settle(there.count()) == 1


async def test_of_nothing(site):
    assert await settle(site.users.bulk_create([])) == []
    assert site.cost() == 0


async def test_nothing_is_sent_when_a_row_cannot_be(site):
    with pytest.raises(TypeError, match="str"):
        await settle(site.users.bulk_create([row(0), "no object", row(2)]))
    with pytest.raises(ValidationError):
        await settle(site.users.bulk_create([row(0), {"name": "without an address"}, row(2)]))
    assert site.cost() == 0
