"""A row is one object, whatever is asked of it; what the schema's object would show, it shows all the same."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import threading
import warnings
from typing import Annotated, Any

import pytest
from django_api_orm import APIModel, AsyncAPIModel
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    computed_field,
    field_validator,
    model_validator,
)


class Plain(BaseModel):
    id: int | None = None
    name: str
    zip_code: str = Field(default="", alias="zip")
    tags: list[str] = []

    @computed_field
    @property
    def initial(self) -> str:
        return self.name[0]

    @field_validator("name")
    @classmethod
    def not_blank(cls, value: str) -> str:
        if not value:
            raise ValueError("blank")
        return value

    def shout(self) -> str:
        return self.name.upper()


class Open(Plain):
    model_config = ConfigDict(extra="allow")


class Strict(Plain):
    model_config = ConfigDict(extra="forbid", title="A strict row")


class Frozen(Plain):
    model_config = ConfigDict(frozen=True)


class Before(Plain):
    @model_validator(mode="before")
    @classmethod
    def named(cls, data: Any) -> Any:
        assert cls is Before
        return {**data, "name": data["name"].strip()}


class Tree(Plain):
    parent: Tree | None = None


class After(Plain):
    @model_validator(mode="after")
    def own(self) -> After:
        assert type(self) is After
        return self


class Private(Plain):
    _seen: int = PrivateAttr(default=0)


class Initialised(Plain):
    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        assert type(self) is Initialised


class Told(Plain):
    @field_validator("zip_code")
    @classmethod
    def after_the_name(cls, value: str, info: ValidationInfo) -> str:
        assert "name" in info.data
        return value


class Stripped(Plain):
    model_config = ConfigDict(populate_by_name=True, str_strip_whitespace=True)
    zip_code: Annotated[str, BeforeValidator(lambda value: f" {value} ")] = Field(default="", alias="zip")


#: Those whose own code sees the object that is made of a row.
PAIRED = [After, Private, Initialised]
SCHEMAS = [Plain, Open, Strict, Frozen, Before, Tree, Told, Stripped, *PAIRED]
ROWS = [
    {"id": 1, "name": "Ann", "zip": "53111", "tags": ["a"]},
    {"id": 2, "name": "Bob", "tags": []},
    {"id": 3, "name": "Cy"},
]
FULL = [{**row, "zip": "1", "tags": []} for row in ROWS]


def model(schema: type[BaseModel], base: Any = APIModel) -> Any:
    return type("Thing", (base,), {"_schema_class": schema, "_endpoint": "/api/things/", "__module__": __name__})


def read(made: Any, rows: list[dict[str, Any]]) -> list[Any]:
    return made._from_rows([json.dumps(row).encode() for row in rows], None)


def objects_of(schema: type[BaseModel]) -> int:
    return sum(type(each) is schema for each in gc.get_objects())


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("rows", [ROWS, FULL], ids=["some", "all"])
def test_a_row_shows_what_the_schemas_object_shows(schema, rows):
    made = model(schema)
    more = [{**row, "unknown": [1]} for row in rows] if schema is Open else rows
    for instance, row in zip(read(made, more), more, strict=True):
        expected = schema.model_validate_json(json.dumps(row))
        assert type(instance) is made and not isinstance(instance, BaseModel)
        assert vars(instance) == vars(expected)
        assert (instance.initial, instance.shout()) == (row["name"][0], row["name"].upper())
        assert instance.model_fields_set == expected.model_fields_set
        assert instance.model_extra == expected.model_extra
        assert instance.model_dump(by_alias=True) == expected.model_dump(by_alias=True)
        assert instance.model_dump_json(exclude_unset=True) == expected.model_dump_json(exclude_unset=True)
        assert instance._data == expected and instance != expected and expected != instance
        assert (instance._deleted, instance._related, instance._peers) == (False, None, None)
        for again in (copy.copy(instance), copy.deepcopy(instance)):
            assert again == instance and again.model_fields_set == expected.model_fields_set
            assert again.model_dump() == expected.model_dump() and again.raw() == row
        assert made._from_row(json.dumps(row).encode(), None)._data == expected


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_schemas_object_is_made_only_when_it_is_asked(schema):
    made = model(schema)
    gc.collect()
    before = objects_of(schema)
    rows = read(made, ROWS)
    assert {rows[0], rows[1]} == {rows[1], rows[0]} and rows[0] != rows[1]
    assert [row.name for row in rows] == ["Ann", "Bob", "Cy"] and rows[0].pk == 1
    assert objects_of(schema) - before == (len(rows) if schema in PAIRED else 0)
    assert rows[0].model_dump() == rows[0].model_dump()
    assert objects_of(schema) - before == (len(rows) if schema in PAIRED else 1)


@pytest.mark.parametrize("schema", [Plain, Open, Tree])
def test_rows_are_isolated_and_assignment_is_validated(schema):
    first, second, _ = read(model(schema), FULL)
    first.name = "Eve"
    first.tags.append("x")
    with pytest.raises(ValidationError):
        first.name = ""
    assert (first.name, second.name, first.changes(), second.changes()) == ("Eve", "Bob", {"name": "Eve", "tags": ["x"]}, {})
    assert second.model_fields_set == {"id", "name", "zip_code", "tags"} and second.tags == []
    first.note = "kept beside the row"
    assert first.note and not hasattr(second, "note")


def test_rows_that_leave_fields_out_are_read_twice_once_and_no_more():
    calls = []

    class Counting(Plain):
        @field_validator("name")
        @classmethod
        def count(cls, value: str) -> str:
            calls.append(value)
            return value

    made = model(Counting)
    read(made, FULL)
    assert len(calls) == 3
    read(made, ROWS)
    assert len(calls) == 9
    assert [row.model_fields_set for row in read(made, FULL)] == [{"id", "name", "zip_code", "tags"}] * 3
    assert len(calls) == 12


def test_what_was_not_given_is_not_sent():
    (_, second, _) = read(model(Plain), ROWS)
    assert second.model_fields_set == {"id", "name", "tags"} and second.changes() == {}
    second.zip_code = "2"
    assert second.changes() == {"zip": "2"} and second.model_fields_set == {"id", "name", "tags", "zip_code"}


def test_a_frozen_row_stays_as_it_is():
    first, *_ = read(model(Frozen), ROWS)
    with pytest.raises(ValidationError, match="frozen"):
        first.name = "Eve"
    assert first.name == "Ann"


def test_rows_inside_a_row_are_the_schemas():
    (row,) = read(model(Tree), [{"id": 1, "name": "a", "parent": {"name": "b", "parent": {"name": "c"}}}])
    assert type(row.parent) is Tree and type(row.parent.parent) is Tree and type(row) is not Tree


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_invalid_row_is_named_as_by_the_schema(schema):
    wrong = [*ROWS, {"id": 4, "name": "D", "tags": 5}, {"id": 5, "name": 6}]
    with pytest.raises(ValidationError) as raised:
        read(model(schema), wrong)
    title = schema.model_config.get("title") or schema.__name__
    assert raised.value.title == f"{title} in row 3 (id=4) of Thing"
    with pytest.raises(ValidationError) as expected:
        schema.model_validate_json(json.dumps(wrong[3]))
    (line,), (own,) = raised.value.errors(include_url=False), expected.value.errors(include_url=False)
    assert line == {**own, "loc": (3, *own["loc"])}


def test_a_models_own_attributes_win():
    class Own(APIModel):
        _schema_class = Plain
        _endpoint = "/api/things/"

        def json(self) -> str:
            return "the model's"

        def __getattr__(self, name: str) -> Any:
            return f"no {name}"

    (row,) = read(Own, ROWS[:1])
    assert (row.json(), row.nothing, row._deleted, row.model_dump()["name"]) == ("the model's", "no nothing", False, "Ann")


with warnings.catch_warnings():
    warnings.simplefilter("ignore")

    class Fields(BaseModel):
        id: int
        save: str
        copy: int
        pk: int


def test_fields_may_have_the_names_of_methods():
    row = {"id": 1, "save": "yes", "copy": 2, "pk": 3}
    (instance,) = read(model(Fields), [row])
    assert (instance.save, instance.copy, instance.pk, instance._pk()) == ("yes", 2, 3, 1)
    assert instance.model_dump() == row and copy.copy(instance).save == "yes"


class Kept(AsyncAPIModel):
    _schema_class = Plain
    _endpoint = "/api/things/"


def test_rows_can_be_pickled():
    rows = read(Kept, ROWS)
    rows[1].zip_code = "2"
    again = pickle.loads(pickle.dumps(rows))
    assert again == rows and [type(row) for row in again] == [Kept] * 3
    assert again[1].changes() == {"zip": "2"} and again[2].model_fields_set == {"id", "name"}


def test_threads_that_ask_at_once_get_one_object():
    rows = read(Kept, FULL * 200)
    found: list[list[Any]] = []
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait()
        found.append([row._data for row in rows])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one is other for each in found for one, other in zip(each, found[0], strict=True))
