"""Isolation, cancellation, loops, threads, fork, shutdown, Ctrl-C: where a binding goes wrong."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, ServiceClient, register_async_models, register_models
from django_api_orm._engine import Queue
from schemas import UserSchema


def models():
    """Fresh model classes, so that no registration of another test is in the way."""
    attributes = {"_schema_class": UserSchema, "_endpoint": "/api/v1/users/", "__module__": __name__}
    return type("User", (APIModel,), attributes), type("AsyncUser", (AsyncAPIModel,), attributes)


def test_two_hundred_requests_of_twenty_users_never_see_each_other(testserver):
    _, user = models()

    async def request(number):
        token = f"user-token-{number % 20 + 1}"
        async with AsyncServiceClient(testserver.base_url, auth_token=token) as client:
            register_async_models(client, user)
            await asyncio.sleep(0)
            assert user.objects.client is client
            seen = await user.objects.client.get("/api/v1/whoami/")
            assert seen.data == {"token": token}
            assert (await user.objects.get(id=1)).pk == 1

    async def main():
        await asyncio.gather(*[request(number) for number in range(200)])

    asyncio.run(main())


def test_threads_never_see_each_other(testserver):
    user, _ = models()
    seen = {}

    def work(number):
        token = f"user-token-{number + 1}"
        with ServiceClient(testserver.base_url, auth_token=token) as client:
            register_models(client, user)
            for _ in range(5):
                seen.setdefault(number, set()).add(user.objects.client.get("/api/v1/whoami/").data["token"])

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {number: {f"user-token-{number + 1}"} for number in range(8)}


def test_another_context_finds_the_only_client_and_refuses_to_guess(testserver):
    user, _ = models()
    empty = contextvars.Context()
    with pytest.raises(orm.ConfigurationError, match="register_models"):
        user.objects.all()
    one = ServiceClient(testserver.base_url, auth_token="user-token-1")
    register_models(one, user)
    assert empty.run(lambda: user.objects.client) is one
    two = ServiceClient(testserver.base_url, auth_token="user-token-2")
    contextvars.Context().run(register_models, two, user)
    with pytest.raises(orm.ConfigurationError, match="several clients"):
        empty.run(user.objects.all)
    assert user.objects.client is one
    two.close()
    with pytest.raises(orm.ConfigurationError, match="several clients"):
        empty.run(user.objects.all)
    assert user.objects.using(two).client is two
    orm.unregister_models(user)
    for context in (empty, contextvars.copy_context()):
        with pytest.raises(orm.ConfigurationError, match="not registered"):
            context.run(user.objects.all)
    register_models(two, user)
    assert empty.run(lambda: user.objects.client) is two
    orm.unregister_models(user)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_clients_of_many_accounts_share_connections(server, kind):
    """``Server`` here is the test's own: nothing else connects to it."""
    _, user = models()

    async def concurrently():
        async with AsyncServiceClient(server.base_url, auth_token="test-token", max_connections=4) as pool:

            async def request(number):
                token = f"user-token-{number % 20 + 1}"
                async with pool.with_token(token) as client:
                    register_async_models(client, user)
                    assert (await user.objects.client.get("/api/v1/whoami/")).data == {"token": token}

            await asyncio.gather(*[request(number) for number in range(60)])
            assert (await pool.get("/api/v1/whoami/")).data == {"token": "test-token"}
            assert pool.stats.requests == 61
            with pytest.raises(orm.UnauthorizedError):
                await pool.with_auth(None).get("/api/v1/whoami/")

    def one_after_the_other():
        with ServiceClient(server.base_url, auth_token="test-token") as pool:
            for number in range(1, 11):
                with pool.with_token(f"user-token-{number}") as client:
                    assert client.get("/api/v1/whoami/").data == {"token": f"user-token-{number}"}
            assert pool.get("/api/v1/whoami/").data == {"token": "test-token"}
            with pytest.raises(orm.UnauthorizedError):
                pool.with_auth(None).get("/api/v1/whoami/")

    if kind == "sync":
        one_after_the_other()
        assert server.connections() == 1
    else:
        asyncio.run(concurrently())
        assert server.connections() <= 4
    assert "user-token" not in repr(ServiceClient(server.base_url).with_token("user-token-1").__dict__)


def test_a_request_without_a_client_never_gets_that_of_another_user(testserver):
    """Users come one after the other, so that only one client is open at any time."""
    user, _ = models()
    for number in (1, 2):
        with ServiceClient(testserver.base_url, auth_token=f"user-token-{number}") as client:
            contextvars.Context().run(register_models, client, user)
            if number == 2:
                with pytest.raises(orm.ConfigurationError, match="several clients"):
                    contextvars.Context().run(user.objects.count)


