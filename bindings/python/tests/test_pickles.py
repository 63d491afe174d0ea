"""Pickled querysets: the same query, on the client that is registered where it is loaded."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import pickle
import subprocess
import sys
import warnings
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, Manager, Q, QuerySet, ServiceClient
from django_api_orm.testserver import TestServer
from pydantic import BaseModel
from test_writes import settle

ROWS = [{"id": number, "name": f"n{number}", "rank": number % 3, "takes": None} for number in range(1, 31)]


class Thing(BaseModel):
    id: int | None = None
    name: str
    rank: int = 0
    takes: dt.timedelta | None = None


class RankedManager(Manager[Any]):
    def ranked(self, rank: int) -> QuerySet[Any]:
        return self.filter(rank=rank)


class Sync(APIModel):
    _schema_class = Thing
    _endpoint = "/api/v1/things/"
    ranking = RankedManager()


class Async(AsyncAPIModel):
    _schema_class = Thing
    _endpoint = "/api/v1/things/"


@pytest.fixture
def things():
    with TestServer({"things": ROWS, "others": ROWS[:3]}, token="t") as server:
        orm.register_models(ServiceClient(server.base_url, auth_token="t"), Sync)
        orm.register_async_models(AsyncServiceClient(server.base_url, auth_token="t"), Async)
        yield server
        orm.unregister_models(Sync, Async)


def again(query: Any) -> Any:
    return pickle.loads(pickle.dumps(query))


QUERIES = {
    "all": lambda rows: rows.all(),
    "filters": lambda rows: rows.filter(rank=1, takes=None).exclude(Q(id__in=[4, 7]) | Q(name__startswith="n2") & ~Q(id=25)),
    "a slice": lambda rows: rows.order_by("-rank", "id")[3:20][1:5],
    "backwards": lambda rows: rows.filter(takes=None).reverse(),
    "a search": lambda rows: rows.search("n1").parameters(colour="x", more=1),
    "none": lambda rows: rows.none(),
    "policies": lambda rows: rows.on_ignored("trust").on_drift("error").page_size(7).max_scan(50).filter(id__gt=3),
    "a manager at another place": lambda rows: rows.at("/api/v1/others/").filter(id__gt=1),
    "dates and spans": lambda rows: rows.filter(takes__gt=dt.timedelta(days=400)),
}


@pytest.mark.parametrize("model", [Sync, Async])
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_the_copy_is_the_same_query(things, model, query):
    async def main():
        warnings.simplefilter("ignore", orm.IgnoredWarning)
        rows = query(model.objects)
        copy = again(rows)
        assert type(copy) is type(rows) and copy.explain() == rows.explain() and copy._policy == rows._policy
        assert "not fetched" in repr(copy) and things.requests() == []
        # What the server honours is found out once.
        list(await settle(rows.all()))
        things.reset()
        expected = [row.id for row in await settle(rows)]
        asked = sorted(things.requests())
        things.reset()
        assert [row.id for row in await settle(copy)] == expected
        assert sorted(things.requests()) == asked
        assert [row.id for row in await settle(copy)] == expected and sorted(things.requests()) == asked
        # Rows that were fetched come along.
        assert [row.id for row in await settle(again(copy))] == expected and sorted(things.requests()) == asked

    asyncio.run(main())


def test_what_is_set_stays(things):
    rows = Sync.objects.filter(rank=2)
    with pytest.raises(orm.CountMismatchError):
        again(rows.expect(3)).update(name="x")
    assert [method for method, _, _ in things.requests() if method != "GET"] == []
    made, created = again(Sync.objects.filter(rank=5)).get_or_create(name="new")
    assert (created, made.rank) == (True, 5)
    ranked = again(Sync.ranking.filter(id__lt=10))
    assert [row.id for row in ranked.ranked(1)] == [1, 4, 7]
    assert ranked.manager.client is ranked.client is Sync.objects.client
    chained = again(Sync.ranking.at("/api/v1/others/").ranked(1))
    (one,) = chained
    one.name = "changed"
    one.save()
    assert things.requests()[-1][:2] == ("PATCH", "/api/v1/others/1/")


def test_a_query_on_another_client_is_refused(things):
    other = ServiceClient(things.base_url, auth_token="another")
    for rows in (Sync.objects.using(other).all(), other.manager(Sync).filter(id=1), Sync.objects.all().using(other)):
        with pytest.raises(TypeError, match=r"cannot be pickled: .*`Sync` is not registered with.*list\(queryset\)"):
            pickle.dumps(rows)
    assert again(Sync.objects.client.with_token("t").manager(Sync).filter(id=1)).count() == 1
    orm.unregister_models(Sync)
    orm.register_models(other, Sync)
    pickled = pickle.dumps(Sync.objects.filter(id=1))
    assert b"another" not in pickled and things.base_url.encode() not in pickled
    orm.unregister_models(Sync)
    with pytest.raises(orm.ConfigurationError, match=r"register_models\(client, Sync\)"):
        pickle.loads(pickled)


def test_what_cannot_be_read_says_why(things):
    pickled = pickle.dumps(Sync.objects.filter(id=1))
    with pytest.raises(ValueError, match="another version of the package"):
        pickle.loads(pickled.replace(b"Lookup", b"Lookap"))


PROGRAM = """
import pickle, sys
import django_api_orm as orm, test_pickles
orm.register_models(orm.ServiceClient(sys.argv[1], auth_token="t"), test_pickles.Sync)
print([row.id for row in pickle.load(sys.stdin.buffer)])
"""


def test_another_process_uses_its_own_client(things):
    pickled = pickle.dumps(Sync.objects.filter(rank=0, id__lt=10))
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    command = [sys.executable, "-c", PROGRAM, things.base_url]
    done = subprocess.run(command, input=pickled, capture_output=True, env=environment, check=True, timeout=60)
    assert done.stdout.split() == [b"[3,", b"6,", b"9]"]
