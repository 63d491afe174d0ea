"""Managers and querysets of one's own: what chains, what is copied, and what a restricted manager writes."""

from __future__ import annotations

import json

import django_api_orm as orm
import pytest
from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncManager,
    AsyncQuerySet,
    AsyncServiceClient,
    Manager,
    Q,
    QuerySet,
    ServiceClient,
    register_async_models,
    register_models,
)
from schemas import UserSchema


class Named:
    """Methods for any queryset."""

    def named(self, name):
        return self.filter(name=name)


class UserQuerySet(Named, QuerySet["User"]):
    def active(self):
        return self.filter(active=True)

    def admins(self):
        return self.filter(role="admin")

    def _private(self):
        return self

    def only_here(self):
        return self

    only_here.queryset_only = True


class BaseUserManager(Manager["User"]):
    def admins(self):
        return "the manager's own"

    def mail(self):
        return self.values_list("email", flat=True)


class User(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"

    objects = UserQuerySet.as_manager()
    other = BaseUserManager.from_queryset(UserQuerySet, "UserManager")()


class ActiveManager(Manager["Member"]):
    """Every query is restricted."""

    def get_queryset(self):
        return super().get_queryset().filter(active=True)

    def admins(self):
        return self.filter(role="admin")

    def ensure(self, email):
        return self.get_or_create(email=email, defaults={"name": "Ensured"})


class Member(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"

    objects = ActiveManager()


class AsyncUserQuerySet(AsyncQuerySet["AsyncUser"]):
    def active(self):
        return self.filter(active=True)

    async def names(self):
        return await self.values_list("name", flat=True)


class AsyncUser(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"

    objects = AsyncManager.from_queryset(AsyncUserQuerySet)()


@pytest.fixture
def client(server):
    with ServiceClient(server.base_url, auth_token=server.token) as client:
        register_models(client, User, Member)
        yield client
    orm.unregister_models(User, Member)


def writes(server):
    return [(method, json.loads(body)) for method, _, body in server.requests() if method in ("POST", "PATCH")]


def test_a_queryset_class_as_manager(client):
    assert isinstance(User.objects, Manager) and isinstance(User.objects.active(), UserQuerySet)
    query = User.objects.active().named("Ann").active().order_by("id")[:5]
    assert isinstance(query, UserQuerySet)
    assert User.objects.named("Ann").active().explain().pushed == [("name", "Ann"), ("active", "true")]
    for hidden in ("_private", "only_here"):
        assert hasattr(User.objects.all(), hidden) and not hasattr(User.objects, hidden)
    assert User.objects.using(client).active().count() == client.manager(User).active().count() == 150


def test_a_manager_class_from_a_queryset_class(client):
    assert type(User.other).__name__ == "UserManager" and isinstance(User.other, BaseUserManager)
    assert User.other.admins() == "the manager's own"
    assert isinstance(User.other.active().admins(), UserQuerySet)
    assert len(User.other.active().mail()) == 150


async def test_asynchronous_ones(server):
    async with AsyncServiceClient(server.base_url, auth_token=server.token) as client:
        register_async_models(client, AsyncUser)
        assert len(await AsyncUser.objects.active().names()) == 150
        assert len(await AsyncUser.objects.names()) == 250
        assert [user.id async for user in AsyncUser.objects.active()[:3]] == await AsyncUser.objects.active()[:3].values_list(
            "id", flat=True
        )


def test_a_restricted_manager_finds_and_creates_only_what_it_shows(client, server):
    hidden = User.objects.filter(active=False).first()
    with pytest.raises(Member.DoesNotExist):
        Member.objects.get(email=hidden.email)
    # The row that it does not show is not found and not changed; the server refuses another one with its email.
    for write in (Member.objects.get_or_create, Member.objects.update_or_create):
        with pytest.raises(orm.BadRequestError):
            write(email=hidden.email, defaults={"name": "Mine"})
    assert [method for method, _ in writes(server)] == ["POST", "POST"]
    hidden.refresh_from_api()
    assert hidden.name != "Mine"

    member, created = Member.objects.ensure("new@example.com")
    assert created and writes(server)[-1] == ("POST", {"email": "new@example.com", "active": True, "name": "Ensured"})
    assert Member.objects.ensure("new@example.com") == (member, False)
    # A manager's method that is called on a query goes on from that query.
    admin, created = Member.objects.admins().ensure("admin@example.com")
    assert created and (admin.role, admin.active) == ("admin", True)


def test_creating_behind_a_filter(client, server):
    admins = User.objects.filter(role="admin").exclude(active=False)
    user, created = admins.get_or_create(email="a@example.com", defaults={"name": "A"})
    assert created and user.role == "admin"
    assert admins.get_or_create(email="a@example.com") == (user, False)
    viewers = User.objects.filter(Q(role="viewer") | Q(role="editor"))
    # Not among the viewers, so one is to be created, which the server refuses.
    with pytest.raises(orm.BadRequestError):
        viewers.update_or_create(email="a@example.com", defaults={"name": "Changed"})
    user.refresh_from_api()
    assert user.name == "A"
    assert viewers.create(name="B", email="b@example.com", role="admin").role == "admin"
    assert [each.name for each in viewers.bulk_create([{"name": "C", "email": "c@example.com"}])] == ["C"]
    for beyond in (
        User.objects.all()[:5],
        User.objects.none(),
        User.objects.search("a"),
        User.objects.parameters(expand="team"),
    ):
        count = len(server.requests())
        with pytest.raises(orm.InvalidRequestError, match="use get\\(\\) and create\\(\\)"):
            beyond.get_or_create(email="d@example.com", defaults={"name": "D"})
        assert len(server.requests()) == count


def test_a_query_on_another_client_keeps_its_settings(client, server):
    other = ServiceClient(server.base_url, auth_token=server.token)
    query = User.objects.page_size(10).filter(active=True).using(other)
    assert query.client is other and query.model_class is User
    assert len(query) == 150 and other.stats.requests == 15 and client.stats.requests == 0
    with pytest.raises(orm.IgnoredError):
        list(User.objects.on_ignored("error").filter(email__startswith="user1@").using(other))


def test_managers_have_the_methods_of_querysets(client):
    manager = User.objects
    assert manager.reverse().explain().pushed == User.objects.all().reverse().explain().pushed
    assert manager.parameters(a=1).explain().pushed == [("a", "1")]
    assert len(list(manager.keyset(after=245))) == 5
    assert "users" in manager.explain(rows=250) and manager.explain().requests(250) is None
    for query in (
        manager.on_ignored("trust"),
        manager.on_drift("error"),
        manager.on_invalid("skip"),
        manager.max_scan(5),
        manager.page_size(50),
    ):
        assert isinstance(query, UserQuerySet)
    assert manager.filter(id=1).update(name="Z") == 1 and manager.get(id=1).name == "Z"
    assert not hasattr(manager, "delete")


def test_a_subclass_that_declares_no_manager_has_one_of_its_own():
    class Parent(APIModel):
        _schema_class = UserSchema
        _endpoint = "/api/v1/users/"

    first = Parent.objects

    class Child(Parent):
        pass

    assert first.model is Parent and Child.objects.model is Child
    assert Parent.objects.model is Parent and Child.objects.model is Child
    assert Parent.objects.using("another").model is Parent and Parent.objects._explicit is None
