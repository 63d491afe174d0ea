"""Everything around the rows: authentication, throttling, redirects, failures, compression."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

USERS = "/api/v1/users/"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "Authentication credentials were not provided."),
        ("Bearer test-token", "Authentication credentials were not provided."),
        ("Token nope", "Invalid token."),
        ("Token", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
    ],
)
def test_401_names_the_scheme(site, header, detail):
    headers = {"Authorization": header} if header else {}
    response = httpx.get(site.base_url.join(USERS), headers=headers, trust_env=False)
    assert (response.status_code, response.json()) == (401, {"detail": detail})
    assert response.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("token", ["test-token", "other-token", "user-token-1", "user-token-20"])
def test_whoami(site, token):
    response = site.get("/api/v1/whoami/", headers={"Authorization": f"Token {token}"})
    assert response.json() == {"token": token}


def test_the_second_request_within_a_second_is_throttled(fresh):
    assert fresh.get("/api/v1/throttled/").json() == {"ok": True}
    refused = fresh.post("/api/v1/throttled/")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    detail = "Request was throttled. Expected available in 1 second."
    assert refused.json() == {"detail": detail}
    other = {"Authorization": "Token other-token"}
    assert fresh.post("/api/v1/throttled/", headers=other).status_code == 200


def test_of_concurrent_requests_one_is_not_throttled(fresh):
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: fresh.get("/api/v1/throttled/").status_code, range(6)))
    assert sorted(answers) == [200, 429, 429, 429, 429, 429]


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_slash_is_a_301_to_the_slash(site, method):
    response = site.request(method, "/api/v1/users?limit=1")
    assert response.status_code == 301
    assert response.headers["Location"] == "/api/v1/users/?limit=1"


def test_a_missing_row_is_json_and_a_missing_url_is_html(site):
    row = site.get(USERS + "9999/")
    assert (row.status_code, row.json()) == (404, {"detail": "No User matches the given query."})
    url = site.get("/api/v1/bogus/")
    assert (url.status_code, url.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_405_lists_what_is_allowed(site):
    response = site.delete(USERS)
    assert response.json() == {"detail": 'Method "DELETE" not allowed.'}
    assert response.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_broken_is_a_500_with_an_html_page(site, method):
    response = site.request(method, "/api/v1/broken/")
    assert (response.status_code, response.headers["Content-Type"]) == (
        500,
        "text/html; charset=utf-8",
    )
    assert "<h1>Server Error (500)</h1>" in response.text


@pytest.mark.parametrize("method", METHODS)
def test_empty_is_204_on_every_method(site, method):
    response = site.request(method, "/api/v1/empty/")
    assert (response.status_code, response.content) == (204, b"")


def test_head_has_the_headers_of_get_and_no_body(site):
    plain = {"Accept-Encoding": "identity"}
    head, get = (site.request(method, USERS, headers=plain) for method in ["HEAD", "GET"])
    assert head.content == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_gzip_only_when_asked_for_and_worth_it(site):
    asked = site.get(USERS, headers={"Accept-Encoding": "gzip"})
    assert asked.headers["Content-Encoding"] == "gzip"
    assert len(asked.json()["results"]) == 100
    plain = site.get(USERS, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    short = site.get("/api/v1/whoami/", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in short.headers
