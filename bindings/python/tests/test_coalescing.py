"""Rows that one turn of the event loop gets by their keys, read together (``coalesce``)."""

from __future__ import annotations

import asyncio
import json
import re
from urllib.parse import parse_qs, urlsplit

import django_api_orm as orm
import pytest
from conftest import TOKEN
from contract.fixture import USERS
from contract.site import model
from pydantic import BaseModel
from schemas import ArticleSchema, UserSchema
from serving import Handler, Loopback

NAMES = {user.id: user.name for user in USERS}
both_servers = pytest.mark.parametrize("at", ["drf", "testserver"])


class Users:
    """The users behind one client."""

    def __init__(self, base_url, **options):
        options = {"coalesce": True, "max_retries": 0, "auth_token": TOKEN, **options}
        self.client = orm.AsyncServiceClient(base_url, **options)
        self.User = model("async", "User", UserSchema, "/api/v1/users/")
        self.users = self.client.manager(self.User)
        self._counted = 0

    async def get(self, *keys, **lookups):
        """What becomes of each, all of them in one turn of the loop."""
        calls = [self.users.get(id=key) for key in keys]
        return await asyncio.gather(*calls, return_exceptions=True)

    def cost(self):
        before, self._counted = self._counted, self.client.stats.requests
        return self._counted - before

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.client.close()


@both_servers
async def test_rows_of_one_turn_are_one_request(request, at):
    async with Users(request.getfixturevalue(at).base_url) as here:
        found = await here.get(1, 2, 3)
        # The list, and the proof that it shows rows as their own URLs do: not one for each.
        assert 2 <= here.cost() <= 4
        assert [(user.id, user.name) for user in found] == [(key, NAMES[key]) for key in (1, 2, 3)]
        keys = list(range(1, 101))
        await here.get(*range(1, 251))
        assert here.cost() < 30
        found = await here.get(*keys)
        assert here.cost() == 1
        assert [(user.id, user.name) for user in found] == [(key, NAMES[key]) for key in keys]
        assert len(await here.get(*range(1, 251))) == 250
        assert here.cost() == 3
        # One by one they are as they were.
        assert (await here.users.get(id=7)).name == NAMES[7]
        assert here.cost() == 1


@both_servers
async def test_rows_are_read_together_while_other_requests_of_the_turn_are_sent(request, at):
    async with Users(request.getfixturevalue(at).base_url) as here:
        await here.get(1, 2, 3)
        await here.get(*range(1, 251))
        alone = here.users.coalesce(False)
        here.cost()
        for _ in range(5):
            # The engine is woken by the first, and looks for more while the turn goes on.
            calls = [each.get(id=key) for key in range(1, 31) for each in (alone, here.users)]
            found = await asyncio.gather(*calls)
            assert here.cost() == 30 + 1
            assert [user.id for user in found] == [key for key in range(1, 31) for _ in range(2)]


@both_servers
async def test_each_caller_has_its_own_instance_and_its_own_error(request, at):
    async with Users(request.getfixturevalue(at).base_url) as here:
        one, other, missing, gone = await here.get(5, 5, 9999, 8888)
        assert one is not other and one == other and one.name == NAMES[5]
        one.name = "changed"
        assert other.name == NAMES[5]
        for error in (missing, gone):
            assert isinstance(error, here.User.DoesNotExist)
            assert error.status_code == 404
        await here.get(1, 2)
        here.cost()
        found = await here.get(1, 9999, 2)
        assert [getattr(user, "id", None) for user in found] == [1, None, 2]
        # Whoever is not in the list is asked for at its URL.
        assert here.cost() == 2
        with pytest.raises(here.User.DoesNotExist) as alone:
            await here.users.coalesce(False).get(id=9999)
        assert (type(alone.value), str(alone.value)) == (type(missing), str(missing))


@both_servers
async def test_a_slug_is_a_key_too(request, at):
    async with Users(request.getfixturevalue(at).base_url) as here:
        articles = here.client.manager(model("async", "Article", ArticleSchema, "/api/v1/articles/", _lookup_field="slug"))
        slugs = [row.slug async for row in articles.all()[:4]]
        for _ in range(2):
            found = await asyncio.gather(*[articles.get(slug=slug) for slug in slugs])
            assert [row.slug for row in found] == slugs


