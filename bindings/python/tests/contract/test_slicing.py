"""Slices: their bounds, and slices of slices."""

from __future__ import annotations

import pytest

from . import fixture
from .site import ITEMS, ids, settle


async def check(site, part, expected):
    """Checks a slice of the items on every paginator."""
    for endpoint in ITEMS:
        assert ids(await settle(part(site.items(endpoint).all()))) == list(expected), endpoint


def ids_from(first, last):
    return range(first, last + 1)


async def test_limit(site):
    for limit in (5, 20, 21, 75):
        await check(site, lambda rows, limit=limit: rows[:limit], ids_from(1, limit))
    await check(site, lambda rows: rows[:1000], ids_from(1, 130))


async def test_offset(site):
    await check(site, lambda rows: rows[1:], ids_from(2, 130))
    await check(site, lambda rows: rows[45:], ids_from(46, 130))
    await check(site, lambda rows: rows[129:], ids_from(130, 130))


async def test_offset_beyond_the_end_is_empty(site):
    await check(site, lambda rows: rows[130:], [])
    await check(site, lambda rows: rows[1000:], [])
    await check(site, lambda rows: rows[1000:1010], [])


async def test_range(site):
    await check(site, lambda rows: rows[10:20], ids_from(11, 20))
    await check(site, lambda rows: rows[:5], ids_from(1, 5))
    await check(site, lambda rows: rows[125:], ids_from(126, 130))
    await check(site, lambda rows: rows[5:8], ids_from(6, 8))
    await check(site, lambda rows: rows[15:62], ids_from(16, 62))
    await check(site, lambda rows: rows[120:140], ids_from(121, 130))


async def test_slices_of_slices(site):
    await check(site, lambda rows: rows[10:50][5:10], ids_from(16, 20))
    await check(site, lambda rows: rows[10:20][5:100], ids_from(16, 20))
    await check(site, lambda rows: rows[30:][30:][:3], ids_from(61, 63))
    await check(site, lambda rows: rows[:10][4:], ids_from(5, 10))
    await check(site, lambda rows: rows[:10][:50], ids_from(1, 10))
    await check(site, lambda rows: rows[:10][10:], [])


async def test_an_empty_slice_costs_nothing(site):
    await check(site, lambda rows: rows[:0], [])
    await check(site, lambda rows: rows[7:7], [])
    await check(site, lambda rows: rows.none(), [])
    assert site.cost() == 0


async def test_a_slice_costs_no_more_than_its_pages(site):
    assert ids(await settle(site.users.all()[200:210])) == list(ids_from(201, 210))
    assert site.cost() == 1, "the rows before a slice are not read"
    assert len(await settle(site.users.all()[:150])) == 150
    assert site.cost() == 2


async def test_a_slice_of_a_filter(site):
    flagged = fixture.ids_of(fixture.ITEMS, lambda item: item.flag)
    others = fixture.ids_of(fixture.ITEMS, lambda item: not item.flag)
    assert len(flagged) > 30
    for endpoint in ITEMS:
        items = site.items(endpoint)
        assert ids(await settle(items.filter(flag=True)[12:30])) == flagged[12:30], endpoint
        assert ids(await settle(items.exclude(flag=True)[12:30])) == others[12:30], endpoint


async def test_a_slice_of_an_order(site):
    expected = ids(sorted(fixture.ITEMS, key=lambda item: (-item.price, item.id)))
    for endpoint in ITEMS:
        dearest = site.items(endpoint).order_by("-price", "id")
        assert ids(await settle(dearest[18:43])) == expected[18:43], endpoint


async def test_a_filter_or_an_order_after_a_slice_is_an_error(site):
    part = site.users.all()[:10]
    for change in (lambda: part.filter(active=True), lambda: part.order_by("-id")):
        with pytest.raises(ValueError, match="slice"):
            await settle(change())
    assert site.cost() == 0, "noticed before anything is sent"


# Python's own


async def test_a_negative_bound_is_refused(site):
    for part in (slice(-1, None), slice(None, -1)):
        with pytest.raises(ValueError, match="negative"):
            site.users.all()[part]
