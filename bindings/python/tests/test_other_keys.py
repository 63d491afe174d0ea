"""Relations between rows that are keyed by a UUID or by a slug, on the reference site."""

# ruff: noqa: F821, UP037
from __future__ import annotations

import uuid

import django_api_orm as orm
import pytest
from contract.site import settle
from django_api_orm import ForeignKey, ManyToMany, Related
from places import Place, both, places
from pydantic import BaseModel

pytestmark = pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
EDITIONS = range(1, 46)


def publisher_key(number):
    return uuid.UUID(f"00000000-0000-4000-8000-{number:012d}")


def edition_key(number):
    return uuid.UUID(f"00000000-0000-4000-9000-{number:012d}")


def publisher_of(edition):
    return None if edition % 4 == 0 else edition % 5 + 1


def shelves_of(edition):
    return [f"shelf-{shelf}" for shelf in range(1, 4) if edition >> (shelf - 1) & 1]


class PublisherSchema(BaseModel):
    id: uuid.UUID | None = None
    name: str


class ShelfSchema(BaseModel):
    slug: str
    name: str


class EditionSchema(BaseModel):
    id: uuid.UUID | None = None
    title: str
    publisher: ForeignKey["Publisher"] | None = None
    shelf: ForeignKey["Shelf"]
    shelves: ManyToMany["Shelf"] = []


@pytest.fixture
def shop(drf):
    def make(kind):
        base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

        class Publisher(base):
            _schema_class = PublisherSchema
            _endpoint = "/api/v1/library/publishers/"
            editions = Related("Edition", "publisher")

        class Shelf(base):
            _schema_class = ShelfSchema
            _endpoint = "/api/v1/library/shelves/"
            _id_field = "slug"
            standing = Related("Edition", "shelf")
            editions = Related("Edition", "shelves")

        class Edition(base):
            _schema_class = EditionSchema
            _endpoint = "/api/v1/library/editions/"

        models = (Publisher, Shelf, Edition)
        # Names are looked up when they are first needed, and other models of these names may have been made by then.
        here = made(kind, models)
        for name in ("publisher", "shelf", "shelves"):
            assert Edition._info().relations.forward[name].target in models
        for back in (Publisher.editions, Shelf.standing, Shelf.editions):
            assert back.target is Edition
        return here.client, *models

    with places(lambda kind, models: Place(drf.base_url, kind, models)) as made:
        yield make


@both
async def test_rows_lead_to_each_other(shop, kind):
    _, publishers, shelves, editions = shop(kind)
    edition = await settle(editions.objects.get(id=edition_key(7)))
    assert edition.publisher_id == publisher_key(3)
    assert (await settle(edition.publisher)).name == "Publisher 3"
    assert (await settle(edition.shelf)).name == "Shelf 2"
    assert [shelf.slug for shelf in await settle(edition.shelves.all())] == shelves_of(7)
    assert await settle((await settle(editions.objects.get(id=edition_key(8)))).publisher) is None
    publisher = await settle(publishers.objects.get(id=publisher_key(2)))
    own = [n for n in EDITIONS if publisher_of(n) == 2]
    assert sorted(row.id for row in await settle(publisher.editions.all())) == [edition_key(n) for n in own]
    assert await settle(publisher.editions.filter(title=f"Edition {own[0]}").count()) == 1
    shelf = await settle(shelves.objects.get(slug="shelf-1"))
    assert await settle(shelf.standing.count()) == sum(n % 2 == 0 for n in EDITIONS)
    assert await settle(shelf.editions.count()) == sum("shelf-1" in shelves_of(n) for n in EDITIONS)


@both
async def test_related_rows_are_read_together(shop, kind):
    client, publishers, shelves, editions = shop(kind)
    await settle(editions.objects.all())
    pages = client.stats.requests
    query = editions.objects.prefetch_related("publisher", "shelf", "shelves").order_by("id")
    found = await settle(query)
    assert client.stats.requests - pages == pages + 3
    before = client.stats.requests
    for number, edition in zip(EDITIONS, found, strict=True):
        publisher = await settle(edition.publisher)
        assert (publisher and publisher.name) == (publisher_of(number) and f"Publisher {publisher_of(number)}")
        assert (await settle(edition.shelf)).slug == f"shelf-{number % 2 + 1}"
        assert [shelf.slug for shelf in await settle(edition.shelves.all())] == shelves_of(number)
    assert client.stats.requests == before
    for publisher in await settle(publishers.objects.prefetch_related("editions")):
        number = int(str(publisher.id)[-12:])
        expected = [edition_key(n) for n in EDITIONS if publisher_of(n) == number]
        assert sorted(edition.id for edition in await settle(publisher.editions.all())) == expected
    for shelf in await settle(shelves.objects.prefetch_related("standing")):
        expected = [edition_key(n) for n in EDITIONS if f"shelf-{n % 2 + 1}" == shelf.slug]
        assert sorted(edition.id for edition in await settle(shelf.standing.all())) == expected


