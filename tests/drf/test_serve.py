"""serve.py: one line when ready, the promised HTTP version, nothing left behind."""

import os
import signal

import pytest

from conftest import client_for, running_site
from make_fixture import FIXTURE, render

MODES = [("1.1", "gunicorn", []), ("2", "hypercorn", ["--tls"])]


@pytest.fixture
def temporary(tmp_path):
    """A directory of its own for the site's temporary files, so that leftovers are seen."""
    return os.environ | {"TMPDIR": str(tmp_path)}


def test_the_committed_fixture_is_what_the_script_writes():
    assert FIXTURE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize(("version", "server", "options"), MODES)
def test_speaks_the_promised_version_on_one_connection(version, server, options):
    with running_site(*options) as (process, announcement):
        assert announcement["pid"] == process.pid
        assert bool(announcement["ca_file"]) == bool(options)
        with client_for(announcement, http2=True) as client:
            first, second = client.get("/info/").json(), client.get("/info/").json()
            assert first == second
            assert first["http_version"] == version
            assert first["server"] == server
            assert len(client.get("/api/v1/users/").json()["results"]) == 100


@pytest.mark.parametrize("options", [mode[2] for mode in MODES])
@pytest.mark.parametrize("how", ["end of stdin", "SIGTERM"])
def test_stops_and_cleans_up(options, how, temporary, tmp_path):
    with running_site(*options, environment=temporary) as (process, announcement):
        assert list(tmp_path.iterdir()) != []
        with client_for(announcement) as client:  # An idle connection must not hold it up.
            assert client.get("/info/").status_code == 200
            if how == "SIGTERM":
                os.kill(process.pid, signal.SIGTERM)
            else:
                process.stdin.close()
            assert process.wait(timeout=5) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_worker_ends_when_its_parent_is_killed(temporary, tmp_path):
    with running_site(environment=temporary) as (process, _):
        os.kill(process.pid, signal.SIGKILL)
        # The worker holds the other end of stdout: its end is the end of the file.
        assert process.stdout.read() == b""
    assert list(tmp_path.iterdir()) == []
