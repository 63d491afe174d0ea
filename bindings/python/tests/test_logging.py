"""The logger ``django_api_orm``: what it is told, on whose thread and task, and that nothing depends on it."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from django_api_orm import (
    APIConnectionError,
    AsyncAPIModel,
    AsyncServiceClient,
    IgnoredWarning,
    JWTAuth,
    OAuth2ClientCredentials,
    ServiceClient,
    SessionAuth,
)
from django_api_orm.testserver import TestServer
from pydantic import BaseModel
from serving import Handler, Loopback
from test_hooks import KINDS, SECRET, Server, carried_out
from test_writes import model


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def told(caplog):
    """The texts of the records at a level and above."""

    def at(level):
        caplog.set_level(level, "django_api_orm")
        return lambda: [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "django_api_orm"]

    at.clear = caplog.clear
    return at


class Gate(Loopback):
    """A server that logs people in, and answers whoever is."""

    token = None

    def __init__(self):
        class Answering(Handler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                is_known = SECRET in str(self.headers.get("Authorization")) + str(self.headers.get("Cookie"))
                status = 200 if is_known or self.command == "POST" or self.path == "/login/" else 401
                if self.path == "/login/" and self.command == "POST":
                    status = 302
                tokens = {"access": SECRET, "refresh": SECRET, "access_token": SECRET, "token_type": "Bearer"}
                text = json.dumps(tokens if self.command == "POST" else {"id": 1, "name": "a"}).encode()
                self.send_response(status)
                for cookie in ("sessionid", "csrftoken"):
                    self.send_header("Set-Cookie", f"{cookie}={SECRET}; Path=/")
                self.send_header("Location", "/")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = answer

        super().__init__(Answering)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def logins():
        """Each way to log in, and what it sends."""
        yield JWTAuth("/token/", "ann", SECRET), ["POST /token/: 200"]
        yield OAuth2ClientCredentials(f"/token/?key={SECRET}", "id", SECRET), ["POST /token/?key=REDACTED: 200"]
        yield SessionAuth("/login/", "ann", SECRET), ["GET /login/: 200", "POST /login/: 302"]


@KINDS
def test_requests_are_logged_at_debug_and_retries_at_info_in_order_without_a_secret(server, kind, told):
    log = told(logging.DEBUG)
    server.statuses = [503, 200]
    client = kind(server.base_url, auth_token=SECRET, headers={"X-Own": SECRET}, retry_delay=0.001)
    carried_out(kind, lambda: client.request("PUT", f"/x/?token={SECRET}", data={"a": SECRET}))
    (first, one), (second, two), (third, three) = log()
    url = f"PUT {server.base_url}/x/?token=REDACTED: "
    assert (first, second, third) == ("DEBUG", "INFO", "DEBUG")
    assert one.startswith(url + "503 in ") and one.endswith(" ms (attempt 1)")
    assert two.startswith(url + "again in 0.00") and two.endswith(" s, after 503 (attempt 1)")
    assert three.startswith(url + "200 in ") and three.endswith(" ms (attempt 2)")
    assert SECRET not in str(log())


@KINDS
def test_requests_of_a_login_are_logged_with_the_call_that_makes_it(kind, told):
    log = told(logging.DEBUG)
    with Gate() as gate:
        for auth, lines in gate.logins():
            client = kind(gate.base_url, auth=auth, retry_delay=0.001)
            for _ in range(2):
                carried_out(kind, lambda client=client: client.get("/x/"))
            shown = [f"{level} {text}" for level, text in log()]
            for line, expected in zip(shown, [*lines, "GET /x/: 200", "GET /x/: 200"], strict=True):
                wanted = expected.replace(" /", f" {gate.base_url}/")
                assert line.startswith(f"DEBUG {wanted} in ") and line.endswith("(attempt 1)"), line
            assert SECRET not in str(shown)
            told.clear()


@KINDS
def test_at_info_only_retries_are_logged(server, kind, told):
    log = told(logging.INFO)
    server.statuses = [503, 200]
    client = kind(server.base_url, retry_delay=0.001)
    carried_out(kind, lambda: client.get("/x/"))
    assert [level for level, _ in log()] == ["INFO"]


@KINDS
def test_a_request_without_an_answer_is_logged(kind, told):
    log = told(logging.DEBUG)
    client = kind("http://127.0.0.1:9", max_retries=0)
    with pytest.raises(APIConnectionError):
        carried_out(kind, lambda: client.get("/x/"))
    [(level, text)] = log()
    assert level == "DEBUG" and text.startswith("GET http://127.0.0.1:9/x/: failed (connect) after ")


@KINDS
def test_records_are_made_where_the_call_is_made(server, kind, told):
    told(logging.DEBUG)
    variable = contextvars.ContextVar("variable", default=None)
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append((threading.get_ident(), variable.get()))

    client = kind(server.base_url)

    def call():
        variable.set("here")
        return client.get("/x/")

    handler = Handler()
    logging.getLogger("django_api_orm").addHandler(handler)
    try:
        carried_out(kind, call)
    finally:
        logging.getLogger("django_api_orm").removeHandler(handler)
    assert seen == [(threading.get_ident(), "here")]


@KINDS
def test_a_handler_may_use_the_client_and_may_fail(server, kind, told, capsys):
    told(logging.DEBUG)
    calls = []
    other = ServiceClient(server.base_url)

    class Handler(logging.Handler):
        def emit(self, record):
            calls.append(record)
            other.get("/from/handler/")
            raise RuntimeError("from a handler")

    handler = Handler()
    logging.getLogger("django_api_orm").addHandler(handler)
    try:
        client = kind(server.base_url)
        assert carried_out(kind, lambda: client.post("/x/", {})).status_code == 200
    finally:
        logging.getLogger("django_api_orm").removeHandler(handler)
    assert len(calls) == 1
    assert "from a handler" in capsys.readouterr().err


@KINDS
def test_records_are_made_while_the_call_goes_on(server, kind, told):
    """A retry is logged before its wait, not after the call."""
    log = told(logging.INFO)
    server.statuses = [503]
    client = kind(server.base_url, retry_delay=0.001, max_retries=3, timeout=20)
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append(len(server.seen))

    handler = Handler()
    logging.getLogger("django_api_orm").addHandler(handler)
    # What is looked at is the second request: it waits until the record of the first retry has been made.
    try:
        with pytest.raises(Exception, match="503"):
            carried_out(kind, lambda: client.get("/x/"))
    finally:
        logging.getLogger("django_api_orm").removeHandler(handler)
    assert len(log()) == 3 and seen[-1] <= 4


class Counted(Loopback):
    """A server that counts its rows. It answers for a later page once another one is asked for as well, or after a second."""

    def __init__(self):
        self.token = "x"
        self.under_way = self.most = 0
        self.lock = threading.Condition()
        counted = self

        class Answering(Handler):
            def do_GET(self):
                query = parse_qs(urlsplit(self.path).query)
                offset = int(query.get("offset", ["0"])[0])
                if offset:
                    with counted.lock:
                        counted.under_way += 1
                        counted.most = max(counted.most, counted.under_way)
                        counted.lock.notify_all()
                        counted.lock.wait_for(lambda: counted.most > 1, 1)
                        counted.under_way -= 1
                at = f"{counted.base_url}/api/v1/things/?limit=10&offset="
                body = {
                    "count": 50,
                    "next": f"{at}{offset + 10}" if offset < 40 else None,
                    "previous": f"{at}{offset - 10}" if offset else None,
                    "results": [{"id": offset + each, "name": f"row {offset + each}"} for each in range(10)],
                }
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        super().__init__(Answering)


class Row(BaseModel):
    id: int | None = None
    name: str


def test_pages_are_read_ahead_all_the_same(told):
    """A log changes nothing of what is asked, and what nobody looks at meanwhile is logged by the next step."""
    log = told(logging.DEBUG)
    server = Counted()
    try:
        things = model(server, Row)
        assert len(list(things.objects.all().iterator())) == 50
    finally:
        server.close()
    assert server.most > 1
    assert [text.partition(" in ")[0].rpartition(": ")[2] for _, text in log()] == ["200"] * 5


def test_what_warns_is_logged_where_somebody_listens(told):
    log = told(logging.WARNING)
    server = Counted()
    try:
        things = model(server, Row)
        with pytest.warns(IgnoredWarning) as caught:
            assert things.objects.filter(name=SECRET).count() == 0
    finally:
        server.close()
    assert log() == [("WARNING", str(warning.message)) for warning in caught]
    assert SECRET not in str(log())


def test_rows_are_read_together_all_the_same(told):
    """What is got in one turn of the loop is one request, whose record is made for the first."""
    log = told(logging.DEBUG)
    rows = [{"id": key, "name": str(key)} for key in range(1, 51)]

    async def main(server):
        client = AsyncServiceClient(server.base_url, auth_token=server.token, coalesce=True)
        things = model(server, Row, AsyncAPIModel).objects.using(client)
        # What shows that the server honours a filter by many keys.
        await things.in_bulk([1, 2])
        before = len(server.requests())
        found = await asyncio.gather(*(things.get(id=key) for key in range(1, 31)))
        assert [thing.id for thing in found] == list(range(1, 31))
        return len(server.requests()), before

    with TestServer({"things": rows}) as server:
        requests, before = asyncio.run(main(server))
    assert requests - before < 5
    assert len(log()) == requests
