"""Mistakes of the caller: each is an error that says what to do, most of them before anything is sent."""

from __future__ import annotations

import django_api_orm as orm
import pytest
from pydantic import BaseModel, ValidationError

from .site import settle


class OnlyKey(BaseModel):
    id: int | None = None


async def test_an_unregistered_model(site):
    unregistered = site.model("Unregistered", OnlyKey, "/api/v1/users/")
    function = "register_models" if site.kind == "sync" else "register_async_models"
    for call in (
        lambda: unregistered.objects.count(),
        lambda: unregistered.objects.get(id=1),
        lambda: unregistered.objects.all(),
        lambda: unregistered.objects.create(),
    ):
        with pytest.raises(orm.ConfigurationError) as error:
            await settle(call())
        assert f"{function}(client, Unregistered)" in str(error.value)


async def test_an_invalid_endpoint(site):
    for endpoint in ("", "https://elsewhere.example.com/users/", "/api/../admin/", "/api/%2e%2e/admin/", "//x/"):
        users = site.users.at(endpoint)
        with pytest.raises(orm.ConfigurationError, match="User"):
            await settle(users.all())
        with pytest.raises(orm.ConfigurationError, match="User"):
            await settle(users.create(name="Ann", email="ann@example.com"))
    assert site.cost() == 0


async def test_a_key_that_would_leave_the_collection(site):
    for slug in ("..", ".", "a/b", "../users/1", "%2e%2e", "a\nb"):
        with pytest.raises((orm.InvalidRequestError, site.models.Article.DoesNotExist)):
            await settle(site.articles.get(slug=slug))
    try:
        found = await settle(site.users.filter(pk=""))
    except orm.APIException:
        found = []
    assert len(found) == 0


async def test_a_number_without_a_json_form(site):
    with pytest.raises(orm.InvalidRequestError, match="score"):
        await settle(site.posts.filter(score__gt=float("nan")))
    assert site.cost() == 0


async def test_a_row_that_does_not_fit_the_model(site):
    class Wrong(BaseModel):
        id: int | None = None
        name: str
        age: str

    with pytest.raises(ValidationError) as error:
        await settle(site.manager("Wrong", Wrong, "/api/v1/users/").get(id=1))
    assert "Wrong" in str(error.value) and "id=1" in str(error.value)
    assert [line["loc"][-1] for line in error.value.errors()] == ["age"]


async def test_a_base_url_that_is_none(site):
    for url in ("", "api.example.com", "ftp://api.example.com", "https://"):
        with pytest.raises(orm.ConfigurationError):
            site.connect(url)


async def test_a_missing_trailing_slash(site):
    answer = await settle(site.client.get("/api/v1/users"))
    assert answer.data["count"] == 250, "a read follows the redirect"
    with pytest.raises(orm.APIHTTPError, match="slash") as error:
        await settle(site.client.post("/api/v1/labels", {"name": "x"}))
    assert error.value.status_code == 301 and not error.value.is_outcome_unknown
    assert await settle(site.labels.count()) == 30
    assert await settle(site.labels.at("/api/v1/labels").count()) == 30
