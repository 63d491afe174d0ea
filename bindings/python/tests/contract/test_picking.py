"""``latest``, ``earliest``, ``contains``, and ``in_bulk`` by another field."""

from __future__ import annotations

import copy

import django_api_orm as orm
import pytest

from . import fixture
from .site import ITEMS, ids, settle, values, writes


async def test_the_latest_and_the_earliest_on_every_paginator(site):
    prices = sorted(item.price for item in fixture.ITEMS)
    for endpoint in ITEMS:
        # The order of the queryset does not matter.
        items = site.items(endpoint).order_by("-id")
        latest, earliest = await settle(items.latest("price")), await settle(items.earliest("price"))
        assert (earliest.price, latest.price) == (prices[0], prices[-1]), endpoint
        assert (await settle(items.latest("-price"))).price == prices[0], endpoint
    assert (await settle(site.users.earliest("id"))).id == 1
    assert (await settle(site.users.latest("id"))).id == 250


async def test_the_latest_of_a_filter_costs_one_request_and_of_nothing_is_an_error(site):
    inactive = site.users.filter(active=False)
    await settle(inactive.count())
    await settle(inactive.latest("id"))
    site.cost()
    latest = await settle(inactive.latest("id"))
    assert latest.id == fixture.ids_of(fixture.USERS, lambda user: not user.active)[-1]
    assert site.cost() == 1
    nobody = site.users.filter(id__gt=9000)
    for find in (nobody.latest, nobody.earliest):
        with pytest.raises(site.models.User.DoesNotExist, match="User"):
            await settle(find("id"))
    site.cost()
    with pytest.raises((TypeError, ValueError)):
        await settle(site.users.all()[:5].latest("id"))
    assert site.cost() == 0


async def test_a_queryset_contains_its_rows(site):
    active = site.users.filter(active=True)
    for number in (1, 2, 3):
        user = await settle(site.users.get(id=number))
        assert await settle(active.contains(user)) is fixture.USERS[number - 1].active, number
        site.cost()
        assert await settle(site.users.contains(user)) is True
        assert site.cost() == 1
        with pytest.raises((TypeError, ValueError)):
            await settle(active[:5].contains(user))
    for endpoint in ITEMS:
        item = await settle(site.items(endpoint).get(id=77))
        assert await settle(site.items(endpoint).filter(flag=True).contains(item)) is item.flag, endpoint


@writes
async def test_a_row_that_is_gone_is_contained_nowhere(site):
    label = await settle(site.labels.create(name="Short-lived", color="red"))
    twin = copy.copy(label)
    await settle(label.delete())
    assert await settle(site.labels.contains(twin)) is False


async def test_rows_by_another_unique_field(site):
    emails = [fixture.USERS[4].email, "nobody@example.com", fixture.USERS[199].email]
    users = await settle(site.users.in_bulk(emails, field_name="email"))
    assert sorted(ids(users.values())) == [5, 200]
    assert values(users[emails[2]]) == values(fixture.USERS[199])
    articles = await settle(site.articles.in_bulk(["article-44", "none"], field_name="slug"))
    assert {slug: article.id for slug, article in articles.items()} == {"article-44": 44}
    for endpoint in ITEMS:
        items = await settle(site.items(endpoint).in_bulk([77, 131], field_name="id"))
        assert {key: values(item) for key, item in items.items()} == {77: values(fixture.ITEMS[76])}, endpoint


async def test_a_value_that_is_asked_for_twice_is_one_value(site):
    # In two requests, as one takes 100 values.
    emails = [user.email for user in fixture.USERS[:150]]
    users = await settle(site.users.in_bulk([*emails, emails[0]], field_name="email"))
    assert len(users) == 150


async def test_a_field_that_is_not_unique_is_an_error(site):
    with pytest.raises(orm.MultipleObjectsReturned, match="active"):
        await settle(site.users.in_bulk([True], field_name="active"))
