"""How an asynchronous queryset fetches its rows: once for all tasks that wait for them, without holding up the others.

``_evaluation`` is the counterpart for threads. Both are written by hand, because this is where the two halves differ.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._bridge import perform
from ._building import Building
from ._query import M
from ._warn import emit

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._engine import Operation, Walk
    from ._relation_values import Across

T = TypeVar("T")

Lock = asyncio.Lock
#: Where a lock holds.
place = asyncio.get_running_loop

#: How many rows are validated before the other tasks of the loop get a turn: a millisecond or two of work.
_ROWS_IN_A_TURN = 500


def ask(operation: Operation, model: type[Any], later: list[tuple[str, str]] | None = None) -> Coroutine[Any, Any, Any]:
    """The engine's answer; an error about a row is raised as the model's own class."""
    return perform(operation, later, model)


def _ahead(walk: Walk) -> asyncio.Task[Any]:
    """The next rows, which nobody may come to wait for: then an error is nobody's, and not reported by the loop."""
    task = asyncio.ensure_future(perform(walk.next()))
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    return task


async def in_turns(make: Callable[[list[bytes], int], list[T]], rows: list[bytes], start: int = 0) -> list[T]:
    """What ``make`` returns for the rows; the other tasks of the loop get their turns in between."""
    made = make(rows[:_ROWS_IN_A_TURN], start)
    for at in range(_ROWS_IN_A_TURN, len(rows), _ROWS_IN_A_TURN):
        await asyncio.sleep(0)
        made += make(rows[at : at + _ROWS_IN_A_TURN], start + at)
    return made


class _Fetch(Generic[M]):
    """One walk over the rows, and how many tasks wait for it."""

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
        if self._source is not None:
            from .async_relating import related

            relation, row = self._source
            related_rows: list[M] = await related(row, relation)
            return related_rows
        rows = await ask(self._endpoint.rows(self._row_plan), self.model, notices)
        return await self._with_related(await in_turns(self._read, rows))

    async def _with_related(self, rows: list[M]) -> list[M]:
        """The same rows, once the related rows that the query names are fetched."""
        if self._prefetches and rows:
            from .async_relating import prefetch

            await prefetch(rows, self._prefetches)
        return rows

    async def _behind(self, across: Across, rows: list[bytes]) -> list[tuple[Any, ...]]:
        """The values of rows, some of which are those of related rows."""
        from .async_relating import tuples

        return [values for of_row in await tuples(across, rows, self._valid) for values in of_row]

    async def _fetch(self) -> list[M]:
        """Every row, in a new list; tasks that ask at the same time share one walk.

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
                # The walk goes on as long as a task waits for it; a task that asks after that starts another one.
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
        """The rows of a walk, page by page; ``None`` is an empty walk."""
        start = 0
        if walk is not None and self._prefetches:
            # The next page is on its way while the related rows of this one are fetched.
            async for instance in self._walked_ahead(walk):
                yield instance
            return
        while walk is not None and (rows := await perform(walk.next())) is not None:
            for instance in await in_turns(self._read, rows, start):
                yield instance
            start += len(rows)

    async def _walked_ahead(self, walk: Walk) -> AsyncIterator[M]:
        start = 0
        page = _ahead(walk)
        try:
            while (rows := await page) is not None:
                page = _ahead(walk)
                for instance in await self._with_related(await in_turns(self._read, rows, start)):
                    yield instance
                start += len(rows)
        finally:
            page.cancel()

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
                "an asynchronous queryset cannot be indexed: use `await queryset.first()`, `await queryset.last()` or "
                "`(await queryset[3:4])[0]`"
            )
        if key.step is not None:
            raise ValueError(
                "an asynchronous queryset cannot be sliced with a step: slice the list that `await queryset` returns"
            )
        return self._slice(key)

    async def alen(self) -> int:
        """The number of rows; fetches them all, and keeps them.

        Requests: one GET for each page; none once the rows are fetched.
        """
        return len(await self._evaluated())
