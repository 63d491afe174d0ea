"""What DRF answers to writes: rows, and the shapes of its validation errors."""

import pytest

USERS, POSTS, COMMENTS = "/api/v1/users/", "/api/v1/posts/", "/api/v1/comments/"
REQUIRED = ["This field is required."]
ADDRESS = {"street": "s", "city": "c", "state": "IL", "zip": "1"}


def user(**fields):
    return {"name": "N", "email": "n@example.com", **fields}


def test_defaults_read_only_and_unknown_fields(fresh):
    body = user(id=7, created_at="2020-01-01T00:00:00Z", bogus=1, name="  trimmed ")
    created = fresh.post(USERS, json=body)
    assert created.status_code == 201
    row = created.json()
    assert (row["id"], row["name"]) == (251, "trimmed")
    assert not row.pop("created_at").startswith("2020")
    assert "bogus" not in row
    assert (row["role"], row["active"], row["age"]) == ("viewer", True, None)
    assert (row["balance"], row["tags"], row["settings"]) == ("0.00", [], {})


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"name": None}, {"name": ["This field may not be null."]}),
        ({"name": "  "}, {"name": ["This field may not be blank."]}),
        ({"name": "x" * 101}, {"name": ["Ensure this field has no more than 100 characters."]}),
        ({"email": "bad"}, {"email": ["Enter a valid email address."]}),
        ({"email": "user1@example.com"}, {"email": ["user with this email already exists."]}),
        ({"role": "x"}, {"role": ['"x" is not a valid choice.']}),
        ({"active": "maybe"}, {"active": ["Must be a valid boolean."]}),
        ({"age": "x"}, {"age": ["A valid integer is required."]}),
        ({"age": 151}, {"age": ["Ensure this value is less than or equal to 150."]}),
        ({"balance": "x"}, {"balance": ["A valid number is required."]}),
        (
            {"balance": "1.234"},
            {"balance": ["Ensure that there are no more than 2 decimal places."]},
        ),
        (
            {"joined_on": "x"},
            {"joined_on": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."]},
        ),
        ({"team": 99}, {"team": ['Invalid pk "99" - object does not exist.']}),
        ({"tags": "x"}, {"tags": ['Expected a list of items but got type "str".']}),
        ({"tags": ["a", None]}, {"tags": {"1": ["This field may not be null."]}}),
        (
            {"settings": []},
            {"settings": ['Expected a dictionary of items but got type "list".']},
        ),
        (
            {"address": ADDRESS | {"state": "ILL"}},
            {"address": {"state": ["Ensure this field has no more than 2 characters."]}},
        ),
        (
            {"address": "x"},
            {
                "address": {
                    "non_field_errors": ["Invalid data. Expected a dictionary, but got str."]
                }
            },
        ),
    ],
)
def test_validation_errors_of_a_user(fresh, fields, errors):
    response = fresh.post(USERS, json=user(**fields))
    assert (response.status_code, response.json()) == (400, errors)


def test_all_errors_come_at_once(fresh):
    assert fresh.post(USERS, json={}).json() == {"name": REQUIRED, "email": REQUIRED}


def test_an_error_of_the_whole_object(fresh):
    response = fresh.post(POSTS, json={"title": "forbidden", "author": 1})
    assert response.status_code == 400
    assert response.json() == {"non_field_errors": ["This title is forbidden."]}


def test_a_list_is_refused(fresh):
    response = fresh.post(USERS, json=[user()])
    message = "Invalid data. Expected a dictionary, but got list."
    assert (response.status_code, response.json()) == (400, {"non_field_errors": [message]})


def test_bodies_that_are_not_json(fresh):
    malformed = fresh.post(USERS, content=b"{", headers={"Content-Type": "application/json"})
    assert malformed.status_code == 400
    assert malformed.json()["detail"].startswith("JSON parse error - ")
    assert fresh.post(USERS, data={"name": "x"}).status_code == 415


