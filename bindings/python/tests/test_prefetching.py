"""Related rows that are fetched with a query, on the reference site: which, in how many requests, as ``explain`` says."""

from __future__ import annotations

import asyncio
import gc

import django_api_orm as orm
import pytest
from conftest import TOKEN
from contract.site import settle, stream
from django_api_orm import Prefetch, _async_evaluation
from django_api_orm._bridge import perform
from django_api_orm.testserver import TestServer
from library import BOOKS, FORMS, editor_of, genres_of, writer_of
from places import both
from pydantic import BaseModel
from test_relations import Place, every_form, place  # noqa: F401


async def names(book):
    """What a book points at."""
    writer, editor = await settle(book.writer), await settle(book.editor)
    genres = await settle(book.genres.all())
    return writer.id, editor and editor.id, [genre.id for genre in genres]


def expected(book):
    return writer_of(book.id), editor_of(book.id), genres_of(book.id)


@both
@every_form
async def test_each_relation_is_one_request_and_explain_says_so(place, kind, form):  # noqa: F811
    here = place(kind, form)
    query = here.books.prefetch_related("writer", "editor", "genres").filter(id__in=list(BOOKS))
    await settle(here.books.all()[:1])
    here.cost()
    books = await settle(query)
    cost = here.cost()
    # Writers and genres are shown whole in the nested form.
    of_rows = query.all().prefetch_related(None).explain().requests(60)
    assert cost == of_rows + (1 if form == "-nested" else 3)
    if form != "-nested":
        assert cost == query.explain().requests(60, writer=11, editor=12, genres=4)
    assert list(query.explain().related) == ["writer", "editor", "genres"]
    assert [await names(book) for book in books] == [expected(book) for book in books]
    assert len(books) == 60 and here.cost() == 0
    # One row is one object, in whichever relation.
    writers = {}
    for book in books:
        for row in (await settle(book.writer), await settle(book.editor)):
            assert row is None or writers.setdefault(row.id, row) is row


@both
async def test_many_keys_are_asked_for_in_chunks(place, kind, put_back):  # noqa: F811
    here = place(kind)
    new = [{"name": f"W{n}", "slug": f"w{n}", "country": "DE"} for n in range(230)]
    writers = await settle(here.models.Writer.objects.bulk_create(new))
    await settle(here.books.bulk_create([{"title": "x", "writer": writer, "genres": []} for writer in writers]))
    query = here.books.filter(title="x").prefetch_related("writer")
    await settle(query.all())
    here.cost()
    books = await settle(query)
    assert len(books) == 230
    # Twenty rows are a page of books; of writers, who are asked for by their keys, thirty: the most that the server sends.
    assert here.cost() == 12 + 4 + 4 + 1
    told = [query.explain().requests(230, writer=keys) for keys in (230, 100, 101, 30, 20, 1)]
    assert told == [12 + of_writers for of_writers in (4 + 4 + 1, 4, 4 + 1, 1, 1, 1)]
    assert {(await settle(book.writer)).country for book in books} == {"DE"}


@both
async def test_paths_go_on_and_back(place, kind):  # noqa: F811
    here = place(kind)
    query = here.models.Writer.objects.prefetch_related("books__genres", "edited__writer")
    await settle(here.models.Writer.objects.all())
    here.cost()
    writers = await settle(query)
    # Twenty rows are a page: of 60 books, of 40 that have an editor. Those are the same books, and their writers are known.
    assert here.cost() == 1 + 3 + 2 + 1
    for writer in writers:
        books = await settle(writer.books.all())
        assert sorted(book.id for book in books) == [book for book in BOOKS if writer_of(book) == writer.id]
        for book in books:
            assert await settle(book.writer) is writer
            assert [genre.id for genre in await settle(book.genres.all())] == genres_of(book.id)
        for book in await settle(writer.edited.all()):
            assert (await settle(book.writer)).id == writer_of(book.id)
    assert here.cost() == 0


