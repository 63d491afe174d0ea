"""Hooks: what they see, on whose thread and loop, and that they can do no harm."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import sys
import threading
import time
import types

import pytest
from django_api_orm import (
    APIModel,
    APITimeoutError,
    AsyncAPIModel,
    AsyncServiceClient,
    ConfigurationError,
    InvalidRequestError,
    ServiceClient,
    _bridge,
    register_async_models,
    register_models,
)
from django_api_orm._hooks import Hooks
from pydantic import BaseModel
from serving import Handler, Loopback
from test_writes import model

SECRET = "hunter2"


class Server(Loopback):
    """A server that answers by a list of statuses, whose last one is repeated."""

    def __init__(self):
        self.statuses = [200]
        self.seen = []
        server = self

        class Answering(Handler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.seen.append((self.command, self.path, dict(self.headers)))
                status = server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0]
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": "2",
                    "Set-Cookie": SECRET,
                    "Link": f"</x/?token={SECRET}>",
                    "X-Request-ID": "r-1",
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = answer

        super().__init__(Answering)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def carried_out(kind, call):
    """The call's result, made in the way of the client's kind."""
    if kind is ServiceClient:
        return call()

    async def main():
        return await call()

    return asyncio.run(main())


KINDS = pytest.mark.parametrize("kind", [ServiceClient, AsyncServiceClient])


@KINDS
def test_hooks_see_each_request_answer_and_retry_in_order_and_no_secret(server, kind):
    server.statuses = [503, 200]
    log, shown = [], []

    def note(event):
        log.append((type(event).__name__, event.attempt))
        shown.append(str({name: getattr(event, name) for name in dir(event) if not name.startswith("__")}))

    client = kind(
        server.base_url,
        auth_token=SECRET,
        headers={"X-Own": SECRET},
        retry_delay=0.001,
        on_request=note,
        on_response=[note],
        on_retry=note,
    )
    call = lambda: client.request("PUT", f"/x/?token={SECRET}", data={"a": SECRET})  # noqa: E731
    assert carried_out(kind, call).attempts == 2
    assert log == [
        ("RequestEvent", 1),
        ("ResponseEvent", 1),
        ("RetryEvent", 1),
        ("RequestEvent", 2),
        ("ResponseEvent", 2),
    ]
    text = "\n".join(shown)
    assert SECRET not in text and "/x/?token=REDACTED" in text and "r-1" in text


@KINDS
def test_hooks_run_where_the_call_is_made_and_add_headers(server, kind):
    variable = contextvars.ContextVar("variable", default=None)
    seen = []

    def on_request(event):
        seen.append((threading.get_ident(), variable.get()))
        event.add_header("traceparent", f"00-{event.attempt}")
        for name in ("Authorization", "Cookie", "Host", "X-API-Key"):
            with pytest.raises(InvalidRequestError, match="a hook cannot add"):
                event.add_header(name, "other")

    client = kind(server.base_url, on_request=on_request)

    def call():
        variable.set("here")
        return client.get("/x/")

    carried_out(kind, call)
    assert seen == [(threading.get_ident(), "here")]
    [(_, _, headers)] = server.seen
    assert headers["traceparent"] == "00-1" and "Cookie" not in headers and "Authorization" not in headers


def test_asynchronous_hooks_are_awaited_in_the_caller_s_task(server):
    tasks = []

    async def hook(event):
        await asyncio.sleep(0)
        tasks.append(asyncio.current_task())

    async def main():
        client = AsyncServiceClient(server.base_url, on_request=[hook, lambda event: None, hook], on_response=hook)
        await asyncio.gather(*(client.get("/x/") for _ in range(20)))
        mine = len(tasks)
        await client.get("/x/")
        assert tasks[mine:] == [asyncio.current_task()] * 3

    asyncio.run(main())
    assert len(tasks) == 63

    async def later(event): ...

    with pytest.raises(ConfigurationError, match="asynchronous"):
        ServiceClient(server.base_url, on_response=later)
    with pytest.raises(TypeError, match="on_retry"):
        ServiceClient(server.base_url, on_retry=["x"])


class Refused(Exception):
    pass


@KINDS
def test_what_on_request_raises_stops_the_request_before_it_is_sent(server, kind):
    def refuse(event):
        raise Refused

    client = kind(server.base_url, on_request=refuse)
    for call in (lambda: client.get("/x/"), lambda: client.post("/x/", {})):
        with pytest.raises(Refused):
            carried_out(kind, call)
    assert server.seen == []


@KINDS
def test_what_on_response_raises_fails_a_read_and_never_loses_a_write(server, kind, caplog):
    def refuse(event):
        raise Refused(SECRET)

    client = kind(server.base_url, on_response=refuse)
    with pytest.raises(Refused):
        carried_out(kind, lambda: client.get("/x/"))
    with caplog.at_level(logging.ERROR, "django_api_orm"):
        assert carried_out(kind, lambda: client.post("/x/", {})).status_code == 200
    [record] = caplog.records
    assert record.exc_info[0] is Refused and SECRET not in record.getMessage()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a task does not tell whether it is being cancelled")
def test_a_hook_whose_own_task_is_cancelled_cancels_no_call(server, caplog):
    async def hook(event):
        task = asyncio.ensure_future(asyncio.sleep(10))
        asyncio.get_running_loop().call_soon(task.cancel)
        await task

    def now(event):
        raise asyncio.CancelledError

    async def main():
        for each in (hook, now):
            client = AsyncServiceClient(server.base_url, on_response=each)
            assert (await client.post("/x/", {})).status_code == 200
            with pytest.raises(ConfigurationError, match="a hook was cancelled"):
                await client.get("/x/")

    asyncio.run(main())
    assert len(caplog.records) == 2


def test_a_call_is_cancelled_while_its_hook_is_awaited(server):
    async def main():
        is_told = asyncio.Event()

        async def hook(event):
            is_told.set()
            await asyncio.sleep(10)

        task = asyncio.ensure_future(AsyncServiceClient(server.base_url, on_response=hook).get("/x/"))
        await is_told.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_hook_that_does_not_end_ends_with_the_time_of_its_call(server):
    ended = []

    async def hook(event):
        try:
            await asyncio.sleep(10)
        finally:
            ended.append(event.method)

    async def main():
        async def call():
            client = AsyncServiceClient(server.base_url, timeout=1, on_request=hook)
            with pytest.raises(APITimeoutError):
                await client.get("/x/")
            # The answer is there, and the task is not being cancelled.
            client = AsyncServiceClient(server.base_url, timeout=1, on_response=hook)
            assert (await client.post("/x/", {})).status_code == 200
            await asyncio.sleep(0)

        await asyncio.wait_for(call(), 5)

    asyncio.run(main())
    assert ended == ["GET", "POST"]


@KINDS
def test_a_hook_may_use_the_client_itself(server, kind):
    answers = []

    if kind is ServiceClient:

        def hook(event):
            answers.append(client.get("/inner/").status_code)
    else:

        async def hook(event):
            answers.append((await client.get("/inner/")).status_code)

    client = kind(server.base_url, max_connections=1, timeout=10, on_request=hook, on_response=hook)
    carried_out(kind, lambda: client.get("/x/"))
    assert answers == [200, 200]
    assert [path for _, path, _ in server.seen] == ["/inner/", "/x/", "/inner/"]


def test_calls_after_a_hook_and_of_other_clients_are_told(server):
    async def main():
        go, later, told = asyncio.Event(), [], []

        async def leave():
            await go.wait()
            await client.get("/later/")

        async def hook(event):
            told.append(event.url.rpartition(":")[2].partition("/")[2])
            if not later:
                later.append(asyncio.ensure_future(leave()))
                await client.get("/own/")
                await other.get("/other/")

        other = AsyncServiceClient(server.base_url, on_request=lambda event: told.append("other's"))
        client = AsyncServiceClient(server.base_url, on_request=hook)
        await client.get("/x/")
        go.set()
        await later[0]
        assert told == ["x/", "other's", "later/"]

    asyncio.run(main())


@KINDS
def test_clients_that_are_made_from_it_keep_the_hooks(server, kind):
    seen = []
    client = kind(server.base_url, on_request=lambda event: seen.append(event.url))
    for each in (client, client.with_token("a"), client.with_timeout(5), client.with_auth(lambda: "b")):
        carried_out(kind, lambda each=each: each.get("/x/"))
    assert len(seen) == 4


def test_a_token_is_asked_for_while_a_hook_is_awaited(monkeypatch):
    """Several requests of one operation: the hook of one waits for the token that another has asked for."""
    variable = contextvars.ContextVar("variable")
    log = []

    class Token:
        @property
        def asked(self):
            return self

        def answer(self, question, loop):
            log.append(("token", variable.get()))
            has_token.set()

    class Event:
        def __init__(self, name):
            self.name = name

        @property
        def asked(self):
            return self

        async def answered(self):
            await has_token.wait()
            log.append((self.name, variable.get()))

        def answer(self, question, loop):
            return self.answered()

    class Operations:
        writes = False
        listener = None

        def begin(self, operation):
            return 1, True

        def flush(self):
            loop_queue.drain()

        def cancel(self, token):
            log.append("cancelled")

        def drain(self):
            yield 1, (None, Event("first"), ())
            yield 1, (None, Event("second"), ())
            yield 1, (None, Token(), ())
            asyncio.get_running_loop().call_later(0.1, self.end)

        def end(self):
            loop_queue.waiting.pop(1).set_result((True, "value", ()))

    async def main():
        nonlocal has_token
        has_token = asyncio.Event()
        variable.set("mine")
        return await asyncio.wait_for(_bridge.perform(operation), 5)

    has_token = None
    operation = Operations()
    loop_queue = object.__new__(_bridge._LoopQueue)
    loop_queue.queue, loop_queue.waiting = operation, {}

    def begin(loop, _):
        future = loop_queue.waiting[1] = loop.create_future()
        loop.call_soon(loop_queue.drain)
        return 1, future

    monkeypatch.setattr(_bridge, "Question", Token, raising=False)
    monkeypatch.setattr(
        _bridge, "_queue_of", lambda loop: types.SimpleNamespace(begin=begin, waiting=loop_queue.waiting, queue=operation)
    )
    assert asyncio.run(main()) == "value"
    assert log == [("token", "mine"), ("first", "mine"), ("second", "mine")]


PAGES = 3


class Pages(Loopback):
    """A server of pages of one row, each with the link of the next."""

    def __init__(self):
        self.token = "x"
        pages = self

        class Answering(Handler):
            def do_GET(self):
                number = int(self.path.rpartition("page=")[2]) if "page=" in self.path else 1
                following = f"{pages.base_url}/api/v1/things/?page={number + 1}" if number < PAGES else None
                sent = {"count": PAGES, "next": following, "previous": None, "results": [{"id": number}]}
                body = json.dumps(sent).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(Answering)


@pytest.fixture
def pages():
    pages = Pages()
    yield pages
    pages.close()


class Row(BaseModel):
    id: int


@KINDS
def test_a_slow_consumer_of_a_walk_lets_no_page_time_out(pages, kind):
    told = []
    client = kind(pages.base_url, timeout=1, max_retries=0, on_request=lambda event: told.append(event.url))
    base, register = (APIModel, register_models) if kind is ServiceClient else (AsyncAPIModel, register_async_models)
    made = model(pages, Row, base)
    register(client, made)
    thing = made.objects

    def now():
        seen = []
        for row in thing.iterator():
            seen.append(row.id)
            time.sleep(1.1)
        return seen

    async def later():
        seen = []
        async for row in thing.iterator():
            seen.append(row.id)
            await asyncio.sleep(1.1)
        return seen

    assert (now() if kind is ServiceClient else asyncio.run(later())) == [1, 2, 3]
    assert len(told) == PAGES


@KINDS
@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_interruption_while_a_call_is_made_reaches_the_caller(server, kind, raised, monkeypatch):
    """Also where Python is just saying who is told of the call."""

    def interrupted(_):
        raise raised

    client = kind(server.base_url, on_request=lambda _: None)
    monkeypatch.setattr(Hooks, "hear", interrupted)
    with pytest.raises(raised):
        carried_out(kind, lambda: client.get("/x/"))
    assert server.seen == []


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("hook", ["on_request", "on_response", "on_retry"])
@KINDS
def test_an_interruption_in_a_hook_reaches_the_caller(server, kind, hook, raised):
    server.statuses = [503, 200]

    def interrupted(_):
        raise raised

    client = kind(server.base_url, retry_delay=0.001, **{hook: interrupted})
    with pytest.raises(raised):
        carried_out(kind, lambda: client.get("/x/"))
