"""Filters that cross a relation, on the reference site: the server's where it takes them, else by keys of related rows."""

from __future__ import annotations

import django_api_orm as orm
import pytest
from contract.site import settle, stream
from django_api_orm import Q
from library import BOOKS, WRITERS, editor_of, genres_of, writer_of
from test_relations import both, place  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
by_key = pytest.mark.parametrize("form", ["", "-url", "-nested"])


def named(key):
    return None if key is None else f"Writer {key}"


#: Filters, and what each says of a book, as Django has it: a negation holds where nothing is related.
CASES = {
    "one": (lambda books: books.filter(writer__name="Writer 3"), lambda book: writer_of(book) == 3),
    "taken": (lambda books: books.filter(writer__country="IT"), lambda book: writer_of(book) % 3 == 0),
    "null": (lambda books: books.filter(editor__name="Writer 3"), lambda book: editor_of(book) == 3),
    "not": (lambda books: books.exclude(editor__name="Writer 3"), lambda book: editor_of(book) != 3),
    "not taken": (lambda books: books.exclude(writer__country="IT"), lambda book: writer_of(book) % 3 != 0),
    "or": (lambda books: books.filter(Q(writer__name="Writer 3") | Q(id=1)), lambda book: writer_of(book) == 3 or book == 1),
    "and": (
        lambda books: books.filter(writer__name__in=["Writer 2", "Writer 3"], editor__country="IT"),
        lambda book: writer_of(book) in (2, 3) and editor_of(book) is not None and editor_of(book) % 3 == 0,
    ),
    "is null": (lambda books: books.filter(editor__name__isnull=True), lambda book: editor_of(book) is None),
    "is not null": (lambda books: books.filter(editor__name__isnull=False), lambda book: editor_of(book) is not None),
    "not null": (lambda books: books.exclude(editor__name=None), lambda book: editor_of(book) is not None),
    "none": (lambda books: books.filter(writer__name="Nobody"), lambda book: False),
    "all": (lambda books: books.exclude(writer__name="Nobody"), lambda book: True),
    "list": (lambda books: books.filter(genres__name="novel"), lambda book: 2 in genres_of(book)),
    "not in the list": (lambda books: books.exclude(genres__name="novel"), lambda book: 2 not in genres_of(book)),
    "key": (lambda books: books.filter(writer__id=3), lambda book: writer_of(book) == 3),
    "further": (
        lambda books: books.filter(writer__edited__title="Book 4"),
        lambda book: writer_of(book) == editor_of(4),
    ),
}


@both
@by_key
@pytest.mark.parametrize("case", CASES)
async def test_the_rows_are_those_that_django_gives(place, kind, form, case):  # noqa: F811
    ask, holds = CASES[case]
    here = place(kind, form)
    expected = [book for book in BOOKS if holds(book)]
    query = ask(here.books.order_by("id"))
    assert [book.id for book in await settle(query)] == expected
    assert await settle(ask(here.books).count()) == len(expected)
    first = await settle(ask(here.books.order_by("id")).first())
    assert (first and first.id) == (expected[0] if expected else None)
    assert sorted([book.id async for book in stream(ask(here.books))]) == expected


@both
async def test_the_other_way_round(place, kind):  # noqa: F811
    here = place(kind)
    writers = here.models.Writer.objects
    found = await settle(writers.filter(books__title="Book 5"))
    assert [writer.id for writer in found] == [writer_of(5)]
    without = await settle(writers.exclude(edited__title__in=["Book 4", "Book 5"]))
    assert {writer.id for writer in without} == {*WRITERS} - {editor_of(4), editor_of(5)}
    assert await settle(here.models.Genre.objects.filter(books__title="Book 1").count()) == 1


@both
async def test_what_it_costs_and_explain_says(place, kind):  # noqa: F811
    here = place(kind)
    query = here.books.filter(writer__name="Writer 3")
    assert "unless the server is seen to take it" in query.explain().local[-1]
    await settle(query)
    here.cost()
    assert len(await settle(query.all())) == 6
    # The writer by its name, which the server ignores, so a page of writers; and the books.
    assert here.cost() == 2
    says = query.all().explain()
    assert says.local[-1].startswith("writer__name: the rows of `Writer` are asked for first")
    assert says.requests(60) is None
    # What the server takes is sent, and costs what another filter costs.
    await settle(here.books.filter(writer__country="IT"))
    here.cost()
    await settle(here.books.filter(writer__country="IT"))
    assert here.cost() == 1


@both
async def test_what_cannot_be_told_is_an_error(place, kind):  # noqa: F811
    here = place(kind, "-slug")
    with pytest.raises(orm.UnsupportedError, match="by another field than the key"):
        await settle(here.books.filter(writer__name="Writer 3"))
    here = place(kind)
    with pytest.raises(orm.UnsupportedError, match="may be meant for the same one"):
        await settle(here.books.filter(genres__name="novel").exclude(genres__name="play"))
    with pytest.raises(orm.UnsupportedError, match="across a relation to several rows"):
        await settle(here.books.filter(genres__name=None))


@both
async def test_writes_are_held_to_it(place, kind, drf):  # noqa: F811
    here = place(kind)
    try:
        changed = await settle(here.books.filter(writer__name="Writer 3").update(title="Changed"))
        assert changed == 6
        titles = {book.id: book.title for book in await settle(here.books.all())}
        assert {key for key, title in titles.items() if title == "Changed"} == {b for b in BOOKS if writer_of(b) == 3}
    finally:
        drf.reset()
