"""Spans for OpenTelemetry, where the program has set up a tracer provider: one for an operation on a model, and in it one for
each request, by the stable conventions for HTTP. Imported only where the program has imported ``opentelemetry.trace``.

No span holds a query's values, a body, a credential or the text of an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from . import __version__
from ._telling import safely
from .exceptions import APIException, InvalidRequestError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ._engine import HookEvent, Operation, Walk

_SCHEMA = "https://opentelemetry.io/schemas/1.37.0"
#: Methods that the conventions name; any other one is ``_OTHER``.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
#: Under these names instrumentation is told to be silent, as the exporters of spans do for their own requests.
_SUPPRESSED = [
    "suppress_instrumentation",
    "suppress_http_instrumentation",
    *(
        key
        for name in ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
        if (key := getattr(context, name, None)) is not None
    ),
]

#: What there is in the place of a provider that a program has set.
_NOBODY = frozenset({trace.ProxyTracerProvider, trace.NoOpTracerProvider})

#: The last provider, and its tracer.
_tracer: tuple[trace.TracerProvider, Tracer] | None = None


def spans() -> Spans | None:
    """The spans of a call that is made now; ``None`` where nobody records any."""
    global _tracer
    provider = trace.get_tracer_provider()
    if type(provider) in _NOBODY:
        return None
    if any(context.get_value(key) for key in _SUPPRESSED):
        return None
    if _tracer is None or _tracer[0] is not provider:
        _tracer = (provider, provider.get_tracer("django_api_orm", __version__, schema_url=_SCHEMA))
    return Spans(_tracer[1])


class Spans:
    """The spans of one call, or of one walk over rows."""

    __slots__ = ("_caller", "_operation", "_requests", "_tracer", "_within")

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._caller = self._within = context.get_current()
        self._operation: Span | None = None
        #: Those under way.
        self._requests: dict[int, Span] = {}

    def around(self, work: Operation | Walk) -> Scope:
        """The call, or one step of the walk."""
        if self._operation is None and (name := work.name) is not None:
            model, operation = name
            attributes = {"django_api_orm.model": model, "django_api_orm.operation": operation}
            self._operation = self._tracer.start_span(f"{model}.{operation}", self._caller, SpanKind.INTERNAL, attributes)
            self._within = trace.set_span_in_context(self._operation, self._caller)
        return Scope(self, work)

    def request(self, event: HookEvent) -> None:
        """Begins the span of a request that is about to be sent, and sends its name with it."""
        _, facts = event.facts()
        span = self._begin(facts, None)
        self._requests[facts["id"]] = span
        carrier: dict[str, str] = {}
        propagate.inject(carrier, trace.set_span_in_context(span, self._within))
        has = {header for header, _ in facts["headers"]}
        for header, value in carrier.items():
            # A header that the program or one of its hooks has set is theirs.
            if header.lower() not in has:
                try:
                    event.add_header(header, value)
                except InvalidRequestError:
                    continue

    def _begin(self, facts: dict[str, Any], at: int | None) -> Span:
        """The span of a request, which begins now or at a time in nanoseconds."""
        method, template = facts["method"], facts["url_template"]
        url = urlsplit(facts["url"])
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "url.full": facts["url"],
            "server.address": url.hostname or "",
            "server.port": url.port or (443 if url.scheme == "https" else 80),
        }
        if method not in _METHODS:
            attributes["http.request.method"], attributes["http.request.method_original"] = "_OTHER", method
            method = "HTTP"
        if template is not None:
            attributes["url.template"] = template
        if facts["attempt"] > 1:
            attributes["http.request.resend_count"] = facts["attempt"] - 1
        name = method if template is None else f"{method} {template}"
        return self._tracer.start_span(name, self._within, SpanKind.CLIENT, attributes, start_time=at)

    def note(self, kind: str, facts: dict[str, Any]) -> None:
        """Ends the span of a request that has been answered, or has failed."""
        if kind not in ("response", "failure"):
            return
        span = self._requests.pop(facts["id"], None)
        if span is None:
            # A request of a login waits for nobody, so its span is made when it is over.
            span = self._begin(facts, facts["at"] - round(facts["elapsed"] * 1e9))
        if kind == "failure":
            _fail(span, facts["error"])
        else:
            span.set_attribute("http.response.status_code", facts["status_code"])
            if facts["status_code"] >= 400:
                _fail(span, str(facts["status_code"]))
        span.end(facts["at"])

    def end(self, error: BaseException | None) -> None:
        """Ends what is under way."""
        kind = None if error is None else _kind(error)
        for span in self._requests.values():
            _fail(span, kind or "cancelled")
            span.end()
        self._requests.clear()
        operation, self._operation = self._operation, None
        self._within = self._caller
        if operation is not None:
            if kind is not None:
                _fail(operation, kind)
            operation.end()

    def __del__(self) -> None:
        # A walk that nobody goes on with.
        if self._operation is not None:
            safely(self.end, None)


class Scope:
    """While a call is carried out, its span is the current one: what hooks and token providers do belongs to it."""

    __slots__ = ("_error", "_is_over", "_spans", "_token", "_work")

    def __init__(self, spans: Spans, work: Operation | Walk) -> None:
        self._spans = spans
        self._work = work
        self._error: BaseException | None = None
        self._is_over = True

    def __enter__(self) -> Self:
        self._token = context.attach(self._spans._within)
        return self

    def ended(self, outcome: tuple[bool | None, Any, Any]) -> None:
        """What the call has come to."""
        succeeded, value, _ = outcome
        if not succeeded:
            self._error = value
            return
        self._error = _failure_in(value) if getattr(self._work, "writes", False) else None
        is_step = self._work.name is not None and self._work.name[1] == "iterator"
        self._is_over = not is_step or value is None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        context.detach(self._token)
        error = error or self._error
        if error is not None or self._is_over:
            safely(self._spans.end, error)


def _failure_in(value: Any) -> BaseException | None:
    """The first error of a write of many rows, which is a part of what it returns."""
    if isinstance(value, list):
        return next((each for each in value if isinstance(each, Exception)), None)
    # The keys that were written, those that were not with their errors, and a text.
    if isinstance(value, tuple) and len(value) == 3 and isinstance(value[1], list):
        return next((error for _, error in value[1]), None)
    return None


def _kind(error: BaseException) -> str:
    if isinstance(error, APIException) and error.status_code is not None and error.status_code >= 400:
        return str(error.status_code)
    return type(error).__qualname__


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
