"""What the engine promises of processes, numbers, warnings and filters, seen from Python."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import warnings
from decimal import Decimal

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, Q, ServiceClient, register_async_models, register_models
from schemas import ArticleSchema, ItemSchema, PostSchema, UserSchema


@pytest.fixture(params=["sync", "async"])
def model(request, server):
    """Makes models on a client of the test's own."""
    is_sync = request.param == "sync"
    client = (ServiceClient if is_sync else AsyncServiceClient)(server.base_url, auth_token="test-token")

    def make(schema, endpoint):
        base = APIModel if is_sync else AsyncAPIModel
        made = type("Model", (base,), {"_schema_class": schema, "_endpoint": endpoint, "__module__": __name__})
        (register_models if is_sync else register_async_models)(client, made)
        return made

    return make


async def settle(value):
    """The value of a coroutine or a queryset; any other value as it is."""
    if isinstance(value, orm.QuerySet):
        return list(value)
    return await value if hasattr(value, "__await__") else value


def in_child(work):
    """Whether the work succeeds in a forked child, which then ends as any program does: with its finalizers."""
    child = os.fork()
    if child == 0:
        try:
            work()
            sys.exit(0)
        except BaseException as end:
            # Not pytest's code above this frame.
            with contextlib.suppress(BaseException):
                __import__("gc").collect()
            os._exit(0 if isinstance(end, SystemExit) else 1)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
class TestFork:
    def users(self, site):
        class User(APIModel):
            _schema_class = UserSchema
            _endpoint = "/api/v1/users/"

        client = ServiceClient(site.base_url, auth_token="test-token", timeout=5, max_retries=0)
        register_models(client, User)
        assert User.objects.count() == 250
        return User, client

    def test_a_child_that_drops_a_client_leaves_the_parents_connection_alone(self, testserver):
        user, client = self.users(testserver)

        def drop():
            nonlocal user, client
            orm.unregister_models(user)
            del user, client

        assert in_child(drop)
        assert user.objects.count() == 250
        assert client.stats.connections == 1

    def test_an_iteration_goes_on_in_its_own_process(self, testserver):
        user, _ = self.users(testserver)
        rows = user.objects.all().iterator(chunk_size=10)
        seen = [next(rows).pk for _ in range(10)]

        def go_on():
            with pytest.raises(orm.InvalidRequestError, match="before `fork`"):
                next(rows)

        assert in_child(go_on)
        assert seen + [row.pk for row in rows] == list(range(1, 251))

        rows = user.objects.all().iterator(chunk_size=10)
        next(rows)

        def leave():
            nonlocal rows
            del rows

        assert in_child(leave)
        assert len(list(rows)) == 249


def test_integers_beyond_64_bits_are_refused(server):
    client = ServiceClient(server.base_url, auth_token="test-token")

    class User(APIModel):
        _schema_class = UserSchema
        _endpoint = "/api/v1/users/"

    register_models(client, User)
    server.clear_requests()
    for wide in (2**64, -(2**63) - 1, 10**40):
        with pytest.raises(ValueError, match="64 bits"):
            User.objects.create(name="Ann", email="a@x.io", settings={"n": [wide]})
        with pytest.raises(ValueError, match="64 bits"):
            User.objects.filter(age=wide).count()
        with pytest.raises(ValueError, match="64 bits"):
            client.post("/api/v1/users/", {"n": wide})
    assert server.requests() == []
    row = User.objects.create(name='{"n": 99999999999999999999}', email="a@x.io", settings={"max": 2**64 - 1, "x": 1e300})
    assert row.settings == {"max": 2**64 - 1, "x": 1e300}
    assert row.name == '{"n": 99999999999999999999}'


async def test_a_warning_that_is_an_error_does_not_hide_what_a_write_did(model, caplog):
    item = model(ItemSchema, "/api/v1/items/limitoffset-off/")
    with warnings.catch_warnings():
        warnings.simplefilter("error", orm.APIWarning)
        with pytest.raises(orm.IgnoredWarning):
            await settle(item.objects.filter(name="nobody").count())
        with caplog.at_level(logging.WARNING, "django_api_orm"):
            given = {"name": "new", "price": "1.00", "flag": True}
            created, is_new = await settle(item.objects.get_or_create(kind="new kind", defaults=given))
    assert is_new and created.pk is not None
    assert "kind" in caplog.text


def test_a_warning_belongs_to_its_own_operation(server):
    class Item(AsyncAPIModel):
        _schema_class = ItemSchema
        _endpoint = "/api/v1/items/limitoffset-off/"

    async def main():
        async with AsyncServiceClient(server.base_url, auth_token="test-token") as client:
            register_async_models(client, Item)

            async def read():
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    await Item.objects.filter(name="nobody").exists()
                return [str(warning.message) for warning in caught]

            async def others():
                return await asyncio.gather(*[Item.objects.get(id=1 + number) for number in range(20)])

            heard, _ = await asyncio.gather(read(), others())
            assert len(heard) == 1 and "name" in heard[0]

    asyncio.run(main())


async def test_decimals_are_compared_as_numbers_wherever_they_are_compared(model):
    article = model(ArticleSchema, "/api/v1/articles/")
    rated = await settle(article.objects.exclude(rating=None).first())
    plain = rated.rating.normalize()
    assert isinstance(plain, Decimal)
    here = await settle(article.objects.filter(Q(rating=plain) | Q(slug="no such article")).order_by("id"))
    asked = await settle(article.objects.filter(Q(slug=rated.slug)).order_by("id"))
    assert rated.pk in [row.pk for row in here] and rated.pk in [row.pk for row in asked]
    without = await settle(article.objects.exclude(rating=plain))
    assert rated.pk not in [row.pk for row in without]


async def test_a_misspelt_filter_is_an_error(model):
    user = model(UserSchema, "/api/v1/users/")
    for misspelt in ({"actve": True}, {"emial": "a@x.io"}, {"agee__gte": 3}):
        query = user.objects.filter(**misspelt)
        name = next(iter(misspelt)).split("__")[0]
        for ask in (query._fetch, query.count, query.first, query.exists, query.get):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", orm.IgnoredWarning)
                with pytest.raises(orm.UnsupportedError, match=name):
                    await settle(ask())


async def test_a_filter_across_a_relation_is_believed_once_it_is_seen_to_be_honoured(model):
    post = model(PostSchema, "/api/v1/posts/")
    rows = await settle(post.objects.filter(author__name="Carol Brown"))
    assert rows and len({row.author_id for row in rows}) == 1
