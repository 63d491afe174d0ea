"""What ``values`` and ``values_list`` give: only their fields are validated, and they are what the schema's object has."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django_api_orm import APIModel, ServiceClient
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    computed_field,
    field_validator,
    model_validator,
)


class City(BaseModel):
    name: str
    zip_code: str = Field(default="", alias="zip")


class Plain(BaseModel):
    id: int
    name: str = Field(alias="title")
    rank: int = 7
    made: dt.datetime | None = None
    city: City | None = None
    tags: list[str] = []

    @field_validator("name")
    @classmethod
    def shortened(cls, value: str) -> str:
        return value[:3]

    @computed_field
    @property
    def initial(self) -> str:
        return self.name[0]


class Forbids(Plain):
    model_config = ConfigDict(extra="forbid", str_to_upper=True, populate_by_name=True)


class Inner(Plain):
    inner: Inner | None = None


class Timed(Plain):
    takes: dt.timedelta | None = None


class Dependent(Plain):
    @field_validator("rank")
    @classmethod
    def with_name(cls, value: int, info: ValidationInfo) -> int:
        return value + len(info.data["name"])


class After(Plain):
    @model_validator(mode="after")
    def ranked(self) -> After:
        self.rank += 1
        return self


class Before(Plain):
    @model_validator(mode="before")
    @classmethod
    def ranked(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "rank": 9}


SCHEMAS = [Plain, Forbids, Inner, Timed, Dependent, After, Before]
ROWS = [
    {
        "id": 1,
        "title": "Annabel",
        "rank": 3,
        "made": "2024-01-02T03:04:05Z",
        "city": {"name": "Bonn", "zip": "5"},
        "tags": ["a"],
    },
    {"id": 2, "title": "Bo"},
]


def query(schema: type[BaseModel]) -> Any:
    thing = type("Thing", (APIModel,), {"_schema_class": schema, "_endpoint": "/api/things/", "__module__": __name__})
    return ServiceClient("http://localhost:1").manager(thing).all()


def rows(*given: dict[str, Any]) -> list[bytes]:
    return [json.dumps(row).encode() for row in given]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize(
    "names",
    [
        ("id",),
        ("name", "id"),
        ("pk", "rank"),
        ("tags", "made", "city"),
        ("name", "name"),
        ("initial", "rank"),
        ("id", "initial"),
    ],
    ids=" ".join,
)
def test_values_are_those_of_the_schemas_object(schema, names):
    objects = [schema.model_validate_json(row) for row in rows(*ROWS)]
    expected = [tuple(getattr(data, "id" if name == "pk" else name) for name in names) for data in objects]
    asked = query(schema)
    assert asked._tuples(names, False, False)(rows(*ROWS), 0) == expected
    assert asked._values(names, rows(*ROWS)) == [dict(zip(names, values, strict=True)) for values in expected]
    assert [list(row) for row in asked._values(names, rows(*ROWS))] == [list(dict.fromkeys(names))] * 2
    if len(names) == 1:
        assert asked._tuples(names, True, False)(rows(*ROWS), 0) == [value for (value,) in expected]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_all_fields(schema):
    objects = [schema.model_validate_json(row) for row in rows(*ROWS)]
    assert query(schema)._values((), rows(*ROWS)) == [dict(vars(data)) for data in objects]


@pytest.mark.parametrize("schema", [Plain, Inner, Timed])
def test_parts_and_what_is_not_declared(schema):
    asked, row = query(schema), {**ROWS[0], "more": {"a": [1]}}
    names = ("city__name", "id", "more", "more__a")
    assert asked._tuples(names, False, False)(rows(row), 0) == [("Bonn", 1, {"a": [1]}, [1])]
    assert asked._tuples(("city__name",), True, False)(rows(*ROWS), 0) == ["Bonn", None]
    with pytest.raises(ValueError, match="has no field `nothing`"):
        asked._values(("id", "nothing"), rows(row))
    with pytest.raises(ValueError, match="there is no `nothing`"):
        asked._values(("city__nothing",), rows(row))


@pytest.mark.parametrize("schema", [Plain, Forbids, Inner, Timed])
def test_other_fields_are_not_validated(schema):
    row = {"id": 5, "title": ["no text"], "rank": "4", "unknown": 1}
    assert query(schema)._values(("rank", "id"), rows(row)) == [{"rank": 4, "id": 5}]


@pytest.mark.parametrize("schema", [Dependent, After, Before])
def test_fields_that_depend_on_each_other_are_validated_together(schema):
    with pytest.raises(ValidationError, match="title"):
        query(schema)._values(("rank",), rows({"id": 5, "title": ["no text"]}))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_invalid_value_is_named_with_its_row(schema):
    wrong = rows(*ROWS, {"id": "x", "title": "C"})
    with pytest.raises(ValidationError) as raised:
        query(schema)._values(("id",), wrong, 10)
    assert raised.value.title == f"{schema.__name__} in row 12 (id='x') of Thing"
    assert [line["loc"] for line in raised.value.errors()] == [(12, "id")]
    with pytest.raises(ValidationError, match="Field required"):
        query(schema)._values(("name",), rows({"id": 1}))


def test_rows_that_are_skipped():
    reported: list[Any] = []
    asked = query(Plain).on_invalid("skip", reported.append)
    given = rows(ROWS[0], {"id": "x", "title": "C"}, {"id": 3, "title": 4})
    assert asked._values(("id",), given) == [{"id": 1}, {"id": 3}]
    assert [error.index for error in reported] == [1]


def test_names_that_the_schema_also_reads_and_its_settings():
    asked = query(Forbids)
    assert (
        asked._values(("name",), rows({"name": "ann"})) == asked._values(("name",), rows({"title": "ann"})) == [{"name": "ANN"}]
    )


def test_durations_of_days():
    assert query(Timed)._values(("takes",), rows({"takes": "1 02:00:00"})) == [{"takes": dt.timedelta(days=1, hours=2)}]


def test_values_are_not_shared():
    first, second = query(Plain)._values(("tags",), rows(ROWS[1], ROWS[1]))
    first["tags"].append("x")
    assert second == {"tags": []}


def test_named_tuples():
    (row, _) = query(Plain)._tuples(("id", "rank"), False, True)(rows(*ROWS), 0)
    assert (row.id, row.rank) == (1, 3)


def test_only_so_many_choices_of_fields_are_kept():
    asked = query(Plain)
    for number in range(200):
        asked._values(("id",) * (number + 1), rows(ROWS[0]))
    assert len(asked._info._columns) <= 64
