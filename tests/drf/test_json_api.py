"""What djangorestframework-jsonapi answers: documents, parameters, refusals."""

BOOKS = "/api/v1/json-api/books/"
TYPE = "application/vnd.api+json"


def test_rows_are_resources_beside_what_they_include(site):
    response = site.get(
        BOOKS, params={"page[size]": "2", "include": "writer"}, headers={"Accept": TYPE}
    )
    assert response.headers["Content-Type"] == TYPE
    body = response.json()
    first = body["data"][0]
    assert (first["type"], first["id"], first["attributes"]) == ("books", "1", {"title": "Book 1"})
    assert first["relationships"]["writer"] == {"data": {"type": "writers", "id": "2"}}
    assert [row["id"] for row in body["included"]] == ["2", "3"]
    assert body["meta"]["pagination"] == {"page": 1, "pages": 30, "count": 60}
    assert "page%5Bnumber%5D=2" in body["links"]["next"]


def test_what_is_not_known_is_refused(site):
    asked = {"limit": "1", "filter[nope]": "1", "sort": "nope", "include": "nope"}
    for name, value in asked.items():
        response = site.get(BOOKS, params={name: value}, headers={"Accept": TYPE})
        assert response.status_code == 400
        assert response.json()["errors"][0]["source"] == {"pointer": "/data"}


def test_messages_point_at_fields(site):
    body = {"data": {"type": "books", "attributes": {"title": ""}}}
    response = site.post(BOOKS, json=body, headers={"Accept": TYPE, "Content-Type": TYPE})
    assert response.status_code == 400
    pointers = {error["source"]["pointer"] for error in response.json()["errors"]}
    assert pointers == {"/data/attributes/title", "/data/relationships/writer"}
