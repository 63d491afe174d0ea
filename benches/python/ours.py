"""This package."""

from __future__ import annotations

import asyncio
import warnings

import django_api_orm
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    ForeignKey,
    ManyToMany,
    ServiceClient,
    register_async_models,
    register_models,
)
from pydantic import BaseModel
from rows import POST_COUNT, Row, Tag, new

assert hasattr(django_api_orm, "Q"), "this is the published package"


class User(APIModel):
    _schema_class = Row
    _endpoint = "/api/v1/users/"


class Event(APIModel):
    _schema_class = Row
    _endpoint = "/api/v1/events/"


class SlowUser(APIModel):
    """A server that answers 50 ms later."""

    _schema_class = Row
    _endpoint = "/d50/api/v1/users/"


class FarUser(APIModel):
    """A server that answers 20 ms later."""

    _schema_class = Row
    _endpoint = "/d20/api/v1/users/"


class FarTag(APIModel):
    _schema_class = Tag
    _endpoint = "/d20/api/v1/tags/"


class PostSchema(BaseModel):
    id: int
    title: str
    author: ForeignKey[FarUser]
    tags: ManyToMany[FarTag]


class FarPost(APIModel):
    _schema_class = PostSchema
    _endpoint = "/d20/api/v1/posts/"


class AsyncFarUser(AsyncAPIModel):
    _schema_class = Row
    _endpoint = "/d20/api/v1/users/"


class AsyncFarTag(AsyncAPIModel):
    _schema_class = Tag
    _endpoint = "/d20/api/v1/tags/"


class AsyncPostSchema(BaseModel):
    id: int
    title: str
    author: ForeignKey[AsyncFarUser]
    tags: ManyToMany[AsyncFarTag]


class AsyncFarPost(AsyncAPIModel):
    _schema_class = AsyncPostSchema
    _endpoint = "/d20/api/v1/posts/"


class AsyncUser(AsyncAPIModel):
    _schema_class = Row
    _endpoint = "/api/v1/users/"


class Http2User(AsyncUser):
    """Over one connection of HTTP/2."""


class Peer:
    def __init__(self, base_url: str) -> None:
        # The server ignores every order.
        warnings.simplefilter("ignore", django_api_orm.IgnoredWarning)
        self._base_url = base_url
        register_models(ServiceClient(base_url), User, Event, SlowUser, FarUser)
        register_async_models(AsyncServiceClient(base_url), AsyncUser)
        register_async_models(AsyncServiceClient(base_url, http2_prior_knowledge=True), Http2User)

    def get_one_by_one(self) -> int:
        return sum(User.objects.get(id=number).id == number for number in range(1, 1001))

    async def get_one_by_one_async(self) -> int:
        done = 0
        for number in range(1, 1001):
            done += (await AsyncUser.objects.get(id=number)).id == number
        return done

    async def _at_once(self, many: int) -> int:
        done = 0
        for start in range(1, 1001, many):
            done += len(await asyncio.gather(*[AsyncUser.objects.get(id=number) for number in range(start, start + many)]))
        return done

    async def get_10_at_once(self) -> int:
        return await self._at_once(10)

    async def get_100_at_once(self) -> int:
        return await self._at_once(100)

    def page_of_1000(self) -> int:
        return len(list(User.objects.all().page_size(1000)[:1000]))

    def page_of_10_000(self) -> int:
        return len(list(User.objects.all().page_size(10_000)))

    async def page_of_1000_async(self) -> int:
        return len(await AsyncUser.objects.all().page_size(1000)[:1000])

    async def page_of_10_000_async(self) -> int:
        return len(await AsyncUser.objects.all().page_size(10_000))

    def values_list_of_10_000(self) -> int:
        return len(User.objects.all().page_size(10_000).values_list("id", "email"))

    def list_of_100_000(self) -> int:
        return len(list(Event.objects.all()))

    def stream_of_100_000(self) -> int:
        return sum(1 for _ in Event.objects.all().iterator())

    def pages_of_50_ms(self) -> int:
        return len(list(SlowUser.objects.all()))

    def in_bulk_of_5000(self) -> int:
        return len(FarUser.objects.in_bulk(range(1, 5001)))

    # Posts with their authors and tags: each gives how many requests it took.

    def posts_prefetched(self) -> int:
        with ServiceClient(self._base_url) as client:
            client.manager(FarUser).get(id=1)
            before = client.stats.requests
            done = 0
            for post in client.manager(FarPost).prefetch_related("author", "tags"):
                done += post.author.id == post.author_id and len(post.tags.all()) == 3
            assert done == POST_COUNT
            return client.stats.requests - before

    def posts_in_a_loop(self) -> int:
        with ServiceClient(self._base_url) as client:
            client.manager(FarUser).get(id=1)
            before = client.stats.requests
            done = 0
            for post in client.manager(FarPost).all():
                done += post.author.id == post.author_id and len(post.tags.all()) == 3
            assert done == POST_COUNT
            return client.stats.requests - before

    async def posts_prefetched_async(self) -> int:
        async with AsyncServiceClient(self._base_url) as client:
            await client.manager(AsyncFarUser).get(id=1)
            before = client.stats.requests
            done = 0
            async for post in client.manager(AsyncFarPost).prefetch_related("author", "tags"):
                done += (await post.author).id == post.author_id and len(await post.tags.all()) == 3
            assert done == POST_COUNT
            return client.stats.requests - before

    def ordered_here(self) -> int:
        return len(list(Event.objects.order_by("score")[:10]))

    def counted_here(self) -> int:
        return Event.objects.exclude(role="admin").count()

    async def get_100_at_once_http2(self) -> int:
        done = 0
        for start in range(1, 1001, 100):
            done += len(await asyncio.gather(*[Http2User.objects.get(id=number) for number in range(start, start + 100)]))
        return done

    def create_one_by_one(self) -> int:
        return sum(User.objects.create(**new(number)).id is not None for number in range(300))
