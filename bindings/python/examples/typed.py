"""What type checkers see: models, managers and rows keep their types."""

from __future__ import annotations

from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncServiceClient,
    Manager,
    QuerySet,
    ServiceClient,
    register_models,
)
from pydantic import BaseModel


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    email: str
    active: bool = True


class UserManager(Manager["User"]):
    def active(self) -> QuerySet[User]:
        return self.filter(active=True)


class User(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"

    objects = UserManager()

    @property
    def domain(self) -> str:
        return str(self.email).partition("@")[2]


class Post(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/posts/"


class AsyncUser(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


def admins(client: ServiceClient) -> list[User]:
    register_models(client, User, Post)
    user: User = User.objects.get(id=1)
    post: Post | None = Post.objects.filter(id__gt=3).first()
    print(user.domain, post)
    return list(User.objects.active().order_by("name")[:10])


async def everybody(client: AsyncServiceClient) -> list[AsyncUser]:
    first: AsyncUser | None = await client.manager(AsyncUser).first()
    print(first)
    async for user in AsyncUser.objects.all():
        print(user.to_dict())
    return await AsyncUser.objects.filter(active=True)
