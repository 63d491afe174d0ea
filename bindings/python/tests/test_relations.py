"""Relations on the reference site: declared, read, written, assigned; in every form, with the requests that each takes."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import signal
import threading
from typing import Annotated

import django_api_orm as orm
import library
import places
import pytest
from contract.site import settle
from django_api_orm._evaluation import Lock
from django_api_orm._relation_groups import lock_of
from library import BOOKS, FORMS, WRITERS, Library, editor_of, genres_of, writer_of
from places import both
from pydantic import BaseModel
from serving import Handler, Loopback


class Place(places.Place):
    """A library on the reference site."""

    def __init__(self, drf, kind, form=""):
        self.models = Library(kind, form)
        super().__init__(drf.base_url, kind, self.models.every)

    @property
    def books(self):
        return self.models.Book.objects


@pytest.fixture
def place(drf):
    with places.places(lambda kind, form="": Place(drf, kind, form)) as make:
        yield make


every_form = pytest.mark.parametrize("form", FORMS)


@both
@every_form
async def test_a_related_row_costs_one_request_or_none(place, kind, form):
    here = place(kind, form)
    book = await settle(here.books.get(id=4))
    here.cost()
    writer = await settle(book.writer)
    assert (writer.id, writer.name, type(writer)) == (writer_of(4), f"Writer {writer_of(4)}", here.models.Writer)
    assert here.cost() == (0 if form == "-nested" else 1)
    assert await settle(book.writer) is writer
    editor = await settle(book.editor)
    assert (editor.id, editor.country) == (editor_of(4), "FR" if editor_of(4) % 3 else "IT")
    assert here.cost() == 1
    assert book.writer_id == (f"writer-{writer_of(4)}" if form == "-slug" else writer_of(4))


@both
@every_form
async def test_null_is_none_without_a_request(place, kind, form):
    here = place(kind, form)
    book = await settle(here.books.get(id=3))
    here.cost()
    assert await settle(book.editor) is None
    assert book.editor_id is None
    assert here.cost() == 0


@both
@every_form
async def test_the_rows_of_a_page_share_a_request(place, kind, form):
    here = place(kind, form)
    books = await settle(here.books.filter(id__in=list(BOOKS)))
    here.cost()
    editors = {book.id: await settle(book.editor) for book in books}
    assert {book: editor and editor.id for book, editor in editors.items()} == {book: editor_of(book) for book in BOOKS}
    assert here.cost() == 1
    # One row is one object.
    assert len({id(editor) for editor in editors.values() if editor}) == len({editor_of(book) for book in BOOKS} - {None})


@both
async def test_tasks_that_ask_at_the_same_time_share_it_too(place, kind):
    here = place(kind)
    books = await settle(here.books.filter(id__in=list(BOOKS)))
    here.cost()
    if kind == "async":
        writers = await asyncio.gather(*[book.writer for book in books])
    else:
        writers = await asyncio.gather(*[asyncio.to_thread(getattr, book, "writer") for book in books])
    assert [writer.id for writer in writers] == [writer_of(book.id) for book in books]
    assert here.cost() == 1


@both
@every_form
async def test_a_list_is_a_manager(place, kind, form):
    here = place(kind, form)
    book = await settle(here.books.get(id=7))
    here.cost()
    assert [genre.id for genre in await settle(book.genres.all())] == genres_of(7)
    assert here.cost() == (0 if form == "-nested" else 1)
    assert [genre.name for genre in await settle(book.genres.all())] == ["essay", "novel", "poem"]
    # It is asked each time, as in Django.
    assert here.cost() == (0 if form == "-nested" else 1)
    assert [genre.id for genre in await settle(book.genres.filter(name="novel"))] == [2]
    without = await settle(here.books.get(id=16))
    here.cost()
    assert await settle(without.genres.all()) == []
    assert await settle(without.genres.count()) == 0
    assert here.cost() == 0


@both
@every_form
async def test_the_other_way_round(place, kind, form):
    here = place(kind, form)
    writer = await settle(here.models.Writer.objects.get(id=2))
    here.cost()
    books = await settle(writer.books.all())
    own = [book for book in BOOKS if writer_of(book) == 2]
    assert sorted(book.id for book in books) == own
    # Slugs are another form than the key that the server filters by: that is probed, once.
    assert here.cost() == (2 if form == "-slug" else 1)
    if kind == "sync":
        assert all(book.writer is writer for book in books)
    assert await settle(writer.books.filter(title="Book 12").count()) == 1
    assert await settle(writer.books.count()) == len(own)
    last = await settle(here.models.Writer.objects.get(id=12))
    assert await settle(last.books.all()) == []
    genre = await settle(here.models.Genre.objects.get(id=2))
    assert sorted(book.id for book in await settle(genre.books.all())) == [book for book in BOOKS if 2 in genres_of(book)]


@both
async def test_a_nested_route(place, kind, put_back):
    here = place(kind)
    writer = await settle(here.models.Writer.objects.get(id=3))
    here.cost()
    books = await settle(writer.own_books.all())
    assert [book.id for book in books] == [book for book in BOOKS if writer_of(book) == 3]
    assert here.cost() == 1
    new = await settle(writer.own_books.create(title="New"))
    assert new.writer_id == 3


@both
@every_form
async def test_an_instance_is_written_as_its_reference(place, kind, form, put_back):
    here = place(kind, form)
    writer = await settle(here.models.Writer.objects.get(id=6))
    book = await settle(here.books.get(id=4))
    name = "writer_id" if form == "-nested" else "writer"
    book.writer = await settle(here.models.Writer.objects.get(id=writer_of(4)))
    assert book.changes() == {}
    book.writer = writer
    assert list(book.changes()) == [name]
    here.cost()
    await settle(book.save())
    assert await settle(book.writer) is writer
    assert here.cost() == 1
    assert (await settle((await settle(here.books.get(id=4))).writer)).id == 6
    book.editor = None
    await settle(book.save())
    assert (await settle(here.books.get(id=4))).editor_id is None
    book.editor_id = "writer-7" if form == "-slug" else 7
    if form != "-url":
        await settle(book.save())
        assert (await settle((await settle(here.books.get(id=4))).editor)).id == 7


@both
@every_form
async def test_a_new_row_takes_instances(place, kind, form, put_back):
    here = place(kind, form)
    writer = await settle(here.models.Writer.objects.get(id=5))
    if form == "-url":
        # The rows show which form the server takes.
        await settle((await settle(here.books.get(id=1))).writer)
    new = await settle(here.books.create(title="New", writer=writer, genres=[]))
    assert await settle(new.writer) is writer
    again = await settle(here.books.get(id=new.id))
    assert (await settle(again.writer)).id == 5
    through = await settle(writer.books.create(title="Another", genres=[]))
    assert (await settle(here.books.filter(id__in=[through.id])))[0].writer_id in (5, "writer-5")
    found, created = await settle(here.books.get_or_create(id=new.id, defaults={"title": "New", "writer": writer}))
    assert (found.id, created) == (new.id, False)


@both
@every_form
async def test_lists_are_written(place, kind, form, put_back):
    here = place(kind, form)
    essay, novel, poem, _ = await settle(here.models.Genre.objects.all())
    book = await settle(here.books.get(id=1))
    keys = lambda: settle(here.books.get(id=1).genres.all() if kind == "sync" else _genres(here))  # noqa: E731

    async def _genres(here):
        return await (await here.books.get(id=1)).genres.all()

    here.cost()
    await settle(book.genres.add(novel, essay))
    assert here.cost() == 2
    assert [genre.id for genre in await keys()] == [1, 2]
    here.cost()
    await settle(book.genres.add(novel))
    assert here.cost() == 1
    await settle(book.genres.remove(essay))
    assert [genre.id for genre in await keys()] == [2]
    await settle(book.genres.set([essay, poem]))
    assert [genre.id for genre in await settle(book.genres.all())] == [1, 3]
    here.cost()
    await settle(book.genres.set([poem, essay]))
    assert here.cost() == 1
    await settle(book.genres.clear())
    assert await keys() == []
    new = await settle(book.genres.create(name="saga"))
    assert [genre.id for genre in await keys()] == [new.id]


@both
async def test_a_row_that_was_created_and_not_added_is_in_the_error(place, kind, put_back):
    here = place(kind)
    book = await settle(here.books.create(title="Gone", writer=1, genres=[]))
    await settle((await settle(here.books.get(id=book.id))).delete())
    with pytest.raises(here.models.Book.DoesNotExist, match="was created, and was not added") as raised:
        await settle(book.genres.create(name="saga"))
    new = raised.value.instance
    assert isinstance(new, here.models.Genre) and new.id is not None
    assert (await settle(here.models.Genre.objects.get(id=new.id))).name == "saga"
    # Nothing was created here.
    with pytest.raises(orm.ValidationException) as raised:
        await settle(book.genres.create(name="x" * 10_000))
    assert raised.value.instance is None


def test_a_list_that_is_written_without_an_answer_leaves_no_old_field_to_be_saved():
    row = {"id": 1, "title": "a", "genres": [1]}
    sent = []

    class Answering(Handler):
        def do_GET(self):
            body = json.dumps(row).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_PATCH(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sent.append(body)
            row.update(body)
            self.send_response(204)
            self.end_headers()

    class GenreSchema(BaseModel):
        id: int

    class Genre(orm.APIModel):
        _schema_class = GenreSchema
        _endpoint = "/genres/"

    class BookSchema(BaseModel):
        id: int
        title: str
        genres: orm.ManyToMany[Genre]

    class Book(orm.APIModel):
        _schema_class = BookSchema
        _endpoint = "/books/"

    with Loopback(Answering) as server, orm.ServiceClient(server.base_url) as client:
        orm.register_models(client, Genre, Book)
        book = Book.objects.get(id=1)
        row["title"] = "b"
        book.genres.add(2)
        assert book.title == "b"
        book.save()
    assert sent == [{"genres": [1, 2]}]
    assert row["title"] == "b"


def test_a_list_that_is_not_shown_is_not_taken_for_an_empty_one():
    sent = []

    class Hiding(Handler):
        def do_GET(self):
            body = b'{"id": 1}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_PATCH(self):
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    class GenreSchema(BaseModel):
        id: int

    class Genre(orm.APIModel):
        _schema_class = GenreSchema
        _endpoint = "/genres/"

    class BookSchema(BaseModel):
        id: int
        genres: orm.ManyToMany[Genre] = []

    class Book(orm.APIModel):
        _schema_class = BookSchema
        _endpoint = "/books/"

    with Loopback(Hiding) as server, orm.ServiceClient(server.base_url) as client:
        orm.register_models(client, Genre, Book)
        book = Book.objects.get(id=1)
        for change in (book.genres.add, book.genres.remove):
            with pytest.raises(orm.DecodeError, match="does not show `genres`"):
                change(2)
        assert sent == []
        book.genres.set([2])
    assert sent == [{"genres": [2]}]


@both
async def test_the_rows_that_point_here_are_written(place, kind, put_back):
    here = place(kind)
    writer = await settle(here.models.Writer.objects.get(id=12))
    first, second, third = await settle(here.books.filter(id__in=[1, 2, 3]))
    here.cost()
    await settle(writer.edited.add(first, second))
    assert here.cost() == 2
    await settle(writer.edited.add(first))
    assert here.cost() == 0
    assert {book.id for book in await settle(writer.edited.all())} >= {1, 2}
    await settle(writer.edited.remove(first, third))
    assert (await settle(here.books.get(id=1))).editor_id is None
    await settle(writer.edited.set([third]))
    assert [book.id for book in await settle(writer.edited.all())] == [3]
    await settle(writer.edited.clear())
    assert await settle(writer.edited.all()) == []
    with pytest.raises(ValueError, match="takes instances of `Book`"):
        await settle(writer.edited.add(writer))
    with pytest.raises(ValueError, match="save it first"):
        await settle(writer.edited.add(here.models.Book(title="New", writer=writer)))


@both
async def test_an_unsaved_related_row_is_an_error_that_says_so(place, kind, put_back):
    here = place(kind)
    book = await settle(here.books.get(id=4))
    unsaved = here.models.Writer(name="New", slug="new", country="FR")
    book.writer = unsaved
    assert book.writer_id is None
    here.cost()
    with pytest.raises(orm.InvalidRequestError, match=r"Book\.writer.*not saved.*save it first"):
        await settle(book.save())
    assert here.cost() == 0
    await settle(unsaved.save())
    assert book.writer_id == unsaved.id
    await settle(book.save())
    book.editor = here.models.Writer(name="Other", slug="other", country="FR")
    book.editor = 3
    assert book.editor_id == 3
    assert book.writer_id == unsaved.id
    assert await settle(book.writer) is unsaved
    with pytest.raises(ValueError, match=r"Book\.writer.*takes a `Writer`"):
        book.writer = book
    with pytest.raises(ValueError, match="save it first"):
        here.models.Book(title="New", writer=here.models.Writer(name="Other", slug="other"))


@both
async def test_a_relation_of_the_model_is_held_by_a_field_of_the_schema(place, kind, put_back):
    here = place(kind)
    row = await settle(here.models.Keys.objects.get(id=4))
    assert (row.writer_key, (await settle(row.writer)).id) == (writer_of(4), writer_of(4))
    assert (await settle(row.edited_by)).id == row.editor == editor_of(4)
    row.writer = await settle(here.models.Writer.objects.get(id=9))
    assert (row.writer_key, row.changes()) == (9, {"writer": 9})
    await settle(row.save())
    assert (await settle(here.models.Keys.objects.get(id=4))).writer_key == 9


@both
async def test_a_row_that_is_not_there_is_the_targets_error(place, kind, put_back):
    here = place(kind)
    book = here.models.Book.from_api({"id": 4, "title": "x", "writer": 99, "editor": None, "genres": [1, 99]})
    with pytest.raises(here.models.Writer.DoesNotExist, match=r"Book\.writer.*99"):
        await settle(book.writer)
    assert [genre.id for genre in await settle(book.genres.all())] == [1]


@both
async def test_another_reference_is_not_answered_by_what_is_kept(place, kind):
    here = place(kind)
    book = await settle(here.books.get(id=4))
    writer = await settle(book.writer)
    book.writer = 7
    assert (await settle(book.writer)).id == 7
    await settle(book.refresh_from_api())
    assert (await settle(book.writer)).id == writer.id
    assert (await settle(copy.deepcopy(book).writer)).id == writer.id


@both
async def test_what_cannot_be_meant_is_a_configuration_error(kind):
    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

    class Lonely(base):
        _schema_class = library.GenreSchema
        _endpoint = "/lonely/"
        books = orm.Related("Nowhere", "genres")
        others = orm.Related("Lonely", "books")

    with pytest.raises(orm.ConfigurationError, match="no model has that name"):
        Lonely(id=1, name="x").books.all()
    with pytest.raises(orm.ConfigurationError, match="not a relation: declare it"):
        Lonely(id=1, name="x").others.all()
    with pytest.raises(orm.ConfigurationError, match="`writes` must be"):
        orm.relation(writes="slug")

    class Misheld(base):
        _schema_class = library.GenreSchema
        _endpoint = "/lonely/"
        author: orm.ForeignKey[Lonely]

    with pytest.raises(orm.ConfigurationError, match="no field `author` or `author_id`"):
        Misheld(name="x")


def test_every_writer_is_there(place):
    here = place("sync")
    assert [writer.id for writer in here.models.Writer.objects.all()] == list(WRITERS)


@both
async def test_lists_are_as_they_are_now(place, kind, put_back):
    here, other = place(kind), place(kind)
    writer = await settle(here.models.Writer.objects.get(id=2))
    before = {book.id for book in await settle(writer.edited.all())}
    moved = next(book for book in BOOKS if editor_of(book) != 2)
    elsewhere = await settle(other.books.get(id=moved))
    elsewhere.editor = 2
    await settle(elsewhere.save())
    assert {book.id for book in await settle(writer.edited.all())} == {*before, moved}
    await settle(writer.edited.clear())
    assert (await settle(other.books.get(id=moved))).editor_id is None
    book = await settle(here.books.get(id=1))
    await settle((await settle(other.books.get(id=1))).genres.set([2]))
    await settle(book.genres.set([1]))
    assert (await settle(other.books.get(id=1))).raw()["genres"] == [1]


@both
async def test_a_loop_over_lists_costs_two_requests(place, kind):
    here = place(kind)
    writers = await settle(here.models.Writer.objects.all())
    here.cost()
    for writer in writers:
        books = await settle(writer.edited.all())
        assert sorted(book.id for book in books) == [book for book in BOOKS if editor_of(book) == writer.id]
    # Those of the first one, two requests as it has none, and a page and another one of all others.
    assert here.cost() == 1 + 2 + 2


@both
async def test_reading_a_row_again_forgets_what_it_pointed_at(place, kind):
    here = place(kind)
    book = await settle(here.books.prefetch_related("genres", "writer").get(id=7))
    writer = await settle(book.writer)
    await settle(book.refresh_from_api())
    here.cost()
    assert await settle(book.writer) is not writer
    await settle(book.genres.all())
    assert here.cost() == 2


@both
async def test_a_value_that_several_rows_have_names_none_of_them(place, kind):
    here = place(kind)
    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

    writers = here.models.Writer

    class Schema(BaseModel):
        id: int | None = None
        writer: Annotated[orm.ForeignKey[writers], orm.relation(to_field="country")]

    class ByCountry(base):
        _schema_class = Schema
        _endpoint = "/api/v1/library/books/"

    book = ByCountry.from_api({"id": 4, "writer": "IT"}, here.client)
    with pytest.raises(writers.MultipleObjectsReturned, match=r"more than one `Writer` has the `country`"):
        await settle(book.writer)


def test_rows_go_from_loop_to_loop(place):
    here = place("async")

    async def writer(book):
        return await book.writer

    async def begin():
        books = await here.books.filter(id__in=[1, 2, 4])
        tasks = [asyncio.ensure_future(writer(book)) for book in books[:2]]
        await asyncio.sleep(0)
        return books, tasks

    loop = asyncio.new_event_loop()
    books, tasks = loop.run_until_complete(begin())
    try:
        # The first loop stands still, in the middle of a request.
        assert asyncio.run(writer(books[2])).id == writer_of(4)
    finally:
        assert [each.id for each in loop.run_until_complete(asyncio.gather(*tasks))] == [writer_of(1), writer_of(2)]
        loop.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_child_does_not_wait_for_a_thread_of_its_parent(place):
    here = place("sync")
    books = list(here.books.filter(id__in=[1, 2, 4]))
    is_held, let_go = threading.Event(), threading.Event()

    def hold():
        with lock_of(books[0], Lock, os.getpid):
            is_held.set()
            let_go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if books[0].writer.id == writer_of(1) else 1)
    let_go.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
