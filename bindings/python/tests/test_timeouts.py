"""Another time for a single call."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from django_api_orm import APIModel, APITimeoutError, AsyncAPIModel, AsyncServiceClient, OutcomeUnknown, ServiceClient
from schemas import UserSchema


@pytest.fixture
def silent():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def settle(value):
    return await value if hasattr(value, "__await__") else value


@pytest.mark.parametrize("is_async", [False, True])
def test_a_client_a_query_and_its_instances_may_have_another_time(silent, testserver, is_async):
    base, kind = (AsyncAPIModel, AsyncServiceClient) if is_async else (APIModel, ServiceClient)
    attributes = {"_schema_class": UserSchema, "_endpoint": "/api/v1/users/", "__module__": __name__}
    user = type("User", (base,), attributes)
    client = kind(silent, timeout=30, auth_token="test-token")
    hasty = client.with_timeout(0.1)
    rows = client.manager(user)

    async def main():
        for call in (
            lambda: hasty.get("/x/"),
            lambda: hasty.with_token("t").get("/x/"),
            lambda: hasty.manager(user).first(),
            lambda: rows.timeout(0.1).count(),
            lambda: rows.filter(id=1).timeout(0.1).first(),
            lambda: client.request("GET", "/x/", timeout=0.1),
        ):
            with pytest.raises(APITimeoutError):
                await settle(call())
        with pytest.raises(OutcomeUnknown):
            await settle(rows.timeout(0.1).create(name="x", email="x@x.io"))
        read = kind(testserver.base_url, auth_token="test-token").manager(user).timeout(0.1)
        one = await settle(read.get(id=1))
        assert one._client.policy == {"timeout": 0.1}
        one._client.client = client
        with pytest.raises(APITimeoutError):
            await settle(one.refresh_from_api())

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "5", None, True])
def test_a_time_is_a_number_of_seconds(silent, wrong):
    client = ServiceClient(silent)
    with pytest.raises(ValueError, match="a number of seconds"):
        client.with_timeout(wrong)

    class User(APIModel):
        _schema_class = UserSchema
        _endpoint = "/api/v1/users/"

    with pytest.raises(ValueError, match="a number of seconds"):
        client.manager(User).timeout(wrong)
