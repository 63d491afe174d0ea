"""``order_by`` and ``reverse``, also where the server does not sort as asked."""

from __future__ import annotations

from . import fixture
from .site import ITEMS, ITEMS_OFF, ids, settle


def sorted_items(key):
    return ids(sorted(fixture.ITEMS, key=key))


def nulls_first(value):
    return (value is not None, value or 0)


async def test_by_one_field(site):
    for endpoint in ITEMS:
        items = site.items(endpoint)
        assert ids(await settle(items.order_by("-id"))) == list(range(130, 0, -1)), endpoint
        assert ids(await settle(items.order_by("id"))) == list(range(1, 131)), endpoint


async def test_by_several_fields(site):
    expected = sorted_items(lambda item: (-item.price, item.id))
    for endpoint in ITEMS:
        assert ids(await settle(site.items(endpoint).order_by("-price", "id"))) == expected, endpoint
        assert ids(await settle(site.items(endpoint).order_by("-price", "pk"))) == expected, endpoint


async def test_nulls_come_first_as_the_server_has_them(site):
    expected = sorted_items(lambda item: (nulls_first(item.rank), item.id))
    # Sorting backwards keeps the order of equals: that of the file.
    backwards = ids(sorted(fixture.ITEMS, key=lambda item: nulls_first(item.rank), reverse=True))
    # A cursor over nulls is an error of the server: see `test_failures`.
    for endpoint in ITEMS:
        if endpoint == "cursor-on":
            continue
        items = site.items(endpoint)
        assert ids(await settle(items.order_by("rank", "id"))) == expected, endpoint
        assert ids(await settle(items.order_by("-rank", "id"))) == backwards, endpoint


async def test_reverse(site):
    expected = sorted_items(lambda item: (item.price, -item.id))
    for endpoint in ITEMS:
        items = site.items(endpoint)
        assert ids(await settle(items.all().reverse())) == list(range(130, 0, -1)), endpoint
        assert ids(await settle(items.all().reverse().reverse()[:3])) == [1, 2, 3], endpoint
        assert ids(await settle(items.order_by("-price", "id").reverse())) == expected, endpoint
        assert ids(await settle(items.all().reverse()[10:13])) == [120, 119, 118], endpoint


async def test_a_later_order_replaces_an_earlier_one(site):
    users = site.users.order_by("name").order_by("-id")
    assert ids(await settle(users[:3])) == [250, 249, 248]


async def test_an_order_that_the_server_drops_is_made_here(site):
    # `kind` is no ordering field of the items: Django REST Framework drops it without a word.
    expected = sorted_items(lambda item: (item.kind, item.id))
    for endpoint in ITEMS:
        items = site.items(endpoint).order_by("kind", "id")
        assert ids(await settle(items)) == expected, endpoint
        assert ids(await settle(items[40:60])) == expected[40:60], endpoint
    warned = [subject for kind, subject in site.warnings() if kind == "ordering ignored"]
    assert len(warned) == len(ITEMS), f"once for each endpoint: {site.warnings()}"


async def test_an_ignored_order_that_the_first_page_does_not_show(site):
    # The first twenty prices happen to go up.
    prices = [item.price for item in fixture.ITEMS]
    assert prices[:20] == sorted(prices[:20]) and prices[:40] != sorted(prices[:40])
    expected = sorted_items(lambda item: (item.price, item.id))
    for endpoint in ITEMS_OFF:
        assert ids(await settle(site.items(endpoint).order_by("price", "id"))) == expected, endpoint


async def test_an_order_by_a_nested_field(site):
    # Dropped by the server too.
    users = site.users.filter(address__state="IL").order_by("address__zip", "id")
    there = [user for user in fixture.USERS if user.address and user.address.state == "IL"]
    assert ids(await settle(users)) == ids(sorted(there, key=lambda user: (user.address.zip, user.id)))
