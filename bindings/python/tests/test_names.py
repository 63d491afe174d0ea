"""Names that a model does not have: refused before a request, with the name that was meant."""

from __future__ import annotations

import asyncio

import pytest
from django_api_orm import APIModel, AsyncAPIModel, FieldError, InvalidRequestError
from django_api_orm.testserver import TestServer
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, computed_field, model_validator
from test_writes import model, settle

PEOPLE = [{"id": 1, "name": "Ann", "active": True, "role": "user", "home": {"city": "Bonn"}, "more": {}}]


class Home(BaseModel):
    city: str = ""


class Person(BaseModel):
    id: int | None = None
    name: str = ""
    active: bool = True
    role: str | None = Field(default=None, validation_alias=AliasChoices("role", "role_name"), serialization_alias="role")
    home: Home | None = None
    more: dict[str, int] = {}

    @computed_field
    @property
    def shout(self) -> str:
        return self.name.upper()


class Open(Person):
    model_config = ConfigDict(extra="allow")


@pytest.fixture
def people():
    with TestServer({"people": PEOPLE}) as server:
        yield server


def person_of(server, schema=Person, base=APIModel):
    return model(server, schema, base, endpoint="/api/v1/people/")


WRITES = {
    "create": lambda rows, name: rows.create(**{name: 1}),
    "update": lambda rows, name: rows.update(**{name: 1}),
    "defaults": lambda rows, name: rows.get_or_create(name="Ann", defaults={name: 1}),
    "new defaults": lambda rows, name: rows.get_or_create(name="Eve", defaults={name: 1}),
    "written defaults": lambda rows, name: rows.update_or_create(name="Ann", defaults={name: 1}),
    "create_defaults": lambda rows, name: rows.update_or_create(name="Eve", defaults={}, create_defaults={name: 1}),
    "bulk_create": lambda rows, name: rows.bulk_create([{"name": "Eve"}, {name: 1}]),
}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("write", WRITES)
def test_a_misspelt_name_is_refused_before_a_request(people, base, write):
    person = person_of(people, base=base)

    async def main():
        for wrong, meant in (("actve", "active"), ("nmae", "name"), ("rol", "role")):
            with pytest.raises(FieldError, match=f"`Thing` has no field `{wrong}`: did you mean `{meant}`") as refused:
                await settle(WRITES[write](person.objects, wrong))
            assert isinstance(refused.value, (InvalidRequestError, TypeError)) and isinstance(refused.value, ValueError)
        with pytest.raises(FieldError, match=r"`Thing` has no field `password`: choose from active, home, .*declare it"):
            await settle(WRITES[write](person.objects, "password"))

    asyncio.run(main())
    assert people.requests() == []


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_misspelt_name_of_an_instance(people, base):
    person = person_of(people, base=base)
    with pytest.raises(TypeError, match=r"no field `actve`: did you mean `active`"):
        person(actve=False)

    async def main():
        ann = await settle(person.objects.get(id=1))
        before = len(people.requests())
        with pytest.raises(FieldError, match=r"no field `nmae` \(update_fields\): did you mean `name`"):
            await settle(ann.save(update_fields=["nmae"]))
        with pytest.raises(FieldError, match=r"no field `nmae`"):
            await settle(person.objects.bulk_update([ann], ["nmae"]))
        assert len(people.requests()) == before

    asyncio.run(main())


def test_a_misspelt_part_of_an_object(people):
    person = person_of(people)
    with pytest.raises(FieldError, match="`Home` has no field `ctiy`: did you mean `city`"):
        person.objects.update(home__ctiy="Rome")
    assert people.requests() == []
    # What is no schema has the names that the server gives it.
    assert person.objects.update(home__city="Rome", more__any=1) == 1
    assert person.objects.get(id=1).raw()["home"] == {"city": "Rome"}


def test_names_that_are_known(people):
    person = person_of(people)
    assert person(pk=7, role_name="x").to_dict()["role"] == "x"
    ann = person.objects.get(id=1)
    copy = person.objects.create(**{**ann.to_dict(), "id": None})
    assert (copy.name, copy.pk) == ("Ann", 2)


def test_a_schema_that_allows_extra_names(people):
    person = person_of(people, Open)
    assert (
        person.objects.create(name="Eve", home={"city": "Bonn"}, more={}, active=True, role="user", nick="E").raw()["name"]
        == "Eve"
    )
    assert person.objects.filter(id=1).update(nick="A") == 1
    found, created = person.objects.get_or_create(name="Ann", defaults={"nick": "A"})
    assert (found.pk, created) == (1, False)


def test_a_schema_that_decides_itself(people):
    class Strict(Person):
        model_config = ConfigDict(extra="forbid")

    class Reading(Person):
        @model_validator(mode="before")
        @classmethod
        def named(cls, data):
            return {**data, "name": data["full_name"]} if "full_name" in data else data

    with pytest.raises(ValidationError, match="actve"):
        person_of(people, Strict)(actve=False)
    assert person_of(people, Reading)(full_name="Ann").name == "Ann"
    with pytest.raises(FieldError):
        person_of(people, Reading).objects.update(full_name="Ann")
    assert people.requests() == []
