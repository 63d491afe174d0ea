"""A stream asks for the next page while the program looks at this one, also where the server has cursors."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import pathlib
import select
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    ServiceClient,
    TokenAuth,
    register_async_models,
    register_models,
)
from pydantic import BaseModel
from serving import Handler, Loopback

PAGES, ROWS = 4, 3


class Row(BaseModel):
    id: int


class Cursors(Loopback):
    """A server of pages that are known only by the page before."""

    def __init__(self):
        self.asked = [threading.Event() for _ in range(PAGES)]
        self.requests = []
        #: A page that is held back until the client goes, and whether it has gone.
        self.held = None
        self.is_left = threading.Event()
        #: The token that a request for a page needs, if any.
        self.tokens = [None] * PAGES
        cursors = self

        class Answering(Handler):
            def do_GET(self):
                number = int(self.path.rpartition("cursor=")[2]) if "cursor=" in self.path else 0
                cursors.requests.append(number)
                cursors.asked[number].set()
                if number == cursors.held:
                    self.close_connection = True
                    if select.select([self.connection], [], [], 10)[0] and not self.connection.recv(1):
                        cursors.is_left.set()
                    return
                if cursors.tokens[number] and self.headers.get("Authorization") != f"Token {cursors.tokens[number]}":
                    self.send_error(401)
                    return
                following = f"{cursors.base_url}/api/v1/things/?cursor={number + 1}" if number + 1 < PAGES else None
                rows = [{"id": number * ROWS + each} for each in range(ROWS)]
                body = json.dumps({"next": following, "previous": None, "results": rows}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(Answering)

    def next_was_asked(self, row):
        """Whether the page after this row's is asked for while the program does nothing but wait for that."""
        following = row.id // ROWS + 1
        return following >= PAGES or self.asked[following].wait(5)


def model(server, is_async=False, **options):
    base, kind, register = (
        (AsyncAPIModel, AsyncServiceClient, register_async_models) if is_async else (APIModel, ServiceClient, register_models)
    )
    made = type("Thing", (base,), {"_schema_class": Row, "_endpoint": "/api/v1/things/", "__module__": __name__})
    register(kind(server.base_url, **options), made)
    return made


@pytest.fixture
def cursors():
    server = Cursors()
    yield server
    server.close()


def test_while_the_loop_is_busy(cursors):
    thing = model(cursors, is_async=True)

    async def main():
        seen = []
        async for row in thing.objects.iterator():
            assert cursors.next_was_asked(row), f"nothing was asked for ahead of row {row.id}"
            seen.append(row.id)
        assert seen == list(range(PAGES * ROWS))

    asyncio.run(main())


def threads():
    """How many threads of the engine this process has."""
    names = [pathlib.Path("/proc/self/task", task, "comm") for task in os.listdir("/proc/self/task")]
    return sum(name.exists() and name.read_text().startswith("django-api-orm") for name in names)


def until(holds):
    """Waits for what another thread is about to bring."""
    end = time.monotonic() + 5
    while not holds() and time.monotonic() < end:
        time.sleep(0.001)
    assert holds()


def test_while_the_program_is_busy(cursors):
    seen = []
    before = threads()
    for row in model(cursors).objects.iterator():
        assert cursors.next_was_asked(row), f"nothing was asked for ahead of row {row.id}"
        seen.append(row.id)
    assert seen == list(range(PAGES * ROWS))
    assert cursors.requests == list(range(PAGES))
    until(lambda: threads() <= before)


def test_several_at_the_same_time(cursors):
    """Each is driven by itself; those that end leave the others alone."""
    thing = model(cursors)
    walks = [thing.objects.iterator() for _ in range(3)]
    read = [next(walk).id for walk in walks]
    assert [len(list(walk)) for walk in walks] == [PAGES * ROWS - 1] * 3
    assert read == [0, 0, 0] and sorted(cursors.requests) == sorted([*range(PAGES)] * 3)


def test_one_that_is_left_ends_its_request(cursors):
    cursors.held = 1
    before = threads()
    walk = model(cursors).objects.iterator()
    assert next(walk).id == 0
    assert cursors.asked[1].wait(5)
    assert not cursors.is_left.wait(0.05)
    del walk
    gc.collect()
    assert cursors.is_left.wait(5), "the request goes on, though nobody wants its answer"
    assert cursors.requests == [0, 1]
    until(lambda: threads() <= before)


def test_a_page_whose_time_was_over_before_it_was_wanted_is_asked_for_again(cursors):
    cursors.held = 1
    walk = model(cursors).objects.timeout(0.2).iterator()
    assert next(walk).id == 0
    assert cursors.is_left.wait(5)
    cursors.held = None
    assert len(list(walk)) == PAGES * ROWS - 1
    assert cursors.requests == [0, 1, 1, 2, 3]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_page_that_needs_a_token_waits_for_the_program_which_may_be_busy_for_longer_than_a_call_may_take(cursors, is_async):
    cursors.tokens = ["1", "2", "2", "2"]
    calls = []

    def provider():
        calls.append(threading.get_ident())
        return TokenAuth(str(len(calls)))

    thing = model(cursors, is_async, auth=provider, timeout=0.2)

    def busy(row):
        if row.id == 0:
            assert cursors.asked[1].wait(5)
            time.sleep(0.5)
        return row.id

    async def main():
        return [busy(row) async for row in thing.objects.iterator()]

    seen = asyncio.run(main()) if is_async else [busy(row) for row in thing.objects.iterator()]
    assert seen == list(range(PAGES * ROWS))
    assert calls == [threading.get_ident()] * 2


PRELUDE = """
import os, sys
from django_api_orm import APIModel, ServiceClient, register_models
from pydantic import BaseModel

class Row(BaseModel):
    id: int

class Thing(APIModel):
    _schema_class = Row
    _endpoint = "/api/v1/things/"

register_models(ServiceClient(sys.argv[1]), Thing)
walk = Thing.objects.iterator()
next(walk)
"""


def run(script, server):
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(script), server.base_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_process_ends_while_a_page_is_under_way(cursors):
    cursors.held = 1
    for ending in ("", "sys.exit()", "del walk"):
        assert run(f"print('fine')\n{ending}", cursors) == "fine\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_of_fork_leaves_the_walk_to_its_parent(cursors):
    script = """
    from django_api_orm import InvalidRequestError

    for number in range(20):
        pid = os.fork()
        if pid == 0:
            if number % 2:
                try:
                    list(walk)
                except InvalidRequestError:
                    pass
            del walk
            assert len(list(Thing.objects.iterator())) == 12
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    print(len(list(walk)))
    """
    assert run(script, cursors) == f"{PAGES * ROWS - 1}\n"
