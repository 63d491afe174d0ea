"""A server that asks to wait is asked no more until then, by none of those it means."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django_api_orm import AsyncServiceClient, RateLimitError, ServiceClient
from serving import Handler, Loopback


class Throttle(Loopback):
    """A server that answers 429 until a moment, and tells how long that is."""

    def __init__(self):
        self.until = 0.0
        #: When each request came.
        self.seen = []
        throttle = self

        class Answering(Handler):
            def do_GET(self):
                now = time.monotonic()
                throttle.seen.append(now)
                left = throttle.until - now
                self.send_response(429 if left > 0 else 200)
                if left > 0:
                    self.send_header("Retry-After-Ms", str(int(left * 1000) + 1))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        super().__init__(Answering)

    def refuse_for(self, seconds):
        self.until = time.monotonic() + seconds


@pytest.fixture
def throttle():
    throttle = Throttle()
    yield throttle
    throttle.close()


@pytest.mark.parametrize("is_async", [False, True])
def test_many_calls_meet_one_429_and_wait_without_asking(throttle, is_async):
    throttle.refuse_for(0.4)
    if is_async:

        async def main():
            async with AsyncServiceClient(throttle.base_url, max_connections=4) as client:
                await asyncio.gather(*(client.get(f"/x/{call}/") for call in range(100)))
                return client.stats

        stats = asyncio.run(main())
    else:
        client = ServiceClient(throttle.base_url, max_connections=4)
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda call: client.get(f"/x/{call}/"), range(100)))
        stats = client.stats
    early = [seen for seen in throttle.seen if seen < throttle.until]
    # Those that were under way, and one before a second route shows that all of the account is meant.
    assert len(early) <= 5
    assert len(throttle.seen) == stats.requests == 100 + stats.retries
    assert stats.retries <= 5


@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_that_ends_within_the_pause_fails_before_it_is_sent(throttle, is_async):
    throttle.refuse_for(30)
    kind = AsyncServiceClient if is_async else ServiceClient
    client = kind(throttle.base_url, timeout=5)

    async def get(client):
        value = client.get("/x/")
        return await value if is_async else value

    async def main():
        with pytest.raises(RateLimitError) as met:
            await get(client)
        with pytest.raises(RateLimitError, match="was not sent: the server has asked to wait") as told:
            await get(client)
        assert (met.value.attempts, met.value.status_code) == (1, 429)
        assert (told.value.attempts, told.value.status_code) == (0, None)
        assert not told.value.is_outcome_unknown and 25 < told.value.retry_after <= 30
        assert len(throttle.seen) == 1
        # Another account is not meant.
        with pytest.raises(RateLimitError):
            await get(client.with_token("other"))
        assert len(throttle.seen) == 2

    asyncio.run(main())
