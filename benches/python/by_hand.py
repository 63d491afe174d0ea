"""What the peers do that are HTTP clients: pydantic by hand, as somebody writes it who knows it. A page goes from bytes to
objects in one step. Nothing checks here that the server did what it was asked.

The peers add how bytes are fetched: ``_get`` and ``_post``, ``_aget``, or ``_aget_http2``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from pydantic_core import to_json
from rows import PAGE, POST_COUNT, POSTS, ROW, SLIM, TAGS, PostOfKeys, Row, Tag, new


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

    # Posts with their authors and tags: each gives how many requests it took.

    def _posts(self) -> Iterator[list[PostOfKeys]]:
        url: str | None = f"{self._base_url}/d20/api/v1/posts/"
        while url is not None:
            page = POSTS.validate_json(self._get(url))
            yield page.results
            url = page.next and page.next.replace("/api/", "/d20/api/")

    def _author(self, key: int) -> Row:
        return ROW.validate_json(self._get(f"{self._base_url}/d20/api/v1/users/{key}/"))

    def _tags(self, keys: list[int]) -> list[Tag]:
        keys_of_post = ",".join(map(str, keys))
        return TAGS.validate_json(self._get(f"{self._base_url}/d20/api/v1/tags/?id__in={keys_of_post}")).results

    def posts_in_a_loop(self) -> int:
        done = requests = 0
        for page in self._posts():
            requests += 1
            for post in page:
                author, tags = self._author(post.author), self._tags(post.tags)
                requests += 2
                done += author.id == post.author and len(tags) == len(post.tags)
        assert done == POST_COUNT
        return requests

    def posts_in_a_loop_that_remembers(self) -> int:
        authors: dict[int, Row] = {}
        tags: dict[int, Tag] = {}
        done = requests = 0
        for page in self._posts():
            requests += 1
            for post in page:
                if post.author not in authors:
                    requests += 1
                    authors[post.author] = self._author(post.author)
                if unknown := [key for key in post.tags if key not in tags]:
                    requests += 1
                    tags.update({tag.id: tag for tag in self._tags(unknown)})
                done += authors[post.author].id == post.author and len([tags[key] for key in post.tags]) == len(post.tags)
        assert done == POST_COUNT
        return requests

    def posts_with_lists_of_keys(self) -> int:
        posts = [post for page in self._posts() for post in page]
        requests = -(-len(posts) // 200)
        keys = sorted({post.author for post in posts})
        authors: dict[int | None, Row] = {}
        for start in range(0, len(keys), 100):
            part = ",".join(map(str, keys[start : start + 100]))
            page = PAGE.validate_json(self._get(f"{self._base_url}/d20/api/v1/users/?id__in={part}&limit=100"))
            authors.update({row.id: row for row in page.results})
            requests += 1
        tags = {tag.id: tag for tag in self._tags(sorted({key for post in posts for key in post.tags}))}
        requests += 1
        assert sum(post.author in authors and {*post.tags} <= tags.keys() for post in posts) == POST_COUNT
        return requests

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

    async def _whole(self, post: PostOfKeys) -> bool:
        keys = ",".join(map(str, post.tags))
        author, tags = await asyncio.gather(
            self._aget(f"{self._base_url}/d20/api/v1/users/{post.author}/"),
            self._aget(f"{self._base_url}/d20/api/v1/tags/?id__in={keys}"),
        )
        return ROW.validate_json(author).id == post.author and len(TAGS.validate_json(tags).results) == len(post.tags)

    async def posts_gathered(self) -> int:
        done = requests = 0
        url: str | None = f"{self._base_url}/d20/api/v1/posts/"
        while url is not None:
            page = POSTS.validate_json(await self._aget(url))
            url = page.next and page.next.replace("/api/", "/d20/api/")
            requests += 1 + 2 * len(page.results)
            done += sum(await asyncio.gather(*map(self._whole, page.results)))
        assert done == POST_COUNT
        return requests


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
