"""What holds on the real DRF site holds on the test server, synchronously and asynchronously."""

from __future__ import annotations

import datetime
import json
import warnings
from decimal import Decimal
from pathlib import Path

import django_api_orm as orm
import pytest
from conftest import settle
from django_api_orm import Q
from pydantic import ValidationError
from schemas import (
    AddressSchema,
    ArticleSchema,
    CommentSchema,
    ItemSchema,
    LabelSchema,
    PostSchema,
    TeamSchema,
    UserSchema,
)

ROWS = json.loads((Path(__file__).parents[3] / "crates/testserver/fixtures/reference.json").read_text())
USERS = ROWS["users"]


def ids(instances):
    return [instance.id for instance in instances]


@pytest.fixture
def users(api):
    return api.model(UserSchema, "/api/v1/users/", "User")


@pytest.fixture
def fresh_users(fresh_api):
    return fresh_api.model(UserSchema, "/api/v1/users/", "User")


ENDPOINTS = [
    (UserSchema, "/api/v1/users/", "users"),
    (PostSchema, "/api/v1/posts/", "posts"),
    (CommentSchema, "/api/v1/comments/", "comments"),
    (TeamSchema, "/api/v1/teams/", "teams"),
    (ArticleSchema, "/api/v1/articles/", "articles"),
    (LabelSchema, "/api/v1/labels/", "labels"),
    *[
        (ItemSchema, f"/api/v1/items/{style}-{filters}/", "items")
        for style in ("limitoffset", "pagenumber", "cursor", "plain")
        for filters in ("on", "off")
    ],
]


@pytest.mark.parametrize(("schema", "endpoint", "table"), ENDPOINTS, ids=[endpoint for _, endpoint, _ in ENDPOINTS])
async def test_every_row_of_every_paginator(api, schema, endpoint, table):
    model = api.model(schema, endpoint)
    rows = ROWS[table]
    assert sorted(ids(await settle(model.objects.all()))) == [row["id"] for row in rows]
    assert await settle(model.objects.count()) == len(rows)
    assert await settle(model.objects.exists()) is True
    assert (await settle(model.objects.first())).id == 1
    assert (await settle(model.objects.last())).id == len(rows)
    assert ids(await settle(model.objects.all()[5:12])) == [row["id"] for row in rows][5:12]


ITEM_QUERIES = {
    "equal": (lambda m: m.filter(kind=ROWS["items"][0]["kind"]), lambda r: r["kind"] == ROWS["items"][0]["kind"]),
    "in": (lambda m: m.filter(id__in=[1, 5, 9, 999]), lambda r: r["id"] in (1, 5, 9)),
    "empty in": (lambda m: m.filter(id__in=[]), lambda r: False),
    "null": (lambda m: m.filter(rank=None), lambda r: r["rank"] is None),
    "not null": (lambda m: m.filter(rank__isnull=False), lambda r: r["rank"] is not None),
    "greater": (lambda m: m.filter(rank__gt=5), lambda r: (r["rank"] or 0) > 5),
    "range by two": (
        lambda m: m.filter(rank__gte=3, rank__lt=9),
        lambda r: r["rank"] is not None and 3 <= r["rank"] < 9,
    ),
    "exclude": (lambda m: m.exclude(flag=True), lambda r: not r["flag"]),
    "exclude null": (lambda m: m.exclude(rank__gt=5), lambda r: r["rank"] is None or r["rank"] <= 5),
    "or": (lambda m: m.filter(Q(id__lt=4) | Q(id__gt=126)), lambda r: r["id"] < 4 or r["id"] > 126),
    "not": (lambda m: m.filter(~Q(id__gt=10)), lambda r: r["id"] <= 10),
    "xor": (lambda m: m.filter(Q(id__lt=10) ^ Q(flag=True)), lambda r: (r["id"] < 10) != r["flag"]),
    "bool": (lambda m: m.filter(flag=True), lambda r: r["flag"]),
    "decimal": (lambda m: m.filter(price__gt=Decimal("50")), lambda r: Decimal(r["price"]) > 50),
}


