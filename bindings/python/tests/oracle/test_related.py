"""Random querysets over relations, compared with Django's own ORM on the same rows: which rows, in which order, with which
related rows, and in how many requests.
"""

from __future__ import annotations

import asyncio
import json
import random
import warnings
from typing import Any

import django_api_orm as orm
import pytest
from conftest import TOKEN
from contract.site import settle
from library import FORMS, Library

from .test_oracle import CASES, Refused, oracle, queryset

#: How many of a hundred querysets may be refused. Where rows are named by a slug, filters across the relation are the server's.
REFUSED, REFUSED_BY_SLUG = 20, 70

Draw = random.Random


def lookup(draw: Draw) -> list[Any]:
    number = draw.randint(1, 12)
    return draw.choice(
        [
            ["writer__name", f"Writer {number}"],
            ["writer__name__in", [f"Writer {n}" for n in draw.sample(range(1, 13), 3)]],
            ["writer__country", draw.choice(["FR", "IT", "DE"])],
            ["editor__name", f"Writer {number}"],
            ["editor__name__startswith", "Writer 1"],
            ["editor__country", draw.choice(["FR", "IT"])],
            ["editor__name__isnull", draw.choice([True, False])],
            ["editor__isnull", draw.choice([True, False])],
            ["editor", number],
            ["genres__name", draw.choice(["essay", "novel", "poem", "play"])],
            ["writer__edited__title", f"Book {draw.randint(1, 60)}"],
            ["id__lte", draw.randint(1, 60)],
            ["title", f"Book {draw.randint(1, 60)}"],
        ]
    )


def tree(draw: Draw, depth: int = 2) -> list[Any]:
    kind = draw.choice(["one", "one", "and", "or", "not"]) if depth else "one"
    if kind == "one":
        return lookup(draw)
    return [kind, *(tree(draw, depth - 1) for _ in range(1 if kind == "not" else 2))]


def names_in(part: Any, *, negated: bool = False) -> list[tuple[str, bool]]:
    """The lookups in a part of a queryset, each with whether it is negated."""
    match part:
        case ["and" | "or" | "filter", *parts]:
            return [found for each in parts for found in names_in(each, negated=negated)]
        case ["not" | "exclude", each]:
            return names_in(each, negated=True)
        case [str(name), _]:
            return [(name, negated)]
    return []


def the_orm_errs(described: dict[str, Any]) -> bool:
    """Whether Django's own SQL is wrong. A negated filter through a to-many relation, beside another that joins its rows, is
    correlated with the wrong column (`U2.id = T3.id` in `exclude(Q(writer__name=..) & ~Q(writer__edited__title=..))`). And
    beside `isnull` one is compared with null though no row is related (`exclude(editor__isnull=True, editor__country="FR")`).
    """
    found = [each for step in described["steps"] for each in names_in(step)]
    many = "writer__edited__title"
    joined = any(name.startswith("writer__") and name != many for name, _ in found)
    negated = {name for name, is_negated in found if is_negated and name.startswith("editor__")}
    of_null = {name for name in negated if name.endswith("__isnull")}
    return ((many, True) in found and joined) or bool(of_null and negated - of_null)


ORDERS = ("writer__name", "editor__name", "editor__country", "writer__country", "title", "id")


def describe(draw: Draw) -> dict[str, Any]:
    steps: list[list[Any]] = [
        [draw.choice(["filter", "filter", "exclude"]), tree(draw)] for _ in range(draw.choice([0, 1, 1, 2]))
    ]
    if draw.random() < 0.7:
        names = draw.sample(ORDERS, draw.randint(1, 2))
        steps.append(["order_by", [f"{draw.choice(['', '-'])}{name}" for name in names] + ["id"]])
        if draw.random() < 0.3:
            steps.append(["reverse", None])
    else:
        steps.append(["order_by", ["id"]])
    if draw.random() < 0.3:
        start = draw.randint(0, 12)
        steps.append(["slice", [start, start + draw.randint(1, 25)]])
    names = draw.sample(["id", "title", "writer__name", "editor__name", "editor__country", "writer__slug"], 3)
    ends: list[list[Any]] = [["list"], ["count"], ["exists"], ["first"], ["tree"], ["tree"], ["values_list", ["id", *names]]]
    return {"of": "Book", "steps": steps, "end": draw.choice(ends)}


