"""Random querysets through the package over HTTP, compared with Django's own ORM on the same rows.

The reference site has one table with a column of every kind behind each paginator, with every filter, a few and none. What
comes back must be the ORM's answer, or an `UnsupportedError` where the rows do not tell. `ORACLE_CASES` is the number of
querysets for each endpoint; a case that fails is shortened before it is shown.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import urllib.request
import uuid
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import django_api_orm as orm
import pytest
from conftest import TOKEN
from django_api_orm import Q
from pydantic import BaseModel

from .described import ENDS, PAIRS, SORTED, Description, cases, smaller, typed

CASES = int(os.environ.get("ORACLE_CASES", "32"))
PAGINATORS = ("limitoffset", "pagenumber", "cursor", "plain")
#: How many of a hundred querysets may be refused, by what the server filters by.
REFUSED = {"all": 12, "few": 30, "off": 30}


class Mark(BaseModel):
    id: int
    name: str


class SpecimenSchema(BaseModel):
    id: int | None = None
    label: str
    slug: str
    number: int | None = None
    ratio: float | None = None
    price: Decimal | None = None
    day: datetime.date | None = None
    moment: datetime.datetime | None = None
    span: datetime.timedelta | None = None
    clock: datetime.time | None = None
    code: uuid.UUID | None = None
    grade: str | None = None
    sound: bool | None = None
    extra: Any = None
    maker: uuid.UUID | None = None
    team: str | None = None
    origin: Mark | None = None
    marks: list[int] = []


def specimens(kind: str, endpoint: str, site: Any) -> Any:
    """The model, by a client that knows nothing of the endpoint yet."""
    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel
    model = type("Specimen", (base,), {"_schema_class": SpecimenSchema, "_endpoint": f"/api/v1/specimens/{endpoint}/"})
    client = orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient
    register = orm.register_models if kind == "sync" else orm.register_async_models
    register(client(base_url=site.base_url, auth_token=TOKEN), model)
    return model


def condition(described: list[Any]) -> Q:
    kind, *rest = described
    if kind == "not":
        return ~condition(rest[0])
    if kind not in ("and", "or"):
        return Q(**{kind: typed(kind, rest[0])})
    joined = condition(rest[0])
    for one in rest[1:]:
        joined = joined & condition(one) if kind == "and" else joined | condition(one)
    return joined


def queryset(model: Any, described: Description) -> Any:
    rows = model.objects.all()
    for name, argument in described["steps"]:
        if name in ("filter", "exclude"):
            rows = getattr(rows, name)(condition(argument))
        elif name == "order_by":
            rows = rows.order_by(*argument)
        elif name == "reverse":
            rows = rows.reverse()
        else:
            rows = rows[slice(*argument)]
    return rows


def plain(value: Any) -> Any:
    """A value as the oracle spells it: what JSON has not, as Python's text."""
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


async def ask(model: Any, described: Description, settle: Any) -> Any:
    """What the package answers, in the form of the oracle's answers; an error for what it refuses."""
    rows = queryset(model, described)
    name, *arguments = described["end"]
    try:
        match name:
            case "list":
                return [row.id for row in await settle(rows)]
            case "count" | "exists":
                return await settle(getattr(rows, name)())
            case "first" | "last":
                row = await settle(getattr(rows, name)())
                return row and row.id
            case "get":
                return (await settle(rows.get(id=arguments[0]))).id
            case "in_bulk":
                return sorted(await settle(rows.in_bulk(arguments[0])))
            case "values_list":
                return [[plain(value) for value in row] for row in await settle(rows.values_list(*arguments[0]))]
            case _:
                return (await settle(getattr(rows, name)(*arguments[0]))).id
    except model.DoesNotExist:
        return None


async def _sync(result: Any) -> Any:
    return list(result) if isinstance(result, orm.QuerySet) else result


async def _asynchronous(result: Any) -> Any:
    return await result


SETTLE = {"sync": _sync, "async": _asynchronous}


