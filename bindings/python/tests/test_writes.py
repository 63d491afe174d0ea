"""What is sent, what is kept, and what is told when a write has happened and its answer is odd."""

from __future__ import annotations

import asyncio
import copy
import datetime
import json
import pickle
import uuid
import warnings
from decimal import Decimal
from typing import Any, Literal

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
    SerializeAsAny,
    ValidationError,
    computed_field,
    field_serializer,
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


def test_what_a_nested_schema_reads_by_another_name_or_computes_is_not_sent_twice(things):
    class Inner(BaseModel):
        zip_code: str = Field(validation_alias=AliasChoices("zip", "postcode"), serialization_alias="zip_to_write")
        x: int = 0

        @computed_field
        @property
        def twice(self) -> int:
            return self.x * 2

    class Schema(Thing):
        parts: Inner
        more: list[Inner] = []

    inner = {"id": 1, "postcode": "1", "x": 1, "twice": 2, "unknown": {"n": 123456789012345678901}}
    one = model(things, Schema).from_api({"id": 1, "name": "one", "parts": inner, "more": [inner]})
    assert one.changes() == {}
    one.parts.x = 5
    whole = {"id": 1, "zip_to_write": "1", "x": 5, "unknown": inner["unknown"]}
    assert one.changes() == {"parts": whole}
    one.more[0].zip_code = "2"
    assert one.changes()["more"] == [{"zip_to_write": "2", "x": 1}], "it has no key that tells it from others"


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
    with pytest.raises(orm.UnsavedError, match="did not keep `id`"):
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
        ({"_read_only_fields": 5}, "list of names"),
        ({"_read_only_fields": [5]}, "list of names"),
        ({"_filter_fields": 5}, "list of names"),
        ({"_lookup_field": 5}, "_lookup_field"),
        ({"_filter_fields": "name"}, "list of names"),
        ({"_id_field": "key"}, "key"),
        ({"_pagination": 5}, "_pagination"),
        ({"_idempotency_header": ""}, "_idempotency_header"),
        ({"_pagination": "pages"}, "pages"),
        ({"_natural_key": "nmae"}, "nmae"),
        ({"_natural_key": 5}, "list of names"),
        ({"_natural_key": ("name",), "_read_only_fields": ("name",)}, "read-only"),
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


def test_secrets_are_found_wherever_they_are(things):
    class Own(SecretStr):
        pass

    class Login(BaseModel):
        password: SecretStr
        valid_for: datetime.timedelta

        @field_serializer("valid_for", when_used="json")
        def hours(self, value: datetime.timedelta) -> str:
            return f"{value.total_seconds() / 3600:g} h"

    class Schema(Thing):
        own: Own | None = None
        free: Any = None
        login: Login | None = None

    thing = model(things, Schema, endpoint="/api/v1/secrets/")
    login = Login(password=SecretStr("deep"), valid_for=datetime.timedelta(hours=2))
    things.fail_next(201, b'{"id": 1, "name": "n"}', JSON)
    thing.objects.create(name="n", own="mine", free={"k": [SecretStr("any")]}, login=login)
    assert writes(things)[-1][2] == {
        "name": "n",
        "own": "mine",
        "free": {"k": ["any"]},
        "login": {"password": "deep", "valid_for": "2 h"},
    }
    with pytest.raises(orm.APIException):
        thing.objects.route("act", "POST", data=[login])
    assert writes(things)[-1][2] == [{"password": "deep", "valid_for": "2 h"}]


def test_secrets_of_subclasses_are_found(things):
    class Keyed(Thing):
        key: SecretStr

    class One(Thing):
        part: SerializeAsAny[Thing]

    class Many(Thing):
        part: list[SerializeAsAny[Thing]]

    keyed = Keyed(name="k", key=SecretStr("mine"))
    sent = {"id": None, "name": "k", "key": "mine"}
    assert model(things, One)(name="n", part=keyed).changes() == {"name": "n", "part": sent}
    assert model(things, Many)(name="n", part=[keyed]).changes() == {"name": "n", "part": [sent]}


def test_a_refused_value_leaves_nothing_behind(things):
    class Schema(Thing):
        model_config = ConfigDict(extra="allow")

        end: int = 0

        @model_validator(mode="after")
        def refuse(self):
            self.seen = True
            if self.end == 5:
                raise ValueError("refused")
            return self

    one = model(things, Schema, endpoint="/api/v1/plain/").objects.get(id=1)
    fields, extra = set(one._data.model_fields_set), dict(one._data.model_extra)
    with pytest.raises(ValidationError, match="refused"):
        one.end = 5
    assert (one._data.model_fields_set, one._data.model_extra) == (fields, extra)
    assert "end" not in one.to_dict(exclude_unset=True)


