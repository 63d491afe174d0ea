"""Every lookup on values that have an order, are dates, or are null; the answers are those of the fixture's rows."""

from __future__ import annotations

import datetime
from decimal import Decimal

import django_api_orm as orm
import pytest
from schemas import Role

from . import fixture
from .site import ITEMS, ids, settle


async def finds(site, condition, **lookups):
    """Checks that a filter finds the users for which the condition holds: some, and not all of them."""
    expected = fixture.ids_of(fixture.USERS, condition)
    assert 1 <= len(expected) < 250, f"{lookups} says nothing: {len(expected)} rows"
    users = site.users.filter(**lookups)
    assert ids(await settle(users.all())) == expected, lookups
    assert await settle(users.all().count()) == len(expected), lookups
    assert not site.warnings()


def date(text):
    return datetime.date.fromisoformat(text)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


async def test_exact(site):
    created = moment("2023-01-05T01:00:00Z")
    await finds(site, lambda user: user.id == 17, id=17)
    await finds(site, lambda user: user.name == "Alice Smith", name="Alice Smith")
    await finds(site, lambda user: user.name == "émile zola", name="émile zola")
    await finds(site, lambda user: user.id == 13, name="O'Brien, Pat")
    await finds(site, lambda user: user.id == 14, name="100% Real")
    await finds(site, lambda user: user.id == 23, name='"Quoted" Name')
    await finds(site, lambda user: user.role == "editor", role=Role.EDITOR)
    await finds(site, lambda user: user.active, active=True)
    await finds(site, lambda user: not user.active, active=False)
    await finds(site, lambda user: user.age == 32, age=32)
    await finds(site, lambda user: user.balance == 0, balance=Decimal(0))
    await finds(site, lambda user: user.id == 1, joined_on=date("2020-01-07"))
    await finds(site, lambda user: user.created_at == created, created_at=created)
    await finds(site, lambda user: user.team == 2, team=2)
    await finds(site, lambda user: user.team == 2, team__exact=2)


async def test_exact_null(site):
    await finds(site, lambda user: user.age is None, age=None)
    await finds(site, lambda user: user.team is None, team=None)
    await finds(site, lambda user: user.joined_on is None, joined_on=None)


async def test_isnull(site):
    await finds(site, lambda user: user.age is None, age__isnull=True)
    await finds(site, lambda user: user.age is not None, age__isnull=False)
    await finds(site, lambda user: user.team is None, team__isnull=True)
    await finds(site, lambda user: user.joined_on is not None, joined_on__isnull=False)


async def test_in_(site):
    await finds(site, lambda user: user.id in (3, 5, 200), id__in=[3, 200, 5, 9999])
    await finds(site, lambda user: user.role != "viewer", role__in=[Role.ADMIN, Role.EDITOR])
    await finds(site, lambda user: user.age in (25, 32), age__in=(25, 32))
    await finds(site, lambda user: user.team in (1, 2), team__in={1, 2})
    await finds(site, lambda user: user.id in (1, 2, 3), id__in=range(1, 4))
    await finds(site, lambda user: user.id in (1, 250), email__in=["user1@example.com", "user250@example.com"])


async def test_in_nothing_is_empty_and_costs_nothing(site):
    none = site.users.filter(id__in=[])
    assert await settle(none.count()) == 0
    assert await settle(none.exists()) is False
    assert await settle(none.first()) is None
    with pytest.raises(site.models.User.DoesNotExist):
        await settle(none.get())
    assert len(await settle(none)) == 0
    assert site.cost() == 0


async def test_in_with_values_that_hold_a_comma(site):
    kinds = ["book,map", "toy"]
    expected = fixture.ids_of(fixture.ITEMS, lambda item: item.kind in kinds)
    for endpoint in ITEMS:
        assert ids(await settle(site.items(endpoint).filter(kind__in=kinds))) == expected, endpoint


async def test_comparisons(site):
    await finds(site, lambda user: user.id > 240, id__gt=240)
    await finds(site, lambda user: user.id >= 240, id__gte=240)
    await finds(site, lambda user: user.id < 10, id__lt=10)
    await finds(site, lambda user: user.id <= 10, id__lte=10)
    await finds(site, lambda user: user.age is not None and user.age > 40, age__gt=40)
    await finds(site, lambda user: user.age is not None and user.age <= 30, age__lte=30)
    await finds(site, lambda user: user.balance > Decimal("100.5"), balance__gt=Decimal("100.5"))
    await finds(site, lambda user: user.balance < Decimal("-20.76"), balance__lt=Decimal("-20.76"))
    await finds(site, lambda user: user.balance >= Decimal("-20.76"), balance__gte=Decimal("-20.76"))


