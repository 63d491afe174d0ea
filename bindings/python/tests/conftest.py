"""Both servers for every contract case, and both ways to call: {DRF, testserver} x {sync, async}.

The cases are written once, as coroutines over ``Api``; on the synchronous side its methods answer at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm._engine import Server

ROOT = Path(__file__).parents[3]
DRF_PYTHON = os.environ.get("DRF_PYTHON", str(ROOT / "target" / "drf-venv" / "bin" / "python"))
TOKEN = "test-token"


class Site:
    """A running server with the reference rows."""

    def __init__(self, name: str, base_url: str) -> None:
        self.name = name
        self.base_url = base_url

    def reset(self) -> None:
        urllib.request.urlopen(urllib.request.Request(self.base_url + "/reset/", method="POST"), timeout=30).close()


@pytest.fixture(scope="session")
def drf():
    command = [DRF_PYTHON, str(ROOT / "tests" / "drf" / "serve.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Site("drf", json.loads(process.stdout.readline())["base_url"])
        finally:
            process.stdin.close()
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def testserver():
    server = Server(0, False, None, None)
    site = Site("testserver", server.base_url)
    site.server = server
    yield site
    server.close()


@pytest.fixture(params=["drf", "testserver"])
def site(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def server():
    """A server of this test's own, with faults and a record of requests."""
    server = Server(0, False, None, None)
    yield server
    server.close()


@pytest.fixture
def fresh(site):
    site.reset()
    yield site
    site.reset()


async def settle(value: Any) -> Any:
    """The value of a coroutine or a queryset; any other value as it is."""
    if isinstance(value, orm.QuerySet):
        return list(value)
    return await value if hasattr(value, "__await__") else value


class Api:
    """A client with models, on one server, called in one way."""

    def __init__(self, site: Site, kind: str, **options: Any) -> None:
        self.site, self.kind = site, kind
        client_class = orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient
        options.setdefault("auth_token", TOKEN)
        self.client = client_class(site.base_url, **options)

    def model(self, schema: type, endpoint: str, name: str | None = None, **attributes: Any) -> Any:
        base = orm.APIModel if self.kind == "sync" else orm.AsyncAPIModel
        model = type(name or schema.__name__.removesuffix("Schema"), (base,), {
            "_schema_class": schema, "_endpoint": endpoint, "__module__": __name__, **attributes,
        })  # fmt: skip
        register = orm.register_models if self.kind == "sync" else orm.register_async_models
        register(self.client, model)
        return model


@pytest.fixture(params=["sync", "async"])
def kind(request):
    return request.param


@pytest.fixture
def api(site, kind):
    api = Api(site, kind)
    yield api
    asyncio.run(_close(api))


@pytest.fixture
def fresh_api(fresh, kind):
    api = Api(fresh, kind)
    yield api
    asyncio.run(_close(api))


async def _close(api: Api) -> None:
    await settle(api.client.close())


def pytest_pyfunc_call(pyfuncitem):
    """Runs a test that is a coroutine on a loop of its own."""
    if not asyncio.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
