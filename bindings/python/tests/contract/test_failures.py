"""What a server may answer instead of rows: refusals, throttling, failures."""

from __future__ import annotations

import socket

import django_api_orm as orm
import pytest

from . import fixture
from .site import ids, settle, writes


async def test_a_wrong_token(site):
    stranger = site.client.with_token("nobody")
    users = stranger.manager(site.models.User)
    for ask in (
        lambda: users.get(id=1),
        users.all,
        lambda: users.create(name="Ann", email="ann@example.com"),
    ):
        with pytest.raises(orm.UnauthorizedError) as refused:
            await settle(ask())
        error = refused.value
        assert isinstance(error, orm.AuthenticationError) and not error.is_retryable
        assert error.status_code == 401
        assert error.detail == "Invalid token."
        assert "nobody" not in f"{error} {error!r} {error.__dict__!r}", "no secret"
    assert site.cost() == 3, "not sent again"


async def test_no_token(site):
    nobody = site.connect(auth_token=None)
    with pytest.raises(orm.UnauthorizedError) as refused:
        await settle(nobody.manager(site.models.User).count())
    assert refused.value.detail == "Authentication credentials were not provided."


@writes
async def test_throttling_is_waited_for(site):
    client = site.client.with_token("user-token-1")
    assert (await settle(client.get("/api/v1/throttled/"))).attempts == 1
    second = await settle(client.get("/api/v1/throttled/"))
    assert second.attempts >= 2, "refused once at least"
    assert second.data == {"ok": True}
    third = await settle(client.post("/api/v1/throttled/", {}))
    assert third.attempts >= 2, "a refused POST has not been carried out, and is sent again"


@writes
async def test_throttling_is_an_error_when_nothing_is_resent(site):
    client = site.connect(auth_token="user-token-2", max_retries=0)
    await settle(client.get("/api/v1/throttled/"))
    with pytest.raises(orm.TooManyRequestsError) as refused:
        await settle(client.get("/api/v1/throttled/"))
    error = refused.value
    assert isinstance(error, orm.RateLimitError) and error.is_retryable
    assert (error.status_code, error.retry_after) == (429, 1)
    assert error.detail == "Request was throttled. Expected available in 1 second."


async def test_a_failure_with_an_html_page(site):
    client = site.connect(retry_delay=0.001, max_retries=2)
    with pytest.raises(orm.InternalServerError) as failure:
        await settle(client.get("/api/v1/broken/"))
    error = failure.value
    assert error.status_code == 500
    assert "<" not in str(error), "no markup"
    assert error.attempts == 3, "a read is sent again"
    with pytest.raises(orm.InternalServerError):
        await settle(client.manager(site.models.User).at("/api/v1/broken/").all())


async def test_a_write_that_may_have_happened_is_not_sent_again(site):
    client = site.connect(retry_delay=0.001)
    for call in (client.post, client.patch):
        with pytest.raises(orm.OutcomeUnknown) as failure:
            await settle(call("/api/v1/broken/", {}))
        error = failure.value
        assert error.is_outcome_unknown and not error.is_retryable
        assert isinstance(error, orm.InternalServerError) and error.status_code == 500
    assert client.stats.requests == 2


async def test_a_cursor_over_nulls_loses_no_row(site):
    # Django REST Framework's cursor cannot go on after a null: it fails going up and leaves the nulls out going down.
    for order in (("rank", "id"), ("-rank", "id")):
        rows = await settle(site.items("cursor-on").order_by(*order))
        assert sorted(ids(rows)) == ids(fixture.ITEMS), order


async def test_a_404_with_an_html_page(site):
    with pytest.raises(orm.NotFoundError) as error:
        await settle(site.client.get("/api/v1/nowhere/"))
    assert "<" not in str(error.value), "no markup"


async def test_a_method_that_is_not_allowed(site):
    with pytest.raises(orm.APIClientError) as refused:
        await settle(site.client.post("/api/v1/whoami/", {}))
    assert type(refused.value) is orm.APIClientError and refused.value.status_code == 405
    assert refused.value.detail == 'Method "POST" not allowed.'


async def test_a_server_that_is_not_there(site):
    # A port that was free a moment ago.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    users = site.connect(f"http://127.0.0.1:{port}", retry_delay=0.001).manager(site.models.User)
    with pytest.raises(orm.APIConnectionError) as error:
        await settle(users.count())
    assert isinstance(error.value, orm.ConnectionError)
    assert error.value.is_retryable and error.value.status_code is None
    with pytest.raises(orm.APIConnectionError) as error:
        await settle(users.create(name="Ann", email="ann@example.com"))
    assert not error.value.is_outcome_unknown and not isinstance(error.value, orm.OutcomeUnknown)
