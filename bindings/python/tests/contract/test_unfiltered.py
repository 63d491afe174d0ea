"""A server that ignores what it is asked: the answers are right all the same, and there is one warning."""

from __future__ import annotations

import django_api_orm as orm
import pytest

from . import fixture
from .site import ITEMS_OFF, ITEMS_ON, async_only, ids, settle, sync_only, writes


async def test_a_filter_that_is_ignored(site):
    toys = fixture.ids_of(fixture.ITEMS, lambda item: item.kind == "toy")
    for endpoint in ITEMS_OFF:
        query = site.items(endpoint).filter(kind="toy")
        assert ids(await settle(query.all())) == toys, endpoint
        assert await settle(query.count()) == len(toys), endpoint
        assert (await settle(query.get(id=toys[3]))).id == toys[3], endpoint
    assert ids(await settle(site.labels.filter(name="label-9"))) == [9]


async def test_the_warning_comes_once_for_each_endpoint_and_lookup(site):
    for _ in range(2):
        assert ids(await settle(site.labels.filter(name="label-9"))) == [9]
    assert site.warnings() == [("filter ignored", "name")]
    expected = fixture.ids_of(fixture.LABELS, lambda label: label.color is None)
    assert ids(await settle(site.labels.filter(color__isnull=True))) == expected
    assert len(site.warnings()) == 2


async def test_one_lookup_of_several_is_ignored(site):
    # `kind__icontains` is no filter of the items, `flag` is one.
    expected = fixture.ids_of(fixture.ITEMS, lambda item: item.flag and "to" in item.kind.lower())
    for endpoint in ITEMS_ON:
        query = site.items(endpoint).filter(flag=True, kind__icontains="TO")
        assert ids(await settle(query.all())) == expected, endpoint
        assert await settle(query.count()) == len(expected), endpoint
    assert site.warnings() == [("filter ignored", "kind__icontains")] * len(ITEMS_ON)


async def test_a_filter_of_which_the_first_page_shows_nothing(site):
    # The rows that violate it stand on later pages.
    for endpoint in ITEMS_OFF:
        items = site.items(endpoint)
        assert ids(await settle(items.filter(id__lt=50))) == list(range(1, 50)), endpoint
        assert await settle(items.filter(id__lt=100).count()) == 99, endpoint
        assert ids(await settle(items.filter(id__lt=110)[105:])) == [106, 107, 108, 109], endpoint


async def test_an_ordering_that_is_ignored(site):
    for endpoint in ITEMS_OFF:
        items = site.items(endpoint)
        assert (await settle(items.order_by("-id").first())).id == 130, endpoint
        assert ids(await settle(items.order_by("-id")[25:30])) == [105, 104, 103, 102, 101], endpoint
    assert ids(await settle(site.labels.order_by("-id")[:2])) == [30, 29]


async def test_an_ignored_ordering_reads_no_page_twice(site):
    for endpoint in ITEMS_OFF:
        items = site.items(endpoint)
        await settle(items.all())  # A plain list is probed at first.
        site.cost()
        await settle(items.all())
        pages = site.cost()
        query = items.order_by("-id")
        for time in ("the first", "the second"):
            told = query.explain().requests(130)
            assert ids(await settle(query.all())) == list(range(130, 0, -1)), (endpoint, time)
            assert site.cost() == pages == told, (endpoint, time)
        assert query.explain().pushed == [], endpoint


async def test_an_ignored_filter_can_be_an_error(site):
    with pytest.raises(orm.IgnoredError, match="name"):
        await settle(site.labels.all().on_ignored("error").filter(name="label-9"))
    users = site.users.all().on_ignored("error").filter(active=True)
    assert len(await settle(users)) == 150


async def test_an_ignored_filter_can_be_trusted(site):
    labels = site.labels.all().on_ignored("trust").filter(name="label-9")
    assert len(await settle(labels)) == 30, "the server's answer as it came"
    assert not site.warnings()


@writes
async def test_no_row_is_created_or_changed_on_a_wrong_match(site):
    labels = site.labels
    label, created = await settle(labels.get_or_create(name="label-9"))
    assert (label.id, created) == (9, False), "not the first row of an unfiltered list"
    label, created = await settle(labels.update_or_create(name="label-9", defaults={"color": "#000000"}))
    assert (label.id, created) == (9, False)
    label, created = await settle(labels.get_or_create(name="new", defaults={"color": "#111111"}))
    assert (label.id, created) == (31, True)
    colors = {row.id: row.color for row in await settle(labels.all())}
    assert colors == {**{label.id: label.color for label in fixture.LABELS}, 9: "#000000", 31: "#111111"}


# Python's own


@sync_only
async def test_a_warning_shows_the_line_of_the_caller(site):
    len(site.labels.filter(name="label-9"))
    (warning,) = site.caught
    assert warning.filename == __file__


@async_only
async def test_a_warning_shows_the_line_of_the_task(site):
    await site.labels.filter(name="label-9")
    await site.labels.filter(color="x").count()
    assert [warning.filename for warning in site.caught] == [__file__] * 2
