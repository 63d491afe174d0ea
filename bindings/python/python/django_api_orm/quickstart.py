"""The main job, on a test server that it starts: ``python -m django_api_orm.quickstart``."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from django_api_orm import AsyncAPIModel, AsyncServiceClient, Q, register_async_models
from django_api_orm.testserver import TestServer


class UserSchema(BaseModel):
    """A row, as the API sends it."""

    id: int | None = None
    name: str
    email: str
    role: str = "viewer"
    active: bool = True


class User(AsyncAPIModel):
    """The model: a schema, and where its rows are."""

    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


async def main(base_url: str, token: str | None) -> None:
    """Creates, queries, changes and deletes users of the API at ``base_url``, and prints what it does."""
    async with AsyncServiceClient(base_url, auth_token=token) as client:
        register_async_models(client, User)

        # Every row of every page.
        users = [user async for user in User.objects.all()]
        print(f"{len(users)} users")

        # Create concurrently.
        alice, bob = await asyncio.gather(
            User.objects.create(name="Alice", email="alice@example.org"),
            User.objects.create(name="Bob", email="bob@example.org"),
        )
        print(f"created {alice.name} (id {alice.id}) and {bob.name} (id {bob.id})")

        # What the query string cannot express is evaluated client-side; the answer is the same.
        query = User.objects.filter(Q(role="admin") | Q(name__startswith="Al")).exclude(active=False).order_by("name")
        print(f"{await query.count()} admins or Als; how that is found out:")
        print("  " + query.explain().replace("\n", "\n  "))

        # Change, save, look again.
        alice.email = "alice.updated@example.org"
        await alice.save(update_fields=["email"])
        again = await User.objects.get(id=alice.id)
        print(f"{again.name} is now at {again.email}")

        user, created = await User.objects.get_or_create(email="bob@example.org", defaults={"name": "Robert"})
        print(f"{user.name} was {'created' if created else 'there already'}")

        # Delete; the row is gone.
        await alice.delete()
        try:
            await User.objects.get(id=alice.id)
        except User.DoesNotExist:
            print(f"{alice.name} is gone; {client.stats}")


if __name__ == "__main__":
    with TestServer() as server:
        asyncio.run(main(server.base_url, server.token))
