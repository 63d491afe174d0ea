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


class AsyncUser(AsyncAPIModel):
    _schema_class = Row
    _endpoint = "/api/v1/users/"


class Peer:
    def __init__(self, base_url: str) -> None:
        register_models(ServiceClient(base_url), User, Event)
        register_async_models(AsyncServiceClient(base_url), AsyncUser)

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

    def create_one_by_one(self) -> int:
        return sum(User.objects.create(**new(number)).id is not None for number in range(300))
