"""The site with logins: what simplejwt, django-oauth-toolkit, dj-rest-auth and Django answer."""

import base64
import json

import pytest

from conftest import client_for, running_site

PASSWORD = "open sesame & 7%"


@pytest.fixture(scope="module")
def logins():
    with running_site("--logins") as (_, announcement):
        yield announcement


@pytest.fixture
def site(logins):
    """A browser, so to say: it keeps cookies, and shows no token."""
    with client_for(logins, headers={}) as client:
        client.post("/accounts/", json={"name": "ann", "do": "end"})
        yield client


def pair(site, password=PASSWORD):
    return site.post("/api/token/", json={"username": "ann", "password": password})


def test_a_pair_rotates_and_a_used_refresh_token_is_refused(site):
    first = pair(site).json()
    claims = json.loads(base64.urlsafe_b64decode(first["access"].split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 300
    refreshed = site.post("/api/token/refresh/", json={"refresh": first["refresh"]}).json()
    assert refreshed["refresh"] != first["refresh"]
    again = site.post("/api/token/refresh/", json={"refresh": first["refresh"]})
    assert (again.status_code, again.json()["code"]) == (401, "token_not_valid")


def test_a_token_of_an_old_password_is_refused_and_so_is_what_it_is_refreshed_to(site):
    first = pair(site).json()
    site.post("/accounts/", json={"name": "ann", "do": "end"})
    refreshed = site.post("/api/token/refresh/", json={"refresh": first["refresh"]}).json()
    for given in (first, refreshed):
        bearer = {"Authorization": f"Bearer {given['access']}"}
        assert site.get("/jwt/labels/", headers=bearer).status_code == 401


def test_a_session_that_has_ended_is_a_403_that_takes_the_cookie_back(site):
    missing = site.get("/session/labels/")
    detail = "Authentication credentials were not provided."
    assert (missing.status_code, missing.json()) == (403, {"detail": detail})
    assert "set-cookie" not in missing.headers
    site.post("/json/login/", json={"username": "ann", "password": PASSWORD})
    assert site.get("/session/labels/").status_code == 200
    unsafe = site.post("/session/labels/", json={"name": "x"})
    assert unsafe.json() == {"detail": "CSRF Failed: CSRF token missing."}
    site.post("/accounts/", json={"name": "ann", "do": "end"})
    ended = site.get("/session/labels/")
    assert (ended.status_code, ended.json()) == (403, {"detail": detail})
    assert ended.headers["set-cookie"].startswith('sessionid=""; expires=Thu, 01 Jan 1970')


def test_the_form_answers_with_a_redirect_or_with_itself(site):
    token = site.get("/api-auth/login/").cookies["csrftoken"]
    form = {"username": "ann", "password": "no", "csrfmiddlewaretoken": token}
    refused = site.post("/api-auth/login/", data=form)
    assert (refused.status_code, "sessionid" in refused.cookies) == (200, False)
    accepted = site.post("/api-auth/login/", data=form | {"password": PASSWORD})
    assert (accepted.status_code, "sessionid" in accepted.cookies) == (302, True)
    assert accepted.cookies["csrftoken"] != token


@pytest.mark.parametrize(
    ("secret", "scope", "status", "error"),
    [(PASSWORD, "fly", 400, "invalid_scope"), ("no", "read", 401, "invalid_client")],
)
def test_errors_of_the_token_endpoint(site, secret, scope, status, error):
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = site.post("/o/token/", data=form, auth=("ann", secret))
    assert (answer.status_code, answer.json()) == (status, {"error": error})
