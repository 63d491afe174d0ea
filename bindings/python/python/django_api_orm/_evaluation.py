"""How a synchronous queryset fetches its rows: when it is iterated, counted or indexed, once for all threads that ask.

``_async_evaluation`` is the counterpart for asyncio. Both are written by hand, because this is where the two halves differ.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._blocking import perform
from ._building import Building
from ._model import specialise
from ._query import M
from .exceptions import DoesNotExist, MultipleObjectsReturned

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._engine import Operation, Walk
    from ._relation_values import Across

T = TypeVar("T")

Lock = threading.RLock
#: Where a lock holds: a thread that held it does not go on in a child of ``fork``.
place = os.getpid


def ask(operation: Operation, model: type[Any]) -> Any:
    """The engine's answer; an error about a row is raised as the model's own class."""
    try:
        return perform(operation)
    except (DoesNotExist, MultipleObjectsReturned) as error:
        specialise(model, error)
        # Not a bare `raise`: on Python 3.10 that raises the class that the error had before.
        raise error


def in_turns(make: Callable[[list[bytes], int], list[T]], rows: list[bytes], start: int = 0) -> list[T]:
    """What ``make`` returns for the rows; other threads get their turns anyway."""
    return make(rows, start)


class Evaluation(Building[M]):
    """The part of a queryset that holds its rows once they are fetched."""

    def _begin(self) -> None:
        super()._begin()
        self._lock = threading.RLock()
        self._evaluating = False

    def _fetch(self) -> list[M]:
        """Every row, in a new list; threads that ask at the same time share one walk.

        Raises: ``RuntimeError`` in a signal handler, or in a ``report`` of ``on_invalid``, that runs while this thread is
        fetching these rows.
        Requests: one GET for each page; none once the rows are fetched.
        """
        return list(self._evaluated())

    def _evaluated(self) -> list[M]:
        with self._lock:
            if self._result_cache is None:
                if self._evaluating:
                    raise RuntimeError("this thread is already fetching the rows of this queryset: use `all()` for a new one")
                self._evaluating = True
                try:
                    self._result_cache = self._load()
                finally:
                    self._evaluating = False
            return self._result_cache

    def _load(self) -> list[M]:
        if self._source is not None:
            from .relating import related

            relation, row = self._source
            related_rows: list[M] = related(row, relation)
            return related_rows
        return self._with_related(self._read(ask(self._endpoint.rows(self._row_plan), self.model)))

    def _with_related(self, rows: list[M]) -> list[M]:
        """The same rows, once the related rows that the query names are fetched."""
        if self._prefetches and rows:
            from .relating import prefetch

            prefetch(rows, self._prefetches)
        return rows

    def _behind(self, across: Across, rows: list[bytes]) -> list[tuple[Any, ...]]:
        """The values of rows, some of which are those of related rows."""
        from .relating import tuples

        return [values for of_row in tuples(across, rows, self._valid) for values in of_row]

    def _walked(self, walk: Walk | None) -> Iterator[M]:
        """The rows of a walk, page by page; ``None`` is an empty walk."""
        start = 0
        while walk is not None and (rows := perform(walk)) is not None:
            yield from self._with_related(self._read(rows, start))
            start += len(rows)

    def __iter__(self) -> Iterator[M]:
        return iter(self._evaluated())

    def __len__(self) -> int:
        return len(self._evaluated())

    def __bool__(self) -> bool:
        return bool(self._evaluated())

    @overload
    def __getitem__(self, key: int) -> M: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> Any:
        """``[3]`` is one row; ``[10:20]`` is a lazy slice; ``[::2]``, with a step, is a list.

        Raises: ``IndexError`` where there is no such row; ``ValueError`` for a negative number.
        Requests: one GET for a row; none for a slice; those of the slice for a list. None once the rows are fetched. Where
        ``on_invalid`` skips, one for each page up to the row.
        """
        if isinstance(key, slice):
            if self._result_cache is not None:
                return self._result_cache[key]
            part = self._slice(slice(key.start, key.stop))
            return part if key.step is None else list(part)[:: key.step]
        if not isinstance(key, int):
            raise TypeError(f"the index of a queryset is an int or a slice, not {type(key).__name__}")
        if key < 0:
            raise ValueError("negative indexing is not supported: use last()")
        if self._result_cache is not None:
            return self._result_cache[key]
        if self._invalid == "skip":
            for instance in islice(self._walked(self._endpoint.walk(self._row_plan)), key, None):
                return instance
            raise IndexError(f"there is no row {key} that fits the schema")
        row = ask(self._endpoint.first(self._slice(slice(key, key + 1))._row_plan), self.model)
        if row is None:
            raise IndexError(f"there is no row {key}")
        return self._with_related([self._one(row)])[0]
