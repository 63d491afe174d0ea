"""One case's view of a server: a client of its own, so that what it learns and what it costs are the case's alone."""

from __future__ import annotations

import asyncio
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django_api_orm as orm
import pytest
from conftest import TOKEN
from schemas import ArticleSchema, CommentSchema, ItemSchema, LabelSchema, PostSchema, TeamSchema, UserSchema

#: Every paginator, with all filter backends.
ITEMS_ON = ["limitoffset-on", "pagenumber-on", "cursor-on", "plain-on"]
#: Every paginator, with no filter backend: every parameter but the paginator's own is ignored.
ITEMS_OFF = ["limitoffset-off", "pagenumber-off", "cursor-off", "plain-off"]
ITEMS = ITEMS_ON + ITEMS_OFF

#: For a case that changes rows: they are put back after it.
writes = pytest.mark.usefixtures("rows_put_back")

SERVERS = ("drf", "testserver")
KINDS = ("sync", "async")
sync_only = pytest.mark.parametrize("site", [(server, "sync") for server in SERVERS], indirect=True)
async_only = pytest.mark.parametrize("site", [(server, "async") for server in SERVERS], indirect=True)

_KINDS_OF_WARNINGS = {
    "does not filter by": "filter ignored",
    "ignores ordering": "ordering ignored",
    "rows are skipped here": "offset ignored",
    "more rows than needed": "limit ignored",
}


def model(kind: str, name: str, schema: type[Any], endpoint: str, **attributes: Any) -> Any:
    """A model class, registered with no client."""
    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel
    attributes = {"_schema_class": schema, "_endpoint": endpoint, "__module__": __name__, **attributes}
    return type(name, (base,), attributes)


class Models:
    """The models of the reference site."""

    def __init__(self, kind: str) -> None:
        created_at = {"_read_only_fields": ("created_at",)}
        self.User = model(kind, "User", UserSchema, "/api/v1/users/", **created_at)
        self.Post = model(kind, "Post", PostSchema, "/api/v1/posts/", **created_at)
        self.Comment = model(kind, "Comment", CommentSchema, "/api/v1/comments/", **created_at)
        self.Team = model(kind, "Team", TeamSchema, "/api/v1/teams/", _read_only_fields=("code",))
        self.Article = model(kind, "Article", ArticleSchema, "/api/v1/articles/", _lookup_field="slug")
        self.Label = model(kind, "Label", LabelSchema, "/api/v1/labels/")
        self.Item = model(kind, "Item", ItemSchema, "/api/v1/items/plain-on/")


_MODELS = {kind: Models(kind) for kind in KINDS}


class Site:
    def __init__(self, server: Any, tls_server: Any, kind: str, caught: list[warnings.WarningMessage]) -> None:
        self.server, self.kind = server, kind
        self._tls_server = tls_server
        self.caught = caught
        self._clients: list[Any] = []
        self._counted = 0
        self.models = _MODELS[kind]
        self.client = self.connect()

    @property
    def base_url(self) -> str:
        return self.server.base_url

    def connect(self, base_url: str | None = None, **options: Any) -> Any:
        """Another client, with the token ``test-token`` where no other is given."""
        client_class = orm.ServiceClient if self.kind == "sync" else orm.AsyncServiceClient
        options.setdefault("auth_token", TOKEN)
        client = client_class(self.base_url if base_url is None else base_url, **options)
        self._clients.append(client)
        return client

    def connect_tls(self, **options: Any) -> Any:
        """A client of the server with TLS."""
        server = self._tls_server()
        return self.connect(server.base_url, **{"ca_file": server.ca_file, **options})

    async def close(self) -> None:
        for client in self._clients:
            await settle(client.close())

    def register(self, client: Any, *models: Any) -> None:
        (orm.register_models if self.kind == "sync" else orm.register_async_models)(client, *models)

    def model(self, name: str, schema: type[Any], endpoint: str, **attributes: Any) -> Any:
        return model(self.kind, name, schema, endpoint, **attributes)

    def manager(self, name: str, schema: type[Any], endpoint: str, **attributes: Any) -> Any:
        """The manager of a model of the case's own."""
        return self.client.manager(self.model(name, schema, endpoint, **attributes))

    @property
    def users(self) -> Any:
        return self.client.manager(self.models.User)

    @property
    def posts(self) -> Any:
        return self.client.manager(self.models.Post)

    @property
    def comments(self) -> Any:
        return self.client.manager(self.models.Comment)

    @property
    def teams(self) -> Any:
        return self.client.manager(self.models.Team)

    @property
    def articles(self) -> Any:
        return self.client.manager(self.models.Article)

    @property
    def labels(self) -> Any:
        return self.client.manager(self.models.Label)

    def items(self, endpoint: str, client: Any = None) -> Any:
        """The items behind one of the endpoints of ``ITEMS``."""
        return (client or self.client).manager(self.models.Item).at(f"/api/v1/items/{endpoint}/")

    def cost(self) -> int:
        """How many requests there were since the last call of this function."""
        before, self._counted = self._counted, self.client.stats.requests
        return self._counted - before

    def warnings(self) -> list[tuple[str, str]]:
        """The kinds and subjects of the warnings so far."""
        return [_described(each) for each in self.caught if issubclass(each.category, orm.APIWarning)]


def _described(warning: warnings.WarningMessage) -> tuple[str, str]:
    text = str(warning.message)
    if issubclass(warning.category, orm.DataMovedWarning):
        return ("drift", text)
    assert warning.category is orm.IgnoredWarning, text
    kind = next(kind for words, kind in _KINDS_OF_WARNINGS.items() if words in text)
    return (kind, re.findall(r"`(.+?)`", text)[0])


async def settle(value: Any) -> Any:
    """The value of a coroutine, the rows of a queryset; any other value as it is."""
    if isinstance(value, orm.QuerySet):
        return list(value)
    return await value if hasattr(value, "__await__") else value


async def stream(query: Any) -> Any:
    """``iterator()`` under one name for both sides."""
    rows = query.iterator()
    try:
        if hasattr(rows, "__anext__"):
            async for row in rows:
                yield row
        else:
            for row in rows:
                yield row
    finally:
        await settle(rows.aclose() if hasattr(rows, "aclose") else rows.close())


async def concurrently(site: Site, calls: int, call: Any) -> list[Any]:
    """The results of calls that are all under way at the same time: tasks, or threads."""
    numbers = range(1, calls + 1)
    if site.kind == "async":
        return await asyncio.gather(*[call(number) for number in numbers])
    with ThreadPoolExecutor(calls) as threads:
        return list(threads.map(call, numbers))


def ids(rows: Any) -> list[Any]:
    return [row.id for row in rows]


def values(row: Any) -> dict[str, Any]:
    """All fields of an instance, or of a row of the fixture."""
    return row.model_dump()


def all_values(rows: Any) -> list[dict[str, Any]]:
    return [values(row) for row in rows]
