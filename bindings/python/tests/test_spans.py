"""Spans for OpenTelemetry: names and attributes by its conventions for HTTP, parents, and that no span is left open."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from django_api_orm import (
    APIConnectionError,
    AsyncAPIModel,
    AsyncServiceClient,
    BulkCreateError,
    NotFoundError,
)
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from test_hooks import KINDS, SECRET, Server, carried_out
from test_logging import Counted, Gate, Row
from test_writes import model


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def exporter(monkeypatch):
    """What is exported while a provider is set, which a program does once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def shown(span):
    """Name, kind and attributes."""
    return span.name, span.kind, dict(span.attributes)


@KINDS
def test_each_request_has_a_span_by_the_conventions(server, kind, exporter):
    server.statuses = [503, 200]
    client = kind(server.base_url, auth_token=SECRET, retry_delay=0.001)
    carried_out(kind, lambda: client.request("PUT", f"/x/?token={SECRET}", data={"a": SECRET}))
    refused, answered = exporter.get_finished_spans()
    port = int(server.base_url.rpartition(":")[2])
    expected = {
        "http.request.method": "PUT",
        "url.full": f"{server.base_url}/x/?token=REDACTED",
        "server.address": "127.0.0.1",
        "server.port": port,
    }
    assert shown(refused) == (
        "PUT",
        SpanKind.CLIENT,
        {**expected, "http.response.status_code": 503, "error.type": "503"},
    )
    assert shown(answered) == (
        "PUT",
        SpanKind.CLIENT,
        {**expected, "http.response.status_code": 200, "http.request.resend_count": 1},
    )
    assert refused.status.status_code is StatusCode.ERROR and refused.status.description is None
    assert answered.status.status_code is StatusCode.UNSET
    assert refused.end_time <= answered.start_time <= answered.end_time
    assert SECRET not in "".join(span.to_json() for span in (refused, answered))
    # Each is sent with its own name.
    for span, (_, _, headers) in zip((refused, answered), server.seen, strict=True):
        assert (
            headers["traceparent"]
            == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"
        )


@KINDS
def test_requests_of_a_login_have_spans_in_that_of_the_operation(kind, exporter):
    is_async = kind is AsyncServiceClient
    with Gate() as gate:
        for auth, lines in gate.logins():
            client = kind(gate.base_url, auth=auth)
            things = client.manager(model(gate, Row, *([AsyncAPIModel] if is_async else [])))
            carried_out(kind, lambda things=things: things.get(id=1))
            *logins, request, operation = exporter.get_finished_spans()
            exporter.clear()
            assert [f"{span.name} {span.attributes['http.response.status_code']}" for span in logins] == [
                f"{line.split()[0]} {line.split()[-1]}" for line in lines
            ]
            for span in (*logins, request):
                assert span.parent.span_id == operation.context.span_id and span.kind is SpanKind.CLIENT
                assert operation.start_time <= span.start_time <= span.end_time <= operation.end_time
            assert SECRET not in "".join(span.to_json() for span in logins)


@KINDS
def test_an_operation_has_a_span_in_the_caller_s_and_its_requests_are_in_it(server, kind, exporter):
    is_async = kind is AsyncServiceClient
    server.token = None
    things = model(server, Row, *([AsyncAPIModel] if is_async else []))
    tracer = trace.get_tracer_provider().get_tracer("test")
    server.statuses = [404]

    def call():
        with tracer.start_as_current_span("caller"):
            return things.objects.get(id=7)

    async def main():
        with tracer.start_as_current_span("caller"):
            return await things.objects.get(id=7)

    with pytest.raises(NotFoundError):
        asyncio.run(main()) if is_async else call()
    request, *_, operation, caller = exporter.get_finished_spans()
    assert shown(operation) == (
        "Thing.get",
        SpanKind.INTERNAL,
        {"django_api_orm.model": "Thing", "django_api_orm.operation": "get", "error.type": "404"},
    )
    assert operation.status.status_code is StatusCode.ERROR and not operation.events
    assert request.name == "GET /api/v1/things/{id}/"
    assert request.attributes["url.template"] == "/api/v1/things/{id}/"
    assert request.parent.span_id == operation.context.span_id
    assert operation.parent.span_id == caller.context.span_id
    assert len({span.context.trace_id for span in (request, operation, caller)}) == 1


@KINDS
def test_a_request_without_an_answer_ends_its_span(kind, exporter):
    client = kind("http://127.0.0.1:9", max_retries=0)
    with pytest.raises(APIConnectionError):
        carried_out(kind, lambda: client.request("PURGE", "/x/"))
    [span] = exporter.get_finished_spans()
    assert (span.name, span.attributes["error.type"]) == ("HTTP", "connect")
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "PURGE"
    assert "http.response.status_code" not in span.attributes