@both_servers
async def test_what_differs_is_not_read_together(request, at):
    async with Users(request.getfixturevalue(at).base_url) as here:
        await here.get(1, 2, 3, 4, 5, 6)
        here.cost()
        other = here.client.with_token(TOKEN)
        sooner = here.users.timeout(5)
        found = await asyncio.gather(
            here.users.get(id=1),
            here.users.using(other).get(id=2),
            sooner.get(id=3),
            here.users.parameters(expand="team").get(id=4),
            here.users.filter(active=True).get(id=1),
            here.users.coalesce(False).get(id=6),
        )
        assert [user.id for user in found] == [1, 2, 3, 4, 1, 6]
        assert here.cost() == 6
        # Those that are alike are, wherever they come from.
        assert [user.id for user in await asyncio.gather(sooner.get(id=3), here.users.timeout(5).get(pk=4))] == [3, 4]
        assert here.cost() == 1


@both_servers
async def test_it_is_a_setting_of_queries_too(request, at):
    async with Users(request.getfixturevalue(at).base_url, coalesce=False) as here:
        await here.get(1, 2, 3)
        assert here.cost() == 3
        together = here.users.coalesce()
        for most in (4, 1):
            assert [user.id for user in await asyncio.gather(*[together.get(id=key) for key in (1, 2, 3)])] == [1, 2, 3]
            assert here.cost() <= most


async def test_explain_says_so(testserver):
    async with Users(testserver.base_url) as here:
        query = here.users.filter(id=1)
        assert "get: together with others of the same turn, once the list is seen" in query.explain()
        await here.get(1, 2)
        assert "get: together with others of the same turn, 100 keys in a request, by `id__in`" in query.explain()
        assert "get:" not in here.users.filter(name="x").explain()
        assert "get:" not in query.coalesce(False).explain()


def test_a_synchronous_half_has_nothing_to_wait_for(testserver):
    with pytest.raises(orm.ConfigurationError, match="event loop"):
        orm.ServiceClient(testserver.base_url, coalesce=True)
    with orm.ServiceClient(testserver.base_url) as client, pytest.raises(orm.ConfigurationError, match="asynchronous"):
        client.manager(model("sync", "User", UserSchema, "/api/v1/users/")).coalesce()
    with pytest.raises(TypeError, match="coalesce"):
        orm.AsyncServiceClient(testserver.base_url, coalesce="yes")


async def test_an_error_of_the_shared_request_reaches_everybody(server):
    async with Users(server.base_url) as here:
        await here.get(1, 2, 3)
        server.fail_next(503, [], b"")
        failed = await here.get(1, 2, 3)
        assert [type(error) for error in failed] == [orm.ServiceUnavailableError] * 3
        assert len({id(error) for error in failed}) == 3
        assert [user.id for user in await here.get(1, 2, 3)] == [1, 2, 3]


async def test_whoever_is_cancelled_leaves_the_others(server):
    async with Users(server.base_url) as here:
        await here.get(1, 2, 3)
        here.cost()
        server.delay_next(0.3)
        tasks = [asyncio.ensure_future(here.users.get(id=key)) for key in (1, 2, 3)]
        await asyncio.sleep(0.05)
        tasks[0].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert type(found[0]) is asyncio.CancelledError
        assert [user.id for user in found[1:]] == [2, 3]
        assert here.cost() == 1


