"""``delete``, and what can be done with a row that is gone."""

from __future__ import annotations

import copy

import django_api_orm as orm
import pytest

from .site import settle, writes


@writes
async def test_a_row(site):
    user = await settle(site.users.get(id=40))
    site.cost()
    await settle(user.delete())
    assert site.cost() == 1
    assert user.id == 40, "the value stays readable"
    with pytest.raises(site.models.User.DoesNotExist):
        await settle(site.users.get(id=40))
    assert await settle(site.users.count()) == 249


@writes
async def test_a_row_with_a_slug(site):
    article = await settle(site.articles.get(slug="article-07"))
    await settle(article.delete())
    assert await settle(site.articles.filter(slug="article-07").exists()) is False


@writes
async def test_a_row_that_somebody_else_has_deleted(site):
    ours = await settle(site.users.get(id=40))
    theirs = await settle(site.users.get(id=40))
    await settle(theirs.delete())
    ours.name = "Too late"
    for call in (ours.save, ours.refresh_from_api, ours.delete):
        with pytest.raises(site.models.User.DoesNotExist):
            await settle(call())


@writes
async def test_after_a_delete_nothing_is_sent_any_more(site):
    user = await settle(site.users.get(id=40))
    await settle(user.delete())
    site.cost()
    user.name = "A ghost"
    for call in (user.save, user.refresh_from_api, user.delete):
        with pytest.raises(orm.InvalidRequestError, match="deleted"):
            await settle(call())
    assert site.cost() == 0


@writes
async def test_a_second_delete_does_not_exist(site):
    user = await settle(site.users.get(id=40))
    twin = copy.copy(user)
    await settle(user.delete())
    with pytest.raises(site.models.User.DoesNotExist):
        await settle(twin.delete())