def test_one_field_is_validated_where_the_others_are_required(things):
    class Schema(Thing):
        start: int
        end: int

        @model_validator(mode="before")
        @classmethod
        def complete(cls, values: Any) -> Any:
            if isinstance(values, dict) and "end" not in values:
                raise ValueError("there is no end")
            return values

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


def test_no_part_of_a_read_only_field_is_sent(things):
    class Parts(BaseModel):
        x: int

    class Schema(Thing):
        parts: Parts | None = None
        kept: str = ""

    thing = model(things, Schema, _read_only_fields=("parts", "kept"))
    for write in (
        lambda: thing.objects.filter(id=1).update(parts__x=3),
        lambda: thing.objects.update_or_create(id=1, defaults={"parts__x": 3}),
    ):
        with pytest.raises(ValueError, match="read-only"):
            write()
    assert writes(things) == []
    assert thing(name="n", kept="x").changes() == {"name": "n"}


def test_the_parts_of_a_field_that_is_sent_by_another_name_are_not_written_alone(things):
    class Schema(Thing):
        parts: dict[str, Any] = Field({}, validation_alias="parts", serialization_alias="parts_to_write")

    thing = model(things, Schema)
    with pytest.raises(orm.InvalidRequestError, match="parts_to_write"):
        thing.objects.filter(id=1).update(parts__x=3)
    assert writes(things) == []


PARTIAL = [(202, b'{"state": "queued"}'), (200, b'{"id": 1, "state": "queued"}'), (200, b'{"name": "changed"}')]


@pytest.mark.parametrize(("status", "answer"), PARTIAL)
@pytest.mark.parametrize("way", ["save", "update_or_create", "update_or_create without a new row"])
def test_a_part_of_a_row_is_taken_as_far_as_it_goes(things, status, answer, way):
    class Schema(Thing):
        name: str = "default"
        kept: str = "default"
        start: int

    thing = model(things, Schema)
    row = thing.objects.get(id=1)
    if way == "save":
        row.name = "changed"
        things.fail_next(status, answer, JSON)
        row.save()
    else:
        # The first answer is for the search.
        things.fail_next(200, json.dumps(ROWS["things"][0]).encode(), JSON)
        things.fail_next(status, answer, JSON)
        new = {} if way.endswith("row") else {"start": 1}
        row, created = thing.objects.update_or_create(id=1, defaults={"name": "changed"}, create_defaults=new)
        assert not created
    assert writes(things) == [("PATCH", "/api/v1/things/1/", {"name": "changed"})]
    assert (row.pk, row.name, row.kept, row.start) == (1, "changed", "k", 20)
    assert row.changes() == {}
    row.kept = "again"
    row.save()
    assert writes(things)[-1] == ("PATCH", "/api/v1/things/1/", {"kept": "again"})


def test_defaults_do_not_hide_that_an_answer_is_no_row(things):
    class Schema(Thing):
        name: str = "default"

    made = model(things, Schema, endpoint="/api/v1/plain/")
    things.fail_next(201, b'{"id": 42, "state": "queued"}', JSON)
    row = made.objects.create(name="new")
    assert (row.pk, row.name, row.changes()) == (42, "new", {})


def test_a_row_stays_usable_where_the_answer_cannot_be_taken_over(things):
    class Schema(Thing):
        made_at: datetime.datetime

    thing = model(things, Schema, endpoint="/api/v1/plain/", _read_only_fields=("made_at",))
    new = thing(name="new")
    things.fail_next(201, b'{"id": 42, "state": "queued"}', JSON)
    with pytest.raises(orm.DecodeError, match="was written") as error:
        new.save()
    assert error.value.key == new.pk == 42
    assert new.changes() == {}
    new.name = "changed"
    things.fail_next(200, b'{"id": 42, "name": "changed"}', JSON)
    with pytest.raises(orm.DecodeError, match="was written"):
        new.save()
    assert writes(things)[-1] == ("PATCH", "/api/v1/plain/42/", {"name": "changed"})
    assert new.changes() == {}


def test_the_version_of_an_answer_is_kept_where_a_field_is_written_otherwise_than_it_is_read(things):
    class Schema(Thing):
        start: int

        @field_serializer("start")
        def cents(self, value: int) -> int:
            return value * 100

    things.fail_next(200, b'{"id": 1, "name": "one", "start": 20}', {**JSON, "etag": '"1"'})
    one = model(things, Schema).objects.get(id=1)
    one.start = 3
    things.fail_next(204, b"", {"etag": '"2"'})
    one.save()
    assert one.changes() == {} and '"2"' in one._row.version