async def test_the_request_ends_with_its_last_caller(server):
    # With one connection nothing else could be asked as long as the request goes on.
    async with Users(server.base_url, timeout=5, max_connections=1) as here:
        await here.get(1, 2)
        server.delay_next(20)
        tasks = [asyncio.ensure_future(here.users.get(id=key)) for key in (1, 2)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [user.id for user in await here.get(1, 2)] == [1, 2]


class Odd(BaseModel):
    id: int
    name: str
    bio: str | None = None


class Rows(Loopback):
    """Rows 1 to 50 of a server that departs from what ``coalesce`` needs, and the requests that it has seen."""

    def __init__(self, departs):
        self.seen = seen = []

        def row(key, alone):
            made = {"id": key, "name": f"n{key}", "bio": f"b{key}"}
            if departs == "shows less" and not alone:
                del made["bio"]
            if departs == "shortens" and not alone:
                made["bio"] = "b"
            if departs == "shortens the long ones" and key > 47:
                made["bio"] = "b" * (key if alone else 20)
            if departs == "hides what is another's" and key > 47 and not alone:
                made["bio"] = None
            return made

        class Answering(Handler):
            def do_GET(self):
                at = urlsplit(self.path)
                seen.append(at.path + ("?in" if "id__in" in at.query else ""))
                alone = re.fullmatch(r"/rows/(\d+)/", at.path)
                status, body, headers = 200, None, {}
                if alone:
                    key = int(alone[1])
                    body = row(key, alone=True) if key <= 50 else {"detail": "Not found."}
                    status = 200 if key <= 50 else 404
                    if departs == "names versions":
                        headers["ETag"] = f'"{key}"'
                elif departs == "refuses" and "id__in" in at.query:
                    status, body = 400, {"id__in": ["Unknown filter."]}
                elif departs == "has no list":
                    status, body = 404, {"detail": "Not found."}
                elif departs == "forbids the list":
                    status, body = 403, {"detail": "No."}
                else:
                    asked = parse_qs(at.query)
                    keys = [int(key) for key in asked.get("id__in", [""])[0].split(",") if key]
                    rows = [row(key, alone=False) for key in range(1, 51)]
                    if departs != "ignores" and keys:
                        rows = [each for each in rows if each["id"] in keys]
                    if departs == "hides some":
                        rows = [each for each in rows if each["id"] % 2]
                    rows = rows[: int(asked.get("limit", ["1000"])[0])]
                    body = {"count": len(rows), "next": None, "previous": None, "results": rows}
                text = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

        super().__init__(Answering)


@pytest.mark.parametrize(
    "departs", ["shows less", "shortens", "names versions", "refuses", "ignores", "has no list", "forbids the list"]
)
async def test_an_endpoint_that_does_not_prove_itself_is_asked_for_each_row(departs):
    with Rows(departs) as rows:
        async with orm.AsyncServiceClient(rows.base_url, coalesce=True, max_retries=0) as client:
            objects = client.manager(model("async", "Row", Odd, "/rows/"))
            for turn in range(3):
                rows.seen.clear()
                keys = [44, 45, 46]
                found = await asyncio.gather(*[objects.get(id=key) for key in keys])
                assert [(row.id, row.name, row.bio) for row in found] == [(key, f"n{key}", f"b{key}") for key in keys]
                own = sorted(f"/rows/{key}/" for key in keys)
                if turn > 0 and departs != "forbids the list":
                    assert sorted(rows.seen) == own
                else:
                    assert rows.seen.count("/rows/?in") == 1
            says = objects.filter(id=1).explain()
            assert ("get: by itself" in says) == (departs != "forbids the list")


@pytest.mark.parametrize("departs", ["shortens the long ones", "hides what is another's"])
async def test_an_endpoint_that_shows_less_of_some_rows_is_found_out(departs):
    with Rows(departs) as rows:
        async with orm.AsyncServiceClient(rows.base_url, coalesce=True, max_retries=0) as client:
            objects = client.manager(model("async", "Row", Odd, "/rows/"))
            for first in (3, 47):
                keys = range(first, first + 4)
                found = await asyncio.gather(*[objects.get(id=key) for key in keys])
                long = departs == "shortens the long ones"
                for row in found:
                    assert row.bio == ("b" * row.id if long and row.id > 47 else f"b{row.id}")


async def test_what_the_list_hides_is_asked_for_alone():
    with Rows("hides some") as rows:
        async with orm.AsyncServiceClient(rows.base_url, coalesce=True, max_retries=0) as client:
            objects = client.manager(model("async", "Row", Odd, "/rows/"))
            for _ in range(2):
                rows.seen.clear()
                found = await asyncio.gather(*[objects.get(id=key) for key in (3, 4, 5, 77)], return_exceptions=True)
                assert [getattr(row, "name", type(row).__name__) for row in found] == ["n3", "n4", "n5", "DoesNotExist"]
            assert sorted(rows.seen) == ["/rows/4/", "/rows/77/", "/rows/?in"]


async def test_a_client_that_asks_its_caller_asks_for_each_row(server):
    told = []
    async with Users(server.base_url, on_request=lambda event: told.append(event.method)) as here:
        assert [user.id for user in await here.get(1, 2, 3)] == [1, 2, 3]
        assert here.cost() == len(told) == 3
