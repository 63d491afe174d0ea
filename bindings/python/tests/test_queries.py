"""Querysets: whose list it is, fetches that nobody waits for, and the edges of slices, ``values`` and ``none``."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, ServiceClient, register_async_models, register_models
from schemas import UserSchema


class User(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


class AsyncUser(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


@pytest.fixture
def client(server):
    with ServiceClient(server.base_url, auth_token="test-token", max_retries=0) as client:
        register_models(client, User)
        yield client
    orm.unregister_models(User)


@pytest.fixture
def async_client(server):
    client = AsyncServiceClient(server.base_url, auth_token="test-token", max_retries=0)
    register_async_models(client, AsyncUser)
    yield client
    orm.unregister_models(AsyncUser)


async def asked(server):
    """Until the next request has reached the server."""
    before = len(server.requests())
    while len(server.requests()) == before:
        await asyncio.sleep(0.001)


# Fetches


async def test_a_fetch_is_retried_after_a_timeout(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    server.delay_next(20)
    task = asyncio.current_task()
    # What `asyncio.timeout` does.
    asyncio.get_running_loop().call_later(0.05, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await query
    if sys.version_info >= (3, 11):
        task.uncancel()
    rows = await query
    assert [user.pk for user in rows] == [1, 2, 3]


async def test_a_new_waiter_in_the_tick_of_a_cancellation(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    server.delay_next(20)
    first = asyncio.ensure_future(query._fetch())
    await asked(server)
    first.cancel()
    second = asyncio.ensure_future(query._fetch())
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(await second) == 3
    # And with the new one first in the queue: then the walk is not given up at all.
    query = query.all()
    server.delay_next(0.1)
    first = asyncio.ensure_future(query._fetch())
    await asked(server)
    before = len(server.requests())
    second = asyncio.ensure_future(query._fetch())
    await asyncio.sleep(0)
    first.cancel()
    assert len(await second) == 3 and len(server.requests()) == before


async def test_each_waiter_is_cancelled_alone(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    server.delay_next(20)
    both = [asyncio.ensure_future(query._fetch()) for _ in range(2)]
    await asked(server)
    both[0].cancel()
    done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    assert done == {both[0]} and both[0].cancelled()
    both[1].cancel()
    await asyncio.sleep(0)
    # Now nobody waits any more; the next one does not join what is being given up.
    assert both[1].cancelled()
    assert len(await query) == 3


async def test_a_failure_is_everybodys_and_is_not_kept(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    server.fail_next(500, [], b"")
    failures = await asyncio.gather(*[query._fetch() for _ in range(3)], return_exceptions=True)
    assert [type(failure) for failure in failures] == [orm.InternalServerError] * 3
    assert len(await query) == 3


async def test_everybody_has_a_list_of_ones_own(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    one, two = await asyncio.gather(query._fetch(), query._fetch())
    one.clear()
    three = await query
    three.pop()
    assert len(two) == len(await query) == await query.alen() == 3 and two[0] is three[0]


def test_a_list_of_rows_is_the_callers(client):
    query = User.objects.filter(id__lte=3)
    query._fetch().clear()
    assert len(query) == 3 and query._fetch()[0] is query[0]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_signal_handler_that_asks_for_the_rows_under_way(server, client):
    query = User.objects.filter(id__lte=3)

    def handler(*_):
        list(query)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        server.delay_next(1.0)
        main = threading.get_ident()
        threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGUSR1]).start()
        with pytest.raises(RuntimeError, match="already"):
            list(query)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(query) == 3


def test_a_report_that_asks_for_the_rows_under_way(client):
    class Wrong(APIModel):
        class _schema_class(UserSchema):
            age: int

        _endpoint = "/api/v1/users/"

    register_models(client, Wrong)
    query = Wrong.objects.all().on_invalid("skip", lambda error: len(query))
    with pytest.raises(RuntimeError, match="already"):
        list(query)