@pytest.mark.parametrize("answer", [(204, b""), (200, b'{"id": 1}')])
def test_what_is_not_read_as_it_is_written_can_be_saved(things, answer):
    class Schema(Thing):
        start: int
        words: list[str] = []

        @field_serializer("start")
        def cents(self, value: int) -> int:
            return value * 100

        @field_serializer("words")
        def text(self, value: list[str]) -> str:
            return ",".join(value)

    one = model(things, Schema).objects.get(id=1)
    one.start, one.words = 3, ["a", "b"]
    things.fail_next(*answer, JSON)
    one.save()
    assert writes(things) == [("PATCH", "/api/v1/things/1/", {"start": 300, "words": "a,b"})]
    assert (one.pk, one.start, one.words) == (1, 3, ["a", "b"])
    assert one.changes() == {}
    one.start = 20
    assert one.changes() == {"start": 2000}


def test_a_change_that_is_taken_back_while_a_row_is_saved_is_kept(things):
    class Schema(Thing):
        start: int

        @field_serializer("start")
        def cents(self, value: int) -> int:
            return value * 100

    thing = model(things, Schema, AsyncAPIModel)

    async def main():
        row = await thing.objects.get(id=1)
        row.name, row.start = "changed", 1
        saving = asyncio.ensure_future(row.save(update_fields=["name"]))
        await asyncio.sleep(0)
        row.name = "one"
        await saving
        assert row.changes() == {"name": "one", "start": 100}
        assert (row.name, row.start) == ("one", 1)

    asyncio.run(main())


def test_a_nested_object_is_sent_as_it_is_now(things):
    class Free(BaseModel):
        model_config = ConfigDict(extra="allow")

        x: int

    class Circle(BaseModel):
        kind: Literal["circle"]
        radius: int

    class Square(BaseModel):
        kind: Literal["square"]
        side: int

    class Schema(BaseModel):
        id: int
        parts: Free
        shape: Circle | Square
        shapes: list[Square]
        named: dict[str, Square]

    square = {"kind": "square", "side": 2, "colour": "red"}
    row = {"id": 1, "parts": {"x": 1, "a": 1, "b": 1}, "shape": square}
    one = model(things, Schema).from_api(
        {**row, "shapes": [{"id": 1, **square}, {"id": 2, **square}], "named": {"first": square}}
    )
    assert one.changes() == {}
    one.parts.a = 2
    del one.parts.b
    assert one.changes() == {"parts": {"x": 1, "a": 2}}
    one.shape.side = 3
    assert one.changes()["shape"] == {"kind": "square", "side": 3, "colour": "red"}
    one.shape = Circle(kind="circle", radius=1)
    assert one.changes()["shape"] == {"kind": "circle", "radius": 1}
    one.named["first"].side = 5
    one.named["second"] = Square(kind="square", side=6)
    assert one.changes()["named"] == {"first": {**square, "side": 5}, "second": {"kind": "square", "side": 6}}


def test_an_unchanged_nested_object_is_sent_whole(things):
    class Parts(BaseModel):
        x: int

    class Schema(Thing):
        parts: Parts

    one = model(things, Schema).objects.get(id=1)
    one.save(update_fields=["parts"])
    assert writes(things)[-1][2] == {"parts": {"x": 1, "unknown": "stays"}}


def test_objects_in_a_list_are_told_apart_by_their_keys(things):
    class Item(BaseModel):
        id: int | None = None
        x: int

    class Schema(BaseModel):
        id: int
        items: list[Item]

    one = model(things, Schema).from_api({"id": 1, "items": [{"id": 1, "x": 1, "of": "1"}, {"id": 2, "x": 2, "of": "2"}]})
    one.items.reverse()
    one.items.append(Item(x=3))
    assert one.changes() == {"items": [{"id": 2, "x": 2, "of": "2"}, {"id": 1, "x": 1, "of": "1"}, {"id": None, "x": 3}]}


