"""What has become of writes whose answers were lost, on Django and on the test server, both halves."""

from __future__ import annotations

import http.client
import pickle
import urllib.parse

import django_api_orm as orm
import pytest
from conftest import TOKEN
from django_api_orm import OutcomeUnknown
from schemas import ItemSchema, TeamSchema
from serving import Handler, Loopback


class Lossy(Loopback):
    """A way to a server on which answers to writes get lost, or the writes themselves."""

    def __init__(self, base_url):
        self.loses = None
        self.requests = 0
        lossy, target = self, urllib.parse.urlsplit(base_url).netloc

        class Answering(Handler):
            def forward(self):
                lossy.requests += 1
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                loses = None if self.command == "GET" else lossy.loses
                if loses != "request":
                    status, headers, answer = ask(target, self.command, self.path, body, dict(self.headers))
                if loses is not None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers:
                    if name.lower() in ("content-type", "etag"):
                        self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PATCH = do_DELETE = forward

        super().__init__(Answering)


def ask(target, method, path, body, headers):
    connection = http.client.HTTPConnection(target, timeout=30)
    try:
        headers = {name: value for name, value in headers.items() if name.lower() != "accept-encoding"}
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


@pytest.fixture
def lossy(fresh):
    way = Lossy(fresh.base_url)
    yield way
    way.close()


@pytest.fixture(params=["request", "answer"])
def lost(request):
    return request.param


@pytest.fixture(params=[orm.APIModel, orm.AsyncAPIModel])
def half(request):
    return request.param


def manager(half, lossy, name, schema, endpoint, **attributes):
    model = type(name, (half,), {"_schema_class": schema, "_endpoint": endpoint, "__module__": __name__, **attributes})
    client = orm.ServiceClient if half is orm.APIModel else orm.AsyncServiceClient
    return client(lossy.base_url, auth_token=TOKEN, max_retries=0).manager(model)


def teams(half, lossy):
    return manager(half, lossy, "Team", TeamSchema, "/api/v1/teams/", _read_only_fields=("code",))


async def settle(value):
    return await value if hasattr(value, "__await__") else value


async def loses(lossy, lost, call):
    """The error of a call whose writes, or the answers to them, get lost."""
    lossy.loses = lost
    try:
        with pytest.raises(OutcomeUnknown) as error:
            await settle(call())
    finally:
        lossy.loses = None
    assert error.value.attempts == 1
    return error.value


async def test_a_creation_is_found_by_what_identifies_the_row(half, lossy, lost):
    rows = teams(half, lossy)
    error = await loses(lossy, lost, lambda: rows.create(name="Lost and found"))
    with pytest.raises(orm.InvalidRequestError, match="name the fields"):
        await settle(rows.reconcile(error))
    lossy.requests = 0
    found = await settle(rows.reconcile(pickle.loads(pickle.dumps(error)), by=["name"]))
    assert lossy.requests <= 2, "where there is a row, one more to see that a list without a count is whole"
    if lost == "request":
        assert (found.outcome, found.instances, found.instance) == ("not_done", [], None)
    else:
        assert (found.outcome, found.instance.name, type(found.instance)) == ("done", "Lost and found", rows.model)


@pytest.mark.parametrize("key", ["name", ("name", "motto"), ["motto", "name"]])
async def test_a_creation_is_found_by_the_natural_key_of_the_model(half, lossy, lost, key):
    rows = manager(half, lossy, "Team", TeamSchema, "/api/v1/teams/", _read_only_fields=("code",), _natural_key=key)
    error = await loses(lossy, lost, lambda: rows.create(name="Lost and found", motto="m"))
    found = await settle(rows.reconcile(pickle.loads(pickle.dumps(error))))
    assert found.outcome == {"request": "not_done", "answer": "done"}[lost]


async def test_get_or_create_knows_what_it_looked_for(half, lossy, lost):
    rows = teams(half, lossy)
    error = await loses(lossy, lost, lambda: rows.get_or_create(name="Lost", defaults={"motto": "m"}))
    found = await settle(rows.reconcile(error))
    assert found.outcome == {"request": "not_done", "answer": "done"}[lost]


async def test_another_row_with_the_same_name_is_no_answer(half, lossy):
    rows = teams(half, lossy)
    there = await settle(rows.first())
    error = await loses(lossy, "request", lambda: rows.create(name=there.name, motto="another"))
    found = await settle(rows.reconcile(error, by=["name"]))
    assert (found.outcome, found.instance.id) == ("unclear", there.id)


@pytest.mark.parametrize("endpoint", ["plain-on", "tagged"])
async def test_a_save_is_seen_at_the_url_of_its_row(half, lossy, lost, endpoint):
    rows = manager(half, lossy, "Item", ItemSchema, f"/api/v1/items/{endpoint}/")
    row = await settle(rows.get(id=1))
    before, row.name = row.name, "saved"
    error = await loses(lossy, lost, row.save)
    lossy.requests = 0
    found = await settle(rows.reconcile(pickle.loads(pickle.dumps(error))))
    assert lossy.requests == 1
    now = found.instance.name
    assert (found.outcome, now) == {"request": ("not_done", before), "answer": ("done", "saved")}[lost]
    other = await settle(rows.get(id=1))
    other.name = "theirs"
    await settle(other.save())
    found = await settle(rows.reconcile(error))
    assert (found.outcome, found.instance.name) == ("unclear", "theirs")


async def test_a_delete_is_seen_by_the_absence_of_its_row(half, lossy, lost):
    rows = manager(half, lossy, "Item", ItemSchema, "/api/v1/items/tagged/")
    row = await settle(rows.get(id=2))
    error = await loses(lossy, lost, row.delete)
    found = await settle(rows.reconcile(error))
    assert (found.outcome, len(found.instances)) == {"request": ("not_done", 1), "answer": ("done", 0)}[lost]


async def test_what_is_known_needs_no_look(half, lossy):
    rows = teams(half, lossy)
    with pytest.raises(orm.DoesNotExist) as missing:
        await settle(rows.get(id=987654))
    with pytest.raises(orm.InvalidRequestError, match="nothing to look for"):
        await settle(rows.reconcile(missing.value))
    error = await loses(lossy, "request", lambda: rows.create(name="Lost"))
    with pytest.raises(TypeError, match="a list of names"):
        await settle(rows.reconcile(error, by="name"))
    with pytest.raises(orm.InvalidRequestError, match="look there"):
        await settle(rows.at("/api/v1/others/").reconcile(error, by=["name"]))
