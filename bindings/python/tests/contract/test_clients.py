"""Several clients, one client for several users, and a client that was closed."""

from __future__ import annotations

import django_api_orm as orm
from pydantic import BaseModel

from .site import concurrently, ids, settle


class Person(BaseModel):
    id: int | None = None
    name: str


class Group(BaseModel):
    id: int | None = None


async def test_two_clients_with_two_tokens(site):
    other = site.connect(auth_token="other-token")
    answers = await concurrently(site, 40, lambda number: (other if number % 2 else site.client).get("/api/v1/whoami/"))
    assert [answer.data["token"] for answer in answers] == ["other-token", "test-token"] * 20


async def test_one_client_for_many_users(site):
    def whoami(number):
        return site.client.with_token(f"user-token-{number}").get("/api/v1/whoami/")

    answers = await concurrently(site, 20, whoami)
    assert [answer.data["token"] for answer in answers] == [f"user-token-{number}" for number in range(1, 21)]
    answer = await settle(site.client.get("/api/v1/whoami/"))
    assert answer.data == {"token": "test-token"}, "the client still speaks for itself"


async def test_registered_models(site):
    person, group = site.model("Person", Person, "/api/v1/users/"), site.model("Group", Group, "/api/v1/teams/")
    site.register(site.client, person, group)
    assert (await settle(person.objects.get(id=1))).name == "Alice Smith"
    assert (await settle(group.objects.get(id=5))).id == 5
    assert site.cost() == 2
    # A later registration replaces an earlier one.
    other = site.connect()
    site.register(other, person)
    assert await settle(person.objects.count()) == 250
    assert (other.stats.requests, site.cost()) == (1, 0)


async def test_a_closed_client_works_again(site):
    user = await settle(site.users.get(id=1))
    before = site.client.stats.connections
    await settle(site.client.close())
    await settle(user.refresh_from_api())
    assert user.id == 1
    assert site.client.stats.connections - before == 1, "the old connection is gone"
    await settle(site.client.close())
    await settle(site.client.close())


async def test_a_connection_is_used_again(site):
    client = site.connect(max_connections=1)
    for number in range(1, 11):
        await settle(client.manager(site.models.User).get(id=number))
    assert client.stats.connections == 1


async def test_a_base_url_with_a_path(site):
    client = site.connect(f"{site.base_url}/api/v1/")
    users = client.manager(site.models.User).at("/users/")
    assert len(await settle(users.all())) == 250, "links to the next page are followed below the path"
    assert (await settle(users.get(id=1))).id == 1


async def test_many_calls_at_once(site):
    users = await concurrently(site, 50, lambda number: site.users.get(id=number))
    assert ids(users) == list(range(1, 51))


# Python's own


async def test_a_client_closes_with_its_block(site):
    client = site.connect()
    if site.kind == "sync":
        with client:
            client.get("/info/")
        client.get("/info/")
    else:
        async with client:
            await client.get("/info/")
        await client.get("/info/")
    assert client.stats.connections == 2
    assert isinstance(client, orm.ServiceClient) is (site.kind == "sync")
