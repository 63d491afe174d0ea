"""aiohttp: one client from startup to cleanup.

    python aiohttp_app.py

The address of the API comes from the environment: ``API_URL``, ``API_TOKEN``.
"""

from __future__ import annotations

import os

from aiohttp import web
from django_api_orm import AsyncAPIModel, AsyncServiceClient, register_async_models
from pydantic import BaseModel


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    email: str


class User(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


CLIENT = web.AppKey("client", AsyncServiceClient)


async def handle_get_user(request: web.Request) -> web.Response:
    user_id = int(request.match_info["user_id"])
    try:
        user = await User.objects.get(id=user_id)
    except User.DoesNotExist:
        raise web.HTTPNotFound from None
    return web.json_response(user.to_dict())


async def on_startup(app: web.Application) -> None:
    url = os.environ.get("API_URL", "https://api.example.com")
    app[CLIENT] = AsyncServiceClient(base_url=url, auth_token=os.environ.get("API_TOKEN"))
    await app[CLIENT].__aenter__()
    register_async_models(app[CLIENT], User)


async def on_cleanup(app: web.Application) -> None:
    await app[CLIENT].__aexit__(None, None, None)


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_get("/users/{user_id}", handle_get_user)
    app.on_startup.append(on_startup)
    app.on_cleanup.append(on_cleanup)
    return app


if __name__ == "__main__":
    web.run_app(make_app())
