"""Models whose endpoints speak JSON:API, on the reference site with djangorestframework-jsonapi."""

from __future__ import annotations

import json
import types

import django_api_orm as orm
import places
import pytest
from contract.site import settle
from django_api_orm import ForeignKey, ManyToMany, Related
from library import BOOKS, WRITERS, editor_of, genres_of, writer_of
from places import both
from pydantic import BaseModel
from serving import Handler, Loopback


class WriterSchema(BaseModel):
    id: int | None = None
    name: str
    slug: str
    country: str = "FR"


class GenreSchema(BaseModel):
    id: int | None = None
    name: str


def library(kind, expand="include"):
    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

    class Genre(base):
        _schema_class = GenreSchema
        _endpoint = "/api/v1/json-api/genres/"
        _json_api = "genres"

    class Writer(base):
        _schema_class = WriterSchema
        _endpoint = "/api/v1/json-api/writers/"
        _json_api = "writers"
        books = Related("Book", "writer")

    class BookSchema(BaseModel):
        id: int | None = None
        title: str
        writer: ForeignKey[Writer]
        editor: ForeignKey[Writer] | None = None
        genres: ManyToMany[Genre] = []

    class Book(base):
        _schema_class = BookSchema
        _endpoint = "/api/v1/json-api/books/"
        _json_api = "books"
        _expand_parameter = expand

    return types.SimpleNamespace(Book=Book, Writer=Writer, Genre=Genre)


class Place(places.Place):
    def __init__(self, base_url, kind, **declared):
        self.models = library(kind, **declared)
        super().__init__(base_url, kind, vars(self.models).values())
        self.books, self.writers = self.models.Book.objects, self.models.Writer.objects


@pytest.fixture
def place(drf):
    with places.places(lambda kind, **declared: Place(drf.base_url, kind, **declared)) as make:
        yield make


@both
async def test_documents_are_read_as_rows(place, kind):
    here = place(kind)
    books = await settle(here.books.all())
    assert [book.id for book in books] == list(BOOKS)
    assert here.cost() == 3
    for book in books:
        assert (book.title, book.writer_id, book.editor_id) == (f"Book {book.id}", writer_of(book.id), editor_of(book.id))
    book = await settle(here.books.get(id=7))
    assert here.cost() == 1 and (book.title, book.changes()) == ("Book 7", {})
    assert await settle(here.books.count()) == 60
    assert (await settle(here.books.last())).id == 60
    assert [book.id for book in await settle(here.books.all()[25:47])] == list(range(26, 48))
    assert set(await settle(here.books.in_bulk([3, 61]))) == {3}
    with pytest.raises(here.models.Book.DoesNotExist):
        await settle(here.books.get(id=61))
    assert await settle(here.books.filter(id__in=[5, 2]).values_list("id", "title")) == [(2, "Book 2"), (5, "Book 5")]


@both
async def test_filters_orders_and_searches_are_spelt_as_json_api_does(place, kind):
    here = place(kind)

    async def found(query):
        return [book.id for book in await settle(query)]

    assert await found(here.books.filter(title="Book 3")) == [3]
    assert await found(here.books.filter(title__icontains="book 3")) == [3, *range(30, 40)]
    query = here.books.filter(writer=3).order_by("-id")
    assert await found(query) == [book for book in reversed(BOOKS) if writer_of(book) == 3]
    assert query.explain().pushed == [("filter[writer]", "3"), ("sort", "-id")]
    italian = [book for book in BOOKS if writer_of(book) % 3 == 0]
    query = here.books.filter(writer__country="IT")
    assert query.explain().pushed == [("filter[writer.country]", "IT")]
    assert await found(query) == italian
    assert await found(here.books.search("Book 3").order_by("-id")[:2]) == [53, 43]
    assert await found(here.books.exclude(title__icontains="1").order_by("-title")[:2]) == [9, 8]
    by_writer = await found(here.books.order_by("writer__name"))
    assert [writer_of(book) for book in by_writer] == sorted(map(writer_of, BOOKS), key=str)
    with pytest.raises(orm.InvalidRequestError, match="brackets"):
        await settle(here.books.parameters(tenant="x").count())


@both
async def test_what_is_included_is_not_asked_for(place, kind):
    here = place(kind)
    query = here.books.select_related("writer").prefetch_related("genres", "editor")
    assert query.explain().pushed == [("include", "writer,genres,editor")]
    assert query.explain().requests(60, writer=0, genres=0, editor=0) in (None, 3)
    books = await settle(query)
    assert here.cost() == 3 and len(books) == 60
    for book in books:
        writer, editor = await settle(book.writer), await settle(book.editor)
        assert (writer.id, writer.name) == (writer_of(book.id), f"Writer {writer.id}")
        assert (editor and editor.id) == editor_of(book.id)
        assert [genre.id for genre in await settle(book.genres.all())] == genres_of(book.id)
        assert book.changes() == {} and book.writer_id == writer.id
    assert here.cost() == 0
    one = await settle(here.books.select_related("writer").get(id=4))
    assert (await settle(one.writer)).id == writer_of(4) and here.cost() == 1


