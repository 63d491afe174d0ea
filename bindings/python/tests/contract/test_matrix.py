"""The matrix: every paginator, with filter backends and without, gives the same answers to the same queries.

Each cell runs all queries of ``plans``, and each query is asked in some of the ways: as a list, a stream, a count, and so on.
Where the server has no filter backend, these are the answers behind ignored filters and orders.
"""

from __future__ import annotations

import contextlib

import django_api_orm as orm
import pytest

from . import fixture
from .plans import PLANS
from .site import ITEMS, all_values, ids, settle, stream, values, writes

#: A cell.
on_every_endpoint = pytest.mark.parametrize("endpoint", ITEMS)


def honours(endpoint):
    """Whether the server of the endpoint filters and sorts."""
    return endpoint.endswith("-on")


def by_a_new_client(site, endpoint):
    """The items behind an endpoint, by a client that knows nothing of it yet."""
    return site.items(endpoint, site.connect())


# The ways to ask: each gives what was found and what that should be.


async def fetch(query, plan, expected):
    return ids(await settle(query)), expected


async def iterate(query, plan, expected):
    return [row.id async for row in stream(query)], expected


async def count(query, plan, expected):
    return await settle(query.count()), len(expected)


async def exists(query, plan, expected):
    return await settle(query.exists()), bool(expected)


async def first(query, plan, expected):
    row = await settle(query.first())
    return row and row.id, expected[0] if expected else None


async def last(query, plan, expected):
    row = await settle(query.last())
    return row and row.id, expected[-1] if expected else None


async def get(query, plan, expected):
    if plan.part is not None:
        return None, None  # A slice takes no further filter, as in Django.
    found = set()
    for key in (1, 33, 130):
        with contextlib.suppress(query.model.DoesNotExist):
            found.add((await settle(query.get(id=key))).id)
    return found, {1, 33, 130}.intersection(expected)


async def in_bulk(query, plan, expected):
    if plan.part is not None:
        return None, None
    keys = [2, 33, 130, 4000, 61]
    return set(await settle(query.in_bulk(keys))), set(keys).intersection(expected)


async def values_list(query, plan, expected):
    found = await settle(query.values_list("id", "rank"))
    return found, [(key, fixture.ITEMS[key - 1].rank) for key in expected]


WAYS = [fetch, iterate, count, exists, first, last, get, in_bulk, values_list]


#: How many of them a query is asked in on the test server. The real site answers each query once.
WAYS_FOR_ONE = 2


def half_for(site):
    """The queries with their numbers, shared by synchronous and asynchronous calls of a server: all of them for both would
    take minutes. What one asks of this server it does not ask of the other one.
    """
    return list(enumerate(PLANS))[(site.server.name == "drf") ^ (site.kind == "sync") :: 2]


async def wrongly(query, plan, way, expected):
    """What is wrong with a query asked in one way; the others are asked all the same."""
    try:
        found, wanted = await way(query, plan, expected)
    except orm.APIException as error:
        return [f"{plan.name} as {way.__name__}: {error!r}"]
    return [] if found == wanted else [f"{plan.name} as {way.__name__}: {found}, expected {wanted}"]


