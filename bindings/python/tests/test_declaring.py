"""Misspelt settings of a model, attributes that are none, and Django's helpers that take our models for Django's."""

from __future__ import annotations

import abc
import re
from pathlib import Path
from unittest import mock

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, ServiceClient
from django_api_orm._declaring import SETTINGS
from schemas import UserSchema


class User(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel, User])
@pytest.mark.parametrize(
    ("attribute", "meant"),
    [
        ("_schema", "_schema_class"),
        ("_schema_clas", "_schema_class"),
        ("_endpont", "_endpoint"),
        ("_end_point", "_endpoint"),
        ("_id", "_id_field"),
        ("_lookup", "_lookup_field"),
        ("_lookup_fields", "_lookup_field"),
        ("_read_only", "_read_only_fields"),
        ("_readonly_fields", "_read_only_fields"),
        ("_filters", "_filter_fields"),
        ("_pagniation", "_pagination"),
    ],
)
def test_a_misspelt_setting(base, attribute, meant):
    with pytest.raises(orm.ConfigurationError, match=f"`Thing.{attribute}` .* did you mean `{meant}`"):
        type("Thing", (base,), {attribute: "x"})
    with pytest.raises(orm.ConfigurationError, match=meant):
        type("Thing", (base,), {attribute: UserSchema})
    with pytest.raises(AttributeError, match=f"`{base.__name__}` has no attribute `{attribute}`: did you mean `{meant}`"):
        setattr(base, attribute, "x")


def test_attributes_of_ones_own():
    class Shop(User, abc.ABC):
        _endpoint_prefix = "/api/v2"
        _cache: dict[str, int] = {}  # noqa: RUF012
        __secret = 1
        note: str

        def _filter(self):
            return self._endpoint_prefix

        @property
        def _lookup(self):
            return "a property"

        @abc.abstractmethod
        def price(self): ...

    assert Shop._cache == {} and Shop._Shop__secret == 1
    with pytest.raises(TypeError, match="abstract"):
        Shop(name="A", email="a@example.com")


def test_attributes_that_are_set_on_a_class():
    class Thing(User):
        pass

    Thing._endpoint = "/api/v1/things/"
    assert Thing.get_endpoint() == "/api/v1/things/"
    Thing.shout = lambda self: self.name.upper()
    Thing.whisper = property(lambda self: self.name.lower())
    thing = Thing(name="Ann", email="a@example.com")
    assert (thing.shout(), thing.whisper) == ("ANN", "ann")
    for name in ("name", "anything", "_anything"):
        with pytest.raises(AttributeError, match=f"`Thing` has no attribute `{name}`.*class body"):
            setattr(Thing, name, 1)
    with mock.patch.object(Thing, "save", "stand-in"):
        assert Thing.save == "stand-in"


def test_misspelt_fields_of_a_row():
    class Noted(User):
        remark: str

    user = Noted(name="Ann", email="a@example.com")
    for wrong, field in (("nmae", "name"), ("emial", "email"), ("created", "created_at"), ("tag", "tags")):
        with pytest.raises(AttributeError, match=f"`Noted` has no field `{wrong}`: did you mean `{field}`"):
            setattr(user, wrong, "x")
    # Attributes of one's own are no fields, and are not sent.
    user.note, user._nmae, user.remark = "mine", 1, "declared"
    assert user.changes() == {"name": "Ann", "email": "a@example.com"}


def test_djangos_helpers_say_what_is_wrong():
    for model in (User, AsyncAPIModel):
        with pytest.raises(TypeError, match=r"not one of Django's.*get_object_or_404\(\).*objects\.get"):
            hasattr(model, "_default_manager")
        with pytest.raises(AttributeError, match=r"not one of Django's, and has no `_meta`"):
            model._meta
        assert not hasattr(model, "_meta")
    with pytest.raises(AttributeError, match=r"not one of Django's, and has no `_meta`"):
        User(name="Ann", email="a@example.com")._meta
    assert not hasattr(User, "anything") and not {"_meta", "_default_manager"} & {*dir(User)}


def get_object_or_404(klass, **lookups):
    """As ``django.shortcuts`` has it."""
    queryset = klass._default_manager.all() if hasattr(klass, "_default_manager") else klass
    try:
        return queryset.get(**lookups)
    except queryset.model.DoesNotExist:
        raise LookupError(f"No {queryset.model._meta.object_name} matches the given query.") from None


def test_get_object_or_404(server):
    with ServiceClient(server.base_url, auth_token=server.token) as client:
        users = client.manager(User)
        assert get_object_or_404(users, id=1).id == get_object_or_404(users.all(), id=1).id == 1
        with pytest.raises(AttributeError, match=r"use `User.objects.get\(...\)` and catch `User.DoesNotExist`"):
            get_object_or_404(users, id=9999)
        with pytest.raises(TypeError, match=r"use `User.objects.get"):
            get_object_or_404(User, id=1)


def test_every_setting_is_in_the_guide():
    page = (Path(__file__).parents[3] / "docs" / "python" / "models.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(_\w+)` \|", page, re.MULTILINE)
    assert tuple(described) == SETTINGS