def test_a_model_that_is_gone_leaves_nothing_behind(testserver):
    with ServiceClient(testserver.base_url, auth_token="test-token") as client:
        user, _ = models()
        register_models(client, user)
        assert user.objects.count() == 250
        gone = weakref.ref(user)
        del user
        gc.collect()
        assert gone() is None


def test_a_closed_client_works_again(testserver):
    user, async_user = models()
    with ServiceClient(testserver.base_url, auth_token="test-token") as client:
        register_models(client, user)
        assert user.objects.get(id=1).pk == 1
    assert user.objects.get(id=2).pk == 2

    async def main():
        async with AsyncServiceClient(testserver.base_url, auth_token="test-token") as client:
            register_async_models(client, async_user)
            assert (await async_user.objects.get(id=1)).pk == 1
        assert (await async_user.objects.get(id=2)).pk == 2

    asyncio.run(main())
    asyncio.run(main())


@pytest.mark.parametrize("loop_name", ["asyncio", "uvloop", "no reader"])
def test_several_loops_share_a_client(testserver, loop_name):
    _, user = models()
    client = AsyncServiceClient(testserver.base_url, auth_token="test-token")

    def new_loop():
        if loop_name == "uvloop":
            return pytest.importorskip("uvloop").new_event_loop()
        loop = asyncio.SelectorEventLoop()
        if loop_name == "no reader":

            def refuse(*_):
                raise NotImplementedError

            loop.add_reader = refuse
        return loop

    async def main():
        users = await asyncio.gather(*[client.manager(user).get(id=number) for number in range(1, 30)])
        assert [each.pk for each in users] == list(range(1, 30))

    def work():
        loop = new_loop()
        try:
            loop.run_until_complete(main())
        except BaseException as error:
            failures.append(error)
        finally:
            loop.close()

    failures = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    work()
    assert failures == []


def test_cancelling_aborts_the_request(server):
    _, user = models()

    async def main():
        client = AsyncServiceClient(server.base_url, auth_token="test-token")
        register_async_models(client, user)
        await user.objects.get(id=1)
        for cancel in ("timeout", "task"):
            server.delay_next(20)
            started = time.monotonic()
            if cancel == "timeout":
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(user.objects.get(id=1), 0.05)
            else:
                task = asyncio.ensure_future(user.objects.all()._fetch())
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert time.monotonic() - started < 0.25
        assert (await user.objects.get(id=3)).pk == 3

    asyncio.run(main())


def test_the_engine_is_woken_once_for_what_a_turn_begins(testserver, monkeypatch):
    """The first call of an idle loop at once, all others of the turn together."""
    flushed = []

    class CountingQueue:
        def __init__(self):
            self._queue = Queue()

        def __getattr__(self, name):
            return getattr(self._queue, name)

        def flush(self):
            flushed.append(1)
            self._queue.flush()

    monkeypatch.setattr("django_api_orm._bridge.Queue", CountingQueue)
    _, user = models()

    async def main():
        async with AsyncServiceClient(testserver.base_url, auth_token="test-token") as client:
            manager = client.manager(user)
            found = await asyncio.gather(*[manager.get(id=number) for number in range(1, 51)])
            assert [row.pk for row in found] == list(range(1, 51))
            assert len(flushed) == 2
            for _ in range(3):
                await manager.get(id=1)
            assert len(flushed) == 5

    asyncio.run(main())


def test_cancelling_frees_the_connection(server):
    _, user = models()

    async def main():
        client = AsyncServiceClient(server.base_url, auth_token="test-token", max_connections=1)
        for _ in range(3):
            server.delay_next(20)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.manager(user).get(id=1), 0.05)
        # With the only place still taken this would wait for ever.
        await asyncio.wait_for(client.manager(user).get(id=1), 5)

    asyncio.run(main())


def test_concurrent_first_evaluations_share_one_fetch(server):
    _, user = models()

    async def main():
        client = AsyncServiceClient(server.base_url, auth_token="test-token")
        query = client.manager(user).filter(id__lte=50)
        server.clear_requests()
        lists = await asyncio.gather(*[query._fetch() for _ in range(10)])
        assert all(row is first for rows in lists for row, first in zip(rows, lists[0], strict=True)) and len(lists[0]) == 50
        once = len(server.requests())
        assert [each async for each in query] == lists[0] and await query.count() == 50
        assert len(server.requests()) == once
        # One who gives up does not take the rows from the others.
        server.delay_next(0.2)
        again = query.all()
        impatient = asyncio.ensure_future(again._fetch())
        patient = asyncio.ensure_future(again._fetch())
        await asyncio.sleep(0.02)
        impatient.cancel()
        assert len(await patient) == 50

    asyncio.run(main())


