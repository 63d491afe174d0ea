"""``create``, and how the server's refusals come back."""

from __future__ import annotations

import datetime
from decimal import Decimal

import django_api_orm as orm
import pytest
from pydantic import ValidationError
from schemas import AddressSchema, AnythingSchema, UserSchema

from .site import ITEMS, settle, values, writes


def address():
    return AddressSchema(street="1 New Street", city="Springfield", state="IL", zip="62701")


def new_user(**others):
    fields = {
        "name": "Zoë Ünïcode 漢字",
        "email": "zoe@example.com",
        "role": "editor",
        "active": False,
        "age": 41,
        "balance": Decimal("12.5"),
        "joined_on": datetime.date(2024, 2, 29),
        "created_at": datetime.datetime(1999, 1, 1, tzinfo=datetime.timezone.utc),
        "address": address(),
        "team": 2,
        "tags": ["rust", "a, b"],
        "settings": {"mail": {"daily": True, "at": 7.5}},
    }
    return UserSchema(**{**fields, **others})


def fields_of(schema):
    """What a caller would give to ``create``: nested objects as they are."""
    return {name: getattr(schema, name) for name in type(schema).model_fields if name != "id"}


@writes
async def test_from_json(site):
    user = await settle(site.users.create(name="Bob", email="bob@example.com"))
    assert site.cost() == 1
    assert (user.id, user.name) == (251, "Bob")
    assert (user.role, user.active) == ("viewer", True), "the server's defaults"
    assert user.balance == 0
    assert user.created_at is not None
    again = await settle(site.users.get(email="bob@example.com"))
    assert values(again) == values(user)


@writes
async def test_from_the_model(site):
    sent = new_user()
    user = await settle(site.users.create(**fields_of(sent)))
    assert user.id == 251
    assert user.created_at != sent.created_at, "a read-only field is the server's"
    expected = values(sent) | {"id": 251, "created_at": user.created_at}
    assert values(user) == expected
    assert values(await settle(site.users.get(id=251))) == expected
    assert user.changes() == {}, "nothing is left to save"


@writes
async def test_with_nulls(site):
    sent = new_user(age=None, joined_on=None, address=None, team=None)
    user = await settle(site.users.create(**fields_of(sent)))
    assert (user.age, user.joined_on, user.address, user.team) == (None, None, None, None)


@writes
async def test_of_every_resource(site):
    post = await settle(site.posts.create(title="New", author_id=3, score=0.1, tags=["x"]))
    assert (post.id, post.author_id, post.score) == (121, 3, 0.1)
    team = await settle(site.teams.create(name="Blue-green"))
    assert team.id == 6 and team.code is not None
    article = await settle(site.articles.create(slug="new-one", title="New", rating="4.25", published_at=None))
    assert (article.id, article.rating) == (46, Decimal("4.25"))
    label = await settle(site.labels.create(name="fresh"))
    assert (label.id, label.color) == (31, None)
    for number, endpoint in enumerate(ITEMS):
        item = await settle(site.items(endpoint).create(name=endpoint, price="1.10"))
        assert (item.id, item.price) == (131 + number, Decimal("1.1")), endpoint


@writes
async def test_a_link_takes_a_path(site):
    comment = await settle(site.comments.create(post=1, author="/api/v1/users/3/", text="Well said"))
    assert comment.author == f"{site.base_url}/api/v1/users/3/"
    copy = await settle(site.comments.create(**fields_of(comment._pydantic_instance)))
    assert (copy.id, copy.text) == (132, "Well said")


@writes
async def test_a_refusal_says_why_field_by_field(site):
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(site.users.create(name="", email="no mail", age=200, role="king"))
    error = refused.value
    assert isinstance(error, orm.ValidationException) and error.status_code == 400
    assert error.errors == {
        "name": ["This field may not be blank."],
        "email": ["Enter a valid email address."],
        "age": ["Ensure this value is less than or equal to 150."],
        "role": ['"king" is not a valid choice.'],
    }
    assert error.response.json() == error.errors
    assert "email: Enter a valid email address." in str(error)
    assert await settle(site.users.count()) == 250


@writes
async def test_a_missing_field_and_a_taken_one(site):
    anything = site.manager("User", AnythingSchema, "/api/v1/users/")
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(anything.create())
    assert refused.value.errors["name"] == ["This field is required."]
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(site.users.create(name="Ann", email="user1@example.com"))
    assert refused.value.errors["email"] == ["user with this email already exists."]


@writes
async def test_a_refusal_of_a_nested_field(site):
    user = new_user(address=address().model_copy(update={"state": "Illinois"}))
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(site.users.create(**fields_of(user)))
    assert refused.value.errors["address.state"] == ["Ensure this field has no more than 2 characters."]


@writes
async def test_a_refusal_of_the_whole_object(site):
    with pytest.raises(orm.BadRequestError, match=r"This title is forbidden\.") as refused:
        await settle(site.posts.create(title="forbidden", author_id=3))
    assert refused.value.errors["non_field_errors"] == ["This title is forbidden."]


@writes
async def test_on_a_wrong_url(site):
    with pytest.raises(orm.NotFoundError) as error:
        await settle(site.users.at("/api/v1/nowhere/").create(name="Bob", email="bob@example.com"))
    assert not isinstance(error.value, site.models.User.DoesNotExist)


# Python's own


async def test_what_does_not_fit_the_schema_is_refused_here(site):
    for wrong in ({"name": "Ann", "email": "b@x.io", "age": "many"}, {"name": "Ann"}):
        with pytest.raises(ValidationError):
            await settle(site.users.create(**wrong))
    assert site.cost() == 0


@writes
async def test_what_is_not_given_is_the_servers_to_choose(site):
    # The schema's own default of `active` is not sent.
    class Quiet(UserSchema):
        active: bool = False

    user = await settle(site.manager("User", Quiet, "/api/v1/users/").create(name="Bob", email="bob@example.com"))
    assert user.active is True
