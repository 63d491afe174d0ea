"""Filters that cross a relation, on the reference site: the server's where it takes them, else by keys of related rows."""

from decimal import Decimal

import django_api_orm as orm
import pytest
from conftest import TOKEN
from contract.fixture import POSTS, TEAMS, USERS
from contract.site import settle, stream
from django_api_orm import Q
from library import BOOKS, WRITERS, editor_of, genres_of, writer_of
from places import both
from pydantic import BaseModel, ValidationError
from test_relations import place  # noqa: F401

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
async def test_what_a_first_filter_costs(place, kind):  # noqa: F811
    """The numbers are those of the Rust test of this name."""

    async def cost(ask):
        here = place(kind)
        await settle(ask(here.models))
        first = here.cost()
        await settle(ask(here.models))
        return first, here.cost()

    def named(models):
        return models.Book.objects.filter(writer__name="Writer 3")

    # Three to see that it is ignored, the writers, one more as they are not filtered, and their books.
    assert await cost(named) == (6, 2)
    assert await cost(lambda models: named(models).count()) == (7, 2)
    assert await cost(lambda models: named(models).first()) == (6, 2)
    assert await cost(lambda models: models.Book.objects.filter(writer__name="Nobody")) == (5, 1)
    # Two to see that it is honoured.
    assert await cost(lambda models: models.Book.objects.filter(writer__country="IT")) == (3, 1)
    assert await cost(lambda models: models.Writer.objects.filter(books__title="Book 5")) == (5, 2)


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
    # Which row it is counts as well as what it says.
    for meant in (
        here.books.filter(genres__name="novel", genres=3),
        here.books.filter(genres__id__in=[3, 4]).filter(genres__name="novel"),
        here.books.exclude(genres=3, genres__name="novel"),
        here.models.Writer.objects.filter(books__title="Book 5", books=5),
        here.models.Writer.objects.filter(books__id__in=[5, 6], books__title="Book 5"),
        here.books.filter(writer__books__title="Book 5", writer__books__id=6),
        here.books.filter(writer__books__title="Book 5", writer__books__editor=6),
    ):
        with pytest.raises(orm.UnsupportedError, match="may be meant for the same one"):
            await settle(meant)


@both
async def test_either_of_two_conditions_may_hold_for_any_row(place, kind):  # noqa: F811
    here = place(kind)
    books = await settle(here.books.filter(Q(genres__name="novel") | Q(genres=3)).order_by("id"))
    assert [book.id for book in books] == [book for book in BOOKS if {2, 3} & {*genres_of(book)}]
    books = await settle(here.books.filter(genres__name="novel", genres__isnull=False, id__lt=30).order_by("id"))
    assert [book.id for book in books] == [book for book in BOOKS if 2 in genres_of(book) and book < 30]
    # One genre is not two.
    assert await settle(here.books.filter(genres=2, genres__in=[3]).count()) == 0
    books = await settle(here.books.filter(genres=2).filter(genres=3).order_by("id"))
    assert [book.id for book in books] == [book for book in BOOKS if {2, 3} <= {*genres_of(book)}]
    # Behind a relation to one row there is no question which is meant.
    books = await settle(here.books.filter(writer__name="Writer 3", writer=3).order_by("id"))
    assert [book.id for book in books] == [book for book in BOOKS if writer_of(book) == 3]


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


def first(value, *others):
    """The key of a sort: null first, as in SQLite."""
    return (value is not None, value or "", *others)


def country(key):
    return None if key is None else "FR" if key % 3 else "IT"


#: Orders, and the keys by which Django's ORM sorts the books: nulls first, rows that are equal as the server has them.
ORDERS = {
    "one": (["writer__name"], lambda book: first(named(writer_of(book))), False),
    "backwards": (["-writer__name", "id"], lambda book: first(named(writer_of(book)), -book), True),
    "nulls": (["editor__name", "-id"], lambda book: first(named(editor_of(book)), -book), False),
    "two": (
        ["editor__country", "writer__name", "id"],
        lambda book: (*first(country(editor_of(book))), named(writer_of(book)), book),
        False,
    ),
    "taken": (["writer__country", "id"], lambda book: first(country(writer_of(book)), book), False),
    "key too": (["writer__name", "writer", "id"], lambda book: first(named(writer_of(book)), book), False),
}


