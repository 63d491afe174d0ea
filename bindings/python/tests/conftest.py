"""The servers: a real Django REST Framework site and the test server, each started once for all tests that ask for it.

`pytest -n 2` runs two workers, each with servers of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest
from django_api_orm._engine import Server

ROOT = Path(__file__).parents[3]
DRF_PYTHON = os.environ.get("DRF_PYTHON", str(ROOT / "target" / "drf-venv" / "bin" / "python"))
TOKEN = "test-token"


class Site:
    """A running server with the reference rows."""

    def __init__(self, name: str, base_url: str, ca_file: str | None) -> None:
        self.name = name
        self.base_url = base_url
        #: The authority that signed the certificate.
        self.ca_file = ca_file

    def reset(self) -> None:
        urllib.request.urlopen(urllib.request.Request(self.base_url + "/reset/", method="POST"), timeout=30).close()


@contextlib.contextmanager
def _drf(*options):
    command = [DRF_PYTHON, str(ROOT / "tests" / "drf" / "serve.py"), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            started = json.loads(process.stdout.readline())
            yield Site("drf", started["base_url"], started["ca_file"])
        finally:
            process.stdin.close()
            process.wait(timeout=20)


@contextlib.contextmanager
def _testserver(tls):
    server = Server(0, tls, None, None)
    site = Site("testserver", server.base_url, server.ca_file)
    site.server = server
    yield site
    server.close()


@pytest.fixture(scope="session")
def drf():
    with _drf() as site:
        yield site


@pytest.fixture
def put_back(drf):
    """Gives the rows of the site back to the next test as they were."""
    yield
    drf.reset()


@pytest.fixture(scope="session")
def drf_logins():
    """The same site with logins by JWT, session and OAuth2 besides."""
    with _drf("--logins") as site:
        yield site


@pytest.fixture(scope="session")
def drf_tls():
    """The same site with TLS and HTTP/2. Its rows are its own, and no test writes there.

    It keeps idle connections long enough that a slow machine does not lose the one whose sharing is tested.
    """
    with _drf("--tls", "--keep-alive", "30") as site:
        yield site


@pytest.fixture(scope="session")
def testserver():
    with _testserver(tls=False) as site:
        yield site


@pytest.fixture(scope="session")
def testserver_tls():
    with _testserver(tls=True) as site:
        yield site


@pytest.fixture
def server():
    """A server of this test's own, with faults and a record of requests."""
    server = Server(0, False, None, None)
    yield server
    server.close()


@pytest.fixture(params=["drf", "testserver"])
def fresh(request):
    """Each server in turn, for a test that writes: its rows are put back."""
    site = request.getfixturevalue(request.param)
    yield site
    site.reset()


def pytest_pyfunc_call(pyfuncitem):
    """Runs a test that is a coroutine on a loop of its own."""
    if not asyncio.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
