"""The guide, call by call, as it is written there; only the server's address and its rows are ours."""

from __future__ import annotations

import asyncio

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    ServiceClient,
    register_async_models,
    register_models,
)
from django_api_orm.exceptions import DoesNotExist, MultipleObjectsReturned
from pydantic import BaseModel


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    email: str
    active: bool = True


class PostSchema(BaseModel):
    id: int | None = None
    title: str
    author: int
    published: bool = False


class CommentSchema(BaseModel):
    id: int | None = None
    text: str


class User(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


class Post(AsyncAPIModel):
    _schema_class = PostSchema
    _endpoint = "/api/v1/posts/"


class Comment(AsyncAPIModel):
    _schema_class = CommentSchema
    _endpoint = "/api/v1/comments/"


class SyncUser(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


def test_synchronous(fresh):
    with ServiceClient(base_url=fresh.base_url, auth_token="test-token") as client:
        register_models(client, SyncUser)
        user = SyncUser.objects.get(id=1)
    assert user.id == 1


async def test_guide(fresh, capsys):
    async with AsyncServiceClient(
        base_url=fresh.base_url,
        auth_token="test-token",
        timeout=30.0,
        http2=True,
        max_connections=100,
        max_keepalive_connections=20,
    ) as client:
        register_async_models(client, User, Post, Comment)
        await operations()
        await querysets()
        await concurrently()
        await in_batches()
        await errors()


async def operations():
    user = await User.objects.create(name="Alice Smith", email="alice@example.com")
    assert user.id == 251
    user, created = await User.objects.get_or_create(email="alice@example.com", defaults={"name": "Alice Smith"})
    assert not created
    user, created = await User.objects.update_or_create(email="alice@example.com", defaults={"name": "Alice Updated"})
    assert not created and user.name == "Alice Updated"
    users = await User.objects.bulk_create(
        [{"name": "Bob", "email": "bob@example.com"}, {"name": "Charlie", "email": "charlie@example.com"}]
    )
    assert [user.name for user in users] == ["Bob", "Charlie"]

    user = await User.objects.get(id=1)
    first_user = await User.objects.first()
    last_user = await User.objects.last()
    user_count = await User.objects.count()
    has_users = await User.objects.exists()
    assert (user, last_user.id, user_count, has_users) == (first_user, 253, 253, True)

    user = await User.objects.get(id=1)
    user.name = "New Name"
    await user.save()
    user.email = "newemail@example.com"
    await user.save(update_fields=["email"])
    await user.refresh_from_api()
    assert (user.name, user.email) == ("New Name", "newemail@example.com")

    user = await User.objects.get(id=253)
    await user.delete()
    assert await User.objects.count() == 252


async def querysets():
    seen = []
    async for user in User.objects.filter(active=True):
        seen.append(f"{user.name} - {user.email}")
    users = await User.objects.filter(active=True)._fetch()
    assert len(seen) == len(users) == 152
    users = [user async for user in User.objects.all()]
    assert len(users) == len(await User.objects.all()) == 252
    user_data = await User.objects.all().values("id", "name")
    user_ids = await User.objects.all().values_list("id", flat=True)
    assert [row["id"] for row in user_data] == user_ids == [user.id for user in users]


async def concurrently():
    user1, user2, user3 = await asyncio.gather(User.objects.get(id=1), User.objects.get(id=2), User.objects.get(id=3))
    assert (user1.id, user2.id, user3.id) == (1, 2, 3)
    user_count, post_count, comment_count = await asyncio.gather(
        User.objects.count(), Post.objects.count(), Comment.objects.count()
    )
    assert (user_count, post_count, comment_count) == (252, 120, 130)
    users = await asyncio.gather(
        User.objects.create(name="Dora", email="dora@example.com"),
        User.objects.create(name="Emil", email="emil@example.com"),
    )
    assert {user.name for user in users} == {"Dora", "Emil"}
    task1 = asyncio.create_task(User.objects.get(id=1))
    task2 = asyncio.create_task(Post.objects.filter(published=True).count())
    user = await task1
    post_count = await task2
    assert user.id == 1 and 0 < post_count < 120
    user = await User.objects.get(id=users[0].id)
    user.email = "dora.updated@example.com"
    await user.save(update_fields=["email"])
    await user.delete()


async def in_batches():
    processed = []

    async def process_user(user):
        await asyncio.sleep(0)
        processed.append(user.id)

    batch_size = 100
    offset = 0
    while True:
        users = []
        async for user in User.objects.all()[offset : offset + batch_size]:
            users.append(user)
        if not users:
            break
        await asyncio.gather(*[process_user(user) for user in users])
        offset += batch_size
    assert len(processed) == len(set(processed)) == 253


async def errors():
    with pytest.raises(DoesNotExist):
        await User.objects.get(email="nonexistent@example.com")
    with pytest.raises(MultipleObjectsReturned):
        await User.objects.get(role="admin")