def test_which_rows_are_new(things):
    class Chosen(Thing):
        id: uuid.UUID = Field(default_factory=uuid.uuid4)

    plain = "/api/v1/plain/"
    chosen = model(things, Chosen, endpoint=plain)(name="chosen")
    things.fail_next(201, json.dumps({"id": str(chosen.id), "name": "chosen"}).encode(), JSON)
    chosen.save()
    assert writes(things)[-1][:2] == ("POST", plain) and writes(things)[-1][2]["name"] == "chosen"
    thing = model(things, Thing, endpoint=plain)
    with pytest.raises(orm.UnsavedError, match="did not keep `id`"):
        thing(id=7, name="seven").save(force_insert=True)
    assert writes(things)[-1] == ("POST", plain, {"id": 7, "name": "seven"})
    thing(id=1, name="known").save()
    assert writes(things)[-1] == ("PATCH", "/api/v1/plain/1/", {"name": "known"})
    thing(id=1, name="again").save(update_fields=["name"])
    assert writes(things)[-1] == ("PATCH", "/api/v1/plain/1/", {"name": "again"})
    with pytest.raises(thing.DoesNotExist):
        thing(id=99, name="nobody").save()
    before = len(writes(things))
    gone = thing.objects.get(id=1)
    gone.delete()
    with pytest.raises(orm.InvalidRequestError, match="deleted"):
        gone.save()
    assert [method for method, _, _ in writes(things)[before:]] == ["DELETE"]


def test_a_field_may_be_called_pk(things):
    class Schema(Thing):
        pk: str = Field("", alias="kept")

    thing = model(things, Schema)
    assert set(thing.objects.in_bulk([1, 2])) == set(thing.objects.in_bulk()) == {1, 2}


def test_a_choice_of_names_is_never_answered_wrongly(things):
    class Schema(BaseModel):
        id: int | None = None
        title: str = Field("", validation_alias=AliasChoices("label", "name"))

    thing = model(things, Schema)
    assert thing.objects.get(id=1).title == "one"
    for query in (thing.objects.filter(title="one"), thing.objects.exclude(title="one")):
        with warnings.catch_warnings(), pytest.raises(orm.UnsupportedError, match="label"):
            warnings.simplefilter("ignore", orm.IgnoredWarning)
            list(query)


def test_a_path_of_a_nested_schema_is_refused(things):
    class Inner(BaseModel):
        city: str = Field("", validation_alias=AliasPath("address", "city"))

    class Schema(Thing):
        inner: Inner | None = None

    with pytest.raises(orm.ConfigurationError, match=r"Inner\.city"):
        model(things, Schema)


def test_conflicting_defaults_are_refused(things):
    class Schema(Thing):
        kept: str
        parts: dict[str, Any] = {}

    thing = model(things, Schema)
    for defaults in ({"parts": {"x": 2}, "parts__x": 1}, {"kept__x": 1}):
        with pytest.raises(orm.InvalidRequestError):
            thing.objects.update_or_create(id=1, defaults=defaults)
    assert writes(things) == []


# What the answer to a write shows

OTHER = {"id": 2, "name": "changed", "start": 1, "end": 2, "kept": "k"}


class Whole(Thing):
    kept: str = "default"
    start: int | None = None


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_another_row_in_the_answer_is_an_error_and_the_instance_stays_as_it_was(things, base):
    thing = model(things, Whole, base)

    async def main():
        one = await settle(thing.objects.get(id=1))
        one.name = "changed"
        things.fail_next(200, json.dumps(OTHER).encode(), JSON)
        with pytest.raises(orm.DecodeError, match="may have been carried out"):
            await settle(one.save())
        assert (one.pk, one.name, one.kept, one.start) == (1, "changed", "k", 20)
        assert one.changes() == {"name": "changed"}
        things.fail_next(200, json.dumps(OTHER).encode(), JSON)
        with pytest.raises(orm.DecodeError, match="another one"):
            await settle(one.refresh_from_api())
        assert (one.pk, one.name) == (1, "changed")
        await settle(one.delete())
        assert writes(things)[-1][:2] == ("DELETE", "/api/v1/things/1/")

    asyncio.run(main())


