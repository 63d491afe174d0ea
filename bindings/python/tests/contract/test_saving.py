"""``save``, ``update_fields`` and ``refresh_from_api``: what changed is sent, and nothing else."""

from __future__ import annotations

import datetime
from decimal import Decimal

import django_api_orm as orm
import pytest
from pydantic import ValidationError
from schemas import ItemSchema, Role

from . import fixture
from .site import ITEMS, settle, values, writes


@writes
async def test_only_what_changed_is_sent(site):
    ours = await settle(site.users.get(id=1))
    theirs = await settle(site.users.get(id=1))
    theirs.name = "Their name"
    theirs.tags.append("theirs")
    await settle(theirs.save())
    ours.email = "ours@example.com"
    await settle(ours.save())
    assert site.cost() == 4
    now = await settle(site.users.get(id=1))
    expected = values(fixture.USERS[0]) | {"name": "Their name", "tags": ["theirs"], "email": "ours@example.com"}
    assert values(now) == expected, "no update is lost"
    assert values(ours) == expected, "and the answer shows theirs"


async def test_nothing_changed_costs_nothing(site):
    users = await settle(site.users.all())
    items = await settle(site.items("plain-on").all())
    others = await settle(site.items("cursor-on").all())
    site.cost()
    for row in [*users, *items, *others]:
        assert row.changes() == {}
        await settle(row.save())
    assert site.cost() == 0, "dates and decimals in the server's spelling are no changes"


async def test_a_change_taken_back_is_none(site):
    user = await settle(site.users.get(id=1))
    name, user.name = user.name, "Other"
    assert user.changes() == {"name": "Other"}
    user.name = name
    assert user.changes() == {}
    site.cost()
    await settle(user.save())
    assert site.cost() == 0


@writes
async def test_values_that_the_server_writes_in_another_way(site):
    user = await settle(site.users.get(id=1))
    user.balance = Decimal("7.5")
    await settle(user.save())
    assert str(user.balance) == "7.50", "two places, as the server keeps it"
    item = await settle(site.items("plain-on").get(id=1))
    item.seen_at = datetime.datetime.fromisoformat("2024-05-06T08:00:00+02:00")
    item.price = Decimal("3")
    await settle(item.save())
    assert item.seen_at == datetime.datetime.fromisoformat("2024-05-06T06:00:00+00:00")
    article = await settle(site.articles.get(slug="article-01"))
    article.rating = Decimal("4")
    await settle(article.save())
    site.cost()
    for row in (user, item, article):
        await settle(row.save())
    assert site.cost() == 0, "no phantom change"


@writes
async def test_every_kind_of_field(site):
    user = await settle(site.users.get(id=2))
    user.name = "Ünï"
    user.role = Role.ADMIN
    user.active = False
    user.age = 99
    user.balance = Decimal("-1.25")
    user.joined_on = datetime.date(2000, 2, 29)
    user.team = 1
    user.tags = ["one"]
    user.settings["deep"] = {"list": [1, {"x": None}]}
    expected = values(user)
    await settle(user.save())
    assert values(user) == expected
    assert values(await settle(site.users.get(id=2))) == expected


@writes
async def test_a_nested_change(site):
    user = await settle(site.users.get(id=1))
    user.address.city = "Peoria"
    assert list(user.changes()) == ["address"]
    await settle(user.save())
    again = await settle(site.users.get(id=1))
    assert (again.address.city, again.address.street) == ("Peoria", "1 Main Street")


@writes
async def test_null_and_back(site):
    user = await settle(site.users.get(id=1))
    address = user.address
    assert address is not None
    user.address = user.age = user.team = user.joined_on = None
    await settle(user.save())
    again = await settle(site.users.get(id=1))
    assert (again.age, again.team, again.joined_on, again.address) == (None, None, None, None)
    again.address = address
    again.age = 25
    await settle(again.save())
    await settle(user.refresh_from_api())
    assert (user.age, user.address) == (25, address)


async def test_read_only_fields_are_never_sent(site):
    user = await settle(site.users.get(id=1))
    user.created_at = datetime.datetime(1999, 1, 1, tzinfo=datetime.timezone.utc)
    assert user.changes() == {}
    site.cost()
    await settle(user.save())
    assert site.cost() == 0
    with pytest.raises(ValueError, match="created_at"):
        await settle(user.save(update_fields=["created_at"]))
    assert site.cost() == 0


@writes
async def test_save_fields_sends_these_fields_and_keeps_the_other_changes(site):
    user = await settle(site.users.get(id=1))
    user.email = "new@example.com"
    user.name = "Unsaved"
    await settle(user.save(update_fields=["email"]))
    assert user.name == "Unsaved"
    assert user.changes() == {"name": "Unsaved"}
    between = await settle(site.users.get(id=1))
    assert (between.email, between.name) == ("new@example.com", "Alice Smith")
    await settle(user.save(update_fields=["name", "active"]))
    assert user.changes() == {}
    assert (await settle(site.users.get(id=1))).name == "Unsaved"