def test_an_address_is_merged_replaced_and_removed(fresh):
    before = fresh.get(USERS + "1/").json()["address"]
    merged = fresh.patch(USERS + "1/", json={"address": {"city": "Elgin"}}).json()
    assert merged["address"] == before | {"city": "Elgin"}
    half = fresh.put(USERS + "1/", json=user(address={"city": "Elgin"}))
    assert half.json()["address"] == dict.fromkeys(["street", "state", "zip"], REQUIRED)
    whole = fresh.put(USERS + "1/", json=user(address=ADDRESS))
    assert whole.json()["address"] == ADDRESS
    assert fresh.patch(USERS + "1/", json={"address": None}).json()["address"] is None
    alone = fresh.patch(USERS + "1/", json={"address": {"city": "Elgin"}})
    assert alone.status_code == 400
    assert fresh.patch(USERS + "1/", json={"address": ADDRESS}).json()["address"] == ADDRESS


def test_patch_keeps_what_it_does_not_name(fresh):
    before = fresh.get(USERS + "2/").json()
    after = fresh.patch(USERS + "2/", json={"balance": "12.5"}).json()
    assert after == before | {"balance": "12.50"}


def test_delete_is_204_then_404_and_ids_are_not_reused(fresh):
    deleted = fresh.delete(USERS + "250/")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert fresh.delete(USERS + "250/").status_code == 404
    assert fresh.post(USERS, json=user()).json()["id"] == 251


def test_the_author_of_a_comment_is_a_url(fresh):
    for author in ["/api/v1/users/1/", "http://elsewhere.example/api/v1/users/1/"]:
        created = fresh.post(COMMENTS, json={"post": 1, "text": "t", "author": author})
        assert created.status_code == 201
        assert created.json()["author"] == f"{str(fresh.base_url).rstrip('/')}/api/v1/users/1/"
    by_id = fresh.post(COMMENTS, json={"post": 1, "text": "t", "author": 1})
    assert by_id.json() == {"author": ["Incorrect type. Expected URL string, received int."]}


def test_extra_routes(fresh):
    assert fresh.get(USERS + "stats/").json() == {"total": 250, "active": 150}
    assert fresh.post(USERS + "1/deactivate/").json()["active"] is False
    assert fresh.get(USERS + "stats/").json() == {"total": 250, "active": 149}
    assert fresh.get(USERS + "1/deactivate/").status_code == 405
    post = fresh.post(USERS + "5/posts/", json={"title": "t", "author": 9})
    assert (post.status_code, post.json()["author"]) == (201, 5)


def test_a_resource_keyed_by_slug(fresh):
    articles = "/api/v1/articles/"
    renamed = fresh.patch(articles + "article-02/", json={"slug": "renamed"})
    assert renamed.json()["id"] == 2
    assert fresh.get(articles + "article-02/").status_code == 404
    assert fresh.get(articles + "renamed/").status_code == 200
    assert fresh.delete(articles + "renamed/").status_code == 204


@pytest.mark.parametrize("paginator", ["limitoffset", "pagenumber", "cursor", "plain"])
@pytest.mark.parametrize("filters", ["on", "off"])
def test_every_item_resource_can_be_written(fresh, paginator, filters):
    path = f"/api/v1/items/{paginator}-{filters}/"
    item = fresh.post(path, json={"name": "n", "price": "1"}).json()
    assert item == {
        **{"id": 131, "name": "n", "rank": None, "price": "1.00", "kind": ""},
        **{"flag": False, "seen_at": None},
    }
    assert fresh.patch(f"{path}131/", json={"rank": 3}).json()["rank"] == 3
    assert fresh.put(f"{path}131/", json={"name": "m"}).json()["name"] == "m"
    assert fresh.delete(f"{path}131/").status_code == 204


def test_reset_restores_rows_and_ids(fresh, rows):
    fresh.delete("/api/v1/labels/1/")
    fresh.post("/api/v1/labels/", json={"name": "x"})
    assert fresh.post("/reset/").status_code == 204
    assert fresh.get("/api/v1/labels/").json() == rows["labels"]
    assert fresh.post("/api/v1/labels/", json={"name": "x"}).json()["id"] == 31
