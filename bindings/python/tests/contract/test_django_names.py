"""Names of Django's that say more briefly what other methods can say. Python's own."""

from __future__ import annotations

import pytest

from . import fixture
from .site import ITEMS, async_only, ids, settle, values


async def test_latest_and_earliest(site):
    for endpoint in ITEMS:
        items = site.items(endpoint)
        expected = sorted(fixture.ITEMS, key=lambda item: (item.price, item.id))
        assert (await settle(items.earliest("price", "id"))).id == expected[0].id, endpoint
        assert (await settle(items.latest("price", "id"))).id == expected[-1].id, endpoint
        # Other fields take the place of an order; `-` turns one round.
        assert (await settle(items.order_by("name").latest("-price", "-id"))).id == expected[0].id, endpoint
        flagged = [item for item in expected if item.flag]
        assert (await settle(items.filter(flag=True).latest("price", "id"))).id == flagged[-1].id, endpoint


async def test_latest_of_nothing_and_by_nothing(site):
    nobody = site.users.filter(name="no such name")
    for find in (nobody.latest, nobody.earliest):
        with pytest.raises(site.models.User.DoesNotExist, match="User"):
            await settle(find("id"))
    for find in (site.users.latest, site.users.all().earliest):
        with pytest.raises(ValueError, match="at least one field"):
            await settle(find())


async def test_contains(site):
    user = await settle(site.users.get(id=7))
    site.cost()
    for endpoint in ITEMS:
        items = site.items(endpoint)
        first = await settle(items.first())
        assert await settle(items.contains(first)) is True, endpoint
        assert await settle(items.filter(id__gt=first.id).contains(first)) is False, endpoint
    assert await settle(site.users.contains(user)) is True
    assert await settle(site.users.exclude(active=user.active).contains(user)) is False
    site.cost()
    # An instance of another model is in no query, and rows that were fetched are at hand.
    assert await settle(site.posts.contains(user)) is False
    assert site.cost() == 0
    users = site.users.filter(id__in=[7, 8])
    await settle(users)
    site.cost()
    assert await settle(users.contains(user)) is True
    assert site.cost() == 0
    with pytest.raises(TypeError, match="instance of a model"):
        await settle(site.users.contains(7))
    with pytest.raises(ValueError, match="no key"):
        await settle(site.users.contains(site.models.User(name="N", email="n@example.com")))


async def test_named_tuples(site):
    rows = await settle(site.users.filter(id__in=[1, 2]).values_list("id", "address__city", named=True))
    expected = [(user.id, user.address and user.address.city) for user in fixture.USERS[:2]]
    assert sorted(rows) == sorted(expected)
    assert [(row.id, row.address__city) for row in rows] == rows and type(rows[0]).__name__ == "Row"
    everything = await settle(site.teams.values_list(named=True))
    assert [row._asdict() for row in everything] == [values(team) for team in fixture.TEAMS]
    with pytest.raises(TypeError, match="flat=True and named=True"):
        await settle(site.users.values_list("id", flat=True, named=True))


async def test_in_bulk_by_another_field(site):
    emails = [user.email for user in fixture.USERS[:150]]
    users = await settle(site.users.in_bulk([*emails, "nobody@example.com"], field_name="email"))
    assert ids(users.values()) == [user.id for user in fixture.USERS[:150]] and list(users) == emails
    articles = await settle(site.articles.in_bulk(["article-02", "article-44"], field_name="slug"))
    assert {slug: article.id for slug, article in articles.items()} == {"article-02": 2, "article-44": 44}
    names = [item.name for item in fixture.ITEMS]
    unique = {item.name: item.id for item in fixture.ITEMS if names.count(item.name) == 1 and item.id < 20}
    assert unique
    for endpoint in ITEMS:
        found = await settle(site.items(endpoint).in_bulk(list(unique), field_name="name"))
        assert {name: item.id for name, item in found.items()} == unique, endpoint
    teams = await settle(site.teams.in_bulk(field_name="name"))
    assert ids(teams.values()) == [team.id for team in fixture.TEAMS]
    assert await settle(site.users.in_bulk([3], field_name="pk")) == await settle(site.users.in_bulk([3]))
    site.cost()
    assert await settle(site.users.in_bulk([], field_name="email")) == {}
    assert site.cost() == 0


async def test_in_bulk_by_a_field_that_does_not_tell_rows_apart(site):
    with pytest.raises(site.models.User.MultipleObjectsReturned, match="`role`"):
        await settle(site.users.in_bulk(["admin"], field_name="role"))
    with pytest.raises(ValueError, match="no field `nothing`"):
        await settle(site.users.in_bulk(["admin"], field_name="nothing"))


async def test_expect_on_a_manager(site):
    with pytest.raises(Exception, match="250"):
        await settle(site.users.expect(3).update(name="x"))


@async_only
async def test_the_names_of_djangos_asynchronous_half(site):
    users = site.users
    assert await users.acount() == await users.all().acount() == 250
    assert await users.aexists() and (await users.afirst()).id == 1 and (await users.alast()).id == 250
    user = await users.aget(id=7)
    assert await users.acontains(user) and (await users.alatest("id")).id == 250 and (await users.aearliest("id")).id == 1
    assert list(await users.ain_bulk([7])) == [7]
    assert [each.id async for each in users.all()[:3].aiterator()] == [1, 2, 3]
    assert (await users.aget_or_create(email=user.email)) == (user, False)


@async_only
@pytest.mark.usefixtures("rows_put_back")
async def test_writing_by_the_names_of_djangos_asynchronous_half(site):
    users = site.users
    user = await users.acreate(name="A", email="a@example.com")
    user.name = "B"
    await user.asave()
    await user.arefresh_from_api()
    assert user.name == "B"
    assert (await users.aupdate_or_create(email="a@example.com", defaults={"name": "C"}))[1] is False
    assert await users.filter(email="a@example.com").aupdate(name="D") == 1
    await user.adelete()
    (other,) = await users.abulk_create([{"name": "E", "email": "e@example.com"}])
    assert await users.filter(id=other.id).adelete() == 1