@writes
async def test_save_fields_sends_also_what_did_not_change(site):
    ours = await settle(site.users.get(id=1))
    theirs = await settle(site.users.get(id=1))
    theirs.name = "Their name"
    await settle(theirs.save())
    site.cost()
    await settle(ours.save(update_fields=["name"]))
    assert site.cost() == 1
    await settle(theirs.refresh_from_api())
    assert theirs.name == "Alice Smith"


async def test_save_fields_of_an_unknown_field_is_an_error(site):
    user = await settle(site.users.get(id=1))
    site.cost()
    with pytest.raises(ValueError, match="nmae"):
        await settle(user.save(update_fields=["nmae"]))
    assert site.cost() == 0


@writes
async def test_a_refused_save_loses_nothing(site):
    user = await settle(site.users.get(id=1))
    user.email = "no mail"
    user.age = 26
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(user.save())
    assert refused.value.errors["email"] == ["Enter a valid email address."]
    assert (user.email, user.age) == ("no mail", 26), "the value is as it was"
    assert user.changes() == {"email": "no mail", "age": 26}
    user.email = "mail@example.com"
    await settle(user.save())
    again = await settle(site.users.get(id=1))
    assert (again.email, again.age) == ("mail@example.com", 26)


@writes
async def test_a_row_with_a_slug_is_saved_under_its_old_slug(site):
    article = await settle(site.articles.get(slug="article-07"))
    article.slug = "renamed"
    await settle(article.save())
    article.title = "Renamed"
    await settle(article.save())
    again = await settle(site.articles.get(slug="renamed"))
    assert (again.id, again.title) == (7, "Renamed")


@writes
async def test_a_changed_key_does_not_save_over_another_row(site):
    user = await settle(site.users.get(id=1))
    user.id = 2
    user.name = "Who?"
    with pytest.raises(orm.UnsavedError, match="did not keep `id`"):
        await settle(user.save())
    first, second = await settle(site.users.get(id=1)), await settle(site.users.get(id=2))
    assert (first.name, second.name) == ("Who?", "Bob Jones")


@writes
async def test_a_row_of_a_list_can_be_saved(site):
    for endpoint in ITEMS:
        (item,) = await settle(site.items(endpoint).all()[50:51])
        item.name = f"Saved on {endpoint}"
        await settle(item.save())
        assert (await settle(site.items("plain-on").get(id=51))).name == item.name


@writes
async def test_refresh_reads_anew(site):
    ours = await settle(site.users.get(id=1))
    theirs = await settle(site.users.get(id=1))
    theirs.name = "Their name"
    await settle(theirs.save())
    ours.email = "unsaved@example.com"
    site.cost()
    await settle(ours.refresh_from_api())
    assert site.cost() == 1
    assert (ours.name, ours.email) == ("Their name", "user1@example.com")
    assert ours.changes() == {}


# Python's own


@writes
async def test_an_instance_that_was_made_here(site):
    site.register(site.client, site.models.User)
    user = site.models.User(name="Zoe", email="zoe@example.com")
    assert user.pk is None
    await settle(user.save())
    assert user.pk == 251 and user.created_at is not None
    user.name = "Zoë"
    await settle(user.save())
    assert site.cost() == 2
    assert (await settle(site.users.get(id=251))).name == "Zoë"


async def test_an_invalid_value_is_not_kept(site):
    user = await settle(site.users.get(id=1))
    with pytest.raises(ValidationError):
        user.age = "old"
    assert user.age == 25 and user.changes() == {}


@writes
async def test_a_row_is_saved_where_it_was_read(site):
    # The model's own endpoint is another one: a row of the same key there would be somebody else's.
    items = site.manager("Item", ItemSchema, "/api/v1/nowhere/").at("/api/v1/items/plain-on/")
    item = await settle(items.get(id=51))
    item.name = "Saved"
    await settle(item.save())
    await settle(item.refresh_from_api())
    assert item.name == "Saved"
    made = await settle(items.create(name="Made", price="1"))
    made.name = "Changed"
    await settle(made.save())
    await settle(made.delete())


@writes
async def test_many_rows_are_written_after_a_look_at_each(site):
    admins = fixture.ids_of(fixture.USERS, lambda user: user.role == "admin")
    assert await settle(site.users.filter(role="admin").update(age=50)) == len(admins)
    changed = await settle(site.users.filter(age=50, role="admin").values_list("id", flat=True))
    assert changed == admins
    with pytest.raises(orm.CountMismatchError, match="3 were expected"):
        await settle(site.users.filter(role="admin").expect(3).delete())
    assert await settle(site.users.filter(role="admin").expect(len(admins)).delete()) == len(admins)
    assert await settle(site.users.count()) == 250 - len(admins)


@writes
async def test_a_part_of_an_object_is_updated_and_the_rest_stays(site):
    assert await settle(site.users.filter(id=1).update(address__city="Elsewhere")) == 1
    user = await settle(site.users.get(id=1))
    assert user.address.model_dump() == fixture.USERS[0].address.model_dump() | {"city": "Elsewhere"}
