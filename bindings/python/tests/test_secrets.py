"""What is said in confidence, by a program or a server, is nowhere shown: not in log, spans, hooks, exceptions, ``repr``."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
import warnings

import pytest
from django_api_orm import (
    APIException,
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    BasicAuth,
    BearerAuth,
    HeaderAuth,
    JWTAuth,
    OAuth2ClientCredentials,
    ServiceClient,
    SessionAuth,
    TokenAuth,
)
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel
from serving import Handler, Loopback

#: A part of everything that is secret.
SECRET = "s3cr3t"


class Site(Loopback):
    """A site that logs people in, and answers everything else with one status after the other."""

    def __init__(self):
        self.count = 0
        self.keys, self.bodies = [], []
        site = self

        class Answering(Handler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                site.bodies.append(body)
                site.keys += [key for key in [self.headers.get("Idempotency-Key")] if key]
                if self.path == "/token/":
                    tokens = {"access": "a", "refresh": "r", "access_token": "o"}
                    return self.reply(
                        200, {"token_type": "Bearer", **{name: f"{SECRET}-{each}" for name, each in tokens.items()}}
                    )
                if self.path == "/login/":
                    return self.reply(302 if self.command == "POST" else 200, {})
                site.count += 1
                return [
                    lambda: self.reply(503, f"<html><title>Busy</title><p>{SECRET}</p></html>"),
                    # A sentence that a server writes for its reader, such as this one or a title, is a part of the exception.
                    lambda: self.reply(400, {"name": ["This is not valid."]}),
                    lambda: self.reply(200, {"id": 1, "name": SECRET, "other": SECRET}),
                    lambda: self.reply(200, f'{{"id": 1, "name": "{SECRET}", '),
                    lambda: self.reply(429, {"detail": "Slowly.", "token": SECRET}),
                ][site.count % 5]()

            def reply(self, status, content):
                text = (content if isinstance(content, str) else json.dumps(content)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.send_header("Retry-After-Ms", "1")
                self.send_header("Set-Cookie", f"sessionid={SECRET}-session; Path=/")
                self.send_header("Set-Cookie", f"csrftoken={SECRET}-csrf; Path=/")
                self.send_header("Link", f"</users/?page={SECRET}>; rel=next")
                self.send_header("X-Auth-Token", SECRET)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        super().__init__(Answering)


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


CREDENTIALS = {
    "token": {"auth_token": SECRET},
    "token credential": {"auth": TokenAuth(SECRET)},
    "bearer": {"auth": BearerAuth(SECRET, expires_in=60)},
    "basic": {"auth": BasicAuth("ann", SECRET)},
    "pair": {"auth": ("ann", SECRET)},
    "text": {"auth": f"Custom {SECRET}"},
    "header": {"auth": HeaderAuth("X-API-Key", SECRET)},
    "own header": {"headers": {"Authorization": SECRET}},
    "cookie": {"headers": {"Cookie": f"sessionid={SECRET}"}},
    "provider": {"auth": lambda: BearerAuth(SECRET)},
    "jwt": {"auth": JWTAuth("/token/", "ann", SECRET)},
    "session by form": {"auth": SessionAuth("/login/", "ann", SECRET)},
    "session by json": {"auth": SessionAuth("/login/", "ann", SECRET, json=True)},
    "oauth2": {"auth": OAuth2ClientCredentials("/token/", "id", SECRET)},
    "oauth2 in the body": {"auth": OAuth2ClientCredentials("/token/", "id", SECRET, in_body=True)},
}


class Row(BaseModel):
    id: int | None = None
    name: str


def calls(client, users):
    """Calls of every kind, with secrets in everything that a call takes."""
    new = users.model
    for _ in range(3):
        yield lambda: client.request("GET", "/users/", params={"token": SECRET}, headers={"X-More": SECRET})
        yield lambda: client.put(f"/users/1/?q={SECRET}", {"name": SECRET})
        yield lambda: users.filter(name=SECRET).count()
        yield lambda: users.search(SECRET).first()
        yield lambda: users.create(name=SECRET)
        yield lambda: users.get(id=1)
        yield lambda: new(name=SECRET).save()


def note(shown, call):
    shown.append("".join(traceback.format_exception_only(type(call), call)))
    shown.append(repr(call))
    cause = call.__cause__ or call.__context__
    while cause is not None:
        shown += [str(cause), repr(cause)]
        cause = cause.__cause__ or cause.__context__


@pytest.mark.parametrize("kind", [ServiceClient, AsyncServiceClient])
@pytest.mark.parametrize("given", CREDENTIALS)
def test_nothing_that_is_shown_holds_a_secret_of_any_kind(site, given, kind, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    options = dict(CREDENTIALS[given])
    shown = [repr(options.get("auth")) if not isinstance(options.get("auth"), (str, tuple)) else ""]
    hooks = []

    def hook(event):
        hooks.append(repr(event))
        hooks.append(str({name: getattr(event, name) for name in dir(event) if not name.startswith("_")}))

    headers = {"X-Own": SECRET, **options.pop("headers", {})}
    told = {"on_request": hook, "on_response": hook, "on_retry": hook}
    client = kind(
        site.base_url,
        headers=headers,
        idempotency_header="Idempotency-Key",
        retry_delay=0.001,
        max_retries=1,
        **told,
        **options,
    )
    base = APIModel if kind is ServiceClient else AsyncAPIModel
    user = type("User", (base,), {"_schema_class": Row, "_endpoint": "/users/", "__module__": __name__})
    users = client.manager(user)
    shown += [repr(client), repr(vars(client)), repr(users), repr(user._info())]

    async def asynchronous():
        for call in calls(client, users):
            try:
                await call()
            except APIException as error:
                note(shown, error)

    def synchronous():
        for call in calls(client, users):
            try:
                call()
            except APIException as error:
                note(shown, error)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if kind is ServiceClient:
            synchronous()
        else:
            asyncio.run(asynchronous())
    spans = [span.to_json() for span in exporter.get_finished_spans()]
    records = [record.getMessage() + str(vars(record)) for record in caplog.records]
    warned = [str(warning.message) for warning in caught]
    everything = {"shown": shown, "hooks": hooks, "spans": spans, "log": records, "warnings": warned}
    for texts in everything.values():
        for text in texts:
            assert SECRET not in text
            assert not any(key.strip('"') in text for key in site.keys)
    # There was something to be seen, and something to be hidden.
    assert all(len(texts) > 10 for texts in (shown, hooks, spans, records))
    assert any("again in" in text for text in records) and any("RetryEvent" in text for text in hooks)
    assert site.keys and any(SECRET in body for body in site.bodies)
