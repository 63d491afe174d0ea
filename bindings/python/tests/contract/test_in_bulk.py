"""``in_bulk``: rows by their keys."""

from __future__ import annotations

from . import fixture
from .site import ITEMS, settle, values


async def test_by_key(site):
    users = await settle(site.users.in_bulk([3, 200, 5]))
    assert {key: values(user) for key, user in users.items()} == {key: values(fixture.USERS[key - 1]) for key in (3, 200, 5)}
    assert site.cost() == 1
    assert not site.warnings()


async def test_keys_without_a_row_are_left_out(site):
    assert list(await settle(site.users.in_bulk([9999, 1, 10_000]))) == [1]


async def test_of_nothing_costs_nothing(site):
    assert await settle(site.users.in_bulk([])) == {}
    assert site.cost() == 0


async def test_of_many_keys(site):
    assert len(await settle(site.users.in_bulk(range(1, 251)))) == 250
    assert site.cost() == 3, "100 keys a request"


async def test_of_a_filter(site):
    expected = fixture.ids_of(fixture.USERS, lambda user: user.active and user.id <= 20)
    assert sorted(await settle(site.users.filter(active=True).in_bulk(range(1, 21)))) == expected


async def test_on_every_paginator_with_and_without_filters(site):
    for endpoint in ITEMS:
        # The second time, what the server ignores is known.
        for _ in range(2):
            items = await settle(site.items(endpoint).in_bulk([1, 77, 130, 131]))
            assert sorted(items) == [1, 77, 130], endpoint
            assert values(items[77]) == values(fixture.ITEMS[76]), endpoint


async def test_of_a_model_with_a_slug_in_its_urls(site):
    articles = await settle(site.articles.in_bulk([2, 44]))
    assert {key: article.slug for key, article in articles.items()} == {2: "article-02", 44: "article-44"}


# Python's own


async def test_without_keys_it_is_every_row(site):
    teams = await settle(site.teams.in_bulk())
    assert {key: values(team) for key, team in teams.items()} == {team.id: values(team) for team in fixture.TEAMS}
