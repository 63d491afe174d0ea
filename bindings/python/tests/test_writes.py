"""What is sent, what is kept, and what is told when a write has happened and its answer is odd."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, ServiceClient, register_async_models, register_models
from django_api_orm.testserver import TestServer
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    SecretStr,
    ValidationError,
    computed_field,
    model_validator,
)

ROWS = {
    "things": [
        {"id": 1, "name": "one", "start": 20, "end": 30, "kept": "k", "parts": {"x": 1, "unknown": "stays"}},
        {"id": 2, "name": "two", "start": 1, "end": 2, "kept": "k", "parts": {"x": 2, "unknown": "stays"}},
    ],
    "others": [{"id": 1, "name": "somebody else's"}],
    "plain": [{"id": 1, "name": "one"}],
    "secrets": [{"id": 1, "name": "one", "password": "p", "more": {}}],
}


JSON = {"content-type": "application/json"}


@pytest.fixture
def things():
    with TestServer(ROWS) as server:
        yield server


def model(server, schema, base=APIModel, endpoint="/api/v1/things/", **attributes):
    made = type("Thing", (base,), {"_schema_class": schema, "_endpoint": endpoint, "__module__": __name__, **attributes})
    if base is APIModel:
        register_models(ServiceClient(server.base_url, auth_token=server.token), made)
    else:
        register_async_models(AsyncServiceClient(server.base_url, auth_token=server.token), made)
    return made


def writes(server) -> list[tuple[str, str, Any]]:
    return [(method, path, json.loads(body or b"null")) for method, path, body in server.requests() if method != "GET"]


class Thing(BaseModel):
    id: int | None = None
    name: str


def test_secrets_are_sent_and_not_shown(things):
    class Schema(Thing):
        password: SecretStr = SecretStr("")
        more: dict[str, list[SecretStr]] = {}

    thing = model(things, Schema, endpoint="/api/v1/secrets/")
    new = thing.objects.create(name="n", password="hunter2", more={"k": ["deep"]})
    assert writes(things)[0][2] == {"name": "n", "password": "hunter2", "more": {"k": ["deep"]}}
    assert new.changes() == {}
    new.password = "changed"
    new.save()
    assert writes(things)[1][2] == {"password": "changed"}
    thing.objects.filter(id=new.pk).update(password=SecretStr("again"))
    assert writes(things)[2][2] == {"password": "again"}
    before = len(things.requests())
    thing.objects.filter(password=SecretStr("again")).count()
    assert "password=again" in things.requests()[before][1]
    assert "again" not in repr(new) + str(new.to_dict())


def test_a_value_that_the_whole_model_refuses_is_not_kept(things):
    class Schema(Thing):
        start: int
        end: int

        @model_validator(mode="after")
        def ordered(self):
            if self.start > self.end:
                raise ValueError("refused")
            return self

    one = model(things, Schema).objects.get(id=1)
    with pytest.raises(ValidationError, match="refused"):
        one.end = 5
    assert one.end == one.to_dict()["end"] == 30
    assert one.changes() == {}
    one.end = 40
    assert one.changes() == {"end": 40}


def test_one_field_is_validated_without_the_others(things):
    class Schema(Thing):
        start: int = 0
        end: int = 10

        @model_validator(mode="after")
        def ordered(self):
            if self.start > self.end:
                raise ValueError("refused")
            return self

    thing = model(things, Schema)
    assert thing.objects.filter(id=1).update(start="25") == 1
    assert writes(things)[-1][2] == {"start": 25}
    with pytest.raises(ValidationError):
        thing.objects.filter(id=1).update(start="much")
    assert len(writes(things)) == 1


@pytest.mark.parametrize("way", ["create", "save", "bulk_create", "get_or_create"])
def test_an_answer_that_is_no_row_does_not_undo_a_write(things, way):
    class Schema(Thing):
        #: Not in the answer.
        note: str

    thing = model(things, Schema)
    answer = (201, b'{"id": 42, "state": "queued"}', JSON)
    given = {"name": "new", "note": "n"}
    if way == "get_or_create":
        # The first answer is for the search.
        things.fail_next(200, b'{"count": 0, "next": null, "previous": null, "results": []}', JSON)
    things.fail_next(*answer)
    if way == "create":
        made = thing.objects.create(**given)
    elif way == "save":
        made = thing(**given)
        made.save()
    elif way == "bulk_create":
        (made,) = thing.objects.bulk_create([given])
    else:
        made, created = thing.objects.get_or_create(name="new", defaults={"note": "n"})
        assert created
    assert (made.pk, made.name, made.note) == (42, "new", "n")
    assert made.changes() == {}


def test_an_answer_that_cannot_be_taken_over_says_that_the_write_has_happened(things):
    class Schema(Thing):
        start: int

    thing = model(things, Schema)
    things.fail_next(201, b'{"id": 42, "start": "soon"}', JSON)
    with pytest.raises(orm.DecodeError, match="was written") as error:
        thing.objects.create(name="new", start=1)
    assert "42" in str(error.value) and isinstance(error.value.__cause__, ValidationError)
    one = thing.objects.get(id=1)
    one.name = "changed"
    things.fail_next(200, b'{"id": 1, "name": "changed", "start": null}', JSON)
    with pytest.raises(orm.DecodeError, match="was written"):
        one.save()
    assert one.name == "changed"
    one.refresh_from_api()
    assert one.name == "one", "the server of this test did not carry it out"


def test_python_names_come_before_the_names_of_the_wire(things):
    class Schema(BaseModel):
        id: int | None = None
        user_id: str = Field("", alias="name")
        name: str = Field("", alias="kept")

        model_config = ConfigDict(populate_by_name=True)

    thing = model(things, Schema)
    thing.objects.filter(id=1).update(name="x")
    assert writes(things)[-1][2] == {"kept": "x"}
    row = thing.from_api({"id": 1, "name": "3", "kept": "k"})
    row.name = "y"
    row.save(update_fields=["name"])
    assert writes(things)[-1][2] == {"kept": "y"}


def test_read_only_fields_are_never_sent(things):
    class Schema(Thing):
        kept: str = ""

    thing = model(things, Schema, _read_only_fields=("kept",))
    for write in (
        lambda: thing.objects.filter(id=1).update(kept="x"),
        lambda: thing.objects.update_or_create(id=1, defaults={"kept": "x"}),
        lambda: thing.objects.get(id=1).save(update_fields=["kept"]),
    ):
        with pytest.raises(ValueError, match="read-only"):
            write()
    assert writes(things) == []


@pytest.mark.parametrize("new", [False, True])
def test_a_change_made_while_a_row_is_saved_is_kept(things, new):
    thing = model(things, Thing, AsyncAPIModel, "/api/v1/plain/")

    async def main():
        row = thing(name="zero") if new else await thing.objects.get(id=1)
        row.name = "first"
        saving = asyncio.ensure_future(row.save())
        await asyncio.sleep(0)
        row.name = "second"
        await saving
        assert (row.name, row.changes()) == ("second", {"name": "second"})
        await row.save()
        assert (await thing.objects.get(id=row.pk)).name == "second"

    asyncio.run(main())


def test_instances_get_their_keys_when_they_are_created_in_bulk(things):
    thing = model(things, Thing, endpoint="/api/v1/plain/")
    given = [thing(name="a"), thing(name="b")]
    made = thing.objects.bulk_create([given[0], {"name": "c"}, given[1]])
    assert made[0] is given[0] and made[2] is given[1]
    assert all(row.pk for row in made)
    given[0].name = "changed"
    given[0].save()
    assert writes(things)[-1] == ("PATCH", f"/api/v1/plain/{given[0].pk}/", {"name": "changed"})


def test_what_a_nested_schema_does_not_declare_stays(things):
    class Parts(BaseModel):
        x: int

        @computed_field
        @property
        def twice(self) -> int:
            return self.x * 2

    class Schema(Thing):
        parts: Parts

    one = model(things, Schema).objects.get(id=1)
    assert one.changes() == {}
    one.parts.x = 5
    assert one.changes() == {"parts": {"x": 5, "unknown": "stays"}}
    one.save(update_fields=["parts"])
    assert writes(things)[-1][2] == {"parts": {"x": 5, "unknown": "stays"}}
    assert one.changes() == {}


def test_attributes_that_are_no_fields_outlive_a_save(things):
    one = model(things, Thing).objects.get(id=1)
    one.note = "mine"
    one.name = "changed"
    one.save()
    assert one.note == "mine" and "note" not in one.to_dict()
    del one.note
    assert not hasattr(one, "note")
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del one.name


def test_new_rows(things):
    class Schema(BaseModel):
        id: int
        name: str

    thing = model(things, Schema, endpoint="/api/v1/plain/")
    thing(id=77, name="chosen").save(force_insert=True)
    assert writes(things)[-1] == ("POST", "/api/v1/plain/", {"id": 77, "name": "chosen"})
    with pytest.raises(orm.InvalidRequestError, match="not saved yet"):
        model(things, Thing)(name="n").save(update_fields=["name"])


def test_extras_may_be_saved_by_name(things):
    class Schema(Thing):
        model_config = ConfigDict(extra="allow")

    one = model(things, Schema).objects.get(id=1)
    one.kept = "changed"
    one.name = "not sent"
    one.save(update_fields=["kept"])
    assert writes(things)[-1][2] == {"kept": "changed"}


def test_a_row_lives_where_it_was_read(things):
    thing = model(things, Thing)
    row = thing.objects.at("/api/v1/others/").get(id=1)
    made = thing.objects.at("/api/v1/others/").create(name="made")
    for each in (row, copy.copy(row), copy.deepcopy(row), made):
        each.name = "changed"
        each.save()
    row.refresh_from_api()
    made.delete()
    thing.objects.at("/api/v1/others/").update_or_create(id=1, defaults={"name": "again"})
    assert all(path.startswith("/api/v1/others/") for _, path, _ in writes(things))
    assert thing.objects.get(id=1).name == "one"
    with pytest.raises(orm.APIException):
        row.route("act")
    assert writes(things)[-1][:2] == ("POST", "/api/v1/others/1/act/")


class Pickled(APIModel):
    _schema_class = Thing
    _endpoint = "/api/v1/things/"


def test_a_pickled_row_lives_where_it_was_read(things):
    register_models(ServiceClient(things.base_url, auth_token=things.token), Pickled)
    row = pickle.loads(pickle.dumps(Pickled.objects.at("/api/v1/others/").get(id=1)))
    row.name = "changed"
    row.save()
    assert writes(things)[-1][1] == "/api/v1/others/1/"


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"_read_only_fields": "name"}, "list of names"),
        ({"_read_only_fields": ["nmae"]}, "nmae"),
        ({"_filter_fields": "name"}, "list of names"),
        ({"_id_field": "key"}, "key"),
        ({"_pagination": 5}, "_pagination"),
        ({"_pagination": "pages"}, "pages"),
    ],
)
def test_mistakes_in_a_model_are_told_when_it_is_registered(things, attributes, says):
    with pytest.raises(orm.ConfigurationError, match=says):
        model(things, Thing, **attributes)


def test_schemas_that_are_no_rows_are_refused(things):
    class Path(Thing):
        city: str = Field("", validation_alias=AliasPath("address", "city"))

    class Choices(Thing):
        city: str = Field("", validation_alias=AliasChoices(AliasPath("address", "city")))

    for schema in (RootModel[list[int]], Path, Choices):
        with pytest.raises(orm.ConfigurationError):
            model(things, schema)
