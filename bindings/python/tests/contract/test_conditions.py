"""Conditions that a query string cannot say: ``exclude``, OR, NOT, two bounds on the same field."""

from __future__ import annotations

from decimal import Decimal

import django_api_orm as orm
import pytest
from django_api_orm import Q
from schemas import Role

from . import fixture
from .site import ITEMS, ids, settle


async def finds(site, q, condition):
    """Checks the items that satisfy a condition, on every paginator, with filter backends and without."""
    expected = fixture.ids_of(fixture.ITEMS, condition)
    assert 1 <= len(expected) < 130, f"{q} says nothing: {len(expected)} rows"
    for endpoint in ITEMS:
        items = site.items(endpoint).filter(q)
        assert ids(await settle(items.all())) == expected, f"{endpoint}: {q}"
        assert await settle(items.count()) == len(expected), f"{endpoint}: count of {q}"


async def test_and(site):
    await finds(site, Q(flag=True) & Q(kind="toy"), lambda item: item.flag and item.kind == "toy")
    await finds(site, Q(flag=True, kind="toy"), lambda item: item.flag and item.kind == "toy")


async def test_chained_filters_are_anded(site):
    expected = fixture.ids_of(fixture.USERS, lambda user: user.active and user.role == "viewer")
    assert ids(await settle(site.users.filter(active=True).filter(role=Role.VIEWER))) == expected


async def test_or(site):
    await finds(site, Q(rank=8) | Q(kind="toy"), lambda item: item.rank == 8 or item.kind == "toy")
    await finds(site, Q(rank=8) | Q(rank=-1), lambda item: item.rank in (8, -1))


async def test_not(site):
    await finds(site, ~Q(flag=True), lambda item: not item.flag)
    await finds(site, ~(Q(flag=True) | Q(kind="toy")), lambda item: not item.flag and item.kind != "toy")


async def test_a_tree(site):
    def holds(item):
        return (item.kind == "toy" or item.rank is None or item.rank <= 3) and item.price < 500

    await finds(site, (Q(kind="toy") | ~Q(rank__gt=3)) & Q(price__lt=Decimal(500)), holds)


async def test_ne_keeps_nulls_as_djangos_exclude_does(site):
    await finds(site, ~Q(rank=8), lambda item: item.rank != 8)
    await finds(site, ~Q(rank=None), lambda item: item.rank is not None)


async def test_exclude(site):
    for endpoint in ITEMS:
        items = site.items(endpoint)
        expected = fixture.ids_of(fixture.ITEMS, lambda item: item.rank is None or item.rank < 4)
        assert ids(await settle(items.exclude(rank__gte=4))) == expected, f"{endpoint}: nulls satisfy no comparison"
        expected = fixture.ids_of(fixture.ITEMS, lambda item: not (item.flag and item.kind == "toy"))
        assert ids(await settle(items.exclude(flag=True, kind="toy"))) == expected, f"{endpoint}: both together"
        expected = fixture.ids_of(fixture.ITEMS, lambda item: item.kind == "toy" and not item.flag)
        assert ids(await settle(items.filter(kind="toy").exclude(flag=True))) == expected, f"{endpoint}: after a filter"
        expected = fixture.ids_of(fixture.ITEMS, lambda item: item.rank not in (1, 2, 3))
        assert ids(await settle(items.exclude(rank__in=[1, 2, 3]))) == expected, f"{endpoint}: in"


async def test_exclude_of_an_empty_list_excludes_nothing(site):
    assert await settle(site.users.exclude(id__in=[]).count()) == 250


async def test_two_conditions_on_one_parameter(site):
    # A repeated parameter means the last one to Django: the other has to be evaluated client-side.
    def above_five(item):
        return item.rank is not None and item.rank > 5

    await finds(site, Q(rank__gt=2) & Q(rank__gt=5), above_five)
    await finds(site, Q(rank__gt=5) & Q(rank__gt=2), above_five)
    assert ids(await settle(site.users.filter(Q(id=1) & Q(id=2)))) == []


async def test_a_bounded_interval(site):
    await finds(site, Q(rank__gte=2, rank__lt=6), lambda item: item.rank is not None and 2 <= item.rank < 6)


async def test_a_scan_has_a_limit(site):
    inactive = site.users.exclude(active=True)
    with pytest.raises(orm.UnsupportedError):
        await settle(inactive.max_scan(120))
    assert len(await settle(inactive.max_scan(250))) == 100


# Python's own


async def test_xor(site):
    await finds(site, Q(id__lt=10) ^ Q(flag=True), lambda item: (item.id < 10) != item.flag)


async def test_explain_says_what_is_done_where(site):
    explained = site.users.filter(age__gte=18).exclude(role="admin").explain()
    assert explained.pushed == [("age__gte", "18")] and len(explained.local) == 1
    assert "NOT role" in explained
    assert site.cost() == 0
