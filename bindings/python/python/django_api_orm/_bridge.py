"""Runs operations of the engine for an event loop.

Operations run on the engine's own thread, which never touches Python. It puts finished operations into the loop's queue and
wakes the loop once; the loop's thread then takes out everything that is there. In the same way the engine is woken for the
first operation that a turn of the loop begins, and takes out what has been begun until nothing is left.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Awaitable
from typing import Any

from ._engine import Operation, Question, Queue
from ._model import specialise
from ._warn import settle

#: Whether it succeeded, what came of it, and its warnings. A question of the engine has done neither, and comes with the future
#: of what is next.
_Result = tuple[bool | None, Any, Any]


class _LoopQueue:
    """The queue of one event loop, and the futures that wait for its operations."""

    __slots__ = ("__weakref__", "queue", "waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.queue = Queue()
        self.waiting: dict[int, asyncio.Future[_Result]] = {}
        descriptor = self.queue.fileno()
        try:
            if descriptor is None:
                raise NotImplementedError
            # The loop holds this object through its reader; this object does not hold the loop.
            loop.add_reader(descriptor, self.drain)
        except NotImplementedError:
            _pump(loop, self)

    def begin(self, loop: asyncio.AbstractEventLoop, operation: Operation) -> tuple[int, asyncio.Future[_Result]]:
        token, is_first, waits = self.queue.begin(operation)
        if not self.waiting and not waits:
            # Nothing else is under way, so it is likely that nothing else begins in this turn.
            self.queue.flush()
        elif is_first:
            loop.call_soon(self.queue.flush)
        future = self.waiting[token] = loop.create_future()
        return token, future

    def drain(self) -> None:
        waiting = self.waiting
        for token, outcome in self.queue.drain():
            future = waiting.pop(token, None)
            if future is None or future.done():
                continue
            if outcome[0] is None:
                following = waiting[token] = future.get_loop().create_future()
                outcome = (None, outcome[1], following)
            future.set_result(outcome)


def _pump(loop: asyncio.AbstractEventLoop, loop_queue: _LoopQueue) -> None:
    """For a loop that cannot watch a descriptor (Windows' Proactor): a thread that wakes it once for each batch."""
    queue = loop_queue.queue
    weak_loop, weak_queue = weakref.ref(loop), weakref.ref(loop_queue)
    weakref.finalize(loop, queue.close)

    def pump() -> None:
        while queue.wait():
            taken = threading.Event()

            def drain() -> None:
                try:
                    owner = weak_queue()
                    if owner is not None:
                        owner.drain()
                finally:
                    taken.set()  # noqa: B023

            target = weak_loop()
            if target is None or target.is_closed():
                return
            try:
                target.call_soon_threadsafe(drain)
            except RuntimeError:
                return
            del target
            # A stopped loop does not take the batch, but it may be started again.
            while not taken.wait(1.0):
                target = weak_loop()
                if target is None or target.is_closed():
                    return
                del target

    threading.Thread(target=pump, name="django-api-orm-pump", daemon=True).start()


#: In a child after `fork` there are none: see `_after_fork`.
_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopQueue] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def _queue_of(loop: asyncio.AbstractEventLoop) -> _LoopQueue:
    loop_queue = _queues.get(loop)
    if loop_queue is None:
        loop_queue = _LoopQueue(loop)
        with _lock:
            _queues[loop] = loop_queue
    return loop_queue


class _Watch:
    """Looks at what comes while a hook is awaited, in the context of its call.

    A token is asked for at once, as the hook may wait for it in a call of its own. Events come after the hook. When the call is
    over the hook is ended: its time is part of the call's.
    """

    __slots__ = ("events", "following", "has_ended", "is_over", "task")

    def __init__(self, following: asyncio.Future[_Result], events: list[Any]) -> None:
        self.following = following
        self.events = events
        self.task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]
        self.is_over = self.has_ended = False

    def look(self, following: asyncio.Future[_Result]) -> None:
        if self.is_over or following.cancelled():
            return
        succeeded, question, upcoming = following.result()
        if succeeded is None:
            self.following = upcoming
            upcoming.add_done_callback(self.look)
            if isinstance(question, Question):
                question.asked.answer(question, following.get_loop())
            else:
                self.events.append(question)
            return
        self.has_ended = True
        self.task.cancel()

    async def during(self, waiting: Awaitable[None]) -> asyncio.Future[_Result]:
        """Awaits the hook; the future of what is to be looked at next."""
        before = self._cancellations()
        self.following.add_done_callback(self.look)
        try:
            await waiting
        except asyncio.CancelledError:
            # Somebody else may cancel the task, too; before Python 3.11 it does not tell.
            if not self.has_ended or self._cancellations() - 1 > before:
                raise
        finally:
            self.is_over = True
            self.following.remove_done_callback(self.look)
            if self.has_ended and hasattr(self.task, "uncancel"):
                self.task.uncancel()
        return self.following

    def _cancellations(self) -> int:
        return self.task.cancelling() if hasattr(self.task, "cancelling") else 0


async def _carried_out(operation: Operation) -> _Result:
    loop = asyncio.get_running_loop()
    loop_queue = _queue_of(loop)
    token, future = loop_queue.begin(loop, operation)
    try:
        outcome = await future
        while outcome[0] is None:
            _, question, following = outcome
            questions = [question]
            while questions:
                question = questions.pop(0)
                waiting = question.asked.answer(question, loop)
                if waiting is not None:
                    following = await _Watch(following, questions).during(waiting)
            outcome = await following
    except BaseException:
        loop_queue.waiting.pop(token, None)
        loop_queue.queue.cancel(token)
        raise
    return outcome


async def perform(operation: Operation, later: list[tuple[str, str]] | None = None, model: type[Any] | None = None) -> Any:
    """Runs the operation while the loop does other things. Cancelling the task aborts the request.

    If ``later`` is given, warnings are appended to it, and a caller that is closer to the program's own code issues them. An
    error about a row is raised as the class of its ``model``.
    """
    listener = operation.listener
    if listener is None:
        outcome = await _carried_out(operation)
    else:
        with listener.around(operation) as scope:
            outcome = await _carried_out(operation)
            if scope is not None:
                scope.ended(outcome)
    succeeded, value, notices = outcome
    if succeeded and not notices:
        return value
    if not succeeded and model is not None:
        specialise(model, value)
    if later is None:
        return settle(outcome, operation.writes)
    later.extend(notices)
    if not succeeded:
        raise value
    return value


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    _queues.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
