"""``get_or_create`` and ``update_or_create``."""

from __future__ import annotations

import uuid

import django_api_orm as orm
import pytest
from pydantic import ValidationError
from schemas import AnythingSchema, Role

from . import fixture
from .site import settle, values, writes


@writes
async def test_get_or_create_finds(site):
    user, created = await settle(site.users.get_or_create(email="user9@example.com", defaults={"name": "Somebody else"}))
    assert created is False
    assert values(user) == values(fixture.USERS[8]), "the defaults are for a new row only"
    assert site.cost() == 1


@writes
async def test_get_or_create_creates(site):
    new = {"email": "new@example.com", "role": Role.EDITOR}
    # The schema knows already what an address lacks.
    with pytest.raises(ValidationError) as invalid:
        await settle(site.users.get_or_create(**new, defaults={"name": "New", "age": 30, "address__city": "Rome"}))
    assert {line["loc"][0] for line in invalid.value.errors()} == {"address"}
    # Where it does not, the server says so.
    anything = site.manager("User", AnythingSchema, "/api/v1/users/")
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(anything.get_or_create(**new, defaults={"name": "New", "age": 30, "address__city": "Rome"}))
    assert refused.value.errors and all(path.startswith("address.") for path in refused.value.errors)
    site.cost()
    user, created = await settle(site.users.get_or_create(**new, defaults={"name": "New", "age": 30}))
    assert created is True
    assert (user.name, user.email, user.role, user.age) == ("New", "new@example.com", "editor", 30)
    assert site.cost() == 2
    again, created = await settle(site.users.get_or_create(**new))
    assert (again.id, created) == (user.id, False)


@writes
async def test_get_or_create_by_slug(site):
    article, created = await settle(site.articles.get_or_create(slug="brand-new", defaults={"title": "Brand new"}))
    assert (article.slug, article.title, created) == ("brand-new", "Brand new", True)
    _, created = await settle(site.articles.get_or_create(slug="brand-new", defaults={"title": "Brand new"}))
    assert created is False


@writes
async def test_nothing_is_created_by_what_is_not_sent(site):
    nobody = uuid.UUID(int=0)
    before = await settle(site.teams.count())
    with pytest.raises(orm.InvalidRequestError, match="`code` is read-only"):
        await settle(site.teams.get_or_create(code=nobody, defaults={"name": "New"}))
    with pytest.raises(orm.InvalidRequestError, match="`code` is read-only"):
        await settle(site.teams.update_or_create(code=nobody, defaults={"name": "New"}))
    assert await settle(site.teams.count()) == before


@writes
async def test_of_several_rows_is_an_error(site):
    several = site.models.User.MultipleObjectsReturned
    with pytest.raises(several):
        await settle(site.users.get_or_create(role=Role.ADMIN))
    with pytest.raises(several):
        await settle(site.users.get_or_create(role=Role.ADMIN, defaults={"name": "A", "email": "a@x.io"}))
    with pytest.raises(several):
        await settle(site.users.update_or_create(role=Role.ADMIN, defaults={"age": 1}))
    assert await settle(site.users.filter(age=1).count()) == 0


@writes
async def test_nothing_is_created_on_a_wrong_url(site):
    nowhere = site.users.at("/api/v1/nowhere/")
    with pytest.raises(orm.NotFoundError) as error:
        await settle(nowhere.get_or_create(email="a@x.io", defaults={"name": "A"}))
    assert not isinstance(error.value, site.models.User.DoesNotExist)
    assert site.cost() == 1, "no POST"
    with pytest.raises(orm.NotFoundError) as error:
        await settle(nowhere.update_or_create(id=1, defaults={"name": "A"}))
    assert not isinstance(error.value, site.models.User.DoesNotExist)


@writes
async def test_a_refused_creation_is_a_validation_error(site):
    anything = site.manager("User", AnythingSchema, "/api/v1/users/")
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(anything.get_or_create(email="new@example.com"))
    assert refused.value.errors["name"] == ["This field is required."]
    # With a schema that says so, nothing is sent but the question.
    site.cost()
    with pytest.raises(ValidationError) as invalid:
        await settle(site.users.get_or_create(email="new@example.com"))
    assert [line["loc"] for line in invalid.value.errors()] == [("name",)]
    assert site.cost() == 1


@writes
async def test_update_or_create_updates(site):
    user, created = await settle(
        site.users.update_or_create(email="user9@example.com", defaults={"name": "Renamed", "age": None})
    )
    assert created is False
    assert site.cost() == 2
    expected = values(fixture.USERS[8]) | {"name": "Renamed", "age": None}
    assert values(user) == expected
    assert values(await settle(site.users.get(id=9))) == expected


@writes
async def test_update_or_create_sends_nothing_if_nothing_is_to_change(site):
    was = fixture.USERS[8]
    defaults = {"name": was.name, "balance": was.balance, "tags": was.tags}
    user, created = await settle(site.users.update_or_create(email=was.email, defaults=defaults))
    assert (values(user), created) == (values(was), False)
    assert site.cost() == 1


@writes
async def test_update_or_create_creates(site):
    user, created = await settle(
        site.users.update_or_create(email="new@example.com", defaults={"name": "New", "active": False})
    )
    assert created is True
    assert (user.id, user.name, user.active) == (251, "New", False)
    assert site.cost() == 2


@writes
async def test_update_or_create_of_a_nested_field(site):
    user, _ = await settle(site.users.update_or_create(id=1, defaults={"address__city": "Peoria"}))
    assert (user.address.city, user.address.street) == ("Peoria", "1 Main Street"), "the rest stays"
    assert site.cost() == 2
    again = await settle(site.users.get(id=1))
    assert again.address == user.address


# Python's own


@writes
async def test_defaults_that_make_no_new_row_change_one_that_is_there(site):
    user, created = await settle(site.users.update_or_create(id=1, defaults={"age": lambda: 77, "name": "Renamed"}))
    assert (user.age, user.name, created) == (77, "Renamed", False)
    assert (await settle(site.users.get(id=1))).age == 77
    with pytest.raises(ValidationError):
        await settle(site.users.update_or_create(id=9999, defaults={"age": 1}))
    assert await settle(site.users.count()) == 250


@writes
async def test_create_defaults_are_for_a_new_row_only(site):
    lookups = {"email": "new@example.com", "defaults": {"age": 40}, "create_defaults": {"name": "New", "age": 20}}
    user, created = await settle(site.users.update_or_create(**lookups))
    assert (user.name, user.age, created) == ("New", 20, True)
    user, created = await settle(site.users.update_or_create(**lookups))
    assert (user.name, user.age, created) == ("New", 40, False)
