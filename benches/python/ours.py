"""This package."""

from __future__ import annotations

import asyncio

import django_api_orm
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, ServiceClient, register_async_models, register_models
from rows import Row, new

assert hasattr(django_api_orm, "Q"), "this is the published package"


class User(APIModel):
    _schema_class = Row
    _endpoint = "/api/v1/users/"


class Event(APIModel):
    _schema_class = Row
    _endpoint = "/api/v1/events/"


class Note(APIModel):
    _schema_class = Row
    _endpoint = "/api/v1/notes/"


class AsyncUser(AsyncAPIModel):
    _schema_class = Row
    _endpoint = "/api/v1/users/"


class AsyncPost(AsyncAPIModel):
    _schema_class = Row
    _endpoint = "/api/v1/posts/"


class Peer:
    def __init__(self, base_url: str) -> None:
        register_models(ServiceClient(base_url), User, Event, Note)
        register_async_models(AsyncServiceClient(base_url), AsyncUser, AsyncPost)

    def get_one_by_one(self) -> int:
        return sum(User.objects.get(id=number).id == number for number in range(1, 1001))

    async def get_one_by_one_async(self) -> int:
        done = 0
        for number in range(1, 1001):
            done += (await AsyncUser.objects.get(id=number)).id == number
        return done

    async def get_100_at_once(self) -> int:
        done = 0
        for start in range(1, 1001, 100):
            users = await asyncio.gather(*[AsyncUser.objects.get(id=number) for number in range(start, start + 100)])
            done += len(users)
        return done

    def all_in_pages_of_500(self) -> int:
        return len(list(User.objects.all().page_size(500)))

    def all_in_one_page(self) -> int:
        return len(list(User.objects.all().page_size(5000)))

    def values_list_in_pages_of_500(self) -> int:
        return len(User.objects.all().page_size(500).values_list("id", "email", "created_at"))

    def values_list_in_one_page(self) -> int:
        return len(User.objects.all().page_size(5000).values_list("id", "email", "created_at"))

    async def async_for_in_pages_of_1000(self) -> int:
        done = 0
        async for post in AsyncPost.objects.all().page_size(1000):
            done += post.active is not None
        return done

    async def async_for_in_one_page(self) -> int:
        done = 0
        async for post in AsyncPost.objects.all().page_size(10_000):
            done += post.active is not None
        return done

    def create_one_by_one(self) -> int:
        return sum(Note.objects.create(**new(number)).id is not None for number in range(300))

    def iterate_100_000(self) -> int:
        return sum(1 for _ in Event.objects.all().iterator(chunk_size=1000))
