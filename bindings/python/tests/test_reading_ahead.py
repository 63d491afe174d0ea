"""A stream of an event loop asks for the next page while the program looks at this one, also where the server has cursors."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from django_api_orm import AsyncAPIModel
from pydantic import BaseModel
from serving import Handler, Loopback
from test_writes import model

PAGES, ROWS = 4, 3


class Row(BaseModel):
    id: int


class Cursors(Loopback):
    """A server of pages that are known only by the page before."""

    def __init__(self):
        self.token = "x"
        self.asked = [threading.Event() for _ in range(PAGES)]
        cursors = self

        class Answering(Handler):
            def do_GET(self):
                number = int(self.path.rpartition("cursor=")[2]) if "cursor=" in self.path else 0
                cursors.asked[number].set()
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


@pytest.fixture
def cursors():
    server = Cursors()
    yield server
    server.close()


def test_while_the_loop_is_busy(cursors):
    thing = model(cursors, Row, AsyncAPIModel)

    async def main():
        seen = []
        async for row in thing.objects.iterator():
            assert cursors.next_was_asked(row), f"nothing was asked for ahead of row {row.id}"
            seen.append(row.id)
        assert seen == list(range(PAGES * ROWS))

    asyncio.run(main())
