"""What a site has beyond lists and rows: extra routes, nested routes, raw requests."""

from __future__ import annotations

import django_api_orm as orm
import pytest

from . import fixture
from .site import ids, settle, writes


@writes
async def test_an_extra_route_of_a_row(site):
    user = await settle(site.users.get(id=1))
    site.cost()
    answer = await settle(user.route("deactivate"))
    assert site.cost() == 1
    assert answer.data["id"] == 1 and answer.data["active"] is False
    assert user.active is True, "the instance is as it was"
    await settle(user.refresh_from_api())
    assert user.active is False


async def test_an_extra_route_of_the_collection(site):
    answer = await settle(site.users.route("stats"))
    assert answer.data == {"total": 250, "active": 150}


async def test_a_nested_route(site):
    posts = site.posts.at("/api/v1/users/3/posts/")
    assert ids(await settle(posts.all())) == fixture.ids_of(fixture.POSTS, lambda post: post.author_id == 3)
    assert await settle(posts.count()) == 33
    expected = fixture.ids_of(fixture.POSTS, lambda post: post.author_id == 3 and post.published)
    assert ids(await settle(posts.filter(published=True))) == expected


@writes
async def test_a_nested_route_of_an_instance(site):
    user = await settle(site.users.get(id=3))
    posts = user.related(site.models.Post, "posts")
    assert await settle(posts.count()) == 33
    # The author comes from the URL; the schema asks for one all the same.
    post = await settle(posts.create(title="Nested", author_id=3))
    assert (post.id, post.author_id) == (121, 3)
    assert await settle(posts.count()) == 34
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(posts.create(title="forbidden", author_id=3))
    assert refused.value.errors["non_field_errors"] == ["This title is forbidden."]


async def test_a_nested_route_of_a_row_that_is_not_there(site):
    with pytest.raises(orm.NotFoundError) as error:
        await settle(site.posts.at("/api/v1/users/9999/posts/").all())
    assert not isinstance(error.value, site.models.Post.DoesNotExist)
    assert len(await settle(site.posts.at("/api/v1/users/200/posts/").all())) == 0


async def test_a_route_cannot_leave_its_row(site):
    user = await settle(site.users.get(id=1))
    site.cost()
    for route in ("..", "../2", "%2e%2e/2", "a/../../2"):
        with pytest.raises(orm.InvalidRequestError):
            await settle(user.route(route, method="DELETE"))
        with pytest.raises(orm.InvalidRequestError):
            user.related(site.models.Post, route)
    assert site.cost() == 0


@writes
async def test_raw_requests(site):
    client = site.client
    answer = await settle(client.get("/api/v1/users/?limit=1"))
    assert answer.data["count"] == 250
    created = await settle(client.post("/api/v1/labels/", {"name": "raw"}))
    assert created.status_code == 201
    put = await settle(client.put("/api/v1/labels/31/", {"name": "put", "color": None}))
    assert put.data == put.json() == {"id": 31, "name": "put", "color": None}
    patched = await settle(client.patch("/api/v1/labels/31/", {"color": "red"}))
    assert patched.data["color"] == "red"
    assert patched.headers["content-type"].startswith("application/json")
    deleted = await settle(client.delete("/api/v1/labels/31/"))
    assert deleted.status_code == 204


async def test_an_empty_answer(site):
    got = await settle(site.client.get("/api/v1/empty/"))
    posted = await settle(site.client.post("/api/v1/empty/", {}))
    assert (got.status_code, posted.status_code) == (204, 204)
    assert got.data is None and got.content == b""
    with pytest.raises(orm.DecodeError):
        await settle(site.users.at("/api/v1/empty/").all())


# Python's own


async def test_parameters_of_a_raw_request(site):
    answer = await settle(
        site.client.get("/api/v1/users/", params={"limit": 2, "active": True, "id__in": [1, 2, 3], "age": None})
    )
    assert [row["id"] for row in answer.data["results"]] == [1, 2]
