"""The examples, run with real servers."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name, monkeypatch, server):
    monkeypatch.setenv("API_URL", server.base_url)
    monkeypatch.setenv("API_TOKEN", "test-token")
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def run(*command, server, **options):
    environment = {**os.environ, "API_URL": server.base_url, "API_TOKEN": "test-token"}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60, check=True, **options
    ).stdout


@pytest.fixture
def fastapi_url(monkeypatch, testserver):
    uvicorn = pytest.importorskip("uvicorn")
    app = load("fastapi_app", monkeypatch, testserver).app
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    started = threading.Event()
    startup = server.startup

    async def tell(*arguments, **options):
        await startup(*arguments, **options)
        started.set()

    server.startup = tell
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert started.wait(20)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listener.close()


def test_fastapi(fastapi_url):
    import httpx

    async def main():
        async with httpx.AsyncClient(base_url=fastapi_url, timeout=60, trust_env=False) as client:
            mine = {"x-token": "user-token-1"}
            assert (await client.get("/users/1", headers=mine)).json()["id"] == 1
            assert (await client.get("/users/99999", headers=mine)).status_code == 404
            assert (await client.get("/users/99999999999999999999", headers=mine)).status_code == 422
            assert len((await client.get("/users/", headers=mine)).json()) == 150
            # Nobody acts as the service: not without a token, and not with an empty or an unknown one.
            for path in ("/users/1", "/users/", "/me", "/me/own"):
                for headers in ({}, {"x-token": ""}, {"x-token": "nobody's"}):
                    answer = await client.get(path, headers=headers)
                    assert answer.status_code == 401 and "test-token" not in answer.text
            assert len((await client.get("/teams/")).json()) == 5

            async def who(number):
                token = f"user-token-{number % 20 + 1}"
                answer = await client.get("/me" if number % 3 else "/me/own", headers={"x-token": token})
                assert answer.json() == {"token": token}

            # 200 concurrent requests of 20 users, a third of them on connections of their own.
            await asyncio.gather(*[who(number) for number in range(200)])

    asyncio.run(main())


def test_fastapi_whose_own_token_is_refused(monkeypatch, testserver):
    """No caller is told that a token of theirs is invalid."""
    import httpx

    module = load("fastapi_app", monkeypatch, testserver)
    monkeypatch.setattr(module, "API_TOKEN", "expired")

    async def main():
        transport = httpx.ASGITransport(module.app)
        async with (
            module.app.router.lifespan_context(module.app),
            httpx.AsyncClient(transport=transport, base_url="http://app", timeout=60) as client,
        ):
            for headers in ({}, {"x-token": "user-token-1"}):
                assert (await client.get("/teams/", headers=headers)).status_code == 502
            assert (await client.get("/users/1", headers={"x-token": "user-token-1"})).json()["id"] == 1
            assert (await client.get("/users/1", headers={"x-token": "nobody's"})).status_code == 401

    asyncio.run(main())


def test_fastapi_with_a_route_that_has_no_dependency(testserver):
    """The guide's application: its second route names no client, and finds the only one that there ever was."""
    import httpx
    from django_api_orm import AsyncAPIModel, AsyncServiceClient, ConfigurationError, register_async_models
    from fastapi import Depends, FastAPI
    from schemas import UserSchema

    class User(AsyncAPIModel):
        _schema_class = UserSchema
        _endpoint = "/api/v1/users/"

    app = FastAPI()

    async def get_client():
        """Dependency to provide async client."""
        async with AsyncServiceClient(base_url=testserver.base_url, auth_token="test-token") as client:
            register_async_models(client, User)
            yield client

    @app.get("/users/{user_id}")
    async def get_user(user_id: int, client: AsyncServiceClient = Depends(get_client)):  # noqa: B008
        user = await User.objects.get(id=user_id)
        return user.to_dict()

    @app.get("/users/")
    async def list_users(active: bool = True):
        users = []
        async for user in User.objects.filter(active=active):
            users.append(user.to_dict())
        return users

    async def main():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app", timeout=60) as client:
            with pytest.raises(ConfigurationError, match="not registered"):
                await client.get("/users/")
            assert (await client.get("/users/1")).json()["id"] == 1
            answers = await asyncio.gather(*[client.get("/users/", params={"active": number % 2 == 0}) for number in range(10)])
            assert [len(answer.json()) for answer in answers] == [150, 100] * 5

    asyncio.run(main())


def test_a_dependency_whose_context_is_lost_never_speaks_for_another_user(testserver):
    """FastAPI runs a dependency that is a plain generator on a thread, in a context of its own: right, or refused."""
    import httpx
    from django_api_orm import APIModel, ConfigurationError, ServiceClient, register_models
    from fastapi import Depends, FastAPI, HTTPException
    from pydantic import BaseModel

    class Schema(BaseModel):
        id: int

    class User(APIModel):
        _schema_class = Schema
        _endpoint = "/api/v1/users/"

    app = FastAPI()

    def get_client(token: str):
        with ServiceClient(testserver.base_url, auth_token=token) as client:
            register_models(client, User)
            yield client

    @app.get("/me")
    def me(client: ServiceClient = Depends(get_client)):  # noqa: B008
        assert client.get("/api/v1/whoami/").data
        try:
            return User.objects.client.get("/api/v1/whoami/").data
        except ConfigurationError:
            raise HTTPException(503) from None

    async def main():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app", timeout=60) as client:

            async def who(number):
                token = f"user-token-{number % 20 + 1}"
                answer = await client.get("/me", params={"token": token})
                assert answer.status_code == 503 or answer.json() == {"token": token}

            assert (await client.get("/me", params={"token": "user-token-3"})).json() == {"token": "user-token-3"}
            await asyncio.gather(*[who(number) for number in range(60)])
            assert (await client.get("/me", params={"token": "user-token-3"})).status_code == 503

    asyncio.run(main())


def test_aiohttp(monkeypatch, testserver):
    aiohttp = pytest.importorskip("aiohttp")
    from aiohttp import web

    app = load("aiohttp_app", monkeypatch, testserver).make_app()

    async def main():
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            for headers in ({}, {"X-Token": ""}, {"X-Token": "nobody's"}):
                async with session.get("/users/1", headers=headers) as answer:
                    assert answer.status == 401
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"X-Token": "user-token-1"}) as session:
            for number in (1, 2):
                async with session.get(f"/users/{number}") as answer:
                    assert (await answer.json())["id"] == number
            async with session.get("/users/99999") as answer:
                assert answer.status == 404
        await runner.cleanup()

    asyncio.run(main())


def test_django_command(testserver):
    pytest.importorskip("django")
    out = run("manage.py", "list_people", "--active", server=testserver, cwd=EXAMPLES / "django_project")
    assert len(out.splitlines()) == 150


def test_progress_bar(testserver):
    pytest.importorskip("tqdm")
    out = run("progress.py", server=testserver, cwd=EXAMPLES)
    assert sum(int(line.rpartition(" ")[2]) for line in out.splitlines()) == 250


def test_quickstart():
    out = subprocess.run(
        [sys.executable, "-m", "django_api_orm.quickstart"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert out.startswith("250 users\n") and "Alice is gone" in out


def test_test_server_program(tmp_path):
    import urllib.request

    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"books": [{"id": 1, "title": "Emma"}]}))
    command = [sys.executable, "-m", "django_api_orm.testserver", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        base_url = process.stdout.readline().removeprefix("base URL: ").strip()
        with urllib.request.urlopen(base_url + "/api/v1/books/", timeout=20) as answer:
            assert b"Emma" in answer.read()
        process.terminate()
        assert process.wait(20) == 0