async def settle(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


@pytest.mark.parametrize("way", ["known by its key alone", "update_or_create", "update"])
def test_another_row_in_the_answer_is_an_error_of_every_write(things, way):
    thing = model(things, Whole)
    if way == "known by its key alone":
        row = thing(id=1, name="changed")
        things.fail_next(200, json.dumps(OTHER).encode(), JSON)
        with pytest.raises(orm.DecodeError, match="another row"):
            row.save()
        assert (row.pk, row.name) == (1, "changed")
        return
    thing.objects.get(id=1)
    found = ROWS["things"][0]
    if way == "update_or_create":
        things.fail_next(200, json.dumps(found).encode(), JSON)
        things.fail_next(200, json.dumps(OTHER).encode(), JSON)
        with pytest.raises(orm.DecodeError, match="another row"):
            thing.objects.update_or_create(id=1, defaults={"name": "changed"})
    else:
        page = {"count": 1, "next": None, "previous": None, "results": [found]}
        things.fail_next(200, json.dumps(page).encode(), JSON)
        things.fail_next(200, json.dumps(OTHER).encode(), JSON)
        with pytest.raises(orm.BulkWriteError, match="another row") as error:
            thing.objects.on_ignored("trust").filter(name="one").update(name="changed")
        assert error.value.written == [] and error.value.failed[0][0] == "1"


SIGN_IN = b"<!doctype html><title>Sign in</title>"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html; charset=utf-8", SIGN_IN),
        ("application/json", SIGN_IN),
        ("application/json", b'{"id": 1, "na'),
        ("text/plain", b"please wait"),
    ],
)
@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_page_is_no_answer_to_a_write(things, base, kind, body):
    thing = model(things, Whole, base)

    async def main():
        async def refused(write):
            things.fail_next(200, body, {"content-type": kind})
            with pytest.raises(orm.OutcomeUnknown, match="may not have been carried out") as error:
                await settle(write())
            assert isinstance(error.value, orm.DecodeError) and not error.value.is_retryable
            assert error.value.status_code == 200

        one = await settle(thing.objects.get(id=1))
        one.name = "changed"
        await refused(one.save)
        assert one.changes() == {"name": "changed"}
        await refused(one.delete)
        await settle(one.refresh_from_api())
        await refused(lambda: thing.objects.create(name="n"))
        await refused(thing(name="n").save)

    asyncio.run(main())


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_write_is_not_sent_to_a_sign_in_page(things, base, status):
    thing = model(things, Whole, base)

    async def main():
        one = await settle(thing.objects.get(id=1))
        one.name = "changed"
        for write in (one.save, one.delete, lambda: thing.objects.create(name="n"), thing(name="n").save):
            things.fail_next(status, b"", {"location": "/accounts/login/?next=/api/v1/things/1/"})
            with pytest.raises(orm.APIHTTPError, match="a sign-in page") as error:
                await settle(write())
            assert error.value.status_code == status and not error.value.is_outcome_unknown
        assert one.changes() == {"name": "changed"}
        assert not any("login" in path for _, path, _ in things.requests())
        await settle(one.save())
        assert writes(things)[-1] == ("PATCH", "/api/v1/things/1/", {"name": "changed"})

    asyncio.run(main())


@pytest.mark.parametrize("answer", [(200, b""), (204, b""), (202, b"Accepted"), (202, b"{}")])
def test_an_answer_without_a_row_is_a_success(things, answer):
    one = model(things, Whole).objects.get(id=1)
    one.name = "changed"
    things.fail_next(*answer, {"content-type": "text/plain"})
    one.save()
    assert one.changes() == {}
    things.fail_next(*answer, {"content-type": "text/plain"})
    one.delete()


@pytest.mark.parametrize("depth", [150, 5000])
@pytest.mark.parametrize("field", ["kept", "undeclared"])
@pytest.mark.parametrize("shown", [b"", b', "name": "changed"'])
def test_an_answer_that_is_too_deep_says_that_the_row_was_written(things, depth, field, shown):
    thing = model(things, Whole)
    one = thing.objects.get(id=1)
    deep = b'{"id": 1%s, "%s": ' % (shown, field.encode()) + b"[" * depth + b"]" * depth + b"}"
    one.name = "changed"
    things.fail_next(200, deep, JSON)
    if field == "undeclared" and depth < 200:
        one.save()
    else:
        with pytest.raises(orm.DecodeError, match="was written") as error:
            one.save()
        assert error.value.key == 1
    assert (one.pk, one.name, one.changes()) == (1, "changed", {})
    things.fail_next(201, deep, JSON)
    with pytest.raises(orm.DecodeError, match=r"was (written|created)"):
        thing.objects.create(name="n")


def test_a_key_that_was_sent_may_be_the_new_one(things):
    one = model(things, Whole).objects.get(id=1)
    one.id = 2
    things.fail_next(200, json.dumps({**ROWS["things"][0], "id": 2}).encode(), JSON)
    one.save()
    assert (one.pk, one.name, one.changes()) == (2, "one", {})


@pytest.mark.parametrize("way", ["create", "save", "bulk_create", "get_or_create"])
def test_a_part_of_a_new_row_is_put_into_what_was_sent(things, way):
    thing = model(things, Whole)
    answer = (201, b'{"id": 42, "name": "New"}', JSON)
    if way == "get_or_create":
        things.fail_next(200, b'{"count": 0, "next": null, "previous": null, "results": []}', JSON)
    things.fail_next(*answer)
    given = {"name": "new", "kept": "mine", "start": 5}
    if way == "create":
        made = thing.objects.create(**given)
    elif way == "save":
        made = thing(**given)
        made.save()
    elif way == "bulk_create":
        (made,) = thing.objects.bulk_create([given])
    else:
        made, _ = thing.objects.on_unsaved("ignore").get_or_create(name="new", defaults=given)
    assert (made.pk, made.name, made.kept, made.start, made.changes()) == (42, "New", "mine", 5, {})


