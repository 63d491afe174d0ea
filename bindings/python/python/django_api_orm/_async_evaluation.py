"""How an asynchronous queryset gets its rows: awaited, shared by the tasks that wait, with turns for the others.

``_evaluation`` is the same for threads. Both are written by hand, because there the two halves really differ.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._bridge import perform
from ._building import Building
from ._model import specialise
from ._query import M
from ._warn import emit
from .exceptions import DoesNotExist, MultipleObjectsReturned

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._engine import Operation, Walk

T = TypeVar("T")

#: Rows that are validated before the other tasks of the loop have a turn: a millisecond or two of work.
_ROWS_IN_A_TURN = 500


async def ask(operation: Operation, model: type[Any], later: list[tuple[str, str]] | None = None) -> Any:
    """What the engine answers; an error about a row is one of the model."""
    try:
        return await perform(operation, later)
    except (DoesNotExist, MultipleObjectsReturned) as error:
        specialise(model, error)
        # By name: Python 3.10 raises again what the class was before.
        raise error


async def in_turns(make: Callable[[list[bytes], int], list[T]], rows: list[bytes], start: int = 0) -> list[T]:
    """What ``make`` gives for the rows, while the other tasks of the loop have their turns in between."""
    made = make(rows[:_ROWS_IN_A_TURN], start)
    for at in range(_ROWS_IN_A_TURN, len(rows), _ROWS_IN_A_TURN):
        await asyncio.sleep(0)
        made += make(rows[at : at + _ROWS_IN_A_TURN], start + at)
    return made


class _Fetch(Generic[M]):
    """One walk over the rows, and who waits for it."""

    __slots__ = ("notices", "task", "waiting")

    def __init__(self, query: AsyncEvaluation[M]) -> None:
        self.notices: list[tuple[str, str]] = []
        self.waiting = 0
        self.task = asyncio.ensure_future(query._load(self.notices))


class AsyncEvaluation(Building[M]):
    """The part of a queryset that holds its rows once they are fetched."""

    def _begin(self) -> None:
        super()._begin()
        self._under_way: _Fetch[M] | None = None

    async def _load(self, notices: list[tuple[str, str]]) -> list[M]:
        rows = await ask(self._endpoint.rows(self._plan), self.model, notices)
        return await in_turns(self._instances, rows)

    async def _fetch(self) -> list[M]:
        """Every row, in a list of the caller's own; tasks that ask at the same time share one walk.

        Requests: one GET for each page; none once the rows are fetched.
        """
        return list(await self._evaluated())

    async def _evaluated(self) -> list[M]:
        if self._result_cache is not None:
            return self._result_cache
        fetch = self._under_way
        if fetch is None or fetch.task.done() or fetch.task.get_loop() is not asyncio.get_running_loop():
            fetch = self._under_way = _Fetch(self)
        fetch.waiting += 1
        try:
            rows = await asyncio.shield(fetch.task)
        finally:
            fetch.waiting -= 1
            if fetch.waiting == 0:
                # The walk goes on as long as somebody waits for it; whoever asks from now on starts another one.
                fetch.task.cancel()
                if self._under_way is fetch:
                    self._under_way = None
            if fetch.notices and fetch.task.done():
                notices, fetch.notices = fetch.notices, []
                emit(notices)
        if self._result_cache is None:
            self._result_cache = rows
        return self._result_cache

    async def _walked(self, walk: Walk | None) -> AsyncIterator[M]:
        """The rows of a walk, page by page; ``None`` is a walk over nothing."""
        start = 0
        while walk is not None and (rows := await perform(walk.next())) is not None:
            for instance in await in_turns(self._instances, rows, start):
                yield instance
            start += len(rows)

    def __await__(self) -> Generator[Any, None, list[M]]:
        return self._fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[M]:
        for instance in await self._evaluated():
            yield instance

    def __iter__(self) -> Any:
        raise TypeError("use `async for`, or `await` the queryset for a list")

    def __len__(self) -> int:
        raise TypeError("an asynchronous queryset has no length: use `await queryset.count()`, or `len(await queryset)`")

    def __bool__(self) -> bool:
        raise TypeError("an asynchronous queryset has no truth value: use `await queryset.exists()`")

    def __getitem__(self, key: slice) -> Self:
        """``[10:20]`` is a lazy slice.

        Raises: ``TypeError`` for a number, because reading a row has to be awaited; ``ValueError`` for a step.
        Requests: none.
        """
        if not isinstance(key, slice):
            raise TypeError(
                "an asynchronous queryset is not indexed: use `await queryset.first()`, `await queryset.last()` or "
                "`(await queryset[3:4])[0]`"
            )
        if key.step is not None:
            raise ValueError("an asynchronous queryset takes no step: slice the list that `await queryset` gives")
        return self._slice(key)

    async def alen(self) -> int:
        """How many rows were fetched; fetches them, and keeps them.

        Requests: one GET for each page; none once the rows are fetched.
        """
        return len(await self._evaluated())