@both
async def test_querysets_inside(place, kind):  # noqa: F811
    here = place(kind)
    chosen = here.books.filter(id__lte=20).order_by("-id").prefetch_related("genres")
    prefetch = Prefetch("books", chosen, to_attr="some")
    writers = await settle(here.models.Writer.objects.prefetch_related(prefetch, "books"))
    here.cost()
    for writer in writers:
        own = [book for book in BOOKS if writer_of(book) == writer.id]
        assert [book.id for book in writer.some] == sorted((book for book in own if book <= 20), reverse=True)
        assert sorted(book.id for book in await settle(writer.books.all())) == own
        for book in writer.some:
            assert [genre.id for genre in await settle(book.genres.all())] == genres_of(book.id)
    assert here.cost() == 0
    italian = here.models.Writer.objects.filter(country="IT")
    books = await settle(here.books.prefetch_related(Prefetch("editor", italian)))
    editors = {book.id: await settle(book.editor) for book in books}
    assert {book: editor and editor.id for book, editor in editors.items()} == {
        book: editor_of(book) if (editor_of(book) or 1) % 3 == 0 else None for book in BOOKS
    }
    inner = here.books.prefetch_related(Prefetch("genres", here.models.Genre.objects.filter(name="novel")))
    query = here.models.Writer.objects.prefetch_related(Prefetch("books", inner), "books__genres__books")
    for writer in await settle(query):
        for book in await settle(writer.books.all()):
            assert [genre.id for genre in await settle(book.genres.all())] == [2] * (2 in genres_of(book.id))
    cut = Prefetch("books", here.books.order_by("-id")[1:3])
    writers = await settle(here.models.Writer.objects.prefetch_related(cut))
    here.cost()
    for writer in writers:
        own = sorted((book for book in BOOKS if writer_of(book) == writer.id), reverse=True)
        assert [book.id for book in await settle(writer.books.all())] == own[1:3]
    firsts = await settle(here.books.prefetch_related(Prefetch("genres", here.models.Genre.objects.order_by("id")[:1])))
    assert {book.id: [genre.id for genre in await settle(book.genres.all())] for book in firsts} == {
        book: genres_of(book)[:1] for book in BOOKS
    }
    with pytest.raises(TypeError, match="rows of `Book`, not of `Writer`"):
        here.models.Writer.objects.prefetch_related(Prefetch("books", italian))


@both
@every_form
async def test_the_server_is_asked_to_show_what_is_selected(place, kind, form):  # noqa: F811
    here = place(kind, form)
    query = here.books.select_related("writer", "editor").filter(id__in=list(BOOKS))
    assert ("expand", "writer,editor") in query.explain().pushed
    await settle(here.books.filter(id__in=list(BOOKS)))
    plain = here.cost()
    here.cost()
    books = await settle(query)
    assert here.cost() <= plain
    assert {book.id: (await settle(book.writer)).id for book in books} == {book: writer_of(book) for book in BOOKS}
    assert {book.id: (await settle(book.editor)) and book.editor_id for book in books} == {
        book: editor_of(book) for book in BOOKS
    }
    assert here.cost() == 0
    one = await settle(here.books.select_related().get(id=4))
    here.cost()
    assert (await settle(one.writer)).id == writer_of(4)
    assert here.cost() == 0
    with pytest.raises(orm.InvalidRequestError, match="several rows"):
        here.books.select_related("genres")


@both
async def test_rows_that_the_server_sends_beside_others_cost_nothing(place, kind, put_back):  # noqa: F811
    here = place(kind)
    books = here.models.BookBeside.objects
    query = books.prefetch_related("writer", "editor", "genres").order_by("id")
    assert ("prefetch", "writer,editor,genres") in query.explain().pushed
    await settle(books.order_by("id"))
    plain = here.cost()
    found = await settle(query)
    assert here.cost() == plain
    assert query.explain().requests(60, writer=0, editor=0, genres=0) == plain
    assert [await names(book) for book in found] == [expected(book) for book in found]
    assert here.cost() == 0
    assert [book.writer_id for book in found] == [writer_of(book) for book in BOOKS]
    # What has a queryset of its own is asked for, and so is what a row of them points at.
    chosen = Prefetch("genres", here.models.Genre.objects.filter(name="novel"), to_attr="novels")
    query = books.prefetch_related(chosen, "writer__edited")
    assert ("prefetch", "writer") in query.explain().pushed
    for book in await settle(query):
        assert [genre.id for genre in book.novels] == [2] * (2 in genres_of(book.id))
        assert {edited.id for edited in await settle((await settle(book.writer)).edited.all())} == {
            other for other in BOOKS if editor_of(other) == writer_of(book.id)
        }
    # A row is written as it would be without.
    book = await settle(books.select_related("writer").get(id=4))
    book.title = "Changed"
    assert book.changes() == {"title": "Changed"}
    book.writer = await settle(here.models.Writer.objects.get(id=7))
    assert book.changes() == {"title": "Changed", "writer": 7}
    await settle(book.save())
    assert (await settle(books.get(id=4))).writer_id == 7


