"""FastAPI: one client for the application, and from it one for each request by a dependency, with the caller's own token.

    uvicorn fastapi_app:app

The address of the API comes from the environment, as does the service's own token: ``API_URL``, ``API_TOKEN``.

The service's token is for what the service does for itself. A caller is answered with the caller's token or not at all: a
default would let whoever sends none act as the service.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from django_api_orm import APIException, AsyncAPIModel, AsyncServiceClient, UnauthorizedError, register_async_models
from fastapi import Depends, FastAPI, Header, HTTPException, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

API_URL = os.environ.get("API_URL", "https://api.example.com")
API_TOKEN = os.environ.get("API_TOKEN") or None
log = logging.getLogger(__name__)
#: Seconds for a whole call, retries included: less than the callers of this service wait.
DEADLINE = 15


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    email: str
    active: bool = True


class User(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


class Team(AsyncAPIModel):
    class Schema(BaseModel):
        id: int | None = None
        name: str

    _schema_class = Schema
    _endpoint = "/api/v1/teams/"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client for what the application does for itself."""
    async with AsyncServiceClient(API_URL, auth_token=API_TOKEN, timeout=DEADLINE) as client:
        register_async_models(client, Team)
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(UnauthorizedError)
async def refused(request: Request, error: UnauthorizedError) -> JSONResponse:
    """The API does not accept a token: the caller's, or the service's own, which is no fault of the caller."""
    if not getattr(request.state, "is_for_caller", False):
        return await failed(request, error)
    return JSONResponse({"detail": "invalid token"}, 401)


@app.exception_handler(APIException)
async def failed(request: Request, error: APIException) -> JSONResponse:
    """The API failed, and this service did not. The details are for the log: callers do not need the API's address."""
    log.error("%s %s: %s", request.method, request.url.path, error)
    return JSONResponse({"detail": "the API does not answer as it should"}, 502)


async def get_token(request: Request, x_token: Annotated[str | None, Header()] = None) -> str:
    """The caller's own token. There is no default."""
    if not x_token:
        raise HTTPException(401, "X-Token is missing")
    request.state.is_for_caller = True
    return x_token


Token = Annotated[str, Depends(get_token)]


async def get_client(request: Request, token: Token) -> AsyncServiceClient:
    """The caller's client, over the application's connections. What is registered here is seen by this request alone."""
    client: AsyncServiceClient = request.app.state.client.with_token(token)
    register_async_models(client, User)
    return client


async def get_own_client(token: Token) -> AsyncIterator[AsyncServiceClient]:
    """The same with connections of its own, opened and closed in each request."""
    async with AsyncServiceClient(API_URL, auth_token=token, timeout=DEADLINE) as client:
        register_async_models(client, User)
        yield client


Client = Annotated[AsyncServiceClient, Depends(get_client)]
OwnClient = Annotated[AsyncServiceClient, Depends(get_own_client)]
#: What databases can count to: servers fail at more.
UserId = Annotated[int, Path(ge=1, lt=2**63)]


@app.get("/users/{user_id}")
async def get_user(user_id: UserId, client: Client) -> dict[str, Any]:
    try:
        user = await User.objects.get(id=user_id)
    except User.DoesNotExist:
        raise HTTPException(404) from None
    return user.to_dict()


@app.get("/users/")
async def list_users(client: Client, active: bool = True) -> list[dict[str, Any]]:
    return [user.to_dict() async for user in User.objects.filter(active=active)]


@app.get("/me")
async def me(client: Client) -> Any:
    return (await User.objects.client.get("/api/v1/whoami/")).data


@app.get("/me/own")
async def me_on_own_connections(client: OwnClient) -> Any:
    return (await User.objects.client.get("/api/v1/whoami/")).data


@app.get("/teams/")
async def teams() -> list[str]:
    """What everybody may see, without a token: it is read with the service's own, and nothing in it depends on who asks."""
    return [team.name async for team in Team.objects.all()]
