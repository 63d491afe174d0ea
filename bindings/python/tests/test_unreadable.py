"""Bodies that are not JSON, or nested too deeply, are a ``DecodeError``: never a bare ``ValueError``, and never a NaN."""

from __future__ import annotations

import contextlib
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, ServiceClient
from pydantic import BaseModel

DEEP = b"[" * 100_000 + b"]" * 100_000
DEEP_OBJECTS = b'{"a":' * 100_000 + b"0" + b"}" * 100_000
JSON = [("content-type", "application/json")]


class Schema(BaseModel):
    id: int | None = None
    name: str
    email: str = ""
    settings: Any = None


class Narrow(BaseModel):
    id: int | None = None
    name: str


class User(APIModel):
    _schema_class = Schema
    _endpoint = "/api/v1/users/"


class NarrowUser(APIModel):
    """Does not declare what is nested."""

    _schema_class = Narrow
    _endpoint = "/api/v1/users/"


class AsyncUser(AsyncAPIModel):
    _schema_class = Schema
    _endpoint = "/api/v1/users/"


@pytest.fixture
def client(server):
    with ServiceClient(server.base_url, auth_token=server.token, max_retries=0) as client:
        yield client


def page(nested, before=b""):
    row = b'{"id": 1, "name": "A", "email": "a@example.com", "settings": ' + nested + b"}"
    return (
        b'{"count": 2, "next": null, '
        + before
        + b'"previous": null, "results": [{"id": 2, "name": "B", "settings": 0}, '
        + row
        + b"]}"
    )


@pytest.mark.parametrize("nested", [DEEP, DEEP_OBJECTS], ids=["lists", "objects"])
@pytest.mark.parametrize("model", [User, NarrowUser])
def test_a_row_that_is_nested_too_deep(client, server, model, nested):
    rows = client.manager(model)
    for read in (
        lambda: list(rows.all()),
        lambda: list(rows.iterator()),
        lambda: rows.values("id"),
        lambda: rows.values_list("settings"),
        lambda: rows.in_bulk(),
        lambda: list(rows.filter(name="A")),
        lambda: list(rows.exclude(settings=1)),
        lambda: list(rows.order_by("settings")),
    ):
        server.fail_next(200, JSON, page(nested))
        with pytest.raises(orm.DecodeError):
            read()
    server.fail_next(200, JSON, b'{"id": 1, "name": "A", "settings": ' + nested + b"}")
    with pytest.raises(orm.DecodeError):
        rows.get(id=1)
    user = rows.get(id=1)
    server.fail_next(200, JSON, b'{"id": 1, "name": "A", "settings": ' + nested + b"}")
    with pytest.raises(orm.DecodeError):
        user.refresh_from_api()


def test_a_row_that_is_nested_too_deep_may_be_skipped(client, server):
    skipped: list[orm.RowError] = []
    server.fail_next(200, JSON, page(DEEP))
    assert [user.id for user in client.manager(User).on_invalid("skip", skipped.append)] == [2]
    assert [(error.index, error.key) for error in skipped] == [(1, None)]


async def test_asynchronously(server):
    async with AsyncServiceClient(server.base_url, auth_token=server.token, max_retries=0) as client:
        server.fail_next(200, JSON, page(DEEP))
        with pytest.raises(orm.DecodeError):
            await client.manager(AsyncUser).all()
        server.fail_next(200, JSON, DEEP)
        answer = await client.get("/api/v1/users/")
        with pytest.raises(orm.DecodeError):
            answer.json()


def test_an_envelope_that_is_nested_too_deep(client, server):
    for body in (DEEP, DEEP_OBJECTS, page(b"0", b'"extra": ' + DEEP + b", ")):
        server.fail_next(200, JSON, body)
        try:
            users = list(client.manager(User).all())
        except orm.DecodeError:
            continue
        # What stands beside the rows is nobody's business, however deep it is.
        assert [user.id for user in users] == [2, 1]


def test_a_row_of_ordinary_depth_is_read(client, server):
    nested = b"[" * 100 + b"]" * 100
    server.fail_next(200, JSON, page(nested))
    user = list(client.manager(User).all())[1]
    assert user.to_dict()["settings"] == user.raw()["settings"] and user.changes() == {}


UNREADABLE = {
    "lists": DEEP,
    "objects": DEEP_OBJECTS,
    "cut off": b'{"results": [{"id": 1',
    "no UTF-8": b'{"name": "\xff"}',
    "NaN": b'{"price": NaN}',
    "infinity": b'{"price": -Infinity}',
    "HTML": b"<html><title>Sign in</title></html>",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_answer_that_is_no_json(client, server, body):
    server.fail_next(200, JSON, body)
    answer = client.get("/api/v1/users/")
    assert answer.content == body
    for read in (answer.json, lambda: answer.data):
        with pytest.raises(orm.DecodeError, match="200, application/json") as caught:
            read()
        assert isinstance(caught.value, ValueError)


def test_what_the_server_does_not_call_json_is_text(client, server):
    server.fail_next(200, [("content-type", "text/plain")], b"\xffhello")
    answer = client.get("/api/v1/users/")
    assert answer.data == "\ufffdhello"
    with pytest.raises(orm.DecodeError, match="text/plain"):
        answer.json()
    server.fail_next(200, JSON, b'\xef\xbb\xbf{"a": [1]}')
    answer = client.get("/api/v1/users/")
    assert answer.json() == answer.data == {"a": [1]} and answer.data is answer.data


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("status", [400, 404, 503])
def test_an_error_whose_body_is_no_json(client, server, body, status):
    server.fail_next(status, JSON, body)
    with pytest.raises(orm.APIHTTPError) as caught:
        client.get("/api/v1/users/")
    assert caught.value.status_code == status and len(str(caught.value)) < 1000
    with pytest.raises(orm.DecodeError):
        caught.value.response.json()


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_write_whose_answer_is_no_json(client, server, body):
    user = client.manager(User).get(id=1)
    user.name = "New"
    server.fail_next(200, JSON, body)
    # Whether the row was written after all is not decided here.
    with contextlib.suppress(orm.DecodeError):
        user.save()
    server.fail_next(201, JSON, body)
    with pytest.raises(orm.DecodeError):
        client.manager(User).create(name="A", email="a@example.com")
