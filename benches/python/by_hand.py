"""httpx and pydantic by hand, as somebody writes it who knows both: a page goes from bytes to objects in one step.

Nothing checks here that the server did what it was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
from pydantic import BaseModel
from rows import Row, new


class Page(BaseModel):
    next: str | None
    results: list[Row]


class Peer:
    def __init__(self, base_url: str) -> None:
        self._client = httpx.Client(base_url=base_url)
        self._async_client = httpx.AsyncClient(base_url=base_url)

    def _pages(self, table: str, size: int) -> Iterator[list[Row]]:
        url: str | None = f"/api/v1/{table}/?limit={size}"
        while url is not None:
            response = self._client.get(url)
            response.raise_for_status()
            page = Page.model_validate_json(response.content)
            yield page.results
            url = page.next

    async def _async_pages(self, table: str, size: int) -> AsyncIterator[list[Row]]:
        url: str | None = f"/api/v1/{table}/?limit={size}"
        while url is not None:
            response = await self._async_client.get(url)
            response.raise_for_status()
            page = Page.model_validate_json(response.content)
            yield page.results
            url = page.next

    def _all(self, table: str, size: int) -> list[Row]:
        return [row for page in self._pages(table, size) for row in page]

    async def _get(self, number: int) -> Row:
        response = await self._async_client.get(f"/api/v1/users/{number}/")
        response.raise_for_status()
        return Row.model_validate_json(response.content)

    def get_one_by_one(self) -> int:
        done = 0
        for number in range(1, 1001):
            response = self._client.get(f"/api/v1/users/{number}/")
            response.raise_for_status()
            done += Row.model_validate_json(response.content).id == number
        return done

    async def get_one_by_one_async(self) -> int:
        done = 0
        for number in range(1, 1001):
            done += (await self._get(number)).id == number
        return done

    async def get_100_at_once(self) -> int:
        done = 0
        for start in range(1, 1001, 100):
            users = await asyncio.gather(*[self._get(number) for number in range(start, start + 100)])
            done += len(users)
        return done

    def all_in_pages_of_500(self) -> int:
        return len(self._all("users", 500))

    def all_in_one_page(self) -> int:
        return len(self._all("users", 5000))

    def values_list_in_pages_of_500(self) -> int:
        return len([(row.id, row.email, row.created_at) for row in self._all("users", 500)])

    def values_list_in_one_page(self) -> int:
        return len([(row.id, row.email, row.created_at) for row in self._all("users", 5000)])

    async def _posts(self, size: int) -> int:
        done = 0
        async for page in self._async_pages("posts", size):
            for post in page:
                done += post.active is not None
        return done

    async def async_for_in_pages_of_1000(self) -> int:
        return await self._posts(1000)

    async def async_for_in_one_page(self) -> int:
        return await self._posts(10_000)

    def create_one_by_one(self) -> int:
        done = 0
        for number in range(300):
            response = self._client.post("/api/v1/notes/", json=Row(**new(number)).model_dump(mode="json", exclude_unset=True))
            response.raise_for_status()
            done += Row.model_validate_json(response.content).id is not None
        return done

    def iterate_100_000(self) -> int:
        return sum(1 for page in self._pages("events", 1000) for _ in page)
