"""Token providers of the program: they run on the caller's side, synchronously on its thread, else on its event loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    import asyncio

    from ._engine import Question


class _Within:
    """A provider that runs. A task that it leaves behind has a copy of the context, and may make calls once it is over."""

    __slots__ = ("is_over", "provider")

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.is_over = False


#: The providers within which this context runs.
_within: ContextVar[tuple[_Within, ...]] = ContextVar("django_api_orm_providers", default=())


class Provider:
    """A function that gives a credential, and how the engine asks it."""

    __slots__ = ("__weakref__", "_function", "_read", "_under_way")

    def __init__(self, function: Callable[[], Any], read: Callable[[Any], tuple[list[str], float | None]]) -> None:
        self._function = function
        self._read = read
        #: One for a loop: a call that is cancelled leaves it to the others.
        self._under_way: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return "<token provider>"

    def identity(self) -> object:
        """Equal for providers of the same function."""
        try:
            hash(self._function)
        except TypeError:
            return id(self._function)
        return self._function

    def check(self) -> None:
        """Refuses a call from within the provider, which would wait for itself."""
        if any(each.provider is self and not each.is_over for each in _within.get()):
            raise ConfigurationError(
                "the token provider makes a call with the client that waits for its token: use another client there, such as "
                "`client.with_auth(None)`"
            )

    def answer_now(self, question: Question) -> None:
        """Answers on the calling thread."""
        given: Any = None
        within = _Within(self)
        token = _within.set((*_within.get(), within))
        try:
            given = self._function()
            if inspect.isawaitable(given):
                if inspect.iscoroutine(given):
                    given.close()
                raise ConfigurationError(
                    "the token provider is asynchronous: give an `AsyncServiceClient` to it, or a function"
                )
            question.answer(*self._read(given))
        except Exception as error:
            question.fail(error)
        finally:
            within.is_over = True
            _within.reset(token)

    def answer(self, question: Question, loop: asyncio.AbstractEventLoop) -> None:
        """Answers on the running loop, in the context of whoever asks; what has to be awaited goes on without the caller."""
        under_way = self._under_way.get(loop)
        if under_way is not None:
            under_way.add_done_callback(lambda task: self._deliver(question, task))
            return
        if question.is_answered():
            return
        within = _Within(self)
        token = _within.set((*_within.get(), within))
        is_awaited = False
        try:
            given = self._function()
            is_awaited = inspect.isawaitable(given)
            if is_awaited:
                # The task has a copy of the context as it is now.
                task = self._under_way[loop] = loop.create_task(_awaited(given, within))
                task.add_done_callback(lambda _: self._under_way.pop(loop, None))
                task.add_done_callback(lambda task: self._deliver(question, task))
            else:
                question.answer(*self._read(given))
        except Exception as error:
            question.fail(error)
        finally:
            within.is_over = not is_awaited
            _within.reset(token)

    def _deliver(self, question: Question, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            question.fail(ConfigurationError("the token provider was cancelled"))
        elif (raised := task.exception()) is not None:
            question.fail(raised)
        else:
            try:
                question.answer(*self._read(task.result()))
            except Exception as error:
                question.fail(error)


async def _awaited(given: Any, within: _Within) -> Any:
    try:
        return await given
    finally:
        within.is_over = True