@both
@pytest.mark.parametrize("form", ["", "-url", "-nested", "-slug"])
@pytest.mark.parametrize("case", ORDERS)
async def test_the_rows_are_in_the_order_that_django_gives(place, kind, form, case):  # noqa: F811
    names, key, backwards = ORDERS[case]
    here = place(kind, form)
    if case == "key too" and form == "-slug":
        names = [names[0], names[2]]
    expected = sorted(BOOKS, key=key, reverse=backwards)
    query = here.books.order_by(*names)
    assert [book.id for book in await settle(query)] == expected
    assert [book.id for book in await settle(query[3:17])] == expected[3:17]
    assert (await settle(query.first())).id == expected[0]
    assert [book.id async for book in stream(query.all())] == expected
    some = query.filter(id__in=list(range(1, 30)), writer__name__in=["Writer 2", "Writer 3", "Writer 4"])
    if form != "-slug":
        assert [book.id for book in await settle(some)] == [b for b in expected if b < 30 and writer_of(b) in (2, 3, 4)]
    assert (await settle(here.books.latest(names[0].removeprefix("-"), "id"))).id in BOOKS


@both
async def test_what_an_order_costs_and_explain_says(place, kind):  # noqa: F811
    here = place(kind)
    query = here.books.order_by("writer__name")
    assert (
        query.explain().local[-1].startswith("ordering by writer__name: unless the server is seen to sort by it, the rows of")
    )
    await settle(query)
    here.cost()
    await settle(query.all())
    # Three pages of books, and the writers by their keys.
    assert here.cost() == 3 + 1
    says = query.all().explain()
    assert says.local[-1].startswith("ordering by writer__name: the rows of `Writer` that the rows point at")
    assert says.requests(60) is None
    # What the server sorts by is its own to sort.
    taken = here.books.order_by("writer__country")
    await settle(taken[:5])
    here.cost()
    await settle(taken[:5])
    assert here.cost() == 1
    assert taken.explain().local == []
    with pytest.raises(orm.UnsupportedError, match="max_scan"):
        await settle(query.max_scan(30))


@both
async def test_an_order_that_cannot_be_told_is_an_error(place, kind):  # noqa: F811
    here = place(kind)
    with pytest.raises(orm.UnsupportedError, match=r"several rows of `Genre`, and would come once for each"):
        await settle(here.books.order_by("genres__name"))
    with pytest.raises(orm.UnsupportedError, match=r"several rows of `Book`"):
        await settle(here.models.Writer.objects.order_by("books__title"))
    with pytest.raises(orm.UnsupportedError, match="does not sort by `writer__nickname`"):
        await settle(here.books.order_by("writer__nickname"))


def blog(kind):
    """Posts, their authors, and the teams of these."""
    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

    class TeamSchema(BaseModel):
        id: int
        name: str

    class Team(base):
        _schema_class = TeamSchema
        _endpoint = "/api/v1/teams/"

    class UserSchema(BaseModel):
        id: int
        name: str
        balance: Decimal
        team: orm.ForeignKey[Team] | None = None

    class User(base):
        _schema_class = UserSchema
        _endpoint = "/api/v1/users/"

    class PostSchema(BaseModel):
        id: int
        author: orm.ForeignKey[User]

    class Post(base):
        _schema_class = PostSchema
        _endpoint = "/api/v1/posts/"

    return Post, User, Team


#: The orders of posts, and their keys by post: what is behind two relations, and numbers that the server writes as texts.
FAR_ORDERS = {
    "author__team__name": lambda author, team: first(team and team.name),
    "author__balance": lambda author, team: (author.balance,),
}


@both
@pytest.mark.parametrize("at", ["drf", "testserver"])
@pytest.mark.parametrize("name", FAR_ORDERS)
async def test_an_order_reaches_over_two_relations(request, kind, at, name):
    Post, User, Team = blog(kind)
    client = (orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient)(
        request.getfixturevalue(at).base_url, auth_token=TOKEN
    )
    (orm.register_models if kind == "sync" else orm.register_async_models)(client, Post, User, Team)
    users, teams = {user.id: user for user in USERS}, {team.id: team for team in TEAMS}

    def key(post):
        author = users[post.author_id]
        return (*FAR_ORDERS[name](author, teams.get(author.team)), post.id)

    expected = [post.id for post in sorted(POSTS, key=key)]
    posts = await settle(Post.objects.order_by(name, "id"))
    assert [post.id for post in posts] == expected
    authors = await settle(User.objects.prefetch_related("team").order_by("team__name", "id")[:3])
    assert [user.team_id for user in authors] == [None] * 3
    inner = orm.Prefetch("author", User.objects.order_by("team__name"))
    assert len(await settle(Post.objects.prefetch_related(inner))) == len(POSTS)
    await settle(client.close())


