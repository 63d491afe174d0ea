"""The package that PyPI has under this name, 0.1.0. It reads one page, so it is asked for pages that hold every row."""

from __future__ import annotations

import asyncio

import django_api_orm
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, ServiceClient, register_async_models, register_models
from rows import Row, new

assert not hasattr(django_api_orm, "Q"), "this is our package"


class User(APIModel):
    _schema_class = Row
    _endpoint = "/api/v1/users/"


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
        register_models(ServiceClient(base_url), User, Note)
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

    def all_in_one_page(self) -> int:
        return len(list(User.objects.all()[:5000]))

    def values_list_in_one_page(self) -> int:
        return len(User.objects.all()[:5000].values_list("id", "email", "created_at"))

    async def async_for_in_one_page(self) -> int:
        done = 0
        async for post in AsyncPost.objects.all()[:10_000]:
            done += post.active is not None
        return done

    def create_one_by_one(self) -> int:
        return sum(Note.objects.create(**new(number)).id is not None for number in range(300))