async def test_comparisons_of_dates(site):
    day = date("2021-01-07")

    def joined(compare):
        return lambda user: user.joined_on is not None and compare(user.joined_on, day)

    await finds(site, joined(datetime.date.__gt__), joined_on__gt=day)
    await finds(site, joined(datetime.date.__ge__), joined_on__gte=day)
    await finds(site, joined(datetime.date.__lt__), joined_on__lt=day)
    await finds(site, joined(datetime.date.__le__), joined_on__lte=day)
    then = moment("2025-10-07T10:00:00.250000Z")
    await finds(site, lambda user: user.created_at >= then, created_at__gte=then)
    await finds(site, lambda user: user.created_at < then, created_at__lt=then)


async def test_range(site):
    await finds(site, lambda user: 10 <= user.id <= 20, id__range=(10, 20))
    await finds(site, lambda user: user.age is not None and 30 <= user.age <= 35, age__range=[30, 35])
    first, last = date("2020-06-01"), date("2020-12-31")
    await finds(site, lambda user: user.joined_on and first <= user.joined_on <= last, joined_on__range=(first, last))
    start, end = moment("2023-01-05T00:00:00Z"), moment("2023-03-10T00:00:00Z")
    await finds(site, lambda user: start <= user.created_at <= end, created_at__range=(start, end))


async def test_parts_of_dates(site):
    await finds(site, lambda user: user.created_at.year == 2024, created_at__year=2024)
    await finds(site, lambda user: user.created_at.month == 2, created_at__month=2)
    await finds(site, lambda user: user.created_at.day == 9, created_at__day=9)
    day = date("2023-01-09")
    await finds(site, lambda user: user.created_at.date() == day, created_at__date=day)
    await finds(site, lambda user: user.joined_on is not None and user.joined_on.year == 2021, joined_on__year=2021)


async def test_a_nested_field(site):
    await finds(site, lambda user: user.address is not None and user.address.state == "IL", address__state="IL")


async def test_a_field_of_a_related_row(site):
    # Posts hold the author's id only: whether the name is right, the server alone can know.
    posts = await settle(site.posts.filter(author__name="Carol Brown"))
    authors = fixture.ids_of(fixture.USERS, lambda user: user.name == "Carol Brown")
    assert ids(posts) == fixture.ids_of(fixture.POSTS, lambda post: post.author_id in authors)
    assert len(posts) == 33


async def test_a_related_id_that_comes_as_a_url(site):
    assert ids(await settle(site.comments.filter(author=3))) == [2, 52, 102]
    assert await settle(site.comments.filter(author=3).count()) == 3
    assert await settle(site.comments.exclude(author=3).count()) == 127
    assert not site.warnings()


async def test_djangos_spelling(site):
    await finds(site, lambda user: user.age is not None and user.age >= 40, age__gte=40)
    await finds(site, lambda user: user.id in (4, 5), id__in=[4, 5])
    await finds(site, lambda user: user.address is not None and user.address.state == "NY", address__state="NY")
    await finds(site, lambda user: user.id < 4, pk__lt=4)


async def test_floats_and_lookups_on_other_paginators(site):
    expected = fixture.ids_of(fixture.POSTS, lambda post: post.score is not None and post.score > 2.5)
    assert ids(await settle(site.posts.filter(score__gt=2.5))) == expected
    ranks = [-1, 8]
    expected = fixture.ids_of(fixture.ITEMS, lambda item: item.rank in ranks)
    for endpoint in ITEMS:
        assert ids(await settle(site.items(endpoint).filter(rank__in=ranks))) == expected, endpoint
    expected = fixture.ids_of(fixture.ARTICLES, lambda article: article.rating is not None and article.rating > Decimal("3.5"))
    assert ids(await settle(site.articles.filter(rating__gt=Decimal("3.5")))) == expected
    expected = fixture.ids_of(fixture.TEAMS, lambda team: team.motto is None)
    assert ids(await settle(site.teams.filter(motto__isnull=True))) == expected


async def test_a_value_that_the_server_refuses_is_its_validation_error(site):
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(site.users.filter(age="abc"))
    assert isinstance(refused.value, orm.ValidationException)
    assert refused.value.errors["age"] == ["Enter a number."]
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(site.users.filter(team=99))
    assert refused.value.errors["team"]


# Python's own


async def test_an_instance_stands_for_its_key(site):
    user = await settle(site.users.get(id=3))
    expected = fixture.ids_of(fixture.POSTS, lambda post: post.author_id == 3)
    assert ids(await settle(site.posts.filter(author_id=user))) == expected
    assert ids(await settle(site.posts.filter(author_id__in=[user]))) == expected
