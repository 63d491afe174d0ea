"""``first``, ``last``, ``count`` and ``exists``, on every paginator."""

from __future__ import annotations

from . import fixture
from .site import ITEMS, settle


async def ends(query):
    """The ids of the first and the last row."""
    first, last = await settle(query.first()), await settle(query.last())
    return (first and first.id, last and last.id)


async def test_first_and_last_in_the_servers_order(site):
    assert (await settle(site.users.first())).id == 1
    assert site.cost() == 1
    assert (await settle(site.users.last())).id == 250, "not the last row of the first page"
    assert site.cost() == 2
    assert (await settle(site.posts.last())).id == 120
    assert (await settle(site.comments.last())).id == 130
    assert (await settle(site.teams.last())).id == 5
    assert (await settle(site.articles.last())).id == 45
    for endpoint in ITEMS:
        assert await ends(site.items(endpoint)) == (1, 130), endpoint
    assert not site.warnings()


async def test_first_and_last_in_an_order_of_ones_own(site):
    expected = sorted(fixture.ITEMS, key=lambda item: (item.price, item.id))
    cheapest, dearest = expected[0].id, expected[-1].id
    for endpoint in ITEMS:
        by_price = site.items(endpoint).order_by("price", "id")
        assert await ends(by_price) == (cheapest, dearest), endpoint
        assert (await settle(by_price.reverse().first())).id == dearest, endpoint


async def test_first_and_last_of_a_filter(site):
    expected = fixture.ids_of(fixture.ITEMS, lambda item: item.flag)
    for endpoint in ITEMS:
        assert await ends(site.items(endpoint).filter(flag=True)) == (expected[0], expected[-1]), endpoint


async def test_first_and_last_of_nothing(site):
    for endpoint in ITEMS:
        assert await ends(site.items(endpoint).filter(name="no such name")) == (None, None), endpoint


async def test_first_and_last_of_a_slice(site):
    for endpoint in ITEMS:
        assert await ends(site.items(endpoint).all()[10:25]) == (11, 25), endpoint
        assert await ends(site.items(endpoint).order_by("-id")[10:25]) == (120, 106), endpoint


async def test_count(site):
    assert await settle(site.users.count()) == 250
    assert site.cost() == 1
    counts = [await settle(each.count()) for each in (site.posts, site.comments, site.teams, site.articles, site.labels)]
    assert counts == [120, 130, 5, 45, 30]
    for endpoint in ITEMS:
        assert await settle(site.items(endpoint).count()) == 130, endpoint
    assert not site.warnings()


async def test_count_of_a_filter(site):
    assert await settle(site.users.filter(active=True).count()) == 150
    expected = len(fixture.ids_of(fixture.ITEMS, lambda item: item.flag))
    for endpoint in ITEMS:
        items = site.items(endpoint)
        assert await settle(items.filter(flag=True).count()) == expected, endpoint
        assert await settle(items.exclude(flag=True).count()) == 130 - expected, endpoint
        assert await settle(items.filter(name="no such name").count()) == 0, endpoint


async def test_count_of_a_slice_is_not_the_count_of_everything(site):
    for endpoint in ITEMS:
        rows = site.items(endpoint).all()
        slices = [rows[:40], rows[100:], rows[120:140], rows[500:], rows[:0]]
        assert [await settle(part.count()) for part in slices] == [40, 30, 10, 0, 0], endpoint


async def test_exists(site):
    assert await settle(site.users.exists()) is True
    assert site.cost() == 1
    for endpoint in ITEMS:
        items = site.items(endpoint)
        queries = [items, items.filter(flag=True), items.filter(name="no such name"), items.all()[129:], items.all()[130:]]
        assert [await settle(query.exists()) for query in queries] == [True, True, False, True, False], endpoint
