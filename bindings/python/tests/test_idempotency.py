"""Idempotency keys: a write that carries one is sent again whatever becomes of its answer, and is done once."""

from __future__ import annotations

import json
import uuid

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    ConfigurationError,
    OutcomeUnknown,
    ServiceClient,
    register_async_models,
    register_models,
)
from pydantic import BaseModel
from serving import Handler, Loopback


class Thing(BaseModel):
    id: int | None = None
    name: str


class Register(Loopback):
    """A server that does a write of one key once, and loses the answer to the first request of every key."""

    def __init__(self, header):
        self.rows = {}
        self.answers = {}
        self.writes = []
        register = self

        class Answering(Handler):
            def write(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                key = self.headers.get(header)
                register.writes.append((self.command, self.path, key, body))
                is_first = key is None or key not in register.answers
                if is_first:
                    register.answers[key] = register.do(self.command, self.path, body)
                if is_first:
                    self.close_connection = True
                    return
                status, row = register.answers[key]
                text = b"" if row is None else json.dumps(row).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_PATCH = do_DELETE = write

        super().__init__(Answering)

    def do(self, method, path, body):
        if method == "POST":
            row = {"id": len(self.rows) + 1, **json.loads(body)}
            self.rows[row["id"]] = row
            return 201, row
        key = int(path.rstrip("/").rsplit("/", 1)[-1])
        if method == "DELETE":
            del self.rows[key]
            return 204, None
        self.rows[key].update(json.loads(body))
        return 200, self.rows[key]


@pytest.fixture
def register():
    register = Register("X-Key")
    yield register
    register.close()


def check(register):
    """Every write was sent twice, alike, and done once."""
    keys = {}
    for write in register.writes:
        keys.setdefault(write[2], []).append(write)
    assert len(keys) == 5
    assert all(str(uuid.UUID(key)) == key for key in keys)
    assert all(len(writes) == 2 and writes[0] == writes[1] for writes in keys.values())
    assert sorted(row["name"] for row in register.rows.values()) == ["b", "c"]


def test_a_write_with_a_key_is_done_once(register):
    class Keyed(APIModel):
        _schema_class = Thing
        _endpoint = "/things/"

    with ServiceClient(register.base_url, idempotency_header="X-Key", retry_delay=0.001) as client:
        register_models(client, Keyed)
        thing = Keyed.objects.create(name="a")
        thing.name = "changed"
        thing.save()
        thing.delete()
        Keyed.objects.bulk_create([Keyed(name="b"), Keyed(name="c")])
    check(register)


async def test_a_write_with_a_key_is_done_once_asynchronously(register):
    class Keyed(AsyncAPIModel):
        _schema_class = Thing
        _endpoint = "/things/"
        _idempotency_header = "X-Key"

    async with AsyncServiceClient(register.base_url, retry_delay=0.001) as client:
        register_async_models(client, Keyed)
        thing = await Keyed.objects.create(name="a")
        thing.name = "changed"
        await thing.save()
        await thing.delete()
        await Keyed.objects.bulk_create([Keyed(name="b"), Keyed(name="c")])
    check(register)


def test_without_a_key_the_outcome_is_unknown(register):
    class Plain(APIModel):
        _schema_class = Thing
        _endpoint = "/things/"

    with ServiceClient(register.base_url) as client:
        register_models(client, Plain)
        with pytest.raises(OutcomeUnknown):
            Plain.objects.create(name="a")
    assert len(register.writes) == 1


def test_a_header_that_is_none_is_refused():
    with pytest.raises(ConfigurationError):
        ServiceClient("http://localhost", idempotency_header="no header")
