"""How many requests the writes of a queryset have in flight at a time, and what is told where some of them fail."""

from __future__ import annotations

import asyncio
import json
import threading

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel
from pydantic import BaseModel
from serving import Handler, Loopback
from test_writes import model, settle


class Row(BaseModel):
    id: int | None = None
    name: str


class Crowded(Loopback):
    """A server whose writes wait until ``together`` of them are there; the rows ``refused`` cannot be written."""

    def __init__(self, together, refused=()):
        self.token = "x"
        self.together, self.refused = together, refused
        self.lock = threading.Condition()
        self.waiting = self.most = 0
        self.writes = []
        crowded = self

        class Answering(Handler):
            def answer(self, status, value):
                body = b"" if value is None else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                rows = [{"id": number, "name": f"n{number}"} for number in range(1, 7)]
                self.answer(200, {"count": 6, "next": None, "previous": None, "results": rows})

            def write(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                crowded.enter(f"{self.command} {self.path}")
                key = int(self.path.rstrip("/").rsplit("/", 1)[-1]) if self.command != "POST" else len(crowded.writes)
                if key in crowded.refused:
                    self.answer(400, {"name": ["No."]})
                elif self.command == "DELETE":
                    self.answer(204, None)
                else:
                    self.answer(200 if self.command == "PATCH" else 201, {"id": key, **json.loads(body)})

            do_POST = do_PATCH = do_DELETE = write

        super().__init__(Answering)

    def enter(self, write):
        with self.lock:
            self.writes.append(write)
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            group = (len(self.writes) - 1) // self.together
            self.lock.notify_all()
            # Nobody waits for ever where fewer come than should.
            self.lock.wait_for(lambda: len(self.writes) >= (group + 1) * self.together, 5)
            self.waiting -= 1


WRITES = {
    "update": lambda rows: rows.update(name="new"),
    "delete": lambda rows: rows.all().delete(),
    "bulk_create": lambda rows: rows.bulk_create([{"name": f"new{number}"} for number in range(6)]),
}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("together", [1, 3, 6])
@pytest.mark.parametrize("write", WRITES)
def test_as_many_as_the_query_says(base, write, together):
    with Crowded(together) as server:
        thing = model(server, Row, base)

        async def main():
            done = await settle(WRITES[write](thing.objects.concurrency(together)))
            assert (len(done) if write == "bulk_create" else done) == 6
            assert len(server.writes) == 6 and server.most == together

        asyncio.run(main())


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("write", ["update", "delete"])
def test_rows_that_are_refused_are_named_and_the_others_written_once(base, write):
    with Crowded(3, refused=(2, 5)) as server:
        thing = model(server, Row, base)

        async def main():
            with pytest.raises(orm.BulkWriteError) as caught:
                await settle(WRITES[write](thing.objects.concurrency(3)))
            assert list(caught.value.written) == ["1", "3", "4", "6"]
            assert [key for key, _ in caught.value.failed] == ["2", "5"]
            assert all(isinstance(error, orm.BadRequestError) for _, error in caught.value.failed)
            assert len(server.writes) == len(set(server.writes)) == 6

        asyncio.run(main())


@pytest.mark.parametrize("number", [0, -1, 10**30])
def test_a_number_that_is_none(number):
    thing = type("Thing", (APIModel,), {"_schema_class": Row, "_endpoint": "/api/v1/things/"})
    client = orm.ServiceClient("http://127.0.0.1:1")
    with pytest.raises(ValueError, match="a number of requests"):
        client.manager(thing).concurrency(number)
    with pytest.raises(ValueError, match="a number of requests"):
        client.manager(thing).bulk_create([], concurrency=number)