def oracle(site: Any, described: Description) -> Any:
    request = urllib.request.Request(f"{site.base_url}/oracle/", json.dumps(described).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["answer"]


class Refused(Exception):
    """The package says that it cannot evaluate this."""


async def disagreement(site: Any, model: Any, described: Description, settle: Any) -> str | None:
    right = oracle(site, described)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", orm.IgnoredWarning)
            answer = await ask(model, described, settle)
    except orm.UnsupportedError as error:
        raise Refused from error
    except Exception as error:
        return f"{type(error).__name__}: {error}, but the ORM answers {right!r}"
    return None if answer == right else f"{answer!r}, but the ORM answers {right!r}"


async def shortened(site: Any, kind: str, endpoint: str, described: Description) -> Description:
    """The shortest description found that fails by a client of its own."""
    for candidate in smaller(described):
        try:
            fails = await disagreement(site, specimens(kind, endpoint, site), candidate, SETTLE[kind])
        except (Refused, OSError):
            continue
        if fails:
            return await shortened(site, kind, endpoint, candidate)
    return described


def described_by(kind: str, endpoint: str, number: int) -> Iterator[Description]:
    """The paginators share the lookups, so that there is each of them for each set of filters."""
    return cases(f"{kind} {endpoint}", number, number * PAGINATORS.index(endpoint.partition("-")[0]))


async def compare(site: Any, kind: str, endpoint: str, number: int) -> None:
    refused = 0
    model = specimens(kind, endpoint, site)
    for case, described in enumerate(described_by(kind, endpoint, number)):
        if case % 5 == 0:
            model = specimens(kind, endpoint, site)
        try:
            wrong = await disagreement(site, model, described, SETTLE[kind])
        except Refused:
            refused += 1
            continue
        if wrong:
            short = await shortened(site, kind, endpoint, described)
            pytest.fail(f"{endpoint}: {json.dumps(described)}\n{wrong}\nshortened: {json.dumps(short)}")
    allowed = REFUSED[endpoint.rpartition("-")[2]]
    assert refused * 100 <= allowed * number + 300, f"{refused} of {number} querysets were refused"


ENDPOINTS = [f"{paginator}-{filters}" for paginator in PAGINATORS for filters in ("all", "few", "off")]


def lookups_in(described: Any) -> Iterator[str]:
    kind, *rest = described
    if kind not in ("and", "or", "not"):
        yield kind
        return
    for part in rest:
        yield from lookups_in(part)


@pytest.mark.parametrize("filters", ["all", "few", "off"])
def test_every_lookup_of_every_column_is_drawn(filters):
    """Each of them, each end and each step, for each set of filters that the server has."""
    drawn, ends, steps, shapes = set(), set(), set(), set()
    for endpoint in ENDPOINTS:
        if not endpoint.endswith(filters):
            continue
        for described in described_by("sync", endpoint, 32):
            ends.add(described["end"][0])
            for name, argument in described["steps"]:
                steps.add(name)
                if name in ("filter", "exclude"):
                    shapes.add((name, argument[0] if argument[0] in ("and", "or", "not") else "one"))
                    for lookup in lookups_in(argument):
                        column, _, operation = lookup.rpartition("__")
                        known = (column, operation) in PAIRS
                        drawn.add((column, operation) if known else (lookup, "exact"))
                if name == "order_by":
                    shapes.update((name, key) for key in argument)
    assert drawn == set(PAIRS), set(PAIRS) - drawn
    assert ends == set(ENDS) and steps == {"filter", "exclude", "order_by", "reverse", "slice"}
    assert {(name, kind) for name in ("filter", "exclude") for kind in ("one", "and", "or", "not")} <= shapes
    # Up and down, with nulls.
    assert {("order_by", sign + column) for sign in ("", "-") for column in SORTED} <= shapes


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_querysets_give_what_the_orm_gives(drf, endpoint):
    asyncio.run(compare(drf, "sync", endpoint, CASES))


@pytest.mark.parametrize("endpoint", ["limitoffset-all", "cursor-few", "pagenumber-off"])
def test_asynchronous_querysets_give_what_the_orm_gives(drf, endpoint):
    asyncio.run(compare(drf, "async", endpoint, CASES // 3))
