"""Values of related rows: ``values("author__name")``. Which rows have to be asked for, and what is made of them.

Nothing here sends a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from ._engine import Plan, related
from ._json import to_json
from ._relation_bound import Bound, client_of_target
from ._relation_fields import ToRows
from ._relation_joins import head_of, relation_at

if TYPE_CHECKING:
    from ._client import BaseClient
    from ._engine import Operation

Row = tuple[Any, ...]
#: Reads rows, the first of which has this index, and leaves out those that do not fit.
Valid = Callable[[list[bytes], int, Callable[[bytes], Any]], tuple[list[Any], list[bytes]]]


class Across:
    """Values of a model's rows by their names, some of which are those of related rows."""

    def __init__(self, model: type[Any], client: BaseClient, names: tuple[str, ...]) -> None:
        self.model = model
        self.client = client
        self.count = len(names)
        behind: dict[str, dict[int, str]] = {}
        own: dict[int, str] = {}
        for place, name in enumerate(names):
            head, _, rest = name.partition("__")
            if relation_at(model, name) is None:
                own[place] = name
            else:
                behind.setdefault(head, {})[place] = rest
        self.places = tuple(own)
        self.joins = [Joined(getattr(model, head), client, names) for head, names in behind.items()]
        #: The row's own values, and then the references.
        self.own = (*own.values(), *(join.relation.field for join in self.joins if isinstance(join.relation, ToRows)))
        self.rows: list[Row] = []

    def check(self, plan: Plan, before: str = "") -> Across:
        """Refuses names that would give rows several times, where it depends on the query how often. ``before``: how the path
        to this model begins.

        Raises: ``UnsupportedError``.
        """
        for join in self.joins:
            path = before + head_of(join.relation)
            if join.relation.many:
                plan.check_repeated(path)
            join.below.check(plan, path + "__")
        return self

    def read(self, rows: list[bytes], valid: Valid | None = None) -> None:
        """Takes the rows' own values. ``valid`` reads the rows, and leaves out those that do not fit."""
        if self.own:
            info = self.model._info()
            columns = info.columns(self.own)
            objects, rows = valid(rows, 0, columns.read) if valid else (info.rows(rows, 0, columns.read), rows)
            self.rows = columns.tuples(objects, rows)
        else:
            self.rows = [() for _ in rows]
        references = len(self.places)
        for join in self.joins:
            shown: list[Any] = []
            if isinstance(join.relation, ToRows):
                shown = [row[references] for row in self.rows]
                references += 1
            join.begin(rows, shown)

    def operations(self) -> Iterator[tuple[Operation, list[Joined]]]:
        """What asks for the related rows that are not shown: one operation for each client."""
        by_client: dict[int, list[Joined]] = {}
        for join in self.joins:
            if join.asks:
                by_client.setdefault(id(join.client), []).append(join)
        for joins in by_client.values():
            yield related([join.part() for join in joins]), joins

    def tuples(self) -> list[list[Row]]:
        """Of each row its values: several times where a relation is to several rows."""
        made: list[list[Row]] = []
        for at, row in enumerate(self.rows):
            values: list[Any] = [None] * self.count
            for place, value in zip(self.places, row):  # noqa: B905
                values[place] = value
            each: list[Row] = []
            for chosen in product(*(join.of(at) for join in self.joins)):
                for join, behind in zip(self.joins, chosen):  # noqa: B905
                    for place, value in zip(join.places, behind):  # noqa: B905
                        values[place] = value
                each.append(tuple(values))
            made.append(each)
        return made


class Joined:
    """Values behind one relation."""

    def __init__(self, relation: Bound, client: BaseClient, names: dict[int, str]) -> None:
        self.relation = relation
        self.client = client_of_target(client, relation.target)
        self.places = tuple(names)
        self.below = Across(relation.target, self.client, tuple(names.values()))
        #: The rows whose related rows are asked for; the related rows, and which of them are those of each row.
        self.sources: list[bytes] = []
        self.rows: list[bytes] = []
        self.of_row: list[list[int]] = []
        self._shown: list[Any] = []
        self._made: list[list[Row]] = []

    @property
    def asks(self) -> bool:
        """Whether related rows have to be asked for."""
        return bool(self.sources)

    def begin(self, rows: list[bytes], shown: list[Any]) -> None:
        """Takes the rows, and what each shows of the related one. Values that are all shown are not asked for."""
        self._shown = shown
        if shown and not self.relation.many and self._are_shown(shown):
            objects = [each for each in shown if each is not None]
            self.rows = [to_json(each) for each in objects]
            places = iter(range(len(objects)))
            self.of_row = [[] if each is None else [next(places)] for each in shown]
        else:
            self.sources = rows

    def _are_shown(self, shown: list[Any]) -> bool:
        info = self.relation.target._info()
        if self.below.joins or not info.columns(self.below.own).as_dictionaries:
            return False
        names = {name.partition("__")[0] for name in self.below.own}
        wire = {info.pk_wire if name == "pk" else info.wire.get(name, name) for name in names}
        return all(each is None or (isinstance(each, dict) and wire <= each.keys()) for each in shown)

    def part(self) -> Any:
        """What the engine is told to fetch."""
        return self.relation.part_of(self.sources, self.client._endpoint(self.relation.target), Plan())

    def take(self, rows: list[bytes], of_row: list[list[int]]) -> None:
        """Takes the related rows.

        Raises: the target's ``DoesNotExist`` for one that a row points at, and that is not there.
        """
        self.rows, self.of_row = rows, of_row
        relation = self.relation
        if relation.many or not isinstance(relation, ToRows):
            return
        for shown, own in zip(self._shown, of_row):  # noqa: B905
            if shown is not None and not own:
                raise relation.missing(shown)

    def made(self, below: list[list[Row]]) -> None:
        """Takes the values of the related rows."""
        self._made = below

    def of(self, at: int) -> list[Row]:
        """The values behind the relation for the row at this place; nulls where nothing is related."""
        found = [values for place in self.of_row[at] for values in self._made[place]]
        return found or [(None,) * len(self.places)]


def across(model: type[Any], client: BaseClient, names: tuple[str, ...], plan: Plan) -> Across | None:
    """The values by these names, if one of them is behind a relation.

    Raises: ``UnsupportedError`` for names that would give rows several times, where it depends on the query how often.
    """
    if not any(relation_at(model, name) for name in names):
        return None
    return Across(model, client, names).check(plan)
