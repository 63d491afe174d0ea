"""Logins by JWT, session and OAuth2 on a Django site with the packages that give them."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import threading
import urllib.request

import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    ConfigurationError,
    JWTAuth,
    OAuth2ClientCredentials,
    ServiceClient,
    SessionAuth,
    UnauthorizedError,
)
from pydantic import BaseModel

PASSWORD = "open sesame & 7%"
WAYS = ["jwt", "form", "json", "oauth2"]
#: What the site counts of each way.
COUNTED = {"jwt": "pairs", "form": "sessions", "json": "sessions", "oauth2": "tokens"}


class LabelSchema(BaseModel):
    id: int | None = None
    name: str


class Label(APIModel):
    _schema_class = LabelSchema
    _endpoint = "/labels/"


class AsyncLabel(AsyncAPIModel):
    _schema_class = LabelSchema
    _endpoint = "/labels/"


class Account:
    numbers = itertools.count()

    def __init__(self, url):
        self.url = url
        self.name = f"bob-{next(self.numbers)}"
        self.control("make")

    def control(self, what):
        body = json.dumps({"name": self.name, "do": what}).encode()
        request = urllib.request.Request(f"{self.url}/accounts/", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def login(self, way, password=PASSWORD):
        if way == "jwt":
            return JWTAuth("/api/token/", self.name, password)
        if way == "form":
            return SessionAuth("/api-auth/login/", self.name, password)
        if way == "json":
            return SessionAuth(f"{self.url}/json/login/", self.name, password, json=True)
        return OAuth2ClientCredentials(f"{self.url}/o/token/", self.name, password, scope="read write")


def behind(way):
    return f"/{'session' if way in ('form', 'json') else way}/labels/"


@pytest.fixture
def account(drf_logins):
    return Account(drf_logins.base_url)


@pytest.mark.parametrize("way", WAYS)
def test_threads_share_one_login_and_another_one_when_it_was_ended(account, way):
    with ServiceClient(account.url, auth=account.login(way)) as client:
        rows = client.manager(Label).at(behind(way))
        made = [rows.create(name=account.name)]
        made[0].name = "changed"
        made[0].save()
        assert account.control("count")[COUNTED[way]] == 1
        ended = account.control("end")[COUNTED[way]]
        threads = [threading.Thread(target=lambda: made.append(rows.create(name=account.name))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 17
        assert account.control("count")[COUNTED[way]] == ended + (2 if way == "jwt" else 1)
        assert [row.name for row in rows.all()].count(account.name) == 16
        for row in made:
            row.delete()


@pytest.mark.parametrize("way", WAYS)
def test_tasks_of_several_loops_share_one_login(account, way):
    client = AsyncServiceClient(account.url, auth=account.login(way))
    rows = client.manager(AsyncLabel).at(behind(way))

    async def main():
        made = await asyncio.gather(*[rows.create(name=account.name) for _ in range(50)])
        assert [row.name async for row in rows.all()].count(account.name) == 50
        await asyncio.gather(*[row.delete() for row in made])

    asyncio.run(main())
    asyncio.run(main())
    count = account.control("count")
    assert count[COUNTED[way]] == 1
    account.control("end")
    asyncio.run(main())


def test_a_cancelled_call_and_one_without_time_leave_the_login_to_the_others(account):
    async def main():
        async with AsyncServiceClient(account.url, auth=account.login("jwt")) as client:
            tasks = [asyncio.ensure_future(client.get("/jwt/labels/")) for _ in range(10)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(answers[0], asyncio.CancelledError)
            assert [answer.status_code for answer in answers[1:]] == [200] * 9

    asyncio.run(main())
    assert account.control("count")["pairs"] == 1


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("jwt", "logging in failed: POST /api/token/: 401 Unauthorized: No active account"),
        ("form", "check user and password"),
        ("json", "Unable to log in"),
        ("oauth2", "invalid_client"),
    ],
)
def test_a_wrong_password_is_an_error_that_names_the_step(account, way, said):
    client = ServiceClient(account.url, auth=account.login(way, "wr0ng"))
    with pytest.raises(UnauthorizedError, match=said) as raised:
        client.manager(Label).at(behind(way)).create(name="never")
    assert raised.value.status_code is None
    if way == "jwt":
        assert raised.value.__cause__.status_code == 401
    shown = f"{raised.value} {raised.value!r} {client!r} {account.login(way)!r}"
    assert "wr0ng" not in shown
    assert PASSWORD not in shown

    async def main():
        with pytest.raises(UnauthorizedError, match=said):
            await AsyncServiceClient(account.url, auth=account.login(way, "wr0ng")).get(behind(way))

    asyncio.run(main())


def test_clients_of_other_accounts_and_times(account):
    with ServiceClient(account.url) as client:
        mine = client.with_auth(account.login("jwt"))
        assert mine.with_timeout(20).get("/jwt/labels/").status_code == 200
        assert mine.get("/jwt/labels/").status_code == 200
        assert account.control("count")["pairs"] == 1
        with pytest.raises(UnauthorizedError):
            client.get("/jwt/labels/")
        assert mine._identity == client.with_auth(account.login("jwt"))._identity
        assert mine._identity != client.with_auth(account.login("jwt", "x"))._identity


def test_what_is_no_login_is_refused(account):
    for auth, said in [
        (JWTAuth("/api/token/", "", "x"), "user name of the login is empty"),
        (JWTAuth("/api/token/", "x", ""), "password of the login is empty"),
        (JWTAuth("http://u:p@x.test/", "x", "y"), "contains credentials"),
        (SessionAuth("http://elsewhere.test/login/", "x", "y"), "another origin"),
        (OAuth2ClientCredentials("/o/token/", "x", ""), "client secret of the login is empty"),
        (JWTAuth("/api/token/", None, "x"), "takes text"),
    ]:
        with pytest.raises(ConfigurationError, match=said):
            ServiceClient(account.url, auth=auth)
        with pytest.raises(ConfigurationError, match=said):
            AsyncServiceClient(account.url).with_auth(auth)
    with pytest.raises(ConfigurationError, match="gave a login"):
        ServiceClient(account.url, auth=lambda: account.login("jwt")).get("/jwt/labels/")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_logs_in_for_itself(account):
    client = ServiceClient(account.url, auth=account.login("jwt"))
    client.get("/jwt/labels/")
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if client.get("/jwt/labels/").status_code == 200 else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    client.get("/jwt/labels/")
    assert account.control("count")["pairs"] == 2
