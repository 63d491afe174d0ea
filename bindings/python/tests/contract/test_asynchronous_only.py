"""What only the asynchronous API has: awaiting a queryset, calls joined in one task, a client for a task."""

from __future__ import annotations

import asyncio

import django_api_orm as orm
import pytest
from pydantic import BaseModel

from .site import async_only, ids

pytestmark = async_only


async def test_a_queryset_can_be_awaited(site):
    active = site.users.filter(active=True)
    assert len(await active) == 150
    assert len(await active[:3]) == 3
    assert len(await active.all()._fetch()) == 150


async def test_calls_can_be_joined(site):
    counts = await asyncio.gather(site.users.count(), site.posts.filter(published=True).count(), site.comments.count())
    assert (counts[0], counts[2]) == (250, 130)
    assert ids(await asyncio.gather(*[site.users.get(id=number) for number in (1, 2, 3)])) == [1, 2, 3]


async def test_calls_can_be_spawned(site):
    count = asyncio.create_task(site.users.filter(active=True).count())
    user = asyncio.create_task(site.users.get(id=1))
    assert (await count, (await user).id) == (150, 1)


async def test_a_stream_takes_combinators(site):
    emails = [user.email async for user in site.users.filter(role="admin").iterator()]
    assert len(emails) == 25
    assert [user.email async for user in site.users.filter(role="admin")] == emails


async def test_a_scope_has_its_own_client(site):
    class Key(BaseModel):
        id: int | None = None

    scoped = site.model("Scoped", Key, "/api/v1/users/")
    one, two = site.connect(), site.connect(auth_token="other-token")

    async def count(client):
        site.register(client, scoped)
        await asyncio.sleep(0)
        return await scoped.objects.count()

    # A task has a context of its own.
    assert await asyncio.gather(count(one), count(two)) == [250, 250]
    assert (one.stats.requests, two.stats.requests) == (1, 1)
    with pytest.raises(orm.ConfigurationError):
        await scoped.objects.count()


async def test_a_call_that_is_dropped_leaves_a_working_client(site):
    for _ in range(5):
        task = asyncio.create_task(site.users.count())
        # It has begun, and is cancelled.
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await site.users.count() == 250
