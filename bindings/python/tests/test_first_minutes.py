"""The mistakes of the first minutes: each is an error that names what is wrong and what to do."""

from __future__ import annotations

from unittest import mock

import django_api_orm as orm
import pytest
from django_api_orm import AsyncServiceClient, ServiceClient

URL = "http://127.0.0.1:1"


@pytest.mark.parametrize("kind", [ServiceClient, AsyncServiceClient])
@pytest.mark.parametrize(
    ("base_url", "says"),
    [
        (None, "`base_url` is None: give the address"),
        ("", "`base_url` is empty: give the address"),
        (" ", "`base_url` is empty"),
        (5, "`base_url` is of type int"),
        ("api.example.com", '`base_url` has no scheme: write "https://"'),
        ("localhost:8000", "`base_url` has no scheme"),
    ],
)
def test_an_address_that_is_none(kind, base_url, says):
    with pytest.raises(orm.ConfigurationError, match=says):
        kind(base_url)


@pytest.mark.parametrize("nothing", ["", "  "])
def test_credentials_that_are_none(nothing):
    with pytest.raises(orm.ConfigurationError, match=r"`auth_token` is empty.*leave `auth_token` out"):
        ServiceClient(URL, auth_token=nothing)
    with pytest.raises(orm.ConfigurationError, match="`auth_token` is empty"):
        ServiceClient(URL).with_token(nothing)
    for auth in (nothing, orm.BearerAuth(nothing), orm.HeaderAuth("x-key", nothing), ("", "")):
        with pytest.raises(orm.ConfigurationError, match="`auth` is empty"):
            ServiceClient(URL, auth=auth)
    with pytest.raises(orm.ConfigurationError, match="`auth_token` takes text, not int"):
        ServiceClient(URL, auth_token=5)
    # A key in place of the user, and no password, is common.
    ServiceClient(URL, auth=("key", ""))


@pytest.mark.parametrize("kind", [ServiceClient, AsyncServiceClient])
def test_settings_are_fixed_when_a_client_is_made(kind):
    client = kind(URL)
    with pytest.raises(AttributeError, match=rf"given when the client is made: {kind.__name__}\(auth_token=.*with_auth"):
        client.auth_token = "x"
    for setting in ("base_url", "timeout", "page_size", "headers"):
        with pytest.raises(AttributeError, match="given when the client is made"):
            setattr(client, setting, "x")
    with pytest.raises(AttributeError, match="did you mean `auth_token`"):
        client.auth_tokn = "x"
    with pytest.raises(AttributeError, match="has no attribute `anything`"):
        client.anything = 1
    with mock.patch.object(client, "get", "stand-in"):
        assert client.get == "stand-in"


def test_a_subclass_of_a_client_may_have_attributes_of_its_own():
    class Tenant(ServiceClient):
        region = "eu"

        def __init__(self, name):
            super().__init__(URL)
            self.name = name

    tenant = Tenant("x")
    tenant.region = "us"
    assert (tenant.with_token("y").name, tenant.region) == ("x", "us")
    with pytest.raises(AttributeError, match="given when the client is made"):
        tenant.timeout = 5