@both
async def test_a_stream_fetches_page_by_page(place, kind):  # noqa: F811
    here = place(kind)
    await settle(here.books.all())
    here.cost()
    seen = {}
    async for book in stream(here.books.prefetch_related("writer", "genres")):
        seen[book.id] = await names(book) if book.editor_id is None else expected(book)
    assert seen == {book: (writer_of(book), editor_of(book), genres_of(book)) for book in BOOKS}
    # Three pages of twenty.
    assert here.cost() == 3 + 3 * 2


@both
async def test_single_rows_too(place, kind):  # noqa: F811
    here = place(kind)
    for call in (
        lambda query: query.get(id=4),
        lambda query: query.order_by("id").first(),
        lambda query: query.order_by("id").last(),
        lambda query: query.latest("id"),
    ):
        book = await settle(call(here.books.prefetch_related("writer")))
        here.cost()
        assert (await settle(book.writer)).id == writer_of(book.id)
        assert here.cost() == 0
    found = await settle(here.books.prefetch_related("writer").in_bulk([1, 2]))
    here.cost()
    assert [(await settle(found[key].writer)).id for key in (1, 2)] == [writer_of(1), writer_of(2)]
    assert here.cost() == 0


@both
async def test_many_touches_are_noticed(place, kind):  # noqa: F811
    here = place(kind)
    books = await settle(here.books.on_n_plus_one("error")[:5])
    with pytest.raises(orm.InvalidRequestError, match=r'prefetch_related\("writer"\)'):
        await settle(books[0].writer)
    books = await settle(here.books.on_n_plus_one("warn")[:5])
    with pytest.warns(orm.NPlusOneWarning, match=r"`Book\.writer` is asked for on one of 5 rows") as caught:
        assert (await settle(books[0].writer)).id == writer_of(books[0].id)
    if kind == "sync":
        assert caught[0].filename == __file__.replace("test_prefetching", "contract/site") or caught[0].filename == __file__
    alone = await settle(here.books.on_n_plus_one("error").get(id=1))
    assert (await settle(alone.writer)).id == writer_of(1)
    with pytest.raises(ValueError, match="on_n_plus_one"):
        here.books.on_n_plus_one("ignore")


@both
async def test_a_client_says_what_is_done_about_many_touches(place, drf, kind):  # noqa: F811
    here = place(kind)
    kinds = orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient
    strict = kinds(drf.base_url, auth_token=TOKEN, on_n_plus_one="error")
    writers = await settle(here.models.Writer.objects.using(strict).prefetch_related("books"))
    for books in (
        await settle(here.books.using(strict).all()[:5]),
        await settle(here.books.using(strict.with_timeout(20)).all()[:5]),
        await settle(writers[0].books.all()),
    ):
        with pytest.raises(orm.InvalidRequestError, match=r'prefetch_related\("editor"\)'):
            await settle(next(book for book in books if book.editor_id).editor)
    books = await settle(here.books.using(strict).on_n_plus_one("batch")[:5])
    assert (await settle(books[0].writer)).id == writer_of(books[0].id)
    await settle(strict.close())
    with pytest.raises(orm.ConfigurationError, match="on_n_plus_one"):
        kinds(drf.base_url, on_n_plus_one="ignore")