async def related(rows: Any) -> list[Any]:
    """The rows with what they point at, fetched as Django's ORM is told to."""
    rows = rows.select_related("writer", "editor").prefetch_related("genres", "writer__edited")
    trees = []
    for book in await settle(rows):
        writer, editor = await settle(book.writer), await settle(book.editor)
        genres = [[genre.id, genre.name] for genre in await settle(book.genres.all())]
        edited = sorted([other.id for other in await settle(writer.edited.all())])
        trees.append([book.id, [writer.id, writer.name], editor and [editor.id, editor.name], genres, edited])
    return trees


async def ask(model: Any, described: dict[str, Any]) -> Any:
    rows = queryset(model, described)
    name, *arguments = described["end"]
    match name:
        case "list":
            return [row.id for row in await settle(rows)]
        case "count" | "exists":
            return await settle(getattr(rows, name)())
        case "first":
            row = await settle(rows.first())
            return row and row.id
        case "values_list":
            return [list(row) for row in await settle(rows.values_list(*arguments[0]))]
    return await related(rows)


async def requests(client: Any, rows: Any) -> str | None:
    """Whether another number of requests is made for the rows and what they point at than `explain` says."""
    rows = rows.prefetch_related("writer", "editor", "genres")
    says = rows.explain()
    before = client.stats.requests
    books = await settle(rows)
    made = client.stats.requests - before
    different = {
        name: len({getattr(book, f"{name}_id") for book in books if getattr(book, f"{name}_id") is not None})
        for name in ("writer", "editor")
    }
    different["genres"] = len({genre.id for book in books for genre in await settle(book.genres.all())})
    if books and isinstance(books[0].raw()["writer"], dict):
        # Shown whole, so that none is asked for.
        different |= {"writer": 0, "genres": 0}
    told = None if says.local else says.requests(len(books), **different)
    return None if told in (None, made) else f"{made} requests, but explain() says {told}: {says}"


def library(kind: str, form: str, site: Any) -> tuple[Any, Any]:
    """The books, by a client that knows nothing of the endpoints yet."""
    client = (orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient)(site.base_url, auth_token=TOKEN)
    models = Library(kind, form)
    (orm.register_models if kind == "sync" else orm.register_async_models)(client, *models.every)
    return client, models.Book


async def disagreement(site: Any, client: Any, model: Any, described: dict[str, Any]) -> str | None:
    right = oracle(site, described)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", orm.IgnoredWarning)
            answer = await ask(model, described)
            if answer != right:
                return f"{answer!r}, but the ORM answers {right!r}"
            return await requests(client, queryset(model, described)) if described["end"] == ["tree"] else None
    except orm.UnsupportedError as error:
        raise Refused from error


async def compare(site: Any, kind: str, form: str, cases: int) -> None:
    draw = random.Random(f"{kind} {form}")
    refused = 0
    for case in range(cases):
        if case % 5 == 0:
            client, model = library(kind, form, site)
        described = describe(draw)
        if the_orm_errs(described):
            continue
        try:
            wrong = await disagreement(site, client, model, described)
        except Refused:
            refused += 1
            continue
        assert wrong is None, f"{form}: {json.dumps(described)}\n{wrong}"
    most = REFUSED_BY_SLUG if form == "-slug" else REFUSED
    assert refused * 100 <= most * cases + 300, f"{refused} of {cases} querysets were refused"


@pytest.mark.parametrize("form", FORMS)
def test_querysets_over_relations_give_what_the_orm_gives(drf, form):
    asyncio.run(compare(drf, "sync", form, CASES if form == "" else CASES // 2))


def test_asynchronous_querysets_over_relations_give_what_the_orm_gives(drf):
    asyncio.run(compare(drf, "async", "", CASES // 2))
