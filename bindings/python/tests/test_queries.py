"""Querysets: whose list it is, fetches that nobody waits for, and the edges of slices, ``values`` and ``none``."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

import django_api_orm as orm
import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    Manager,
    Q,
    QuerySet,
    ServiceClient,
    register_async_models,
    register_models,
)
from pydantic import Field, ValidationError, computed_field
from schemas import UserSchema


class User(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


class AsyncUser(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


@pytest.fixture
def client(server):
    with ServiceClient(server.base_url, auth_token="test-token", max_retries=0) as client:
        register_models(client, User)
        yield client
    orm.unregister_models(User)


@pytest.fixture
def async_client(server):
    client = AsyncServiceClient(server.base_url, auth_token="test-token", max_retries=0)
    register_async_models(client, AsyncUser)
    yield client
    orm.unregister_models(AsyncUser)


async def asked(server):
    """Until the next request has reached the server."""
    before = len(server.requests())
    while len(server.requests()) == before:
        await asyncio.sleep(0.001)


# Fetches


async def test_a_fetch_is_retried_after_a_timeout(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    server.delay_next(20)
    task = asyncio.current_task()
    # What `asyncio.timeout` does.
    asyncio.get_running_loop().call_later(0.05, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await query
    if sys.version_info >= (3, 11):
        task.uncancel()
    rows = await query
    assert [user.pk for user in rows] == [1, 2, 3]


async def test_a_new_waiter_in_the_tick_of_a_cancellation(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    server.delay_next(20)
    first = asyncio.ensure_future(query._fetch())
    await asked(server)
    first.cancel()
    second = asyncio.ensure_future(query._fetch())
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(await second) == 3
    # And with the new one first in the queue: then the walk is not given up at all.
    query = query.all()
    server.delay_next(0.1)
    first = asyncio.ensure_future(query._fetch())
    await asked(server)
    before = len(server.requests())
    second = asyncio.ensure_future(query._fetch())
    await asyncio.sleep(0)
    first.cancel()
    assert len(await second) == 3 and len(server.requests()) == before


async def test_each_waiter_is_cancelled_alone(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    server.delay_next(20)
    both = [asyncio.ensure_future(query._fetch()) for _ in range(2)]
    await asked(server)
    both[0].cancel()
    done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    assert done == {both[0]} and both[0].cancelled()
    both[1].cancel()
    await asyncio.sleep(0)
    # Now nobody waits any more; the next one does not join what is being given up.
    assert both[1].cancelled()
    assert len(await query) == 3


async def test_a_failure_is_everybodys_and_is_not_kept(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    server.fail_next(500, [], b"")
    failures = await asyncio.gather(*[query._fetch() for _ in range(3)], return_exceptions=True)
    assert [type(failure) for failure in failures] == [orm.InternalServerError] * 3
    assert len(await query) == 3


async def test_everybody_has_a_list_of_ones_own(server, async_client):
    query = AsyncUser.objects.filter(id__lte=3)
    one, two = await asyncio.gather(query._fetch(), query._fetch())
    one.clear()
    three = await query
    three.pop()
    assert len(two) == len(await query) == await query.alen() == 3 and two[0] is three[0]


def test_a_list_of_rows_is_the_callers(client):
    query = User.objects.filter(id__lte=3)
    query._fetch().clear()
    assert len(query) == 3 and query._fetch()[0] is query[0]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_signal_handler_that_asks_for_the_rows_under_way(server, client):
    query = User.objects.filter(id__lte=3)

    def handler(*_):
        list(query)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        server.delay_next(1.0)
        main = threading.get_ident()
        threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGUSR1]).start()
        with pytest.raises(RuntimeError, match="already"):
            list(query)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(query) == 3


def test_a_report_that_asks_for_the_rows_under_way(client):
    class Wrong(APIModel):
        class _schema_class(UserSchema):
            age: int

        _endpoint = "/api/v1/users/"

    register_models(client, Wrong)
    query = Wrong.objects.all().on_invalid("skip", lambda error: len(query))
    with pytest.raises(RuntimeError, match="already"):
        list(query)


# Conditions and slices at their edges


NOTHING = {
    "iteration": (list, []),
    "filter": (lambda none: list(none.filter(name="x")), []),
    "exclude": (lambda none: list(none.exclude(Q(name="x") | Q(id=1))), []),
    "order_by": (lambda none: list(none.order_by("-name").reverse()), []),
    "search": (lambda none: list(none.search("x").parameters(a=1)), []),
    "slice": (lambda none: list(none[2:5]), []),
    "all": (lambda none: list(none.all().none()), []),
    "using": (lambda none: list(none.using(none.client)), []),
    "iterator": (lambda none: list(none.iterator()), []),
    "keyset": (lambda none: list(none.keyset()), []),
    "values": (lambda none: none.values("id"), []),
    "values_list": (lambda none: none.filter(id=1).values_list("id", flat=True), []),
    "in_bulk": (lambda none: none.in_bulk([1, 2]), {}),
    "count": (lambda none: none.filter(id=1).count(), 0),
    "exists": (lambda none: none.exclude(id=1).exists(), False),
    "first": (lambda none: none.first(), None),
    "last": (lambda none: none.order_by("name").last(), None),
    "update": (lambda none: none.update(name="x"), 0),
    "delete": (lambda none: none.filter(id=1).delete(), 0),
}


@pytest.mark.parametrize("asked", NOTHING)
def test_none_stays_empty_and_sends_nothing(server, client, asked):
    call, answer = NOTHING[asked]
    for none in (User.objects.none(), User.objects.filter(id=1)[:5].none()):
        assert call(none) == answer
        with pytest.raises(User.DoesNotExist):
            none.get(id=1)
    assert server.requests() == []


def test_none_where_few_filters_are_declared(server, client):
    class Strict(User):
        _filter_fields = ("name",)

    register_models(client, Strict)
    assert list(Strict.objects.none()) == [] and server.requests() == []


async def test_none_of_an_asynchronous_model(server, async_client):
    none = AsyncUser.objects.none().filter(name="x")
    assert (await none, await none.count(), [user async for user in none.keyset()]) == ([], 0, [])
    assert server.requests() == []


def test_an_empty_q_leaves_the_other_side(client):
    one = Q(id=1)
    for q in (Q() | one, one | Q(), Q() ^ one, one ^ Q(), Q() & one, one & Q(), ~Q() | one, one & ~Q(), Q() | (one ^ Q())):
        assert repr(q) == "Q(id=1)" and [user.pk for user in User.objects.filter(q)] == [1]
    for q in (Q() | Q(), Q() ^ Q(), Q() & Q()):
        assert not q and User.objects.filter(q).count() == 250
    with pytest.raises(TypeError, match="not with int"):
        Q() | 1


def test_slices_beyond_what_servers_count(server, client):
    users = User.objects.order_by("id")
    for beyond in (users[10**30 :], users[2**63 :], users[10**30 : 10**31], users[5:][10**30 :]):
        assert list(beyond) == [] and beyond.count() == 0
    with pytest.raises(IndexError):
        users[10**30]
    assert server.requests() == []
    assert [user.pk for user in users[248 : 10**30]] == [249, 250]
    assert "limit" not in server.requests()[-1][1]
    for call in (users.page_size, users.max_scan, users.expect, users.explain):
        for number in (-1, 10**30):
            with pytest.raises(ValueError, match="takes a number of rows, not"):
                call(number)


# Values


class Loud(APIModel):
    class _schema_class(UserSchema):
        @computed_field
        @property
        def shout(self) -> str:
            return self.name.upper()

    _endpoint = "/api/v1/users/"


def test_values_of_computed_fields(client):
    register_models(client, Loud)
    rows = Loud.objects.order_by("id")[:1]
    assert rows.values("id", "shout") == [{"id": 1, "shout": "ALICE SMITH"}]
    assert rows.values_list("shout", "joined_on__year") == [("ALICE SMITH", rows[0].joined_on.year)]
    assert "shout" not in rows.values()[0]


def test_values_of_what_is_not_there(client):
    rows = User.objects.filter(id=1)
    with pytest.raises(ValueError, match=r"has no field `nope`: choose from active, .*email, id,"):
        rows.values("nope")
    for path in ("name__first", "name__upper", "tags__0"):
        with pytest.raises(ValueError, match=f"for `{path}` in a value of type"):
            rows.values_list(path)
    # An object of any shape need not have every key.
    assert rows.values_list("settings__no_such_key", flat=True) == [None]


# Rows that do not fit


class Fitting(APIModel):
    class _schema_class(UserSchema):
        age: int = Field(ge=35, le=65)

    _endpoint = "/api/v1/users/"


class AsyncFitting(AsyncAPIModel):
    _schema_class = Fitting._schema_class
    _endpoint = "/api/v1/users/"


@pytest.fixture
def fitting(client, async_client):
    register_models(client, Fitting)
    register_async_models(async_client, AsyncFitting)
    fits = [user.pk for user in User.objects.order_by("id") if user.age is not None and 35 <= user.age <= 65]
    # The first and the last row do not fit, and they are not alone.
    assert fits[0] > 2 and fits[-1] < 249 and len(fits) > 50
    return fits


@pytest.mark.parametrize("ordered", [False, True])
def test_skipping_leaves_rows_out_wherever_they_become_objects(client, fitting, ordered):
    errors = []
    rows = Fitting.objects.on_invalid("skip", errors.append)
    if ordered:
        rows = rows.order_by("id")
    assert [row.pk for row in rows.all()] == fitting == [row.pk for row in rows.iterator()] == sorted(rows.all().in_bulk())
    assert [pk for pk, _ in rows.values_list("id", "age")] == [row["id"] for row in rows.values("age", "id")] == fitting
    assert [row["id"] for row in rows.values()] == fitting
    # A field that is not asked for is not looked at.
    assert sorted(rows.values_list("id", flat=True)) == list(range(1, 251)) == sorted(row["id"] for row in rows.values("id"))
    assert (rows.first().pk, rows.last().pk) == (fitting[0], fitting[-1])
    assert (rows[0].pk, rows[3].pk, rows[len(fitting) - 1].pk) == (fitting[0], fitting[3], fitting[-1])
    with pytest.raises(IndexError):
        rows[len(fitting)]
    # These speak of the server's rows.
    assert rows.count() == 250 and rows.exists()
    fetched = rows.all()
    assert (len(fetched), fetched.count(), fetched.last()) == (len(fitting), 250, fetched[len(fitting) - 1])
    top = rows[:20]
    assert (top.count(), [row.pk for row in top.all()]) == (20, [pk for pk in fitting if pk <= 20])
    assert (top.first().pk, top.last().pk) == (fitting[0], [pk for pk in fitting if pk <= 20][-1])
    nobody = rows[:2]
    assert (nobody.first(), nobody.last(), nobody.values(), nobody.count()) == (None, None, [], 2)
    assert not nobody and nobody.exists()
    errors.clear()
    assert rows.first() is not None
    assert [(error.index, error.key) for error in errors] == [(at, at + 1) for at in range(fitting[0] - 1)]
    with pytest.raises(ValidationError):
        rows.get(id=1)


async def test_skipping_in_an_asynchronous_model(async_client, fitting):
    errors = []
    rows = AsyncFitting.objects.on_invalid("skip", errors.append)
    assert ((await rows.first()).pk, (await rows.last()).pk) == (fitting[0], fitting[-1])
    errors.clear()
    assert [pk for pk, _ in await rows.values_list("id", "age")] == fitting and await rows.count() == 250
    assert [error.key for error in errors] == [pk for pk in range(1, 251) if pk not in fitting]
    assert (await rows[:2].first(), await rows[:2].last()) == (None, None)


def test_without_skipping_they_raise(client, fitting):
    for call in (
        list,
        lambda rows: rows.first(),
        lambda rows: rows.last(),
        lambda rows: rows[0],
        lambda rows: rows.values(),
        lambda rows: rows.values("age"),
        lambda rows: rows.values_list("id", "age"),
    ):
        with pytest.raises(ValidationError):
            call(Fitting.objects.all())
    assert len(Fitting.objects.values("id")) == 250


# What the published package has


def test_names_that_were_imported_from_the_clients_modules():
    from django_api_orm import async_client, client

    for module in (client, async_client):
        for name in (
            "APIException",
            "APIResponse",
            "AuthenticationError",
            "ConnectionError",
            "DoesNotExist",
            "HTTPStatusError",
            "RateLimitError",
            "TimeoutError",
        ):
            assert name in module.__all__ and getattr(module, name) is getattr(orm, name)


def test_the_manager_of_a_query(client, async_client):
    manager = User.objects.filter(id=1).manager
    assert (type(manager), manager.model, manager.client, manager.count()) == (Manager, User, client, 250)
    assert QuerySet(User, client).manager.get(id=1).pk == 1
    assert AsyncUser.objects.all().manager.client is async_client


def test_parameters_that_are_lists(server, client):
    client.get("/api/v1/users/", params={"tag": ["a", "b"], "id__in": [1, 2], "none": [], "age__range": (1, 2), "limit": 1})
    assert server.requests()[-1][1].endswith("?tag=a&tag=b&id__in=1,2&age__range=1,2&limit=1")
    client.get("/api/v1/users/", params=[("tag", "a"), ("tag", None), ("tag", ("b", True))])
    assert server.requests()[-1][1].endswith("?tag=a&tag=b&tag=true")
    assert User.objects.filter(id__in=[1, 2]).explain().pushed == [("id__in", "1,2")]


# Managers of one's own


class Suspicious(Manager["Guarded"]):
    def get_queryset(self):
        return super().get_queryset().on_ignored("error")


class Guarded(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"

    objects = Suspicious()


def test_the_settings_of_a_manager_hold_for_what_it_creates(server, client):
    register_models(client, Guarded)
    for write in (Guarded.objects.get_or_create, Guarded.objects.update_or_create):
        # The server ignores this filter, as the manager does not allow.
        with pytest.raises(orm.IgnoredError):
            write(email__startswith="nobody@", defaults={"name": "N", "email": "nobody@example.com"})
    assert {method for method, _, _ in server.requests()} == {"GET"}