def test_a_field_is_filtered_by_the_name_that_is_read_and_sent_by_the_other(things):
    class Schema(BaseModel):
        id: int | None = None
        owner: str = Field("", validation_alias="name", serialization_alias="owner_name")

    thing = model(things, Schema, endpoint="/api/v1/plain/")
    assert thing.objects.filter(owner="one").explain().pushed == [("name", "one")]
    things.fail_next(200, b'{"count": 0, "next": null, "previous": null, "results": []}', JSON)
    things.fail_next(201, b'{"id": 5, "name": "x"}', JSON)
    made, created = thing.objects.get_or_create(owner="x")
    assert writes(things)[-1][2] == {"owner_name": "x"}
    assert (made.pk, made.owner, created) == (5, "x", True)
    made.owner = "y"
    things.fail_next(200, b'{"id": 5}', JSON)
    made.save()
    assert writes(things)[-1][2] == {"owner_name": "y"}
    assert (made.owner, made.changes(), made.raw()) == ("y", {}, {"id": 5, "name": "y"})


@pytest.mark.parametrize("read", ["validation_alias", "alias"])
def test_a_decimal_is_compared_as_a_number_whatever_it_is_called(things, read):
    class Schema(BaseModel):
        id: int | None = None
        price: Decimal = Field(Decimal(0), **{read: "kept"}, serialization_alias="price_to_write")

    page = [{"id": n, "kept": price} for n, price in ((1, "1.50"), (2, "2.00"))]
    # The second answer is to the price that a row shows.
    for rows in (page, page[:1]):
        things.fail_next(200, json.dumps({"count": len(rows), "next": None, "previous": None, "results": rows}).encode(), JSON)
    rows = model(things, Schema).objects.exclude(price=Decimal("1.5"))
    assert [row.pk for row in rows] == [2]


def test_a_new_row_is_not_written_twice_by_its_alias(things):
    class Schema(Thing):
        parts: dict[str, Any] = Field({}, validation_alias="parts", serialization_alias="parts")
        kept: str = Field("", validation_alias="kept", serialization_alias="keep")

    thing = model(things, Schema)
    # There are no rows by the lookups, nor any at all, with a size and without one.
    for _ in range(3):
        things.fail_next(200, b'{"count": 0, "next": null, "previous": null, "results": []}', JSON)
    things.fail_next(201, b'{"id": 5}', JSON)
    made, _ = thing.objects.filter(parts__x=1).get_or_create(name="n", kept="k", defaults={"parts__y": 2})
    assert writes(things)[-1][2] == {"name": "n", "keep": "k", "parts": {"x": 1, "y": 2}}
    assert (made.pk, made.name, made.kept, made.parts) == (5, "n", "k", {"x": 1, "y": 2})


def test_integers_of_any_size_are_kept_and_compared_exactly(things):
    class Schema(Thing):
        start: int = 0

    wide = 2**70
    one = model(things, Schema).from_api({"id": 1, "name": "one", "start": wide, "kept": wide + 1})
    one.name = "changed"
    things.fail_next(200, b'{"id": 1}', JSON)
    one.save()
    assert (one.start, one.raw()["kept"], one.changes()) == (wide, wide + 1, {})
    one.start = wide + 1
    assert one.changes() == {"start": wide + 1}


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_bulk_update_saves_what_has_changed_of_the_fields(things, base):
    thing = model(things, Whole, base)

    async def main():
        one, two = await settle(thing.objects.order_by("id")._fetch())
        one.start, one.kept = 100, "mine"
        assert await settle(thing.objects.bulk_update([one, two], ["start"])) == 1
        assert writes(things) == [("PATCH", "/api/v1/things/1/", {"start": 100})]
        assert (one.changes(), two.changes()) == ({"kept": "mine"}, {})
        assert await settle(thing.objects.bulk_update([], ["start"])) == 0
        one.start, two.start = 101, 102
        await settle((await settle(thing.objects.get(id=2))).delete())
        with pytest.raises(orm.BulkWriteError, match="1 of 2") as error:
            await settle(thing.objects.bulk_update([one, two], ["start"]))
        assert error.value.written == ["1"] and error.value.failed[0][0] == "2"
        assert two.changes() == {"start": 102}
        before = len(writes(things))
        with pytest.raises(ValueError, match="nmae"):
            await settle(thing.objects.bulk_update([one], ["nmae"]))
        assert len(writes(things)) == before

    asyncio.run(main())


