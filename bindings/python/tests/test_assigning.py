"""An instance wherever a key belongs, in every form that documents it, on the reference site."""

from __future__ import annotations

import json
from typing import Annotated

import django_api_orm as orm
import pytest
from contract.site import settle
from django_api_orm import Q
from library import BOOKS, writer_of
from places import both
from pydantic import BaseModel
from serving import Handler, Loopback
from test_relations import place  # noqa: F401

#: Every form of the books, but where the rows show which form is written: they have been read first.
forms = pytest.mark.parametrize("form", ["", "-slug", "-nested"])


@both
@forms
async def test_an_instance_stands_for_its_key(place, kind, form, put_back):  # noqa: F811
    here = place(kind, form)
    writer = await settle(here.models.Writer.objects.get(id=3))
    other = await settle(here.models.Writer.objects.get(id=4))
    key = "writer-3" if form == "-slug" else 3

    created = await settle(here.books.create(title="A", writer=writer, genres=[]))
    by_key = await settle(here.books.create(title="B", writer_id=key, genres=[]))
    assert {(await settle(new.writer)).id for new in (created, by_key)} == {3}
    created.writer = other
    await settle(created.save())
    assert (await settle((await settle(here.books.get(id=created.id))).writer)).id == 4

    own = [book for book in BOOKS if writer_of(book) == 3]
    if form != "-slug":
        assert sorted(book.id for book in await settle(here.books.filter(writer=writer))) == [*own, by_key.id]
        both_writers = here.books.filter(writer__in=[writer, other])
        assert await settle(both_writers.count()) == len([book for book in BOOKS if writer_of(book) in (3, 4)]) + 2
        either = here.books.filter(Q(writer=writer) | Q(id=created.id))
        assert await settle(either.count()) == len(own) + 2
    assert await settle(here.books.filter(id=by_key.id).update(writer=other)) == 1
    assert (await settle((await settle(here.books.get(id=by_key.id))).writer)).id == 4

    found, is_new = await settle(here.books.get_or_create(id=by_key.id, defaults={"writer": writer}))
    assert (found.id, is_new) == (by_key.id, False)
    found, is_new = await settle(here.books.get_or_create(title="C", defaults={"writer": writer, "genres": []}))
    assert (is_new, (await settle(found.writer)).id) == (True, 3)
    if form != "-slug":
        again, is_new = await settle(here.books.get_or_create(title="C", writer=writer))
        assert (again.id, is_new) == (found.id, False)
        new, is_new = await settle(here.books.get_or_create(title="D", writer=writer, defaults={"genres": []}))
        assert (is_new, (await settle(new.writer)).id) == (True, 3)
    changed, is_new = await settle(here.books.update_or_create(title="C", defaults={"writer": other}))
    assert (changed.id, is_new, (await settle(changed.writer)).id) == (found.id, False, 4)
    made = await settle(here.books.bulk_create([{"title": "E", "writer": writer, "genres": []}]))
    assert (await settle(made[0].writer)).id == 3


@both
async def test_related_rows_are_created_with_the_row_where_the_server_does_so(place, kind, put_back):  # noqa: F811
    here = place(kind)
    books, Writer, Genre = here.models.BookWritable.objects, here.models.Writer, here.models.Genre

    def new(name, slug):
        return Writer(name=name, slug=slug, country="FR")

    poem = await settle(Genre.objects.get(name="poem"))
    here.cost()
    made = await settle(books.create(title="New", writer=new("Ann", "ann"), genres=[poem, Genre(name="letter")]))
    assert here.cost() == 1
    # It is the server's row now, with its key.
    writer = await settle(made.writer)
    assert (writer.name, writer.id == made.writer_id, writer.id > 12) == ("Ann", True, True)
    assert [genre.name for genre in await settle(made.genres.all())] == ["poem", "letter"]
    assert made.changes() == {}
    await settle(made.save())
    assert len(await settle(Writer.objects.filter(slug="ann"))) == 1

    book = await settle(books.get(id=4))
    book.editor = editor = new("Ben", "ben")
    assert await settle(book.editor) is editor
    editor.name = "Bert"
    here.cost()
    await settle(book.save())
    assert here.cost() == 1
    assert (await settle(book.editor)).name == "Bert" and book.editor_id is not None
    book.writer = writer
    assert book.changes() == {"writer": {"id": writer.id}}
    book.genres = [Genre(name="diary")]
    await settle(book.save())
    again = await settle(books.get(id=4))
    assert (again.writer_id, [genre.name for genre in await settle(again.genres.all())]) == (writer.id, ["diary"])

    # One that the server refuses is sent again when it is mended; one that is saved meanwhile goes as its key.
    book.editor = new("Cay", "ben")
    with pytest.raises(orm.ValidationException):
        await settle(book.save())
    (await settle(book.editor)).slug = "cay"
    await settle(book.save())
    assert (await settle(book.editor)).slug == "cay"
    book.editor = new("Dan", "cay")
    with pytest.raises(orm.ValidationException):
        await settle(book.save())
    (await settle(book.editor)).slug = "dan"
    await settle((await settle(book.editor)).save())
    await settle(book.save())
    assert (await settle(books.get(id=4))).editor_id == book.editor_id
    assert len(await settle(Writer.objects.filter(slug="dan"))) == 1
    with pytest.raises(ValueError, match="save it first"):
        await settle(books.filter(id=4).update(writer=new("Eve", "eve")))


@both
async def test_what_an_answer_does_not_show_is_not_created_twice(kind):
    """The server answers writes without a body."""
    seen = []

    class Answering(Handler):
        def answer(self, status, value=None):
            body = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.answer(200, {"id": 1, "title": "A", "writer": {"id": 3, "name": "Old"}})

        def do_PATCH(self):
            seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(204)

    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

    class WriterSchema(BaseModel):
        id: int | None = None
        name: str

    class Writer(base):
        _schema_class = WriterSchema
        _endpoint = "/writers/"

    class BookSchema(BaseModel):
        id: int | None = None
        title: str
        writer: Annotated[orm.ForeignKey[Writer], orm.relation(writes="nested")]

    class Book(base):
        _schema_class = BookSchema
        _endpoint = "/books/"

    with Loopback(Answering) as server:
        client = (orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient)(server.base_url)
        book = await settle(client.manager(Book).get(id=1))
        book.writer = writer = Writer(name="New")
        await settle(book.save())
        writer.name = "Changed"
        await settle(book.save())
        assert seen == [{"writer": {"name": "New"}}]
        await settle(client.close())