@both
async def test_what_is_not_declared_to_be_included_is_fetched_by_its_keys(place, kind):
    here = place(kind, expand=None)
    books = await settle(here.books.select_related("writer")[:20])
    assert here.cost() == 2
    assert [(await settle(book.writer)).id for book in books] == [writer_of(book.id) for book in books]
    assert here.cost() == 0
    writer = await settle(here.writers.get(id=2))
    assert {book.id for book in await settle(writer.books.all())} == {book for book in BOOKS if writer_of(book) == 2}
    writers = await settle(here.writers.prefetch_related("books"))
    assert [writer.id for writer in writers] == list(WRITERS)
    for writer in writers:
        assert {book.id for book in await settle(writer.books.all())} == {b for b in BOOKS if writer_of(b) == writer.id}


@both
async def test_documents_are_written(place, kind, put_back):
    here = place(kind)
    writer, other = await settle(here.writers.get(id=3)), await settle(here.writers.get(id=4))
    poem = await settle(here.models.Genre.objects.get(id=3))
    new = await settle(here.books.create(title="New", writer=writer, genres=[poem]))
    assert (new.id, new.title, new.writer_id, new.editor_id) == (61, "New", 3, None)
    assert [genre.name for genre in await settle(new.genres.all())] == ["poem"]

    new.writer, new.title = other, "Newer"
    await settle(new.save())
    again = await settle(here.books.get(id=61))
    assert (again.title, again.writer_id) == ("Newer", 4) and again == new
    again.writer_id, again.editor = 5, writer
    await settle(again.save())
    assert new.changes() == {}
    await settle(new.refresh_from_api())
    assert (new.writer_id, new.editor_id) == (5, 3)
    new.editor = None
    await settle(new.save())
    await settle(new.genres.add(1))
    assert [genre.id for genre in await settle(new.genres.all())] == [1, 3]
    await settle(new.genres.remove(poem))
    await settle(new.genres.clear())
    again = await settle(here.books.get(id=61))
    assert again.editor_id is None and await settle(again.genres.all()) == []

    assert await settle(here.books.filter(id=61).update(writer=writer)) == 1
    found, is_new = await settle(here.books.get_or_create(title="Newer", defaults={"writer": writer}))
    assert (found.id, is_new, found.writer_id) == (61, False, 3)
    found, is_new = await settle(here.books.update_or_create(title="Other", defaults={"writer": writer}))
    assert is_new and found.writer_id == 3
    with pytest.raises(orm.ValidationException) as raised:
        await settle(here.books.create(title="", writer=writer))
    assert raised.value.errors == {"title": ["This field may not be blank."]}
    with pytest.raises(orm.ValidationException) as raised:
        await settle(here.books.create(title="x", writer=99))
    assert list(raised.value.errors) == ["writer"]
    await settle(new.delete())
    assert not await settle(here.books.filter(id=61).exists())


@both
async def test_what_is_no_document_of_the_rows_is_an_error(kind):
    answers = []

    class Answering(Handler):
        def do_GET(self):
            body = json.dumps(answers[0]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.api+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

    with Loopback(Answering) as server:
        here = Place(server.base_url, kind)
        answers[:] = [{"results": []}]
        with pytest.raises(orm.DecodeError, match="JSON:API document"):
            await settle(here.books.all())
        answers[:] = [{"data": [{"type": "writers", "id": "1", "attributes": {"title": "A"}}]}]
        with pytest.raises(orm.DecodeError) as raised:
            await settle(here.books.all())
        assert "resources of the type" in str(raised.value.__cause__ or raised.value)
        answers[:] = [{"meta": {}}]
        with pytest.raises(orm.APIException) as raised:
            await settle(here.books.create(title="A", writer=1))
        assert raised.value.is_outcome_unknown
        # A relationship to another type than that of the declared model.
        one = {"type": "books", "id": "1", "attributes": {"title": "A"}}
        one["relationships"] = {"writer": {"data": {"type": "bots", "id": "3"}}}
        answers[:] = [{"data": [one], "links": {"next": None}}]
        [book] = await settle(here.books.all())
        with pytest.raises(orm.DecodeError, match="bots"):
            await settle(book.writer)
        await settle(here.client.close())
