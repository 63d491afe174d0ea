"""Limits that the program sets itself: how many requests in a time, how many at a time."""

from __future__ import annotations

import asyncio
import time

import pytest
from django_api_orm import AsyncServiceClient, ConfigurationError, RateLimitError, ServiceClient
from test_hooks import KINDS, Server, carried_out
from test_logging import Counted


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@KINDS
def test_a_request_waits_for_its_turn(server, kind):
    client = kind(server.base_url, rate_limit="2/s, 1000/day")
    begun = time.monotonic()
    for _ in range(3):
        carried_out(kind, lambda: client.get("/x/"))
    assert time.monotonic() - begun >= 0.99 and len(server.seen) == 3


@KINDS
def test_one_whose_turn_comes_too_late_fails_at_once_and_is_not_sent(server, kind):
    client = kind(server.base_url, rate_limit="1/hour")
    carried_out(kind, lambda: client.get("/x/"))
    with pytest.raises(RateLimitError, match="limit of 1/hour") as raised:
        carried_out(kind, lambda: client.with_auth(None).post("/x/", {}))
    assert raised.value.status_code is None and raised.value.attempts == 0 and not raised.value.is_outcome_unknown
    assert 3590 < raised.value.retry_after <= 3600
    assert len(server.seen) == 1


@pytest.mark.parametrize("wrong", ["", "60", "60/month", "0/min", "many/min"])
def test_what_is_no_rate_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="`rate_limit` must be rates such as `60/min`"):
        ServiceClient("http://127.0.0.1:9", rate_limit=wrong)


def test_so_many_requests_are_in_flight_and_no_more():
    server = Counted()

    async def main(limit):
        client = AsyncServiceClient(server.base_url, max_concurrent_requests=limit)
        await asyncio.gather(*(client.get("/api/v1/things/?offset=10") for _ in range(3)))

    try:
        asyncio.run(main(1))
        assert server.most == 1
        asyncio.run(main(3))
        assert server.most > 1
    finally:
        server.close()
    with pytest.raises(ConfigurationError, match="`max_concurrent_requests` must be at least 1"):
        ServiceClient("http://127.0.0.1:9", max_concurrent_requests=0)