@both
async def test_filters_cross_them(shop, kind):
    _, publishers, shelves, editions = shop(kind)

    async def numbers(query):
        return sorted(int(str(row.id)[-12:]) for row in await settle(query))

    objects = editions.objects
    third = await settle(publishers.objects.get(name="Publisher 3"))
    cases = [
        (objects.filter(publisher=third), lambda n: publisher_of(n) == 3),
        (objects.filter(publisher=publisher_key(3)), lambda n: publisher_of(n) == 3),
        (objects.filter(publisher__name="Publisher 3"), lambda n: publisher_of(n) == 3),
        (objects.exclude(publisher__name="Publisher 3"), lambda n: publisher_of(n) != 3),
        (objects.filter(publisher__name=None), lambda n: publisher_of(n) is None),
        (objects.filter(shelf__name="Shelf 2"), lambda n: n % 2 == 1),
        (objects.exclude(shelf__name="Shelf 2"), lambda n: n % 2 == 0),
        (objects.filter(shelves__name="Shelf 3"), lambda n: "shelf-3" in shelves_of(n)),
        (objects.exclude(shelves__name="Shelf 3"), lambda n: "shelf-3" not in shelves_of(n)),
    ]
    for place, (query, holds) in enumerate(cases):
        assert await numbers(query) == [n for n in EDITIONS if holds(n)], place
    found = await settle(publishers.objects.filter(editions__title="Edition 7"))
    assert [publisher.name for publisher in found] == ["Publisher 3"]
    found = await settle(shelves.objects.filter(standing__title="Edition 7"))
    assert [shelf.slug for shelf in found] == ["shelf-2"]
    ordered = await settle(objects.order_by("publisher__name", "id"))
    expected = sorted(EDITIONS, key=lambda n: (publisher_of(n) is not None, publisher_of(n) or 0, n))
    assert [int(str(row.id)[-12:]) for row in ordered] in (expected, [*expected[11:], *expected[:11]])
    values = await settle(objects.filter(id=edition_key(7)).values("title", "publisher__name"))
    assert values == [{"title": "Edition 7", "publisher__name": "Publisher 3"}]


@both
async def test_keys_are_written(shop, kind, put_back):
    _, publishers, shelves, editions = shop(kind)
    edition = await settle(editions.objects.get(id=edition_key(7)))
    edition.publisher = await settle(publishers.objects.get(name="Publisher 5"))
    assert edition.changes() == {"publisher": publisher_key(5)} or edition.changes() == {"publisher": str(publisher_key(5))}
    edition.shelf = await settle(shelves.objects.get(slug="shelf-3"))
    await settle(edition.save())
    again = await settle(editions.objects.get(id=edition_key(7)))
    assert (again.publisher_id, again.shelf_id) == (publisher_key(5), "shelf-3")

    third = await settle(shelves.objects.get(slug="shelf-3"))
    await settle(edition.shelves.remove(third))
    assert [shelf.slug for shelf in await settle(edition.shelves.all())] == ["shelf-1", "shelf-2"]
    await settle(edition.shelves.add(third))
    await settle(edition.shelves.add(third))
    again = await settle(editions.objects.get(id=edition_key(7)))
    assert {shelf.slug for shelf in await settle(again.shelves.all())} == {"shelf-1", "shelf-2", "shelf-3"}
    await settle(edition.shelves.set([third]))
    assert [shelf.slug for shelf in await settle(edition.shelves.all())] == ["shelf-3"]

    publisher = await settle(publishers.objects.get(name="Publisher 1"))
    new = await settle(publisher.editions.create(title="New", shelf="shelf-1"))
    assert new.publisher_id == publisher.id
    await settle(publisher.editions.remove(new))
    assert (await settle(editions.objects.get(id=new.id))).publisher_id is None
    await settle(publisher.editions.add(new))
    assert (await settle(editions.objects.get(id=new.id))).publisher_id == publisher.id
