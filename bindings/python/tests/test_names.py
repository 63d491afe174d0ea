"""Names that a model does not have: refused before a request, with the name that was meant."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from typing import Annotated

import pytest
from django_api_orm import APIModel, AsyncAPIModel, FieldError, InvalidRequestError, UnsavedError
from django_api_orm.testserver import TestServer
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    computed_field,
    model_validator,
)
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


class Renamed(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    id: int | None = None
    full_name: str = Field(default="", alias="name")
    role: str | None = Field(default=None, validation_alias=AliasChoices("role", "role_name"), serialization_alias="role")
    home: Home | None = None


TWICE = {
    "full_name": {"full_name": "Ann", "name": "Eve"},
    "role": {"role": "user", "role_name": "user"},
    "pk": {"pk": 1, "id": 2},
}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("name", TWICE)
def test_a_field_that_is_given_by_two_names_is_refused_before_a_request(people, base, name):
    values = TWICE[name]
    person = person_of(people, Renamed, base)
    rows = person.objects

    async def main():
        for write in (
            lambda: person(**values),
            lambda: rows.create(**values),
            lambda: rows.bulk_create([values]),
            lambda: rows.update(**values),
            lambda: rows.get_or_create(home=None, defaults=values),
            lambda: rows.update_or_create(home=None, defaults=values),
            lambda: rows.update_or_create(home=None, create_defaults=values),
            lambda: rows.get_or_create(**values),
        ):
            with pytest.raises(FieldError, match=f"`Thing`: `{name}` and `.*` are the same field: give one of them"):
                await settle(write())

    asyncio.run(main())
    assert people.requests() == []


class Tidied(Person):
    at: float = Field(default_factory=time.perf_counter)

    @model_validator(mode="before")
    @classmethod
    def named(cls, data):
        given = dict(data)
        return {"name": given.pop("full_name"), **given} if "full_name" in given else given


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_name_that_a_validator_makes_no_use_of_is_refused(people, base):
    person = person_of(people, Tidied, base)

    async def main():
        refused = pytest.raises(FieldError, match="no field `actve`: did you mean `active`")
        for make in (
            lambda: person(name="Eve", actve=False),
            lambda: person.objects.create(name="Eve", actve=False),
            lambda: person.objects.bulk_create([{"name": "Eve"}, {"name": "Eva", "actve": False}]),
        ):
            with refused:
                await settle(make())
        assert people.requests() == []
        assert person(full_name="Eve").name == "Eve"
        made = await settle(person.objects.create(full_name="Eve", active=True, role="user", home={"city": ""}, more={}))
        assert made.name == "Eve"

    asyncio.run(main())


class Address(BaseModel):
    city: str = ""
    zip_code: str = Field(default="", alias="zip")
    near: list[Address] = []

    @computed_field
    @property
    def label(self) -> str:
        return self.city.upper()


class OpenAddress(Address):
    model_config = ConfigDict(extra="allow")


class Reading(BaseModel):
    city: str = ""

    @model_validator(mode="before")
    @classmethod
    def read(cls, given):
        return {"city": given.get("town", "")}


class Housed(BaseModel):
    id: int | None = None
    name: str = ""
    home: Address | None = None
    others: list[Address] | None = None
    named: dict[str, Address] = {}
    open: OpenAddress | None = None
    reading: Reading | None = None
    rewritten: Annotated[Address | None, BeforeValidator(lambda given: {"city": given["town"]} if given else None)] = None
    either: Address | Home | None = None


INSIDE = [
    ({"home": {"ctiy": "x"}}, "`Address` has no field `ctiy`: did you mean `city`"),
    ({"home": {"zip_code": "1"}}, "`Address` has no field `zip_code`: did you mean `zip`"),
    ({"others": [{"city": "x"}, {"ctiy": "x"}]}, "did you mean `city`"),
    ({"named": {"a": {"ctiy": "x"}}}, "did you mean `city`"),
    ({"home": {"near": [{"near": [{"ctiy": "x"}]}]}}, "did you mean `city`"),
]


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize(("wrong", "says"), INSIDE)
def test_a_name_that_is_no_field_inside_a_nested_object_is_refused_before_a_request(people, base, wrong, says):
    person = person_of(people, Housed, base)
    rows = person.objects

    async def main():
        one = await settle(rows.get(id=1))
        people.reset()
        for write in (
            lambda: person(**wrong),
            lambda: rows.create(**wrong),
            lambda: rows.bulk_create([wrong]),
            lambda: rows.update(**wrong),
            lambda: rows.get_or_create(id=1, defaults=wrong),
            lambda: rows.update_or_create(id=1, defaults=wrong),
            lambda: rows.update_or_create(id=1, create_defaults=wrong),
        ):
            with pytest.raises(FieldError, match=says):
                await settle(write())
        [(name, value)] = wrong.items()
        with pytest.raises(FieldError, match=says):
            setattr(one, name, value)
        assert people.requests() == []

    asyncio.run(main())


def test_names_inside_that_are_read_are_not_refused(people):
    person = person_of(people, Housed)
    person(home={"city": "x", "zip": "1", "label": "X", "near": [{"zip": "2"}]}, named={"ctiy": {"city": "x"}})
    assert person(open={"ctiy": "x"}).open.ctiy == "x"
    assert person(reading={"town": "x"}).reading.city == "x"
    assert person(rewritten={"town": "x"}).rewritten.city == "x"
    person(either={"ctiy": "x"})
    person(home=Address(city="x"), others=[Address()])
    assert person(home={"city": "x"}).home.city == "x"


def test_the_parameter_that_holds_a_wrong_name_is_named(people):
    rows = person_of(people).objects
    ann = rows.get(id=1)
    for fields, error, says in [
        (["nmae"], FieldError, r"no field `nmae` \(fields\): did you mean `name`"),
        ("name", TypeError, "^fields must be a list of names"),
    ]:
        with pytest.raises(error, match=says):
            rows.bulk_update([ann], fields)


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_on_unsaved_holds_for_the_instances_that_a_query_gives(people, base):
    rows = person_of(people, Person, base).objects
    shown = json.dumps(PEOPLE[0]).encode()

    async def main():
        quiet = rows.on_unsaved("ignore")
        [listed] = await settle(quiet.filter(id=1)._fetch()) if base is AsyncAPIModel else list(quiet.filter(id=1))
        for one in (await settle(quiet.get(id=1)), listed, copy.copy(listed)):
            one.role = "admin"
            people.fail_next(200, shown, {"content-type": "application/json"})
            await settle(one.save())
            assert one.role == "user"
        one = await settle(rows.get(id=1))
        one.role = "admin"
        people.fail_next(200, shown, {"content-type": "application/json"})
        with pytest.raises(UnsavedError):
            await settle(one.save())

    asyncio.run(main())


def test_a_body_that_is_text_is_refused_by_the_test_server(people):
    with pytest.raises(TypeError, match=r"`body` must be bytes, not str: encode it"):
        people.fail_next(200, "{}")