@both
async def test_names_are_checked_when_the_query_is_built(place, kind):  # noqa: F811
    here = place(kind)
    with pytest.raises(orm.InvalidRequestError, match="did you mean `writer`"):
        here.books.prefetch_related("writr")
    with pytest.raises(orm.InvalidRequestError, match="choose from books, edited, own_books"):
        here.books.prefetch_related("writer__shelf_of_things")
    with pytest.raises(orm.InvalidRequestError, match="two querysets"):
        here.books.prefetch_related(
            Prefetch("writer", here.models.Writer.objects.all()), Prefetch("writer", here.models.Writer.objects.all())
        )
    assert set(FORMS) == {"", "-slug", "-url", "-nested"} and Place


@both
async def test_what_is_at_a_nested_route_is_prefetched_by_the_filter(place, kind):  # noqa: F811
    here = place(kind)
    writers = await settle(here.models.Writer.objects.prefetch_related("own_books"))
    here.cost()
    for writer in writers:
        books = await settle(writer.own_books.all())
        assert sorted(book.id for book in books) == [book for book in BOOKS if writer_of(book) == writer.id]
    assert here.cost() == 0


def test_the_error_of_a_page_that_nobody_waits_for_is_nobodys(place, monkeypatch):  # noqa: F811
    here = place("async")
    # The first page, its writers, and the second page, which is on its way meanwhile.
    asked = []

    async def fails(operation, *rest):
        asked.append(operation)
        if len(asked) == 3:
            raise orm.APIConnectionError("lost")
        return await perform(operation, *rest)

    monkeypatch.setattr(_async_evaluation, "perform", fails)
    reported = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: reported.append(context))

    async def first():
        stream = here.books.prefetch_related("writer").iterator()
        return stream, await stream.__anext__()

    stream, book = loop.run_until_complete(first())
    loop.close()
    del stream
    gc.collect()
    assert (book.writer_id, len(asked), reported) == (writer_of(book.id), 3, [])


def shelves(kind, base_url, **options):
    """250 books, each by a writer of its own, at a server that shows few rows in a page."""
    base, client = (orm.APIModel, orm.ServiceClient) if kind == "sync" else (orm.AsyncAPIModel, orm.AsyncServiceClient)

    class WriterSchema(BaseModel):
        id: int
        name: str

    class Writer(base):
        _schema_class = WriterSchema
        _endpoint = "/api/v1/writers/"

    class BookSchema(BaseModel):
        id: int
        writer: orm.ForeignKey[Writer]

    class Book(base):
        _schema_class = BookSchema
        _endpoint = "/api/v1/books/"

    client = client(base_url, **options)
    return client, client.manager(Book)


#: What the server does, and how many requests 250 writers take once that is known: one for 100 keys where it can be asked so.
PAGES = {
    "any size": ({"size": 20}, 3),
    "a largest size": ({"size": 20, "max_size": 50}, 5),
    "refuses larger ones": ({"size": 20, "max_size": 50, "over_max": 400}, 13),
    "as many as there are": ({"size": 100}, 3),
    "no sign of the end": ({"size": 20, "rows": None}, 3),
}


@both
@pytest.mark.parametrize("case", PAGES)
async def test_a_chunk_of_keys_is_one_request_where_pages_are_smaller(kind, case):
    shape, requests = PAGES[case]
    tables = {
        "writers": [{"id": number, "name": f"Writer {number}"} for number in range(1, 251)],
        "books": [{"id": number, "writer": 251 - number} for number in range(1, 251)],
    }
    with TestServer(tables, shape=shape) as server:
        client, books = shelves(kind, server.base_url)
        query = books.prefetch_related("writer")
        seen = 0
        for turn in range(2):
            before = client.stats.requests
            rows = await settle(query.all())
            walked = client.stats.requests - before
            assert [(await settle(row.writer)).name for row in rows] == [f"Writer {251 - row.id}" for row in rows]
            assert client.stats.requests == before + walked
            asked = [path for _, path, _ in server.requests() if "/writers/" in path]
            if turn:
                assert len(asked) - seen == requests, asked[seen:]
                assert query.explain().requests(250, writer=250) == walked
            seen = len(asked)
        await settle(client.close())
