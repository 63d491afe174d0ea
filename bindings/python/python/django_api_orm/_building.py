"""Building a query: the methods that describe rows. None of them sends a request.

``_starting`` has the same methods for managers, generated from these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from ._client import ON_N_PLUS_ONE, _text, number_of_seconds
from ._engine import Plan
from ._prefetching import Prefetch, checked, reached, single
from ._query import MOST_ROWS, BaseQuery, M
from .exceptions import ConfigurationError, RowError
from .q import Q

if TYPE_CHECKING:
    from typing_extensions import Self

OnIgnored = Literal["local", "error", "trust"]
OnDrift = Literal["warn", "error", "ignore"]
OnUnsaved = Literal["error", "warn", "ignore"]
OnNPlusOne = Literal["batch", "warn", "error"]


class Explanation(str):
    """What a query will do, as text and in parts: ``pushed``, ``local``, ``checked`` and ``requests(rows)``."""

    #: The query parameters that are sent to the server, without those of pagination.
    pushed: list[tuple[str, str]]
    #: What is evaluated client-side, and why.
    local: list[str]
    #: The guards: the lookups that every row is checked against.
    checked: list[str]
    #: How related rows are fetched, by the names of the relations.
    related: dict[str, str]
    _requests: Callable[[int], int | None]
    _of_keys: Callable[[str, int], int]

    def requests(self, rows: int, **keys: int) -> int | None:
        """How many requests it takes if the server has ``rows`` rows for what it is sent, and does as asked. ``None`` where
        that depends on what no answer has shown yet, such as the size of its pages. One more is made where a filter that is
        probed leaves out so few rows that they may have been added between two requests.

        ``keys`` says of each relation that is fetched with the rows how many different keys these have: ``author=50``. It is
        ``None`` where that is not said. The rows that they point at fill pages, whose size counts once an answer has shown it;
        of rows that point back it is not known how many come, so that each chunk of keys counts once.

        Requests: none.
        """
        requests = self._requests(rows)
        if requests is None or rows == 0:
            return requests
        if any(name not in keys for name in self.related):
            return None
        return requests + sum(self._of_keys(name, keys[name]) for name in self.related)


class Building(BaseQuery[M]):
    """The methods that describe rows. Each returns a new query."""

    # Which rows

    def all(self) -> Self:
        """A new query for the same rows.

        Requests: none.
        """
        return self._clone()

    def none(self) -> Self:
        """No rows and no request, whatever is chained to the query.

        Requests: none.
        """
        clone = self._restricted(Plan().filter(self._info.condition((), {"pk__in": []})), "none()")
        clone._empty = True
        return clone

    def filter(self, *args: Q, **kwargs: Any) -> Self:
        """Only the rows for which every lookup holds: ``filter(age__gte=18)``, ``filter(Q(a=1) | Q(b=2))``.

        A value may be a date, a number, a UUID, ``None``, an instance of a model (its key), or for ``in`` any iterable.

        Raises: ``TypeError`` or ``ValueError`` for a value without a JSON form. A mistake such as a filter after a slice is
        raised by the first request, before it is sent: ``InvalidRequestError``.
        Requests: none.
        """
        condition = self._info.condition(args, kwargs)
        return self._filtered(self._plan.filter(condition), condition)._crossing(args, kwargs)

    def exclude(self, *args: Q, **kwargs: Any) -> Self:
        """Only the rows for which the lookups do not all hold, with Django's rules for nulls. As ``filter``.

        Requests: none.
        """
        condition = self._info.condition(args, kwargs)
        return self._filtered(self._plan.exclude(condition), ~condition)._crossing(args, kwargs)

    def order_by(self, *fields: str) -> Self:
        """In this order, instead of any earlier one: ``order_by("name", "-created_at")``.

        Raises: ``TypeError`` for anything but names.
        Requests: none.
        """
        return self._clone(plan=self._plan.order_by(self._orders(fields)))._sortable_by(fields)

    def reverse(self) -> Self:
        """In the opposite order. Without an ordering every page is read, and the rows are reversed.

        Requests: none.
        """
        return self._clone(plan=self._plan.reverse())

    def search(self, words: str) -> Self:
        """Only the rows that the server's search finds (DRF's ``SearchFilter``). It cannot be checked on the rows.

        Requests: none.
        """
        return self._restricted(self._plan.search(words), "search()")

    def parameters(self, **parameters: Any) -> Self:
        """Sends query parameters as they are. What they do to the answer cannot be checked on the rows.

        Requests: none.
        """
        plan = self._plan
        for name, value in parameters.items():
            plan = plan.parameter(name, _text(value))
        return self._restricted(plan, "parameters()")

    # Related rows

    def prefetch_related(self, *lookups: str | Prefetch | None) -> Self:
        """Fetches related rows with the rows: ``prefetch_related("author", "author__team", Prefetch("comments", queryset))``.
        With ``None`` none.

        Raises: ``InvalidRequestError`` for a name that is no relation; ``TypeError`` for a queryset of another model.
        Requests: none. When the rows are fetched, for each relation one for each 100 different keys, the relations of one level
        at the same time; ``iterator`` does so page by page.
        """
        clone = self._clone()
        clone._source = None
        if lookups == (None,):
            clone._prefetches = clone._expanded = ()
            return clone
        prefetches = [each if isinstance(each, Prefetch) else Prefetch(str(each)) for each in lookups]
        clone._prefetches = (*self._prefetches, *(checked(self.model, each) for each in prefetches))
        reached(self.model, clone._prefetches)
        return clone

    def select_related(self, *names: str | None) -> Self:
        """Fetches the rows that each row points at: ``select_related("author", "author__team")``; without names all of them,
        with ``None`` none.

        Where the model declares an ``_expand_parameter``, the server is asked to show them in the rows. What it does not show
        whole is fetched as by ``prefetch_related``.

        Raises: ``InvalidRequestError`` for a name that is no relation, or one to several rows.
        Requests: none. When the rows are fetched, as ``prefetch_related``; none where the server shows them.
        """
        if names == (None,):
            return self.prefetch_related(None)
        chosen = single(self.model, [str(name) for name in names])
        clone = self.prefetch_related(*chosen)
        clone._expanded = (*self._expanded, *(name for name in chosen if name not in self._expanded))
        return clone

    # How it behaves

    def on_ignored(self, policy: OnIgnored) -> Self:
        """What to do when the server ignores a filter or an ordering: apply it client-side (``"local"``), raise
        ``IgnoredError`` (``"error"``), or trust the server and take the rows as they come (``"trust"``).

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        return self._with_policy(on_ignored_=policy)

    def on_drift(self, policy: OnDrift) -> Self:
        """What to do when rows move while the pages are read: ``"warn"``, ``"error"`` or ``"ignore"``.

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        return self._with_policy(on_drift_=policy)

    def on_unsaved(self, policy: OnUnsaved) -> Self:
        """What to do when the answer to a write shows that the server did not keep a value: ``"error"`` (``UnsavedError``),
        ``"warn"`` or ``"ignore"``. It also holds for ``save()`` of the instances that the query gives.

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        return self._with_policy(on_unsaved_=policy)

    def on_n_plus_one(self, policy: OnNPlusOne) -> Self:
        """What to do when a related row is asked for on one of many rows that were read together: fetch it for all of them
        (``"batch"``), do so with an ``NPlusOneWarning`` at the program's line (``"warn"``), or raise ``InvalidRequestError``
        (``"error"``). The client's setting of that name holds for queries that do not say it.

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        if policy not in ON_N_PLUS_ONE:
            raise ValueError(f'on_n_plus_one must be "batch", "warn" or "error", not {policy!r}')
        clone = self._clone()
        clone._on_n_plus_one = policy
        return clone

    def max_scan(self, rows: int) -> Self:
        """The most rows that are read when part of the query is evaluated client-side; beyond that ``UnsupportedError``.

        Requests: none.
        """
        return self._with_policy(max_scan=number_of_rows("max_scan()", rows))

    def page_size(self, rows: int) -> Self:
        """How many rows to ask for in a page, if the paginator allows it.

        Requests: none.
        """
        return self._with_policy(page_size=number_of_rows("page_size()", rows))

    def concurrency(self, requests: int) -> Self:
        """How many requests are in flight at a time in ``update``, ``delete``, ``in_bulk`` and the ``bulk_`` methods: 8,
        unless this says otherwise. With 1 they are sent one after the other: ``users.filter(...).concurrency(1).update(...)``.

        Raises: ``ValueError`` for less than one.
        Requests: none.
        """
        if not 1 <= requests <= MOST_ROWS:
            raise ValueError(f"concurrency() takes a number of requests, at least 1, not {requests}")
        return self._with_policy(concurrency=requests)

    def timeout(self, seconds: float) -> Self:
        """The time for each call, its retries and waits included, instead of the client's: ``objects.timeout(5).get(id=1)``.
        A query that reads several pages has it for each. It also holds for the instances that the query gives.

        Raises: ``ValueError`` for anything but a number of seconds.
        Requests: none.
        """
        return self._with_policy(timeout=number_of_seconds("timeout()", seconds))

    def coalesce(self, together: bool = True) -> Self:
        """Whether rows that one turn of the event loop gets by their keys, each with a ``get(id=...)`` of its own, are read
        together: in one request for a hundred of them, in the place of one for each. The client's setting of that name holds
        for queries that do not say it.

        It is done where the endpoint has proved that it makes no difference: its list filters by ``id__in`` and shows a row as
        the row's own URL does, which names no version. What does not come is asked for by itself.

        Raises: ``ConfigurationError`` for a synchronous query.
        Requests: none. In the beginning the proof takes a few more at each endpoint.
        """
        if together and not hasattr(self, "__aiter__"):
            raise ConfigurationError("coalesce() is for asynchronous queries: synchronous ones do not wait together")
        return self._with_policy(coalesce=bool(together))

    def expect(self, rows: int) -> Self:
        """``update`` and ``delete`` raise ``CountMismatchError``, and write nothing, unless exactly this many rows match.

        Requests: none.
        """
        clone = self._clone()
        clone._expected = number_of_rows("expect()", rows)
        return clone

    def on_invalid(self, policy: Literal["raise", "skip"], report: Callable[[RowError], object] | None = None) -> Self:
        """Whether a row that does not fit the schema raises pydantic's ``ValidationError`` (``"raise"``), or is left out and
        passed to ``report`` as a ``RowError`` (``"skip"``).

        Rows are left out wherever they become objects or values: iteration, ``first``, ``last``, ``[3]``, ``values``,
        ``in_bulk``; of ``values`` and ``values_list`` where a field that is asked for does not fit. ``count``, ``exists`` and
        slices refer to the server's rows, so ``[:10]`` may give fewer than ten; what asks for one row (``get``, ``latest``,
        ``earliest``, ``create``) raises.

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        if policy not in ("raise", "skip"):
            raise ValueError(f'on_invalid must be "raise" or "skip", not {policy!r}')
        clone = self._clone()
        clone._invalid, clone._report = policy, report
        return clone

    def explain(self, rows: int | None = None) -> Explanation:
        """What the query will do: what the server is asked, what is evaluated client-side and why, and how many requests that
        takes if the server has ``rows`` rows.

        Raises: ``InvalidRequestError`` for an invalid query.
        Requests: none.
        """
        rows = None if rows is None else number_of_rows("explain()", rows)
        text, pushed, local, guards, _ = self._endpoint.explain(self._row_plan, rows)
        relations = reached(self.model, self._prefetches)
        related = {name: relation.explained(self._client) for name, relation in relations.items()}
        explanation = Explanation("\n".join([text, *(f"  {name}: {how}" for name, how in related.items())]))
        explanation.related = related
        explanation.pushed, explanation.local, explanation.checked = pushed, local, guards
        explanation._of_keys = lambda name, keys: relations[name].requests(keys, self._client)
        explanation._requests = lambda count: self._endpoint.explain(self._row_plan, count)[4]
        return explanation


def number_of_rows(where: str, number: int) -> int:
    if not 0 <= number <= MOST_ROWS:
        raise ValueError(f"{where} takes a number of rows, not {number}")
    return number
