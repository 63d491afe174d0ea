"""Names of keys that are filters by another field, as ``owner = CharFilter("owner__name")`` is."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import django_api_orm as orm
import pytest
from contract.site import settle
from pydantic import BaseModel
from serving import Handler, Loopback


class _Person(BaseModel):
    id: int | None = None
    name: str


class _Pet(BaseModel):
    id: int | None = None
    name: str = ""
    owner: orm.ForeignKey[Person] | None = None


class _AsyncPet(BaseModel):
    id: int | None = None
    name: str = ""
    owner: orm.ForeignKey[AsyncPerson] | None = None


class Person(orm.APIModel):
    _schema_class = _Person
    _endpoint = "/people/"


class AsyncPerson(orm.AsyncAPIModel):
    _schema_class = _Person
    _endpoint = "/people/"


class Pet(orm.APIModel):
    _schema_class = _Pet
    _endpoint = "/pets/"


class AsyncPet(orm.AsyncAPIModel):
    _schema_class = _AsyncPet
    _endpoint = "/pets/"


HALVES = {
    "sync": (Pet, Person, orm.ServiceClient, orm.register_models),
    "async": (AsyncPet, AsyncPerson, orm.AsyncServiceClient, orm.register_async_models),
}
OWNERS = {1: "Ann", 2: "Bob"}
SHOWN = {
    "key": lambda key: key,
    "url": lambda key: f"http://testserver/people/{key}/",
    "object": lambda key: {"id": key, "name": OWNERS[key]},
}


class Site(Loopback):
    """Pets of two owners, who are asked for by their names."""

    def __init__(self, shown):
        posts = self.posts = []

        class Answers(Handler):
            def do_GET(self):
                names = parse_qs(urlsplit(self.path).query).get("owner", [""])
                found = [key for key, name in OWNERS.items() if names[-1] in name]
                self.answer_page([{"id": key, "name": f"Pet {key}", "owner": shown(key)} for key in found])

            def do_POST(self):
                posts.append(self.sent())
                self.answer(201, {"id": 9, "name": "new", **posts[-1]})

        super().__init__(Answers)


@pytest.fixture(params=HALVES)
def half(request):
    return HALVES[request.param]


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
async def test_a_key_is_found_by_the_name_of_another_field(half, shown):
    pet, person, client_class, register = half
    with Site(SHOWN[shown]) as site:
        register(client_class(site.base_url), pet, person)
        for _ in range(2):
            found, created = await settle(pet.objects.get_or_create(owner=1, defaults={"name": "new"}))
            assert (found.id, created) == (1, False)
        assert await settle(pet.objects.filter(owner=2).count()) == 1
        assert await settle(pet.objects.filter(owner=1).exists())
        assert site.posts == []


async def test_a_key_is_asked_about_in_reads(half):
    pet, person, client_class, register = half
    with Site(SHOWN["key"]) as site:
        register(client_class(site.base_url), pet, person)
        assert "if nothing comes, probes show" in str(await settle(pet.objects.filter(owner=2).explain()))
        with pytest.warns(orm.IgnoredWarning, match="owner"):
            assert await settle(pet.objects.filter(owner=2).exists())


class Parts(Loopback):
    """Pets by a part of their names, 2 to a page."""

    def __init__(self):
        posts = self.posts = []

        class Answers(Handler):
            def do_GET(self):
                asked = parse_qs(urlsplit(self.path).query)
                part = asked.get("name", [""])[-1].lower()
                names = enumerate(["Ann", "Anna", "Annabel", "Bob"], 1)
                found = [{"id": key, "name": name, "owner": None} for key, name in names if part in name.lower()]
                start, size = int(asked.get("offset", [0])[-1]), min(2, int(asked.get("limit", [2])[-1]))
                follows = f"http://testserver/pets/?name={part}&limit={size}&offset={start + size}"
                self.answer(
                    200,
                    {
                        "count": len(found),
                        "next": follows if start + size < len(found) else None,
                        "previous": None,
                        "results": found[start : start + size],
                    },
                )

            def do_POST(self):
                posts.append(self.sent())
                self.answer(201, {"id": 9, "owner": None, **posts[-1]})

        super().__init__(Answers)


@pytest.mark.filterwarnings("ignore::django_api_orm.IgnoredWarning")
async def test_rows_with_a_longer_text_are_neither_counted_nor_found(half):
    pet, person, client_class, register = half
    with Parts() as site:
        register(client_class(site.base_url), pet, person)
        assert await settle(pet.objects.filter(name="Ann").count()) == 1
        register(client_class(site.base_url), pet, person)
        assert (await settle(pet.objects.filter(name="Ann").last())).name == "Ann"
        register(client_class(site.base_url), pet, person)
        assert not await settle(pet.objects.filter(name="nn").exists())
        register(client_class(site.base_url), pet, person)
        assert [each.name for each in await settle(pet.objects.filter(name="Anna"))] == ["Anna"]
        _, created = await settle(pet.objects.get_or_create(name="nna"))
        assert created
        register(client_class(site.base_url), pet, person)
        with pytest.raises(orm.UnsupportedError, match="as a whole"):
            await settle(pet.objects.get_or_create(name="nnab"))
        assert site.posts == [{"name": "nna"}]


class Scoped(Loopback):
    """Pets that are listed for an owner alone."""

    def __init__(self):
        pets = [{"id": 1, "name": "Rex", "owner": 1}]

        class Answers(Handler):
            def do_GET(self):
                owner = parse_qs(urlsplit(self.path).query).get("owner")
                if owner is None:
                    return self.answer(403, {"detail": "whose?"})
                return self.answer_page([pet for pet in pets if str(pet["owner"]) == owner[-1]])

            def do_POST(self):
                pets.append({"id": len(pets) + 1, **self.sent()})
                self.answer(201, pets[-1])

        super().__init__(Answers)


async def test_a_list_that_needs_its_filter_is_believed(half):
    pet, person, client_class, register = half
    with Scoped() as site:
        register(client_class(site.base_url), pet, person)
        assert await settle(pet.objects.filter(owner=2).count()) == 0
        for is_new in (True, False):
            found, created = await settle(pet.objects.get_or_create(owner=2, defaults={"name": "Tom"}))
            assert (found.id, created) == (2, is_new)
