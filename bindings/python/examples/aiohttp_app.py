"""aiohttp: one client from startup to cleanup, and each request with its caller's own token.

    python aiohttp_app.py

The address of the API comes from the environment: ``API_URL``. The service has no token of its own: a caller without one would
act as the service.
"""

from __future__ import annotations

import logging
import os

from aiohttp import web
from aiohttp.typedefs import Handler
from django_api_orm import APIException, AsyncAPIModel, AsyncServiceClient, UnauthorizedError
from pydantic import BaseModel

log = logging.getLogger(__name__)


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    email: str


class User(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


CLIENT = web.AppKey("client", AsyncServiceClient)


def client_of_caller(request: web.Request) -> AsyncServiceClient:
    """The caller's client, over the application's connections."""
    token = request.headers.get("X-Token")
    if not token:
        raise web.HTTPUnauthorized(text="X-Token is missing")
    return request.app[CLIENT].with_token(token)


@web.middleware
async def answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The API failed, and this service did not. The details are for the log."""
    try:
        return await handler(request)
    except UnauthorizedError:
        raise web.HTTPUnauthorized(text="invalid token") from None
    except APIException as error:
        log.error("%s %s: %s", request.method, request.path, error)
        raise web.HTTPBadGateway from None


async def handle_get_user(request: web.Request) -> web.Response:
    # The client is named, and not registered: nothing here depends on the context in which a handler runs.
    users = client_of_caller(request).manager(User)
    try:
        user = await users.get(id=int(request.match_info["user_id"]))
    except User.DoesNotExist:
        raise web.HTTPNotFound from None
    return web.json_response(user.to_dict())


async def on_startup(app: web.Application) -> None:
    # `timeout` is for a whole call, retries included: less than the callers of this service wait.
    app[CLIENT] = AsyncServiceClient(os.environ.get("API_URL", "https://api.example.com"), timeout=15)
    await app[CLIENT].__aenter__()


async def on_cleanup(app: web.Application) -> None:
    await app[CLIENT].__aexit__(None, None, None)


def make_app() -> web.Application:
    app = web.Application(middlewares=[answer_failures])
    app.router.add_get(r"/users/{user_id:\d+}", handle_get_user)
    app.on_startup.append(on_startup)
    app.on_cleanup.append(on_cleanup)
    return app


if __name__ == "__main__":
    web.run_app(make_app())
