"""Start the reference site as a test runner does, and talk to it with httpx."""

import json
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
TOKEN = {"Authorization": "Token test-token"}


@contextmanager
def running_site(*options, environment=None):
    """Yield (process, announcement); closing stdin must end the process."""
    command = [sys.executable, str(HERE / "serve.py"), *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env=environment) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(timeout=10)


def client_for(announcement, **options):
    ca_file = announcement["ca_file"]
    verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
    options = {"headers": TOKEN, "trust_env": False, **options}
    return httpx.Client(base_url=announcement["base_url"], verify=verify, **options)


@pytest.fixture(scope="session")
def site():
    """A client with a token, on one site for all tests; whoever writes resets it first."""
    with running_site() as (_, announcement), client_for(announcement) as client:
        yield client


@pytest.fixture
def fresh(site):
    site.post("/reset/")
    yield site
    site.post("/reset/")


@pytest.fixture(scope="session")
def rows():
    """The fixture's rows by table."""
    from make_fixture import build

    return build()
