"""Each case runs four times: {DRF, testserver} x {sync, async}."""

from __future__ import annotations

import asyncio
import warnings

import django_api_orm as orm
import pytest

from .site import KINDS, SERVERS, Site


@pytest.fixture(params=[(server, kind) for server in SERVERS for kind in KINDS], ids="-".join)
def site(request):
    name, kind = request.param
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", orm.APIWarning)
        site = Site(
            request.getfixturevalue(name),
            lambda: request.getfixturevalue(f"{name}_tls"),
            kind,
            caught,
        )
        yield site
        asyncio.run(site.close())


@pytest.fixture
def rows_put_back(site):
    # Also after a failure, so that one broken case does not break the next.
    yield
    site.server.reset()