@both
@pytest.mark.parametrize("form", ["", "-url", "-nested", "-slug"])
async def test_values_reach_over_relations(place, kind, form):  # noqa: F811
    here = place(kind, form)
    await settle(here.books.all())
    here.cost()
    found = await settle(here.books.order_by("id").values_list("id", "writer__name", "editor__name", "editor__pk"))
    assert found == [(book, named(writer_of(book)), named(editor_of(book)), editor_of(book)) for book in BOOKS]
    # The books; the writers and the editors where they are not shown.
    assert here.cost() == 3 + (0 if form == "-nested" else 2)
    italians = await settle(here.books.filter(id__in=[1, 2, 3, 4]).values("editor__country", "title"))
    assert italians == [{"editor__country": country(editor_of(book)), "title": f"Book {book}"} for book in (1, 2, 3, 4)]
    names = await settle(here.books.filter(id=4).values_list("writer__slug", flat=True))
    assert names == [f"writer-{writer_of(4)}"]
    (one,) = await settle(here.books.filter(id=4).values_list("id", "writer__name", named=True))
    assert (one.id, one.writer__name) == (4, named(writer_of(4)))
    with pytest.raises(ValueError, match="nickname"):
        await settle(here.books.values("writer__nickname"))


@both
@by_key
async def test_values_across_several_rows_come_once_for_each(place, kind, form):  # noqa: F811
    here = place(kind, form)
    names = {1: "essay", 2: "novel", 3: "poem", 4: "play"}
    found = await settle(here.books.order_by("id").values_list("id", "genres__name"))
    assert found == [(book, name) for book in BOOKS for name in [names[each] for each in genres_of(book)] or [None]]
    own = await settle(here.models.Writer.objects.order_by("id").values_list("id", "books__title", "books__genres__id"))
    assert sorted(own, key=str) == sorted(
        (
            (writer, book and f"Book {book}", genre)
            for writer in WRITERS
            for book in [book for book in BOOKS if writer_of(book) == writer] or [None]
            for genre in (genres_of(book) if book else []) or [None]
        ),
        key=str,
    )
    here.cost()
    with pytest.raises(orm.UnsupportedError, match="slice"):
        await settle(here.books.all()[:3].values("genres__name"))
    with pytest.raises(orm.UnsupportedError, match="filters by that relation"):
        await settle(here.books.filter(genres__name="novel").values("genres__name"))
    with pytest.raises(orm.UnsupportedError, match="filters by that relation"):
        await settle(here.books.filter(genres__id=2).values("genres__name"))
    with pytest.raises(orm.UnsupportedError, match="slice"):
        await settle(here.books.all()[:3].values("writer__books__title"))
    with pytest.raises(orm.UnsupportedError, match="filters by that relation"):
        await settle(here.books.filter(writer__books__title="Book 1").values("writer__books__title"))
    assert here.cost() == 0


@both
async def test_the_value_of_a_row_that_is_not_there_is_an_error(request, kind):
    Post, User, Team = blog(kind)
    client = (orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient)(
        request.getfixturevalue("drf").base_url, auth_token=TOKEN
    )
    (orm.register_models if kind == "sync" else orm.register_async_models)(client, Post, User, Team)
    found = await settle(Post.objects.order_by("id").values_list("author__team__name", "author__balance"))
    users, teams = {user.id: user for user in USERS}, {team.id: team.name for team in TEAMS}
    authors = [users[post.author_id] for post in POSTS]
    assert found == [(teams.get(author.team), author.balance) for author in authors]
    rows = [b'{"id": 1, "author": 2}', b'{"id": 2, "author": 999}']
    query = Post.objects.all()
    with pytest.raises(User.DoesNotExist, match=r"Post\.author.*999"):
        await settle(query._behind(query._across(("author__name",)), rows))
    await settle(client.close())


@both
async def test_a_lookup_across_a_relation_is_no_value_of_a_new_row(place, kind, put_back):  # noqa: F811
    here = place(kind)
    found, created = await settle(here.books.get_or_create(title="Book 5", writer__country="IT", defaults={"writer": 3}))
    assert (found.id, created) == (5, False)
    new = {"title": "New", "writer__country": "IT"}
    for is_new in (True, False):
        found, created = await settle(here.books.get_or_create(**new, defaults={"writer": 3}))
        assert (found.title, found.writer_id, created) == ("New", 3, is_new)
    with pytest.raises(ValidationError, match="writer"):
        await settle(here.books.get_or_create(title="Newer", writer__country="IT"))
