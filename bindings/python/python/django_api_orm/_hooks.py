"""Hooks of the program: functions that are told of each request, answer and retry, where token providers run, too."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ._telling import logger
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    import asyncio

    from ._engine import HookEvent
    from ._telling import Traced

    #: As the engine gives it, or with a span.
    Told = HookEvent | Traced
    Hook = Callable[[Any], Awaitable[None] | None]
    OnRequest = Callable[["RequestEvent"], Awaitable[None] | None]
    OnResponse = Callable[["ResponseEvent"], Awaitable[None] | None]
    OnRetry = Callable[["RetryEvent"], Awaitable[None] | None]

#: The hooks within which this context runs.
_within: ContextVar[tuple[_Within, ...]] = ContextVar("django_api_orm_hooks", default=())


class _Within:
    """Hooks that run. A task that they leave behind has a copy of the context, and may make calls once they are over."""

    __slots__ = ("hooks", "is_over")

    def __init__(self, hooks: Hooks) -> None:
        self.hooks = hooks
        self.is_over = False


class _Event:
    """What all events tell of the request."""

    __slots__ = ("attempt", "method", "url", "url_template")

    def __init__(self, facts: dict[str, Any]) -> None:
        self.method: str = facts["method"]
        #: With ``REDACTED`` in the place of each value in the query.
        self.url: str = facts["url"]
        #: The path with ``{id}`` in the place of the key, where the model tells which part that is.
        self.url_template: str | None = facts["url_template"]
        #: How often the call has sent a request, with this one.
        self.attempt: int = facts["attempt"]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method} {self.url}>"


class RequestEvent(_Event):
    """A request that is about to be sent: ``method``, ``url``, ``url_template``, ``attempt`` and ``headers``.

    ``headers`` are by lower-case name, with ``REDACTED`` in the place of credentials and of whatever else the program has set.
    """

    __slots__ = ("_event", "headers")

    def __init__(self, facts: dict[str, Any], event: Told) -> None:
        super().__init__(facts)
        self.headers: dict[str, str] = dict(facts["headers"])
        self._event = event

    def add_header(self, name: str, value: str) -> None:
        """Sends one more header with this request, such as ``traceparent``.

        Raises: ``InvalidRequestError`` for a header that the request has already, or by which servers tell who is calling.
        """
        self._event.add_header(name, value)


class ResponseEvent(_Event):
    """The answer to a request: as ``RequestEvent``, with ``status_code``, ``elapsed`` in seconds and ``request_id``.

    ``headers`` are the answer's; they have ``REDACTED`` in the place of cookies, tokens and URLs.
    """

    __slots__ = ("elapsed", "headers", "request_id", "status_code")

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        self.status_code: int = facts["status_code"]
        self.headers: dict[str, str] = dict(facts["headers"])
        self.elapsed: float = facts["elapsed"]
        self.request_id: str | None = facts["request_id"]


class RetryEvent(_Event):
    """A request that failed and is about to be sent again: as ``RequestEvent``, with ``error``, ``status_code`` and ``wait``.

    ``error`` is the kind of failure, such as ``"timeout"``; ``status_code`` that of the answer, or ``None``; ``wait`` is in
    seconds.
    """

    __slots__ = ("error", "status_code", "wait")

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        self.error: str = facts["error"]
        self.status_code: int | None = facts["status_code"]
        self.wait: float = facts["wait"]


class Hooks:
    """The hooks of a client, and how the engine tells them."""

    __slots__ = ("_by_kind",)

    def __init__(self, by_kind: dict[str, tuple[Hook, ...]]) -> None:
        self._by_kind = by_kind

    def wants(self) -> tuple[bool, bool, bool]:
        """Whether somebody wants to know of requests, of answers, of retries."""
        return bool(self._by_kind["request"]), bool(self._by_kind["response"]), bool(self._by_kind["retry"])

    def hear(self) -> bool:
        """Whether a call that is made now is told: one that a hook makes is not, or there would be no end."""
        return not any(each.hooks is self and not each.is_over for each in _within.get())

    def answer_now(self, event: Told) -> None:
        """Tells the hooks on the calling thread."""
        from asyncio import CancelledError  # Only where there are hooks: it takes ten milliseconds to import.

        told, hooks = self._read(event)
        within = _Within(self)
        token = _within.set((*_within.get(), within))
        try:
            for hook in hooks:
                given = hook(told)
                if inspect.isawaitable(given):
                    if inspect.iscoroutine(given):
                        given.close()
                    raise ConfigurationError("a hook is asynchronous: give an `AsyncServiceClient` to it, or a function")
            event.done()
        except CancelledError as error:
            _failed(event, _cancelled(error))
        except Exception as error:
            _failed(event, error)
        finally:
            within.is_over = True
            _within.reset(token)

    def answer(self, event: Told, loop: asyncio.AbstractEventLoop) -> Awaitable[None] | None:
        """Tells the hooks in the task that waits for the call; what is returned has to be awaited there."""
        from asyncio import CancelledError

        told, hooks = self._read(event)
        within = _Within(self)
        token = _within.set((*_within.get(), within))
        is_awaited = False
        try:
            for hook in hooks:
                given = hook(told)
                if inspect.isawaitable(given):
                    is_awaited = True
                    return _go_on(event, told, given, hooks, within)
            event.done()
        except CancelledError as error:
            _failed(event, _cancelled(error))
        except Exception as error:
            _failed(event, error)
        finally:
            within.is_over = not is_awaited
            _within.reset(token)
        return None

    def _read(self, event: Told) -> tuple[_Event, Iterator[Hook]]:
        kind, facts = event.facts()
        told: _Event
        if kind == "request":
            told = RequestEvent(facts, event)
        elif kind == "response":
            told = ResponseEvent(facts)
        else:
            told = RetryEvent(facts)
        return told, iter(self._by_kind[kind])


def _cancellations() -> int:
    """How often the running task is to be cancelled; less than none where Python does not tell (3.10)."""
    from asyncio import current_task

    task = current_task()
    return task.cancelling() if task is not None and hasattr(task, "cancelling") else -1


async def _go_on(event: Told, told: _Event, given: Awaitable[None], hooks: Iterator[Hook], within: _Within) -> None:
    from asyncio import CancelledError

    token = _within.set((*_within.get(), within))
    before = _cancellations()
    try:
        await given
        for hook in hooks:
            following = hook(told)
            if inspect.isawaitable(following):
                await following
        event.done()
    except CancelledError as error:
        if before < 0 or _cancellations() > before:
            raise
        # Nobody cancels the call: the hook has waited for something that was cancelled.
        _failed(event, _cancelled(error))
    except Exception as error:
        _failed(event, error)
    finally:
        within.is_over = True
        _within.reset(token)


def _cancelled(error: BaseException) -> Exception:
    raised = ConfigurationError("a hook was cancelled")
    raised.__cause__ = error
    return raised


def _failed(event: Told, error: Exception) -> None:
    """The call fails with what a hook raises, unless the outcome of a write would be lost for it: then it is logged."""
    if not event.fail(error):
        logger().error("a hook failed after the answer to a write had come", exc_info=error)


def hooks_of(
    is_async: bool,
    on_request: OnRequest | Iterable[OnRequest] | None,
    on_response: OnResponse | Iterable[OnResponse] | None,
    on_retry: OnRetry | Iterable[OnRetry] | None,
) -> Hooks | None:
    """The hooks that a client is given, each a function or several; ``None`` where there are none."""
    given: dict[str, Any] = {"request": on_request, "response": on_response, "retry": on_retry}
    by_kind: dict[str, tuple[Hook, ...]] = {}
    for kind, hooks in given.items():
        every: list[Any] = []
        if callable(hooks):
            every.append(hooks)
        elif hooks is not None:
            every.extend(hooks)
        for hook in every:
            if not callable(hook):
                raise TypeError(f"`on_{kind}` must be a function or a list of functions, not {type(hook).__name__}")
            if not is_async and inspect.iscoroutinefunction(hook):
                raise ConfigurationError(
                    f"`on_{kind}` is asynchronous: give an `AsyncServiceClient` to it, or a function to this client"
                )
        by_kind[kind] = tuple(every)
    return Hooks(by_kind) if any(by_kind.values()) else None