@on_every_endpoint
async def test_answers(site, endpoint):
    known = site.items(endpoint)
    wrong = []
    for number, plan in half_for(site):
        expected = plan.expected(fixture.ITEMS, honours(endpoint))
        unknown = by_a_new_client(site, endpoint)
        if site.server.name == "drf":
            # Another way behind each endpoint, and a client that knows the endpoint for every third query.
            way = WAYS[(number + ITEMS.index(endpoint)) % len(WAYS)]
            wrong += await wrongly(plan.query(unknown if number // 2 % 3 else known), plan, way, expected)
            continue
        # What a client learns from one answer it uses for the next, so every way comes first for some of the queries. Not
        # every way for each of them: that would take minutes.
        for turn in range(WAYS_FOR_ONE):
            way = WAYS[(number + 2 * turn + 5 * honours(endpoint)) % len(WAYS)]
            wrong += await wrongly(plan.query(unknown), plan, way, expected)
        wrong += await wrongly(plan.query(known), plan, WAYS[number % 3], expected)
    assert not wrong, "\n".join(wrong)


@on_every_endpoint
async def test_costs(site, endpoint):
    """``explain()`` tells what a list costs, once the client has seen a page and what the server ignores."""
    wrong = []
    told = fetched = 0
    for number, plan in half_for(site):
        # What a call costs is the client's doing. Django is asked each query behind one of the endpoints.
        if site.server.name == "drf" and number // 2 % len(ITEMS) != ITEMS.index(endpoint):
            continue
        client = site.connect()
        items = site.items(endpoint, client)
        await settle(items.all())
        for time in range(3):
            before = plan.query(items).explain()
            filtered = any(name != "ordering" for name, _ in before.pushed)
            rows = plan.rows_on_the_server(fixture.ITEMS) if filtered else len(fixture.ITEMS)
            expected = before.requests(rows)
            requests = client.stats.requests
            await settle(plan.query(items))
            requests = client.stats.requests - requests
            fetched += 1
            if plan.query(items).explain().pushed != before.pushed or expected is None:
                # The server did not do as asked, and that is known now; or it cannot be told.
                continue
            told += 1
            if expected != requests:
                wrong.append(f"{plan.name}, time {time}: {expected} requests for {rows} rows, {requests} made\n{before}")
    # Behind an endpoint Django is asked a few queries, which may be those that cannot be told.
    assert 2 * told > fetched or (site.server.name == "drf" and told), f"told {told} times of {fetched}"
    assert not wrong, "\n".join(wrong)


@on_every_endpoint
async def test_warm(site, endpoint):
    """No probe is made twice. The third time a query takes the requests that ``explain()`` tells, and where the server honours
    what it is asked, those of a client that trusts it.
    """
    wrong = []
    compared = told = 0
    for number, plan in half_for(site):
        # What a call costs is the client's doing: each query is asked behind one of the endpoints, in another way behind each.
        if number // 2 % len(ITEMS) != ITEMS.index(endpoint):
            continue
        way = WAYS[(number // 2 // len(ITEMS) + ITEMS.index(endpoint)) % len(WAYS)]
        way = fetch if plan.part is not None and way in (get, in_bulk) else way
        expected = plan.expected(fixture.ITEMS, honours(endpoint))
        proving, trusting = site.connect(), site.connect(on_ignored="trust")
        made = []
        for client in (proving, trusting):
            items = site.items(endpoint, client)
            for _ in range(3):
                before = client.stats.requests
                # Where the server does not do as asked, trust gives a wrong answer.
                outcome = await wrongly(plan.query(items), plan, way, expected)
                wrong += outcome if client is proving else []
                made.append(client.stats.requests - before)
        warm, plain = made[2], made[5]
        explained, trusted = (plan.query(site.items(endpoint, client)).explain() for client in (proving, trusting))
        # Whether an order has nulls, which a cursor would lose, is asked each time: they may have come since.
        is_ordered = any(name == "ordering" and by not in ("id", "-id") for name, by in explained.pushed)
        if honours(endpoint) and explained.pushed == trusted.pushed and not (endpoint.startswith("cursor") and is_ordered):
            compared += 1
            wrong += [] if warm == plain else [f"{plan.name} as {way.__name__}: {warm} requests, {plain} on trust\n{explained}"]
        if way in (fetch, iterate, values_list):
            filtered = any(name != "ordering" for name, _ in explained.pushed)
            requests = explained.requests(plan.rows_on_the_server(fixture.ITEMS) if filtered else len(fixture.ITEMS))
            told += 1
            if "to see what the server honours" in str(explained) or requests not in (None, warm):
                wrong.append(f"{plan.name} as {way.__name__}: {warm} requests, {requests} told\n{explained}")
    assert told or compared
    assert not wrong, "\n".join(wrong)


@on_every_endpoint
async def test_notices(site, endpoint):
    """An ignored filter or order is told of once, or raised."""
    items = site.items(endpoint)
    toys = fixture.ids_of(fixture.ITEMS, lambda item: item.flag and item.kind == "toy")
    query = items.filter(kind="toy", flag=True)
    ordered = items.order_by("-rank", "id")
    for _ in range(2):
        assert ids(await settle(query.all())) == toys
        assert await settle(query.all().count()) == len(toys)
        assert await settle(items.filter(kind="tool").count()) == 26
        assert (await settle(ordered.all().first())).rank == 16
        await settle(ordered.all())
    expected = [("filter ignored", "flag"), ("filter ignored", "kind"), ("ordering ignored", "rank")]
    assert sorted(site.warnings()) == ([] if honours(endpoint) else expected)
    strict = by_a_new_client(site, endpoint).all().on_ignored("error").filter(kind="tool")
    # Each is a query of its own: a queryset that was fetched answers from its rows.
    for ask, answer in (
        (lambda: strict.all(), fixture.ids_of(fixture.ITEMS, lambda item: item.kind == "tool")),
        (lambda: strict.count(), 26),
        (lambda: strict.get(id=fixture.ids_of(fixture.ITEMS, lambda item: item.kind == "tool")[0]), None),
        (lambda: strict.first(), None),
    ):
        if honours(endpoint):
            found = await settle(ask())
            assert answer is None or answer == (ids(found) if isinstance(found, list) else found)
        else:
            with pytest.raises(orm.IgnoredError):
                await settle(ask())


@writes
@on_every_endpoint
async def test_writes(site, endpoint):
    """Writes behind a filter touch the rows that satisfy it, and no others."""
    items = site.items(endpoint)
    expected = {item.id: values(item) for item in fixture.ITEMS}
    query = items.filter(kind="toy", flag=True)
    matching = fixture.ids_of(fixture.ITEMS, lambda item: item.flag and item.kind == "toy")
    assert 2 <= len(matching) < 26

    async def rows():
        return all_values(await settle(items.all()))

    with pytest.raises(orm.CountMismatchError):
        await settle(query.expect(len(matching) + 1).update(rank=77))
    with pytest.raises(orm.CountMismatchError):
        await settle(query.expect(len(matching) - 1).delete())
    assert await rows() == list(expected.values()), "nothing is changed"

    assert await settle(query.expect(len(matching)).update(rank=77)) == len(matching)
    for key in matching:
        expected[key]["rank"] = 77
    assert await rows() == list(expected.values()), "update"

    unknown = by_a_new_client(site, endpoint)
    row, created = await settle(unknown.update_or_create(name="zebra 32", defaults={"rank": 78}))
    assert (row.id, created) == (32, False)
    expected[32]["rank"] = 78
    new = {"rank": 79, "kind": "toy", "price": "1.00"}
    row, created = await settle(items.update_or_create(name="quite new", defaults=new))
    assert created
    expected[row.id] = values(row)
    assert await rows() == list(expected.values()), "update_or_create"

    high = items.exclude(rank__lt=77).filter(rank__isnull=False)
    assert await settle(high.expect(len(matching) + 2).delete()) == len(matching) + 2
    left = [row for row in expected.values() if row["rank"] is None or row["rank"] < 77]
    assert await rows() == left, "delete"
