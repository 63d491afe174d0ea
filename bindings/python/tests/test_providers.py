"""Token providers: whose thread, loop and context they run in, how often, and what becomes of their errors."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import threading

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    BearerAuth,
    ConfigurationError,
    ServiceClient,
    TokenAuth,
    UnauthorizedError,
)
from schemas import UserSchema
from serving import Handler, Loopback


class Doorkeeper(Loopback):
    """A server that accepts one token at a time."""

    def __init__(self):
        self.accepted = "Bearer t1"
        self.writes = []
        self.seen = []
        keeper = self

        class Answering(Handler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                given = self.headers.get("Authorization")
                keeper.seen.append(given)
                status = 200 if given == keeper.accepted else 401
                if status == 200 and self.command == "POST":
                    keeper.writes.append(json.loads(body))
                sent = json.dumps({"token": given}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = answer

        super().__init__(Answering)


@pytest.fixture
def door():
    door = Doorkeeper()
    yield door
    door.close()


def test_a_synchronous_provider_runs_on_the_caller_s_thread_and_in_its_context(door):
    variable = contextvars.ContextVar("variable")
    calls = []

    def provider():
        calls.append((threading.get_ident(), variable.get()))
        return BearerAuth(f"t{len(calls)}")

    with ServiceClient(door.base_url, auth=provider) as client:
        variable.set("mine")
        assert client.get("/x/").data == {"token": "Bearer t1"}
        client.get("/x/")
        door.accepted = "Bearer t2"
        response = client.post("/x/", 7)
        assert (response.attempts, door.writes) == (2, [7])
    assert calls == [(threading.get_ident(), "mine")] * 2


@pytest.mark.parametrize("is_async", [False, True])
def test_a_provider_runs_on_the_caller_s_loop_and_in_its_context(door, is_async):
    variable = contextvars.ContextVar("variable")
    calls = []

    async def later():
        await asyncio.sleep(0)
        return now()

    def now():
        calls.append((asyncio.get_running_loop(), variable.get()))
        return BearerAuth(f"t{len(calls)}")

    async def main():
        variable.set("mine")
        async with AsyncServiceClient(door.base_url, auth=later if is_async else now) as client:
            assert (await client.get("/x/")).data == {"token": "Bearer t1"}
            door.accepted = "Bearer t2"
            assert (await client.post("/x/", 7)).attempts == 2
        assert calls == [(asyncio.get_running_loop(), "mine")] * 2

    asyncio.run(main())
    assert door.writes == [7]


def test_a_thousand_tasks_that_meet_one_expiry_make_one_refresh_and_repeat_no_write(door):
    calls = 0

    async def provider():
        nonlocal calls
        calls += 1
        mine = calls
        await asyncio.sleep(0.02)
        return f"t{mine}"

    async def main():
        async with AsyncServiceClient(door.base_url, auth_token=provider, max_connections=50) as client:
            door.accepted = "Token t1"
            await client.get("/x/")
            door.accepted = "Token t2"
            await asyncio.gather(*[client.post("/x/", number) for number in range(1000)])

    asyncio.run(main())
    assert calls == 2
    assert sorted(door.writes) == list(range(1000))


def test_threads_that_meet_one_expiry_make_one_refresh(door):
    calls = []

    def provider():
        calls.append(1)
        return BearerAuth(f"t{len(calls)}")

    client = ServiceClient(door.base_url, auth=provider)
    client.get("/x/")
    door.accepted = "Bearer t2"
    threads = [threading.Thread(target=client.post, args=("/x/", number)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 2
    assert sorted(door.writes) == list(range(32))


def test_what_the_provider_raises_reaches_every_caller_as_it_is(door):
    class SignInAgain(Exception):
        pass

    calls = 0

    async def provider():
        nonlocal calls
        calls += 1
        # As long as a busy machine takes to begin a hundred calls.
        await asyncio.sleep(0.5)
        if calls == 1:
            raise SignInAgain("S3CRET")
        return BearerAuth("t1")

    async def main():
        async with AsyncServiceClient(door.base_url, auth=provider) as client:
            failed = await asyncio.gather(*[client.get("/x/") for _ in range(100)], return_exceptions=True)
            assert [type(error) for error in failed] == [SignInAgain] * 100
            assert calls == 1
            await client.get("/x/")

    asyncio.run(main())

    def wrong():
        raise SignInAgain

    with pytest.raises(SignInAgain):
        ServiceClient(door.base_url, auth=wrong).get("/x/")
    with pytest.raises(SignInAgain):
        asyncio.run(AsyncServiceClient(door.base_url, auth=wrong).get("/x/"))
    assert door.seen == ["Bearer t1"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "gave no credential, but NoneType"),
        ("", "is empty"),
        (7, "`auth` must be"),
        (BearerAuth("t", expires_in="x"), "expires_in"),
    ],
)
def test_what_is_no_credential_is_an_error(door, given, said):
    with pytest.raises(ConfigurationError, match=said):
        ServiceClient(door.base_url, auth=lambda: given).get("/x/")

    async def asynchronous():
        return given

    with pytest.raises(ConfigurationError, match=said):
        asyncio.run(AsyncServiceClient(door.base_url, auth=asynchronous).get("/x/"))
    with pytest.raises(ConfigurationError, match="is asynchronous"):
        ServiceClient(door.base_url, auth=asynchronous).get("/x/")
    assert door.seen == []


def test_a_cancelled_call_leaves_the_refresh_to_the_others(door):
    calls = []

    async def main():
        begun, go = asyncio.Event(), asyncio.Event()

        async def provider():
            calls.append(1)
            begun.set()
            await go.wait()
            return BearerAuth("t1")

        async with AsyncServiceClient(door.base_url, auth=provider) as client:
            first, *others = [asyncio.ensure_future(client.get("/x/")) for _ in range(10)]
            await begun.wait()
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            go.set()
            await asyncio.gather(*others)
            # One that nobody waits for any more is kept for the next call.
            begun.clear()
            go.clear()
            other = client.with_auth(provider)
            alone = asyncio.ensure_future(other.get("/x/"))
            await begun.wait()
            alone.cancel()
            await asyncio.gather(alone, return_exceptions=True)
            go.set()
            await other.get("/x/")

    asyncio.run(main())
    assert len(calls) == 2


def test_a_token_is_replaced_before_it_expires(door):
    calls = []

    def provider():
        calls.append(1)
        return TokenAuth(f"t{len(calls)}", expires_in=0.0 if len(calls) == 1 else 3600)

    with ServiceClient(door.base_url, auth=provider) as client:
        door.accepted = "Token t1"
        client.get("/x/")
        door.accepted = "Token t2"
        assert client.get("/x/").attempts == 1
        client.get("/x/")
    assert len(calls) == 2
    assert door.seen == ["Token t1", "Token t2", "Token t2"]


def test_a_token_that_is_refused_again_is_the_caller_s_to_know(door):
    calls = []

    def provider():
        calls.append(1)
        return BearerAuth("wrong")

    with pytest.raises(UnauthorizedError) as raised:
        ServiceClient(door.base_url, auth=provider).post("/x/", 1)
    assert (len(calls), len(door.seen), door.writes) == (2, 2, [])
    assert "wrong" not in str(raised.value)


def test_a_provider_that_calls_its_own_client_is_told_and_another_one_works(door):
    def own():
        return BearerAuth(client.get("/x/").data["token"])

    client = ServiceClient(door.base_url, auth=own)
    with pytest.raises(ConfigurationError, match=r"with_auth\(None\)"):
        client.get("/x/")

    async def asynchronously():
        await asyncio.sleep(0)
        return BearerAuth((await async_client.get("/x/")).data["token"])

    async_client = AsyncServiceClient(door.base_url, auth=asynchronously)
    with pytest.raises(ConfigurationError, match=r"with_auth\(None\)"):
        asyncio.run(async_client.get("/x/"))
    assert door.seen == []

    anonymous = ServiceClient(door.base_url)

    def other():
        with pytest.raises(UnauthorizedError):
            anonymous.get("/x/")
        return BearerAuth("t1")

    assert anonymous.with_auth(other).get("/x/").status_code == 200


def test_querysets_walks_and_pages_read_ahead_ask_too(testserver):
    calls = []

    def provider():
        calls.append(1)
        return TokenAuth("test-token", expires_in=0)

    class User(APIModel):
        _schema_class = UserSchema
        _endpoint = "/api/v1/users/"

    users = ServiceClient(testserver.base_url, auth=provider).manager(User)
    ids = [user.pk for user in users.order_by("id").iterator()]
    of_the_walk = len(calls)
    assert ids == [user.pk for user in users.order_by("id")]
    assert len(ids) == 250
    # One for the first page, and one at least for the pages after it: those that wait at the same time share a token.
    assert of_the_walk >= 2 and len(calls) - of_the_walk >= 2


@pytest.mark.parametrize("is_async", [False, True])
def test_a_walk_that_nobody_drives_holds_up_no_other_call(testserver, is_async):
    # Pages are read ahead between the steps of a walk, when nobody can answer their question for a token.
    asked = []

    def provider():
        asked.append(1)
        return TokenAuth("test-token", expires_in=0)

    class User(APIModel):
        _schema_class = UserSchema
        _endpoint = "/api/v1/users/"

    class AsyncUser(AsyncAPIModel):
        _schema_class = UserSchema
        _endpoint = "/api/v1/users/"

    async def read_asynchronously():
        users = AsyncServiceClient(testserver.base_url, auth=provider, timeout=20).manager(AsyncUser)
        return [(await users.get(id=user.pk)).pk async for user in users.order_by("id").iterator()]

    def read():
        users = ServiceClient(testserver.base_url, auth=provider, timeout=20).manager(User)
        return [users.get(id=user.pk).pk for user in users.order_by("id").iterator()]

    ids = asyncio.run(read_asynchronously()) if is_async else read()
    assert len(ids) == 250
    assert len(asked) > len(ids)


def test_no_token_is_shown_or_kept_in_python(door):
    def provider():
        return BearerAuth("S3CRET")

    client = ServiceClient(door.base_url, auth=provider)
    door.accepted = "Bearer S3CRET"
    client.get("/x/")
    assert "S3CRET" not in repr(client) + repr(provider()) + repr(client._identity)
    gc.collect()
    assert not [held for held in gc.get_objects() if isinstance(held, list) and "S3CRET" in held and held is not door.seen]
    assert client._identity == ServiceClient(door.base_url, auth=provider)._identity
    assert client._identity != ServiceClient(door.base_url, auth=lambda: "x")._identity


def test_what_a_provider_leaves_behind_may_make_calls_once_it_is_over(door):
    async def main():
        go, later = asyncio.Event(), []

        async def refresh():
            await go.wait()
            return await client.get("/x/")

        async def provider():
            later.append(asyncio.ensure_future(refresh()))
            return BearerAuth("t1")

        async with AsyncServiceClient(door.base_url, auth=provider) as client:
            await client.get("/x/")
            go.set()
            assert (await later[0]).json() == {"token": "Bearer t1"}

    asyncio.run(main())
