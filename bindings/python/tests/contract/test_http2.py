"""TLS and HTTP/2: really negotiated, and one connection for everything."""

from __future__ import annotations

import django_api_orm as orm
import pytest

from .site import async_only, concurrently, ids, settle


async def test_http2_is_negotiated(site):
    client = site.connect_tls(http2=True)
    answer = await settle(client.get("/info/"))
    assert answer.data["http_version"] == "2", "says the server"
    assert answer.http_version == "HTTP/2.0", "and so it is here"
    assert len(await settle(client.manager(site.models.User).all())) == 250
    assert client.stats.connections == 1


# Synchronous calls are driven by the thread that makes them, on connections of its own.
@async_only
async def test_a_hundred_gets_at_once_share_one_connection(site):
    client = site.connect_tls(http2=True)
    users = client.manager(site.models.User)
    assert ids(await concurrently(site, 100, lambda number: users.get(id=number))) == list(range(1, 101))
    assert client.stats.connections == 1
    answers = await concurrently(site, 20, lambda _: client.get("/info/"))
    assert len({answer.data["client_port"] for answer in answers}) == 1, "the server sees one port"
    assert client.stats.connections == 1


async def test_tls_without_http2(site):
    client = site.connect_tls()
    answer = await settle(client.get("/info/"))
    assert (answer.data["http_version"], answer.http_version) == ("1.1", "HTTP/1.1")
    assert (await settle(client.manager(site.models.User).get(id=1))).id == 1


async def test_http2_over_plain_http_is_quietly_http1(site):
    client = site.connect(http2=True)
    answer = await settle(client.get("/info/"))
    assert answer.data["http_version"] == "1.1"
    assert await settle(client.manager(site.models.User).count()) == 250


async def test_a_certificate_of_an_unknown_authority_is_refused(site):
    stranger = site.connect_tls(ca_file=None)
    with pytest.raises(orm.APIConnectionError) as error:
        await settle(stranger.manager(site.models.User).count())
    assert not error.value.is_retryable
    with pytest.warns(UserWarning, match="verify_ssl=False"):
        careless = site.connect_tls(ca_file=None, verify_ssl=False)
    assert await settle(careless.manager(site.models.User).count()) == 250
