"""Related rows of a small table: all of them are read where that takes fewer requests than asking for them by their keys."""

from __future__ import annotations

import json
import types
from urllib.parse import parse_qs, urlsplit

import django_api_orm as orm
import pytest
from contract.site import settle
from django_api_orm import ForeignKey, Prefetch
from places import both
from pydantic import BaseModel
from serving import Handler, Loopback

CITIES = 250


@pytest.fixture
def site():
    """250 people of as many cities: a plain list each, which is filtered by `id` and `id__in`."""
    asked = []

    class Answering(Handler):
        def do_GET(self):
            url = urlsplit(self.path)
            kind, *key = url.path.strip("/").split("/")
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            keys = key or query.get("id__in", query.get("id", "")).split(",")
            asked.append((kind, 0 if keys == [""] else len(keys)))
            rows = [{"id": n, "name": f"{kind} {n}"} for n in range(1, CITIES + 1) if keys == [""] or str(n) in keys]
            if kind == "people":
                rows = [{**row, "city": row["id"]} for row in rows]
            body = json.dumps(rows[0] if key else rows).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with Loopback(Answering) as server:
        yield types.SimpleNamespace(base_url=server.base_url, asked=asked)


def models(kind, site, **declared):
    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

    class CitySchema(BaseModel):
        id: int | None = None
        name: str

    class City(base):
        _schema_class = CitySchema
        _endpoint = "/cities/"
        _pagination = "none"
        _small_table = declared.get("small", False)

    class PersonSchema(BaseModel):
        id: int | None = None
        name: str
        city: ForeignKey[City]

    class Person(base):
        _schema_class = PersonSchema
        _endpoint = "/people/"
        _pagination = "none"

    client = (orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient)(site.base_url)
    (orm.register_models if kind == "sync" else orm.register_async_models)(client, City, Person)
    return types.SimpleNamespace(City=City, Person=Person, client=client)


async def cities_of(people):
    return [(await settle(person.city)).id for person in people]


@both
async def test_a_table_of_known_size_is_read_whole_where_that_takes_fewer_requests(kind, site):
    here = models(kind, site)
    query = here.Person.objects.prefetch_related("city")
    assert await cities_of(await settle(query)) == list(range(1, CITIES + 1))
    # Nothing was known of the cities.
    assert sorted(site.asked[1:]) == [("cities", 50), ("cities", 100), ("cities", 100)]
    assert query.explain().requests(CITIES, city=CITIES) == 1 + 3
    assert "whole table" not in query.explain().related["city"]

    await settle(here.City.objects.all())
    site.asked.clear()
    assert "or the whole table, with 1 requests, where that is fewer" in query.explain().related["city"]
    told = [query.explain().requests(CITIES, city=keys) for keys in (1, 100, 101, CITIES)]
    assert told == [2, 2, 2, 2]
    assert await cities_of(await settle(query.all())) == list(range(1, CITIES + 1))
    assert site.asked == [("people", 0), ("cities", 0)]
    # It is no fewer for some.
    site.asked.clear()
    await settle(here.Person.objects.filter(id__in=[1, 2, 3]).prefetch_related("city"))
    assert site.asked == [("people", 3), ("cities", 3)]
    # Those of a queryset are asked for by their keys.
    site.asked.clear()
    chosen = Prefetch("city", here.City.objects.filter(name__in=[f"cities {n}" for n in range(1, 9)]))
    people = await settle(here.Person.objects.prefetch_related(chosen))
    assert await cities_of(people[:8]) == list(range(1, 9))
    assert {kind for kind, keys in site.asked[1:] if keys == 0} == set()
    await settle(here.client.close())


@both
async def test_a_table_that_is_declared_to_be_small_is_read_whole(kind, site):
    here = models(kind, site, small=True)
    query = here.Person.objects.filter(id__in=[1, 2, 3]).prefetch_related("city")
    assert "for two keys and more the whole table" in query.explain().related["city"]
    assert await cities_of(await settle(query)) == [1, 2, 3]
    assert site.asked == [("people", 3), ("cities", 0)]
    assert query.explain().requests(3, city=3) == query.explain().requests(3, city=1) == 2
    site.asked.clear()
    [one] = await settle(here.Person.objects.filter(id=1))
    assert (await settle(one.city)).id == 1
    assert site.asked == [("people", 1), ("cities", 1)]
    await settle(here.client.close())
