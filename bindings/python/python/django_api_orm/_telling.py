"""Who is told of a call: the program's hooks, the logger ``django_api_orm``, and OpenTelemetry, each where it is in use.

What hooks are told the engine waits for; the rest it only notes, and it is handed over on the caller's side as soon as somebody
looks.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from ._engine import HookEvent, Noted

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager
    from logging import Logger

    from typing_extensions import ParamSpec

    from ._engine import Operation, Walk
    from ._hooks import Hooks
    from ._spans import Scope, Spans

    #: Who listens; whether requests, answers and retries wait for it; how much of what is noted it hears (see ``_NOTHING``).
    Heard = tuple["Listener", tuple[bool, bool, bool], int]
    P = ParamSpec("P")

T = TypeVar("T")

#: How much is noted: nothing, retries, or what each request came to as well. The engine has the same numbers.
_NOTHING, _RETRIES, _EVERYTHING = range(3)
#: The levels of ``logging``, which takes two milliseconds to import.
_DEBUG, _INFO = 10, 20

_logger: Logger | None = None
#: What gives the spans of a call, once OpenTelemetry is there.
_tracing: Callable[[], Spans | None] | None = None
#: Whether this context runs within a handler of logs or spans, of whose own calls nobody is told, or there would be no end.
_is_telling: ContextVar[bool] = ContextVar("django_api_orm_telling", default=False)


def logger() -> Logger:
    """The package's logger."""
    global _logger
    if _logger is None:
        from logging import getLogger

        _logger = getLogger("django_api_orm")
    return _logger


def _logged() -> int:
    """How much is logged. Nothing where the program has not imported ``logging``: then it has set no level."""
    if "logging" not in sys.modules:
        return _NOTHING
    log = _logger or logger()
    # Mostly not, so that one question is enough.
    if not log.isEnabledFor(_INFO):
        return _NOTHING
    return _EVERYTHING if log.isEnabledFor(_DEBUG) else _RETRIES


def _spans() -> Spans | None:
    """Where the program has set up tracing, which it cannot without importing OpenTelemetry."""
    global _tracing
    if _tracing is None:
        if "opentelemetry.trace" not in sys.modules:
            return None
        from ._spans import spans

        _tracing = spans
    return _tracing()


class Telling:
    """Says for each call of a client who is told of it."""

    __slots__ = ("_hooks",)

    def __init__(self, hooks: Hooks | None) -> None:
        self._hooks = hooks

    def begin(self) -> Heard | None:
        """Who is told of a call that is made now; ``None`` for nobody."""
        hooks = self._hooks
        if hooks is not None and not hooks.hear():
            hooks = None
        if _is_telling.get():
            logged, spans = _NOTHING, None
        else:
            logged, spans = _logged(), _spans()
        if hooks is None and spans is None:
            if logged is _NOTHING:
                return None
            return Listener(None, logged, None), (False, False, False), logged
        requests, responses, retries = (False, False, False) if hooks is None else hooks.wants()
        listener = Listener(hooks, logged, spans)
        if spans is None:
            return listener, (requests, responses, retries), logged
        return listener, (True, responses, retries), _EVERYTHING


class Listener:
    """Who is told of one call."""

    __slots__ = ("_hooks", "_logged", "_spans")

    def __init__(self, hooks: Hooks | None, logged: int, spans: Spans | None) -> None:
        self._hooks = hooks
        self._logged = logged
        self._spans = spans

    def around(self, work: Operation | Walk) -> AbstractContextManager[Scope | None]:
        """The time of the call, or of one step of a walk."""
        scope: Scope | None = None if self._spans is None else safely(self._spans.around, work)
        return nullcontext() if scope is None else scope

    def answer_now(self, event: HookEvent | Noted) -> None:
        """Tells on the calling thread."""
        if isinstance(event, Noted):
            self._note(event)
            return
        told = self._traced(event)
        if self._hooks is None:
            told.done()
        else:
            self._hooks.answer_now(told)

    def answer(self, event: HookEvent | Noted, loop: asyncio.AbstractEventLoop) -> Awaitable[None] | None:
        """Tells in the task that waits for the call; what is returned has to be awaited there."""
        if isinstance(event, Noted):
            self._note(event)
            return None
        told = self._traced(event)
        if self._hooks is None:
            told.done()
            return None
        return self._hooks.answer(told, loop)

    def _traced(self, event: HookEvent) -> HookEvent | Traced:
        return event if self._spans is None or not event.is_request else Traced(event, self._spans)

    def _note(self, noted: Noted) -> None:
        for kind, facts in noted.facts():
            if self._spans is not None:
                safely(self._spans.note, kind, facts)
            if self._logged:
                safely(self._log, kind, facts)

    def _log(self, kind: str, facts: dict[str, Any]) -> None:
        request = (facts["method"], facts["url"])
        if kind == "retry":
            why = facts["status_code"] or facts["error"]
            logger().info("%s %s: again in %.3f s, after %s (attempt %d)", *request, facts["wait"], why, facts["attempt"])
        elif self._logged == _EVERYTHING:
            milliseconds, attempt = facts["elapsed"] * 1000, facts["attempt"]
            if kind == "response":
                logger().debug("%s %s: %d in %.1f ms (attempt %d)", *request, facts["status_code"], milliseconds, attempt)
            else:
                logger().debug("%s %s: failed (%s) after %.1f ms (attempt %d)", *request, facts["error"], milliseconds, attempt)


class Traced:
    """A request whose span begins when the hooks have been told of it, and is sent with it."""

    __slots__ = ("_event", "_spans")

    def __init__(self, event: HookEvent, spans: Spans) -> None:
        self._event = event
        self._spans = spans

    def facts(self) -> tuple[str, dict[str, Any]]:
        return self._event.facts()

    def add_header(self, name: str, value: str) -> None:
        self._event.add_header(name, value)

    def fail(self, exception: BaseException) -> bool:
        return self._event.fail(exception)

    def done(self) -> None:
        safely(self._spans.request, self._event)
        self._event.done()


def safely(tell: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | None:
    """Tells a handler of logs or spans. One that fails must not fail the call: it is shown as ``logging`` shows one."""
    token = _is_telling.set(True)
    try:
        return tell(*arguments, **options)
    except Exception:
        import logging
        import traceback

        if logging.raiseExceptions and sys.stderr is not None:
            traceback.print_exc()
        return None
    finally:
        _is_telling.reset(token)