class Article(BaseModel):
    id: int | None = None
    slug: str = ""
    title: str = ""


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_404_of_an_endpoint_that_is_addressed_otherwise_is_no_missing_row(base):
    """The endpoint's URLs have slugs, and the model does not say so; it has no filter by `id` either."""
    with TestServer() as server:
        articles = model(server, Article, base, "/api/v1/articles/").objects

        async def main():
            assert (await settle(articles.get(id=3))).pk == 3
            found, created = await settle(articles.get_or_create(id=4, defaults={"slug": "x", "title": "x"}))
            assert (found.pk, created) == (4, False)
            found, created = await settle(articles.update_or_create(id=5, defaults={"slug": "article-05"}))
            assert (found.pk, created) == (5, False)
            with pytest.raises(articles.model.DoesNotExist):
                await settle(articles.get(id=9999))
            found.title = "changed"
            for write in (found.save, found.delete, found.refresh_from_api):
                with pytest.raises(orm.NotFoundError, match="has no URL for each by its `id`") as error:
                    await settle(write())
                assert not isinstance(error.value, articles.model.DoesNotExist)
            assert not [method for method, _, _ in writes(server) if method == "POST"]

        asyncio.run(main())


class Every(Thing):
    start: int
    end: int
    kept: str = ""
    parts: dict[str, Any] = {}


class Required(Every):
    id: int


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("schema", [Every, Required])
@pytest.mark.parametrize("name", ["pk", "id"])
def test_an_instance_without_its_key_is_a_copy(things, base, schema, name):
    thing = model(things, schema, base)

    async def main():
        one = await settle(thing.objects.get(id=1))
        setattr(one, name, None)
        one.name = "copy"
        assert one.pk is None and one.changes()["kept"] == "k"
        for refused in (one.delete, one.refresh_from_api):
            with pytest.raises(orm.InvalidRequestError, match="save it first"):
                await settle(refused())
        with pytest.raises(orm.InvalidRequestError, match="not saved yet"):
            await settle(one.save(update_fields=["name"]))
        things.fail_next(400, b"{}", JSON)
        with pytest.raises(orm.BadRequestError):
            await settle(one.save())
        assert one.pk is None
        await settle(one.save())
        assert (one.pk, one.name, one.kept, one.changes()) == (3, "copy", "k", {})
        method, path, body = writes(things)[-1]
        assert (method, path) == ("POST", "/api/v1/things/") and "id" not in body and body["kept"] == "k"
        one.name = "again"
        await settle(one.save())
        assert writes(things)[-1] == ("PATCH", "/api/v1/things/3/", {"name": "again"})
        assert (await settle(thing.objects.get(id=1))).name == "one"
        await settle(one.delete())
        one.pk = None
        await settle(one.save())
        assert one.pk == 4

    asyncio.run(main())


def test_a_copy_whose_answer_does_not_fit_is_not_created_again(things):
    one = model(things, Whole).objects.get(id=1)
    one.pk = None
    things.fail_next(201, b'{"id": 42, "name": null}', JSON)
    with pytest.raises(orm.DecodeError, match="was written"):
        one.save()
    assert (one.pk, one.changes()) == (42, {})


def unsaving(things, base=APIModel, **fields):
    """A model, and what makes the server answer the next write of row 1 with these fields as they were before."""
    thing = model(things, Every, base)

    def keep(read=None, **shown):
        row = {**ROWS["things"][0], **fields}
        if read is not None:
            # The first answer is for the row, or for the page that it is on.
            page = {"count": 1, "next": None, "previous": None, "results": [row]}
            things.fail_next(200, json.dumps(page if read == "page" else row).encode(), JSON)
        things.fail_next(200, json.dumps({**row, **shown}).encode(), JSON)

    return thing, keep


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
def test_a_field_that_is_not_kept_is_an_error_of_every_write(things, base):
    thing, keep = unsaving(things, base)
    rows = thing.objects

    async def main():
        one = await settle(rows.get(id=1))
        one.name, one.start = "new", 77
        keep(name="new")
        with pytest.raises(orm.UnsavedError, match="did not keep `start`") as error:
            await settle(one.save())
        assert error.value.instance is one and not error.value.is_outcome_unknown
        assert (one.name, one.start, one.changes()) == ("new", 77, {"start": 77})
        for shown in ({}, {"start": 20.0}, {"start": 20, "end": 30}):
            keep("page", **shown)
            with pytest.raises(orm.BulkWriteError, match="did not keep `start`") as some:
                await settle(rows.filter(id=1).on_ignored("trust").update(start=77))
            assert some.value.written == []
            assert isinstance(some.value.failed[0][1], orm.UnsavedError)
        keep("row")
        with pytest.raises(orm.UnsavedError, match="`start`") as error:
            await settle(rows.update_or_create(id=1, defaults={"start": 77}))
        assert error.value.instance.pk == 1
        keep()
        with pytest.raises(orm.BulkWriteError, match="`start`"):
            await settle(rows.bulk_update([one], ["start"]))
        assert one.changes()["start"] == 77
        keep("page")
        with pytest.warns(orm.UnsavedWarning, match="`start`"):
            assert await settle(rows.filter(id=1).on_unsaved("warn").update(start=77)) == 1
        keep("page")
        assert await settle(rows.filter(id=1).on_unsaved("ignore").update(start=77)) == 1
        with pytest.raises(ValueError, match="on_unsaved"):
            rows.on_unsaved("never")

    asyncio.run(main())