def test_threads_share_a_client_and_its_connections(server):
    user, _ = models()
    client = ServiceClient(server.base_url, auth_token="test-token")
    for number in range(1, 20):
        assert client.manager(user).get(id=number).pk == number
    assert server.connections() == 1

    def work():
        for number in range(1, 10):
            assert client.manager(user).get(id=number).pk == number

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.connections() <= 4


def test_iterators_may_be_nested_left_and_finished_elsewhere(testserver):
    user, _ = models()
    client = ServiceClient(testserver.base_url, auth_token="test-token")
    manager = client.manager(user)
    for outer in manager.all().iterator(chunk_size=40):
        for inner in manager.all().iterator(chunk_size=100):
            assert inner.pk == 1
            break
        if outer.pk == 90:
            break
    rows = manager.all().iterator(chunk_size=50)
    got = [next(rows).pk]
    thread = threading.Thread(target=lambda: got.extend(each.pk for each in rows))
    thread.start()
    thread.join()
    assert got == list(range(1, 251))


def run_script(text, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


PRELUDE = """
    import asyncio, os, sys, threading, time, signal
    from pydantic import BaseModel
    from django_api_orm import *
    class Schema(BaseModel):
        id: int | None = None
        name: str
    class User(APIModel):
        _schema_class = Schema
        _endpoint = "/api/v1/users/"
    class AsyncUser(AsyncAPIModel):
        _schema_class = Schema
        _endpoint = "/api/v1/users/"
    url = sys.argv[1]
    client = ServiceClient(url, auth_token="test-token")
    async_client = AsyncServiceClient(url, auth_token="test-token")
    register_models(client, User)
    register_async_models(async_client, AsyncUser)
    async def both():
        return [user.pk for user in await asyncio.gather(AsyncUser.objects.get(id=1), AsyncUser.objects.get(id=2))]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_fork(testserver):
    done = run_script(
        PRELUDE
        + """
    assert User.objects.get(id=1).pk == 1 and asyncio.run(both()) == [1, 2]
    walk = User.objects.all().iterator(chunk_size=20)
    next(walk)
    children = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            assert User.objects.get(id=2).pk == 2 and asyncio.run(both()) == [1, 2]
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    assert User.objects.get(id=3).pk == 3 and asyncio.run(both()) == [1, 2]
    assert len(list(walk)) == 249
    print("fine")
    """,
        testserver.base_url,
    )
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


def test_exit_with_requests_under_way(server):
    for ending in ("pass", "sys.exit(0)", "raise SystemExit"):
        for _ in range(3):
            server.delay_next(30)
            done = run_script(
                PRELUDE
                + f"""
    async def main():
        task = asyncio.ensure_future(AsyncUser.objects.get(id=1))
        await asyncio.sleep(0.05)
        loop = asyncio.get_running_loop()
        loop.stop()
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main())
    except RuntimeError:
        pass
    threading.Thread(target=lambda: User.objects.count(), daemon=True).start()
    {ending}
    """,
                server.base_url,
            )
            assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_ctrl_c_ends_a_synchronous_call(server):
    script = (
        PRELUDE
        + """
    # A job that a shell runs in the background inherits a SIGINT that is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    pressed = 0.0
    def press():
        global pressed
        pressed = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)
    waited = []
    for _ in range(4):
        threading.Timer(0.1, press).start()
        try:
            client.get("/api/v1/users/", params={"slow": 1})
        except KeyboardInterrupt:
            waited.append(time.monotonic() - pressed)
    # The best of some: a busy machine may be late once.
    assert len(waited) == 4 and min(waited) < 0.2, waited
    print("fine")
    """
    )
    for _ in range(4):
        server.delay_next(30)
    done = run_script(script, server.base_url)
    assert done.stdout == "fine\n", done.stderr


def test_python_runs_while_a_synchronous_call_waits(server):
    user, _ = models()
    client = ServiceClient(server.base_url, auth_token="test-token")
    client.manager(user).get(id=1)
    server.delay_next(1.0)
    waiting = threading.Thread(target=lambda: client.manager(user).get(id=1))
    waiting.start()
    # With the GIL held this thread would not go on before the answer is there.
    time.sleep(0.05)
    assert waiting.is_alive()
    waiting.join()


class Portable(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


def test_a_pickled_instance_carries_no_client(testserver):
    client = ServiceClient(testserver.base_url, auth_token="test-token")
    register_models(client, Portable)
    instance = Portable.objects.get(id=1)
    text = pickle.dumps(instance)
    assert b"test-token" not in text
    copy = pickle.loads(text)
    assert copy == instance and copy is not instance and copy.changes() == {} and copy._client is None
    copy.refresh_from_api()
    missing = pickle.loads(pickle.dumps(Portable.DoesNotExist("none")))
    assert isinstance(missing, Portable.DoesNotExist) and str(missing) == "none"
    with pytest.raises(TypeError):
        pickle.dumps(client)


def test_a_job_never_speaks_through_the_closed_client_of_the_one_before(testserver):
    user, _ = models()
    other, _ = models()

    def job(token, closed_by):
        client = ServiceClient(testserver.base_url, auth_token=token)
        register_models(client, user, other)
        assert user.objects.count() == 250
        closed_by(client)
        return client

    def leave(client):
        with client:
            pass

    # The only client that there ever was goes on.
    first = job("user-token-1", leave)
    assert user.objects.count() == 250 and user.objects.client is first
    for closed_by in (ServiceClient.close, leave):
        second = job("user-token-2", closed_by)
        with pytest.raises(orm.ConfigurationError, match="in this context is closed"):
            user.objects.count()
        assert user.objects.using(second).count() == 250
        with second:
            assert user.objects.client is second
    register_models(second, user)
    assert user.objects.client is second
    # What other contexts forget does not make it the only one.
    with first:
        register_models(first, other)
    contextvars.Context().run(orm.unregister_models, other)
    contextvars.Context().run(register_models, second, other)
    second.close()
    first.close()
    with pytest.raises(orm.ConfigurationError, match="in this context is closed"):
        other.objects.all()


def test_a_client_for_one_account_that_is_closed(testserver):
    _, user = models()

    async def main():
        pool = AsyncServiceClient(testserver.base_url)
        for number in (1, 2):
            async with pool.with_token(f"user-token-{number}") as client:
                register_async_models(client, user)
                assert (await user.objects.client.get("/api/v1/whoami/")).data == {"token": f"user-token-{number}"}
        with pytest.raises(orm.ConfigurationError, match="in this context is closed"):
            user.objects.all()

    asyncio.run(main())


def test_a_client_keeps_no_secret_where_python_sees_it():
    def client(**settings):
        return ServiceClient("http://127.0.0.1:1", **settings)

    secret = client(auth_token="S3CRET-1", headers={"X-Api-Key": "S3CRET-2"}, proxy="http://proxy:S3CRET-3@127.0.0.1:2")
    for each in (secret, secret.with_token("S3CRET-4"), client(headers={"Authorization": "S3CRET-5"})):
        assert "S3CRET" not in repr(vars(each))
    assert client(auth_token="a")._identity == client(auth_token="a")._identity
    identities = [
        each._identity
        for each in (
            client(auth_token="a"),
            client(auth_token="b"),
            client(auth_token="a", headers={"X-Tenant": "1"}),
            client(auth_token="a", proxy="http://127.0.0.1:2"),
            client(),
        )
    ]
    assert len(set(identities)) == 5
    assert client(auth_token="b").with_token("a")._identity == identities[0]
    assert client(auth_token="b").with_auth(None)._identity == identities[4]
    # What is compared here is another in each process: nobody can look a known secret up in it.
    script = "from django_api_orm import *; print(ServiceClient('http://127.0.0.1:1', auth_token='a')._identity)"
    assert run_script(script).stdout.strip() not in ("", repr(identities[0]))


@pytest.mark.parametrize("name", ["Authorization", "AUTHORIZATION"])
def test_an_authorization_header_is_a_credential(server, name):
    client = ServiceClient(server.base_url, headers={name: "Token user-token-1", "X-Other": "stays"})
    assert client.get("/api/v1/whoami/").data == {"token": "user-token-1"}
    assert client.with_token("user-token-2").get("/api/v1/whoami/").data == {"token": "user-token-2"}
    with pytest.raises(orm.UnauthorizedError):
        client.with_auth(None).get("/api/v1/whoami/")
    for more in ({"auth_token": "a"}, {"auth": ("a", "b")}, {"headers": {"Authorization": "a", "authorization": "b"}}):
        with pytest.raises(orm.ConfigurationError, match="once"):
            ServiceClient(server.base_url, **{"headers": {name: "a"}, **more})
