"""``get``: the one row, or an error that says which of three things is wrong."""

from __future__ import annotations

import datetime
from decimal import Decimal

import django_api_orm as orm
import pytest
from schemas import Role

from . import fixture
from .site import ITEMS, settle, values


async def test_by_primary_key(site):
    user = await settle(site.users.get(id=7))
    assert values(user) == values(fixture.USERS[6])
    assert user.pk == user.id == 7
    assert site.cost() == 1
    comment = await settle(site.comments.get(id=21))
    assert comment.text == fixture.COMMENTS[20]["text"]
    assert not site.warnings()


async def test_by_pk_in_djangos_spelling(site):
    user = await settle(site.users.get(pk=7))
    assert user.id == 7
    assert site.cost() == 1


async def test_by_slug(site):
    article = await settle(site.articles.get(slug="article-07"))
    assert values(article) == values(fixture.ARTICLES[6])
    assert site.cost() == 1


async def test_by_a_filter(site):
    user = await settle(site.users.get(email="user42@example.com"))
    assert user.id == 42
    assert site.cost() == 1
    same = await settle(site.users.get(id=42, email="user42@example.com"))
    assert same.id == 42
    assert same == user and hash(same) == hash(user)
    assert not site.warnings()


async def test_of_a_queryset(site):
    active = site.users.filter(active=True)
    inactive = fixture.ids_of(fixture.USERS, lambda user: not user.active)[0]
    assert (await settle(active.get(id=1))).id == 1
    with pytest.raises(site.models.User.DoesNotExist):
        await settle(active.get(id=inactive))


async def test_a_missing_row_does_not_exist(site):
    models = site.models
    with pytest.raises(models.User.DoesNotExist) as by_key:
        await settle(site.users.get(id=9999))
    assert isinstance(by_key.value, orm.NotFoundError) and by_key.value.status_code == 404
    with pytest.raises(models.User.DoesNotExist) as by_filter:
        await settle(site.users.get(email="nobody@example.com"))
    assert by_filter.value.status_code is None
    with pytest.raises(models.Article.DoesNotExist):
        await settle(site.articles.get(slug="nothing"))
    for endpoint in ITEMS:
        with pytest.raises(models.Item.DoesNotExist):
            await settle(site.items(endpoint).get(id=131))
    assert not issubclass(models.User.DoesNotExist, models.Item.DoesNotExist)


async def test_several_rows_are_an_error(site):
    models = site.models
    with pytest.raises(models.User.MultipleObjectsReturned):
        await settle(site.users.get(role=Role.ADMIN))
    assert site.cost() == 1, "two rows are enough to know"
    with pytest.raises(models.User.MultipleObjectsReturned):
        await settle(site.users.get())
    for endpoint in ITEMS:
        with pytest.raises(models.Item.MultipleObjectsReturned):
            await settle(site.items(endpoint).get(flag=True))


async def test_a_wrong_url_is_not_a_missing_row(site):
    nowhere = site.users.at("/api/v1/nowhere/")
    for ask in (
        lambda: nowhere.get(id=1),
        lambda: nowhere.get(name="Ann"),
        nowhere.all,
        nowhere.count,
        nowhere.first,
        nowhere.exists,
    ):
        with pytest.raises(orm.NotFoundError) as error:
            await settle(ask())
        assert not isinstance(error.value, site.models.User.DoesNotExist)


async def test_the_detail_url_of_a_declared_slug_field_is_used_only_for_the_slug(site):
    # The endpoint has no filter for `id`: the row is found among all of them.
    article = await settle(site.articles.get(id=33))
    assert values(article) == values(fixture.ARTICLES[32])


async def test_an_instance_is_the_row_and_knows_where_it_came_from(site):
    post = await settle(site.posts.get(id=1))
    assert post.raw()["body"] == "Body of post 1.\nIt has two lines.", "also what the schema leaves out"
    assert post.to_dict() == fixture.POSTS[0].model_dump(mode="json")
    site.cost()
    # The model is registered with no client: it is the instance that knows it.
    await settle(post.refresh_from_api())
    assert site.cost() == 1
    assert values(post) == values(fixture.POSTS[0])


# Python's own


async def test_the_types_of_the_schema(site):
    user = await settle(site.users.get(id=1))
    assert isinstance(user.created_at, datetime.datetime) and isinstance(user.joined_on, datetime.date)
    assert isinstance(user.balance, Decimal)
    assert user.to_dict()["balance"] == fixture.ROWS["users"][0]["balance"]