@pytest.mark.parametrize(("name", "shown"), [("A@x.io", "a@x.io"), (" a ", "a"), ("b", "B")])
def test_another_form_of_a_value_is_no_loss(things, name, shown):
    thing, keep = unsaving(things)
    one = thing.objects.get(id=1)
    one.name = "before"
    keep(name=shown)
    one.save()
    one.name = name
    keep(name=shown)
    one.save()
    assert (one.name, one.changes()) == (shown, {})


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("method", ["get_or_create", "update_or_create"])
def test_a_created_row_that_contradicts_the_question_is_told_and_not_created_again(things, base, method):
    rows = model(things, Whole, base, endpoint="/api/v1/plain/").objects
    created = (201, b'{"id": 42, "name": "a@x.io"}', JSON)

    async def main():
        things.fail_next(200, b'{"count": 0, "next": null, "previous": null, "results": []}', JSON)
        things.fail_next(*created)
        with pytest.raises(orm.UnsavedError, match="did not keep `name`") as error:
            await settle(getattr(rows, method)(name="A@x.io"))
        assert "was created (id: 42)" in str(error.value)
        assert (error.value.instance.pk, error.value.instance.name) == (42, "a@x.io")
        for again in ("get_or_create", "update_or_create"):
            with pytest.raises(orm.UnsavedError, match="none was created") as error:
                await settle(getattr(rows, again)(name="A@x.io"))
            assert error.value.instance is None
        assert len(writes(things)) == 1
        made, is_new = await settle(getattr(rows, method)(name="other"))
        assert (made.name, is_new) == ("other", True)
        with pytest.raises(orm.UnsavedError, match="did not keep `id`") as error:
            await settle(getattr(rows, method)(id=900, defaults={"name": "x"}))
        assert error.value.instance.pk == made.pk + 1
        with pytest.raises(orm.UnsavedError, match="none was created"):
            await settle(getattr(rows, method)(id=901, defaults={"name": "x"}))

    asyncio.run(main())


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
async def test_no_row_is_created_by_a_lookup_that_is_no_field(things, base):
    thing = model(things, Thing, base)
    for upsert in (thing.objects.get_or_create, thing.objects.update_or_create):
        with pytest.raises(orm.FieldError, match="no field `nmae`: did you mean `name`"):
            await settle(upsert(nmae="ann", defaults={"name": "n"}))
    assert things.requests() == []
    # What a query was narrowed by is found without a word, and refused before a row is created.
    page = b'{"count": 1, "next": null, "previous": null, "results": [{"id": 1, "name": "n"}]}'
    narrowed = thing.objects.filter(nmae="ann").on_ignored("trust")
    things.fail_next(200, page, JSON)
    found, created = await settle(narrowed.get_or_create(name="n"))
    assert (found.pk, created) == (1, False)
    things.fail_next(200, b'{"count": 0, "next": null, "previous": null, "results": []}', JSON)
    with pytest.raises(orm.FieldError, match="no field `nmae`"):
        await settle(narrowed.get_or_create(name="new"))
    assert writes(things) == []


def test_a_lookup_may_be_a_key_or_a_filter_that_is_declared(things):
    class Part(BaseModel):
        id: int | None = None
        owner: int | None = None

    for sent, (lookup, declared) in enumerate((("owner_id", None), ("site", ("id", "site")))):
        thing = model(things, Part, endpoint="/api/v1/plain/", _filter_fields=declared)
        things.fail_next(200, b'{"count": 0, "next": null, "previous": null, "results": []}', JSON)
        things.fail_next(201, b'{"id": 2, "owner": 2, "owner_id": 2, "site": 2}', JSON)
        made, created = thing.objects.on_ignored("trust").get_or_create(**{lookup: 2})
        assert (made.pk, created, len(writes(things))) == (2, True, sent + 1)