@pytest.mark.parametrize("query", ITEM_QUERIES)
@pytest.mark.parametrize("paginator", ["limitoffset", "pagenumber", "cursor", "plain"])
@pytest.mark.parametrize("filters", ["on", "off"])
async def test_queries_are_right_whatever_the_server_supports(api, paginator, filters, query):
    items = api.model(ItemSchema, f"/api/v1/items/{paginator}-{filters}/", "Item")
    build, holds = ITEM_QUERIES[query]
    expected = [row["id"] for row in ROWS["items"] if holds(row)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", orm.IgnoredWarning)
        assert ids(await settle(build(items.objects))) == expected
        assert await settle(build(items.objects).count()) == len(expected)
        assert await settle(build(items.objects).exists()) is bool(expected)
        first = await settle(build(items.objects).first())
        last = await settle(build(items.objects).last())
        assert (first and first.id, last and last.id) == ((expected or [None])[0], (expected or [None])[-1])
        assert ids(await settle(build(items.objects)[1:3])) == expected[1:3]


@pytest.mark.parametrize("filters", ["on", "off"])
async def test_order(api, filters):
    items = api.model(ItemSchema, f"/api/v1/items/limitoffset-{filters}/", "Item")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", orm.IgnoredWarning)
        assert ids(await settle(items.objects.order_by("-id"))) == list(range(130, 0, -1))
        assert ids(await settle(items.objects.order_by("-id")[2:5])) == [128, 127, 126]
        assert (await settle(items.objects.order_by("-id").last())).id == 1
        assert ids(await settle(items.objects.order_by("id").reverse()[:2])) == [130, 129]
        by_price = [item.price for item in await settle(items.objects.order_by("price"))]
        assert by_price == sorted(by_price)


async def test_types(users):
    user = await settle(users.objects.get(id=1))
    row = USERS[0]
    assert (user.name, user.email, user.balance) == (row["name"], row["email"], Decimal(row["balance"]))
    assert isinstance(user.created_at, datetime.datetime)
    assert user.pk == user.id == 1
    assert user == await settle(users.objects.get(pk=1))
    assert user.to_dict()["id"] == 1


async def test_get(users):
    assert (await settle(users.objects.get(email=USERS[4]["email"]))).id == 5
    assert (await settle(users.objects.filter(id__lt=3).get(id__gt=1))).id == 2
    with pytest.raises(users.DoesNotExist) as missing:
        await settle(users.objects.get(id=99999))
    assert isinstance(missing.value, orm.NotFoundError) and missing.value.status_code == 404
    with pytest.raises(users.DoesNotExist):
        await settle(users.objects.get(email="nobody@example.com"))
    with pytest.raises(users.MultipleObjectsReturned):
        await settle(users.objects.get(active=True))


async def test_a_wrong_url_is_no_missing_row(api):
    wrong = api.model(UserSchema, "/api/v1/userz/", "Wrong")
    with pytest.raises(orm.NotFoundError) as error:
        await settle(wrong.objects.get(id=1))
    assert not isinstance(error.value, wrong.DoesNotExist)
    with pytest.raises(orm.NotFoundError):
        await settle(wrong.objects.get_or_create(email="a@x.io", defaults={"name": "A"}))


async def test_dates_and_nested_lookups(users):
    years = [row["id"] for row in USERS if row["created_at"].startswith("2024")]
    assert ids(await settle(users.objects.filter(created_at__year=2024))) == years
    after = datetime.date(2022, 1, 1)
    joined = [row["id"] for row in USERS if row["joined_on"] and row["joined_on"] > "2022-01-01"]
    assert ids(await settle(users.objects.filter(joined_on__gt=after))) == joined
    state = next(row["address"]["state"] for row in USERS if row["address"])
    there = [row["id"] for row in USERS if row["address"] and row["address"]["state"] == state]
    assert ids(await settle(users.objects.filter(address__state=state))) == there


async def test_values(users):
    assert await settle(users.objects.filter(id__lte=3).values("id", "name")) == [
        {"id": row["id"], "name": row["name"]} for row in USERS[:3]
    ]
    assert await settle(users.objects.all()[:4].values_list("id", flat=True)) == [1, 2, 3, 4]
    assert await settle(users.objects.all()[:2].values_list("pk", "balance")) == [
        (row["id"], Decimal(row["balance"])) for row in USERS[:2]
    ]
    states = await settle(users.objects.all()[:20].values_list("address__state", flat=True))
    assert states == [row["address"] and row["address"]["state"] for row in USERS[:20]]
    with pytest.raises(ValueError, match="flat"):
        await settle(users.objects.values_list("id", "name", flat=True))


async def test_in_bulk(users):
    found = await settle(users.objects.in_bulk([3, 1, 9999]))
    assert {key: user.id for key, user in found.items()} == {1: 1, 3: 3}


async def test_slices_compose(users):
    assert ids(await settle(users.objects.all()[10:50][5:8])) == [16, 17, 18]
    assert await settle(users.objects.all()[240:400].count()) == 10
    assert ids(await settle(users.objects.all()[300:310])) == []


async def test_create_and_validation(fresh_users):
    user = await settle(
        fresh_users.objects.create(
            name="Ann",
            email="ann@x.io",
            address=AddressSchema(street="1 Main", city="Springfield", state="IL", zip="6"),
        )
    )
    assert user.id == 251 and user.role == "viewer" and user.address.state == "IL"
    with pytest.raises(orm.BadRequestError) as refused:
        await settle(fresh_users.objects.create(name="Ann", email="ann@x.io"))
    assert refused.value.status_code == 400 and "email" in refused.value.errors
    assert isinstance(refused.value, orm.ValidationException)
    assert refused.value.response.json()["email"] == refused.value.errors["email"]
    with pytest.raises(ValidationError):
        await settle(fresh_users.objects.create(name="Ann", email="b@x.io", age="many"))
    with pytest.raises(ValidationError):
        await settle(fresh_users.objects.create(name="Ann"))
    assert await settle(fresh_users.objects.count()) == 251


async def test_save(fresh_users):
    user = await settle(fresh_users.objects.get(id=1))
    before = user.email
    assert user.changes() == {}
    user.name = "New Name"
    user.email = "new@x.io"
    assert user.changes() == {"name": "New Name", "email": "new@x.io"}
    await settle(user.save(update_fields=["name"]))
    again = await settle(fresh_users.objects.get(id=1))
    assert (again.name, again.email) == ("New Name", before)
    assert user.email == "new@x.io" and user.changes() == {"email": "new@x.io"}
    await settle(user.save())
    assert (await settle(fresh_users.objects.get(id=1))).email == "new@x.io"
    user.name = "Lost"
    await settle(user.refresh_from_api())
    assert user.name == "New Name"


async def test_nested_changes_and_null(fresh_users):
    user = await settle(fresh_users.objects.exclude(address__state=None).first())
    user.address.city = "Elsewhere"
    assert list(user.changes()) == ["address"]
    await settle(user.save())
    user = await settle(fresh_users.objects.get(id=user.id))
    assert user.address.city == "Elsewhere"
    user.tags.append("new")
    user.address = None
    await settle(user.save())
    user = await settle(fresh_users.objects.get(id=user.id))
    assert user.address is None and user.tags[-1] == "new"


async def test_failed_save_keeps_the_changes(fresh_users):
    user = await settle(fresh_users.objects.get(id=1))
    user.email = USERS[1]["email"]
    with pytest.raises(orm.BadRequestError):
        await settle(user.save())
    assert user.changes() == {"email": USERS[1]["email"]}
    with pytest.raises(ValidationError):
        user.age = "old"
    assert user.age == USERS[0]["age"]


async def test_delete(fresh_users):
    user = await settle(fresh_users.objects.get(id=250))
    await settle(user.delete())
    assert await settle(fresh_users.objects.count()) == 249
    with pytest.raises(orm.InvalidRequestError):
        await settle(user.save())
    with pytest.raises(fresh_users.DoesNotExist):
        await settle(fresh_users.objects.get(id=250))


async def test_new_instance(fresh_users):
    user = fresh_users(name="Zoe", email="zoe@x.io")
    assert user.pk is None
    await settle(user.save())
    assert user.pk == 251 and user.created_at is not None
    user.name = "Zoë"
    await settle(user.save())
    assert (await settle(fresh_users.objects.get(id=251))).name == "Zoë"


async def test_get_or_create_and_update_or_create(fresh_users):
    user, created = await settle(fresh_users.objects.get_or_create(email="n@x.io", defaults={"name": "N"}))
    assert created and user.name == "N"
    user, created = await settle(fresh_users.objects.get_or_create(email="n@x.io", defaults={"name": "other"}))
    assert not created and user.name == "N"
    user, created = await settle(fresh_users.objects.get_or_create(email="n@x.io"))
    assert not created
    with pytest.raises(ValidationError):
        await settle(fresh_users.objects.get_or_create(email="nobody@x.io"))
    user, created = await settle(fresh_users.objects.update_or_create(email="n@x.io", defaults={"age": 40}))
    assert (created, user.age, user.name) == (False, 40, "N")
    user, created = await settle(fresh_users.objects.update_or_create(email="m@x.io", defaults={"name": "M"}))
    assert created and user.name == "M"
    assert await settle(fresh_users.objects.count()) == 252


async def test_bulk_create(fresh_users):
    made = await settle(fresh_users.objects.bulk_create([{"name": f"U{n}", "email": f"u{n}@x.io"} for n in range(12)]))
    assert [user.name for user in made] == [f"U{n}" for n in range(12)]
    with pytest.raises(orm.BulkCreateError) as error:
        await settle(
            fresh_users.objects.bulk_create([{"name": "ok", "email": "ok@x.io"}, {"name": "twice", "email": "u0@x.io"}])
        )
    assert [index for index, _ in error.value.created] == [0]
    assert [(index, list(failed.errors)) for index, failed in error.value.failed] == [(1, ["email"])]


async def test_update_and_delete_of_many(fresh_users):
    admins = [row["id"] for row in USERS if row["role"] == "admin"]
    assert await settle(fresh_users.objects.filter(role="admin").update(age=50)) == len(admins)
    assert ids(await settle(fresh_users.objects.filter(age=50, role="admin"))) == admins
    with pytest.raises(orm.UnsupportedError):
        await settle(fresh_users.objects.filter(role="admin").expect(3).delete())
    assert await settle(fresh_users.objects.filter(role="admin").expect(len(admins)).delete()) == len(admins)
    assert await settle(fresh_users.objects.count()) == 250 - len(admins)


async def test_a_part_of_an_object_is_updated_and_the_rest_stays(fresh_users):
    row = next(row for row in USERS if row["address"])
    assert await settle(fresh_users.objects.filter(id=row["id"]).update(address__city="Elsewhere")) == 1
    user = await settle(fresh_users.objects.get(id=row["id"]))
    assert user.address.model_dump() == {**row["address"], "city": "Elsewhere"}


async def test_slug_keys(fresh_api):
    articles = fresh_api.model(ArticleSchema, "/api/v1/articles/", "Article", _lookup_field="slug")
    slug = ROWS["articles"][2]["slug"]
    article = await settle(articles.objects.get(slug=slug))
    assert article.id == 3
    article.title = "Changed"
    await settle(article.save())
    with pytest.warns(orm.IgnoredWarning):
        assert (await settle(articles.objects.get(id=3))).title == "Changed"
    article.slug = "moved"
    await settle(article.save())
    await settle(article.refresh_from_api())
    assert article.slug == "moved" and article.pk == 3


async def test_ignored_filters_are_reported_or_refused(api):
    labels = api.model(LabelSchema, "/api/v1/labels/", "Label")
    name = ROWS["labels"][0]["name"]
    with pytest.warns(orm.IgnoredWarning, match="name") as seen:
        assert ids(await settle(labels.objects.filter(name=name))) == [1]
    assert seen[0].filename.endswith(("test_contract.py", "conftest.py"))
    with pytest.raises(orm.IgnoredError):
        await settle(labels.objects.filter(name=name).on_ignored("error"))
    assert len(await settle(labels.objects.filter(color="x").on_ignored("trust"))) == len(ROWS["labels"])


async def test_routes(fresh_api):
    users = fresh_api.model(UserSchema, "/api/v1/users/", "User")
    posts = fresh_api.model(PostSchema, "/api/v1/posts/", "Post")
    assert (await settle(users.objects.route("stats"))).data == {"total": 250, "active": 150}
    user = await settle(users.objects.filter(active=True).first())
    assert (await settle(user.route("deactivate"))).data["active"] is False
    await settle(user.refresh_from_api())
    assert user.active is False
    theirs = [row["id"] for row in ROWS["posts"] if row["author"] == user.id]
    assert ids(await settle(user.related(posts, "posts").all())) == theirs
    assert ids(await settle(posts.objects.filter(author=user))) == theirs


async def test_client_requests_and_errors(api):
    client = api.client
    response = await settle(client.get("/api/v1/users/", params={"limit": 2, "active": True}))
    assert response.status_code == 200 and len(response.data["results"]) == 2
    assert response.headers["content-type"].startswith("application/json")
    with pytest.raises(orm.UnauthorizedError) as refused:
        other = type(client)(api.site.base_url, auth_token="wrong")
        await settle(other.get("/api/v1/users/"))
    assert isinstance(refused.value, orm.AuthenticationError) and refused.value.detail
    with pytest.raises(orm.InternalServerError):
        await settle(type(client)(api.site.base_url, auth_token="test-token", max_retries=0).get("/api/v1/broken/"))
    with pytest.raises(orm.APIConnectionError):
        await settle(type(client)("http://127.0.0.1:9", max_retries=0).get("/x/"))


async def test_search_and_explain(users):
    assert 1 in ids(await settle(users.objects.search(USERS[0]["email"])))
    explained = users.objects.filter(age__gte=18).exclude(role="admin").explain()
    assert explained.pushed == [("age__gte", "18")] and len(explained.local) == 1
    assert "NOT role" in explained
