"""What the peers do that are HTTP clients: pydantic by hand, as somebody writes it who knows it. A page goes from bytes to
objects in one step. Nothing checks here that the server did what it was asked.

The peers add how bytes are fetched: ``_get`` and ``_post``, ``_aget``, or ``_aget_http2``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from pydantic_core import to_json
from rows import PAGE, ROW, SLIM, Row, new


class Blocking:
    _get: Callable[[str], bytes]
    _post: Callable[[str, bytes], bytes]
    _base_url: str

    def _pages(self, url: str | None) -> Iterator[list[Row]]:
        while url is not None:
            page = PAGE.validate_json(self._get(url))
            yield page.results
            url = page.next

    def get_one_by_one(self) -> int:
        done = 0
        for number in range(1, 1001):
            done += ROW.validate_json(self._get(f"{self._base_url}/api/v1/users/{number}/")).id == number
        return done

    def page_of_1000(self) -> int:
        return len(next(self._pages(f"{self._base_url}/api/v1/users/?limit=1000")))

    def page_of_10_000(self) -> int:
        return len(next(self._pages(f"{self._base_url}/api/v1/users/?limit=10000")))

    def values_list_of_10_000(self) -> int:
        page = SLIM.validate_json(self._get(f"{self._base_url}/api/v1/users/?limit=10000"))
        return len([(row.id, row.email) for row in page.results])

    def list_of_100_000(self) -> int:
        return len([row for page in self._pages(f"{self._base_url}/api/v1/events/") for row in page])

    def stream_of_100_000(self) -> int:
        return sum(len(page) for page in self._pages(f"{self._base_url}/api/v1/events/"))

    def pages_of_50_ms(self) -> int:
        done = 0
        for offset in range(0, 10_000, 200):
            done += len(next(self._pages(f"{self._base_url}/d50/api/v1/users/?limit=200&offset={offset}")))
        return done

    def in_bulk_of_5000(self) -> int:
        done = 0
        for first in range(1, 5001, 100):
            keys = ",".join(map(str, range(first, first + 100)))
            done += len(next(self._pages(f"{self._base_url}/d20/api/v1/users/?id__in={keys}&limit=100")))
        return done

    def create_one_by_one(self) -> int:
        done = 0
        for number in range(300):
            body = self._post(f"{self._base_url}/api/v1/users/", to_json(new(number)))
            done += ROW.validate_json(body).id is not None
        return done


class Asynchronous:
    _aget: Callable[[str], Awaitable[bytes]]
    _base_url: str

    async def _row(self, number: int) -> Row:
        return ROW.validate_json(await self._aget(f"{self._base_url}/api/v1/users/{number}/"))

    async def _at_once(self, many: int) -> int:
        done = 0
        for start in range(1, 1001, many):
            done += len(await asyncio.gather(*[self._row(number) for number in range(start, start + many)]))
        return done

    async def get_one_by_one_async(self) -> int:
        done = 0
        for number in range(1, 1001):
            done += (await self._row(number)).id == number
        return done

    async def get_10_at_once(self) -> int:
        return await self._at_once(10)

    async def get_100_at_once(self) -> int:
        return await self._at_once(100)

    async def page_of_1000_async(self) -> int:
        return len(PAGE.validate_json(await self._aget(f"{self._base_url}/api/v1/users/?limit=1000")).results)

    async def page_of_10_000_async(self) -> int:
        return len(PAGE.validate_json(await self._aget(f"{self._base_url}/api/v1/users/?limit=10000")).results)


class OverHttp2:
    _aget_http2: Callable[[str], Awaitable[bytes]]
    _base_url: str

    async def _http2_row(self, number: int) -> Row:
        return ROW.validate_json(await self._aget_http2(f"{self._base_url}/api/v1/users/{number}/"))

    async def get_100_at_once_http2(self) -> int:
        done = 0
        for start in range(1, 1001, 100):
            done += len(await asyncio.gather(*[self._http2_row(number) for number in range(start, start + 100)]))
        return done
