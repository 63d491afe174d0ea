# Generated from _building.py by scripts/generate.py: change that file, and run `make generate`.
"""How managers start a query: the methods of ``Building``, on a new queryset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeVar

from ._building import Building, Explanation, OnDrift, OnIgnored, OnNPlusOne, OnUnsaved
from ._prefetching import Prefetch
from .exceptions import RowError
from .q import Q

Query = TypeVar("Query", bound=Building[Any])
Query_co = TypeVar("Query_co", bound=Building[Any], covariant=True)


class Gives(Protocol[Query_co]):
    """A manager, by the class of its querysets."""

    def get_queryset(self) -> Query_co: ...


class Starting:
    """The methods that describe rows."""

    def all(self: Gives[Query]) -> Query:
        """A new query for the same rows.

        Requests: none.
        """
        return self.get_queryset().all()

    def none(self: Gives[Query]) -> Query:
        """No rows and no request, whatever is chained to the query.

        Requests: none.
        """
        return self.get_queryset().none()

    def filter(self: Gives[Query], *args: Q, **kwargs: Any) -> Query:
        """Only the rows for which every lookup holds: ``filter(age__gte=18)``, ``filter(Q(a=1) | Q(b=2))``.

        A value may be a date, a number, a UUID, ``None``, an instance of a model (its key), or for ``in`` any iterable.

        Raises: ``TypeError`` or ``ValueError`` for a value without a JSON form. A mistake such as a filter after a slice is
        raised by the first request, before it is sent: ``InvalidRequestError``.
        Requests: none.
        """
        return self.get_queryset().filter(*args, **kwargs)

    def exclude(self: Gives[Query], *args: Q, **kwargs: Any) -> Query:
        """Only the rows for which the lookups do not all hold, with Django's rules for nulls. As ``filter``.

        Requests: none.
        """
        return self.get_queryset().exclude(*args, **kwargs)

    def order_by(self: Gives[Query], *fields: str) -> Query:
        """In this order, instead of any earlier one: ``order_by("name", "-created_at")``.

        Raises: ``TypeError`` for anything but names.
        Requests: none.
        """
        return self.get_queryset().order_by(*fields)

    def reverse(self: Gives[Query]) -> Query:
        """In the opposite order. Without an ordering every page is read, and the rows are reversed.

        Requests: none.
        """
        return self.get_queryset().reverse()

    def search(self: Gives[Query], words: str) -> Query:
        """Only the rows that the server's search finds (DRF's ``SearchFilter``). It cannot be checked on the rows.

        Requests: none.
        """
        return self.get_queryset().search(words)

    def parameters(self: Gives[Query], **parameters: Any) -> Query:
        """Sends query parameters as they are. What they do to the answer cannot be checked on the rows.

        Requests: none.
        """
        return self.get_queryset().parameters(**parameters)

    def prefetch_related(self: Gives[Query], *lookups: str | Prefetch | None) -> Query:
        """Fetches related rows with the rows: ``prefetch_related("author", "author__team", Prefetch("comments", queryset))``.
        With ``None`` none.

        Raises: ``InvalidRequestError`` for a name that is no relation; ``TypeError`` for a queryset of another model.
        Requests: none. When the rows are fetched, for each relation one for each 100 different keys, the relations of one level
        at the same time; ``iterator`` does so page by page.
        """
        return self.get_queryset().prefetch_related(*lookups)

    def select_related(self: Gives[Query], *names: str | None) -> Query:
        """Fetches the rows that each row points at: ``select_related("author", "author__team")``; without names all of them,
        with ``None`` none.

        Where the model declares an ``_expand_parameter``, the server is asked to show them in the rows. What it does not show
        whole is fetched as by ``prefetch_related``.

        Raises: ``InvalidRequestError`` for a name that is no relation, or one to several rows.
        Requests: none. When the rows are fetched, as ``prefetch_related``; none where the server shows them.
        """
        return self.get_queryset().select_related(*names)

    def on_ignored(self: Gives[Query], policy: OnIgnored) -> Query:
        """What to do when the server ignores a filter or an ordering: apply it client-side (``"local"``), raise
        ``IgnoredError`` (``"error"``), or trust the server and take the rows as they come (``"trust"``).

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        return self.get_queryset().on_ignored(policy)

    def on_drift(self: Gives[Query], policy: OnDrift) -> Query:
        """What to do when rows move while the pages are read: ``"warn"``, ``"error"`` or ``"ignore"``.

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        return self.get_queryset().on_drift(policy)

    def on_unsaved(self: Gives[Query], policy: OnUnsaved) -> Query:
        """What to do when the answer to a write shows that the server did not keep a value: ``"error"`` (``UnsavedError``),
        ``"warn"`` or ``"ignore"``. It also holds for ``save()`` of the instances that the query gives.

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        return self.get_queryset().on_unsaved(policy)

    def on_n_plus_one(self: Gives[Query], policy: OnNPlusOne) -> Query:
        """What to do when a related row is asked for on one of many rows that were read together: fetch it for all of them
        (``"batch"``), do so with an ``NPlusOneWarning`` at the program's line (``"warn"``), or raise ``InvalidRequestError``
        (``"error"``). The client's setting of that name holds for queries that do not say it.

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        return self.get_queryset().on_n_plus_one(policy)

    def max_scan(self: Gives[Query], rows: int) -> Query:
        """The most rows that are read when part of the query is evaluated client-side; beyond that ``UnsupportedError``.

        Requests: none.
        """
        return self.get_queryset().max_scan(rows)

    def page_size(self: Gives[Query], rows: int) -> Query:
        """How many rows to ask for in a page, if the paginator allows it.

        Requests: none.
        """
        return self.get_queryset().page_size(rows)

    def concurrency(self: Gives[Query], requests: int) -> Query:
        """How many requests are in flight at a time in ``update``, ``delete``, ``in_bulk`` and the ``bulk_`` methods: 8,
        unless this says otherwise. With 1 they are sent one after the other: ``users.filter(...).concurrency(1).update(...)``.

        Raises: ``ValueError`` for less than one.
        Requests: none.
        """
        return self.get_queryset().concurrency(requests)

    def timeout(self: Gives[Query], seconds: float) -> Query:
        """The time for each call, its retries and waits included, instead of the client's: ``objects.timeout(5).get(id=1)``.
        A query that reads several pages has it for each. It also holds for the instances that the query gives.

        Raises: ``ValueError`` for anything but a number of seconds.
        Requests: none.
        """
        return self.get_queryset().timeout(seconds)

    def coalesce(self: Gives[Query], together: bool = True) -> Query:
        """Whether rows that one turn of the event loop gets by their keys, each with a ``get(id=...)`` of its own, are read
        together: in one request for a hundred of them, in the place of one for each. The client's setting of that name holds
        for queries that do not say it.

        It is done where the endpoint has proved that it makes no difference: its list filters by ``id__in`` and shows a row as
        the row's own URL does, which names no version. What does not come is asked for by itself.

        Raises: ``ConfigurationError`` for a synchronous query.
        Requests: none. In the beginning the proof takes a few more at each endpoint.
        """
        return self.get_queryset().coalesce(together)

    def expect(self: Gives[Query], rows: int) -> Query:
        """``update`` and ``delete`` raise ``CountMismatchError``, and write nothing, unless exactly this many rows match.

        Requests: none.
        """
        return self.get_queryset().expect(rows)

    def on_invalid(
        self: Gives[Query], policy: Literal["raise", "skip"], report: Callable[[RowError], object] | None = None
    ) -> Query:
        """Whether a row that does not fit the schema raises pydantic's ``ValidationError`` (``"raise"``), or is left out and
        passed to ``report`` as a ``RowError`` (``"skip"``).

        Rows are left out wherever they become objects or values: iteration, ``first``, ``last``, ``[3]``, ``values``,
        ``in_bulk``; of ``values`` and ``values_list`` where a field that is asked for does not fit. ``count``, ``exists`` and
        slices refer to the server's rows, so ``[:10]`` may give fewer than ten; what asks for one row (``get``, ``latest``,
        ``earliest``, ``create``) raises.

        Raises: ``ValueError`` for any other value.
        Requests: none.
        """
        return self.get_queryset().on_invalid(policy, report)

    def explain(self: Gives[Query], rows: int | None = None) -> Explanation:
        """What the query will do: what the server is asked, what is evaluated client-side and why, and how many requests that
        takes if the server has ``rows`` rows.

        Raises: ``InvalidRequestError`` for an invalid query.
        Requests: none.
        """
        return self.get_queryset().explain(rows)