@pytest.mark.parametrize("base", ["sync", "async"])
def test_a_walk_is_one_operation(base, exporter):
    server = Counted()
    try:
        if base == "sync":
            assert len(list(model(server, Row).objects.all().iterator())) == 50
        else:

            async def main():
                things = model(server, Row, AsyncAPIModel)
                return [row async for row in things.objects.all().iterator()]

            assert len(asyncio.run(main())) == 50
    finally:
        server.close()
    *requests, walk = exporter.get_finished_spans()
    assert walk.name == "Thing.iterator" and len(requests) == 5
    assert {span.parent.span_id for span in requests} == {walk.context.span_id}


def test_a_walk_that_is_left_ends_its_span(exporter):
    server = Counted()
    try:
        rows = model(server, Row).objects.all().iterator()
        next(rows)
        del rows
    finally:
        server.close()
    assert exporter.get_finished_spans()[-1].name == "Thing.iterator"


def test_a_call_that_is_cancelled_ends_its_spans(exporter):
    server = Counted()

    async def main():
        things = model(server, Row, AsyncAPIModel)
        # Its first page is answered at once, the others are not: of two at a time there is only one.
        task = asyncio.ensure_future(things.objects.filter(name="x")[10:20]._fetch())
        while not server.under_way:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    try:
        asyncio.run(main())
    finally:
        server.close()
    *_, request, operation = exporter.get_finished_spans()
    assert request.attributes["error.type"] == operation.attributes["error.type"] == "CancelledError"


@KINDS
def test_what_hooks_and_token_providers_do_is_in_the_operation(server, kind, exporter):
    seen = []
    note = lambda _: seen.append(trace.get_current_span().get_span_context().span_id)  # noqa: E731
    is_async = kind is AsyncServiceClient
    server.token = None
    client = kind(server.base_url, on_request=note, on_response=note)
    things = model(server, Row, *([AsyncAPIModel] if is_async else []))
    query = things.objects.using(client)
    server.statuses = [404]
    with pytest.raises(NotFoundError):
        carried_out(kind, lambda: query.get(id=7))
    operation = exporter.get_finished_spans()[-1]
    assert len(seen) >= 2 and set(seen) == {operation.context.span_id}


@KINDS
def test_what_a_program_sets_itself_is_left_alone(server, kind, exporter):
    own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    client = kind(server.base_url, on_request=lambda event: event.add_header("traceparent", own))
    token = context.attach(baggage.set_baggage("tenant", "7"))
    try:
        carried_out(kind, lambda: client.get("/x/"))
    finally:
        context.detach(token)
    [(_, _, headers)] = server.seen
    assert headers["traceparent"] == own and headers["baggage"] == "tenant=7"


@KINDS
def test_suppressed_instrumentation_records_nothing(server, kind, exporter):
    client = kind(server.base_url)
    token = context.attach(context.set_value("suppress_instrumentation", True))
    try:
        carried_out(kind, lambda: client.get("/x/"))
    finally:
        context.detach(token)
    assert exporter.get_finished_spans() == ()
    assert "traceparent" not in server.seen[0][2]


@KINDS
def test_a_processor_that_fails_does_not_fail_the_call(server, kind, monkeypatch, capsys):
    class Broken(TracerProvider):
        def get_tracer(self, *_, **__):
            return self

        def start_span(self, *_, **__):
            raise RuntimeError("from a sampler")

    provider = Broken()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    client = kind(server.base_url)
    assert carried_out(kind, lambda: client.post("/x/", {})).status_code == 200
    assert "from a sampler" in capsys.readouterr().err


def test_a_write_of_many_rows_that_fails_in_part_is_an_error_of_its_operation(server, exporter):
    server.token = None
    things = model(server, Row)
    server.statuses = [403]
    with pytest.raises(BulkCreateError):
        things.objects.bulk_create([things(name="a"), things(name="b")])
    *requests, operation = exporter.get_finished_spans()
    assert operation.name == "Thing.bulk_create" and operation.attributes["error.type"] == "403" and len(requests) == 2


def test_opentelemetry_is_not_imported_and_not_needed():
    program = """
import sys
import asyncio
from django_api_orm import AsyncServiceClient, ServiceClient
for name in ("opentelemetry", "opentelemetry.trace"):
    assert name not in sys.modules
try:
    ServiceClient("http://127.0.0.1:9", max_retries=0).get("/x/")
except Exception as error:
    assert type(error).__name__ == "APIConnectionError", error
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
