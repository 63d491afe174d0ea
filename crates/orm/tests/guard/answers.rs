//! What the answer to a write shows: the row, a part of it, nothing, or another row.

use django_api_orm::{ErrorKind, Instance, Manager, OnUnsaved, prelude::*};
use django_api_orm_testserver::{Fault, Resource};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::site::{Loose, Site, q, site, with_rows};

fn rows() -> Resource {
    with_rows(&json!([
        {"name": "one", "kind": "a", "rank": 1},
        {"name": "two", "kind": "b", "rank": 2},
    ]))
}

fn loose(id: i64, name: &str, kind: &str, rank: i64) -> Loose {
    Loose {
        id: Some(id),
        name: name.to_owned(),
        kind: kind.to_owned(),
        rank: Some(rank),
    }
}

async fn start() -> (Site, Manager<Loose>) {
    let site = site(rows()).await;
    let things = site.client.objects();
    (site, things)
}

/// What the next request is answered with, which is then not carried out.
fn answer(site: &Site, status: u16, body: &Value) {
    let status = StatusCode::from_u16(status).unwrap();
    let json = [("content-type", "application/json")];
    site.server.fail_next(status, &json, body.to_string());
}

#[tokio::test]
async fn another_row_is_an_error_and_the_instance_stays_as_it_was() {
    let (site, things) = start().await;
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    one.name = "new".to_owned();
    answer(
        &site,
        200,
        &json!({"id": 2, "name": "new", "kind": "b", "rank": 2}),
    );
    let error = one.save().await.unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert!(
        error.to_string().contains("may have been carried out"),
        "{error}"
    );
    assert_eq!(
        *one,
        loose(1, "new", "a", 1),
        "the change is still to be saved"
    );
    assert!(Instance::is_changed(&one).unwrap());
    one.delete().await.unwrap();
    assert_eq!(site.writes().last().unwrap(), "DELETE /api/v1/things/1/");

    let mut two = things.get(Loose::F.id.eq(2)).await.unwrap();
    answer(
        &site,
        200,
        &json!({"id": 3, "name": "x", "kind": "b", "rank": 2}),
    );
    assert!(two.refresh_from_api().await.unwrap_err().is_decode());
    assert_eq!(*two, loose(2, "two", "b", 2));
}

#[tokio::test]
async fn another_row_is_an_error_of_every_write() {
    let (site, things) = start().await;
    let other = json!({"id": 2, "name": "x", "kind": "b", "rank": 9});
    things.get(Loose::F.id.eq(1)).await.unwrap();
    answer(
        &site,
        200,
        &json!({"id": 1, "name": "one", "kind": "a", "rank": 1}),
    );
    answer(&site, 200, &other);
    let changed = things
        .update_or_create(Loose::F.id.eq(1), [Loose::F.rank.set(9)])
        .await;
    assert!(changed.unwrap_err().is_decode());

    site.server.inject_on(
        http::Method::PATCH,
        "/api/v1/things/1/",
        Fault::Answer(StatusCode::OK, HeaderMap::new(), other.to_string().into()),
    );
    let updated = things.all().update([Loose::F.rank.set(9)]).await;
    let error = updated.unwrap_err();
    assert_eq!(error.written(), ["2"]);
    assert_eq!(error.failed()[0].0, "1");
    assert!(error.failed()[0].1.is_decode(), "{error}");
}

/// Answers that no API gives, and what is told of each: content type, body, a part of the message.
const PAGES: [(&str, &str, &str); 4] = [
    (
        "text/html; charset=utf-8",
        "<!doctype html><title>Sign in</title>",
        "it looks like a login page",
    ),
    (
        "application/json",
        "<html><body>Welcome</body></html>",
        "an HTML page, declared as application/json",
    ),
    (
        "application/json",
        r#"{"id": 1, "na"#,
        "JSON that breaks off",
    ),
    ("text/plain", "please wait", "not JSON but text/plain"),
];

#[tokio::test]
async fn a_page_is_no_answer_to_a_write() {
    for (kind, body, says) in PAGES {
        let (site, things) = start().await;
        let page = || {
            let headers = [("content-type", kind)];
            site.server.fail_next(StatusCode::OK, &headers, body);
        };
        let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
        one.name = "new".to_owned();
        let mut errors = Vec::new();
        page();
        errors.push(one.save().await.unwrap_err());
        assert!(Instance::is_changed(&one).unwrap(), "still to be saved");
        page();
        errors.push(one.delete().await.unwrap_err());
        assert_eq!(Instance::pk(&one).unwrap(), 1);
        one.refresh_from_api().await.unwrap();
        page();
        errors.push(things.create(&json!({"name": "n"})).await.unwrap_err());
        for method in ["PATCH", "DELETE"] {
            site.server.inject_on(
                method.parse().unwrap(),
                "/api/v1/things/1/",
                Fault::Answer(
                    StatusCode::OK,
                    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]),
                    body.into(),
                ),
            );
        }
        let first = || things.filter(Loose::F.id.eq(1));
        let updated = first().update([Loose::F.rank.set(7)]).await.unwrap_err();
        let deleted = first().delete().await.unwrap_err();
        assert!(updated.written().is_empty() && deleted.written().is_empty());
        errors.extend([updated.into(), deleted.into()]);
        for error in errors {
            let shown = error.to_string();
            assert!(error.is_decode() && error.is_outcome_unknown(), "{error:?}");
            assert!(!error.is_retryable() && shown.contains(says), "{shown}");
            assert!(shown.contains("may not have been carried out"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_write_is_not_sent_to_a_sign_in_page() {
    let (site, things) = start().await;
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    one.name = "new".to_owned();
    let sign_in = |status: u16| {
        let status = StatusCode::from_u16(status).unwrap();
        let location = [("location", "/accounts/login/?next=/api/v1/things/1/")];
        site.server.fail_next(status, &location, "");
    };
    for status in [307, 308] {
        sign_in(status);
        let mut errors = vec![one.save().await.unwrap_err()];
        sign_in(status);
        errors.push(one.delete().await.unwrap_err());
        sign_in(status);
        errors.push(things.create(&json!({"name": "n"})).await.unwrap_err());
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
            assert!(!error.is_outcome_unknown(), "it was not sent on");
            assert!(error.to_string().contains("a sign-in page"), "{error}");
        }
    }
    let requests = site.server.requests();
    assert!(
        requests
            .iter()
            .all(|request| !request.target().contains("login"))
    );
    assert_eq!(site.writes().len(), 6);
    one.save().await.unwrap();
    assert_eq!(one.name, "new");
}

#[tokio::test]
async fn an_answer_without_a_row_is_a_success() {
    for (status, body) in [
        (200, ""),
        (204, ""),
        (202, "Accepted"),
        (200, "OK"),
        (202, "{}"),
        (202, r#"{"id": 17, "status": "queued"}"#),
        (202, r#"{"id": 17, "name": "import"}"#),
        (200, "{}"),
    ] {
        let (site, things) = start().await;
        let quiet = || {
            let status = StatusCode::from_u16(status).unwrap();
            site.server
                .fail_next(status, &[("content-type", "text/plain")], body);
        };
        let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
        one.name = "new".to_owned();
        quiet();
        one.save().await.unwrap();
        assert!(!Instance::is_changed(&one).unwrap(), "{status} {body}");
        quiet();
        one.delete().await.unwrap();
        quiet();
        let created = things.create(&json!({"name": "n"})).await;
        // A new row needs its key.
        let error = created.unwrap_err();
        let (says, is_unknown) = match (status, body) {
            (202, _) => ("will create it later", false),
            (_, "{}") => ("may not have been created", true),
            _ => ("the row was created", false),
        };
        assert!(error.is_decode(), "{error}");
        assert_eq!(error.is_outcome_unknown(), is_unknown, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_row_that_is_accepted_and_shown_is_the_row() {
    let (site, things) = start().await;
    let json = [("content-type", "application/json")];
    for body in [
        json!({"id": 17, "name": "n"}),
        json!({"id": 17, "name": "N", "kind": "a", "rank": 1}),
    ] {
        (site.server).fail_next(StatusCode::ACCEPTED, &json, body.to_string());
        let created = things.create(&json!({"name": "n"})).await.unwrap();
        assert_eq!(created.id, Some(17), "{body}");
    }
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    one.name = "new".to_owned();
    let row = json!({"id": 1, "name": "New", "kind": "a", "rank": 5});
    (site.server).fail_next(StatusCode::ACCEPTED, &json, row.to_string());
    one.save().await.unwrap();
    assert_eq!((one.name.as_str(), one.rank), ("New", Some(5)));
}

#[tokio::test]
async fn an_answer_that_is_too_deep_to_be_read_says_that_the_row_was_written() {
    let (site, things) = start().await;
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    one.name = "new".to_owned();
    let deep = format!(
        r#"{{"id": 1, "name": "new", "kind": {}0{}, "rank": 1}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let json = [("content-type", "application/json")];
    site.server.fail_next(StatusCode::OK, &json, deep.clone());
    let error = one.save().await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("the row was written"),
        "{error}"
    );
    assert!(
        !Instance::is_changed(&one).unwrap(),
        "it is not to be written again"
    );
    site.server.fail_next(StatusCode::CREATED, &json, deep);
    let error = things.create(&json!({"name": "n"})).await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("the row was created"),
        "{error}"
    );
}

#[tokio::test]
async fn a_part_of_the_row_is_put_into_what_is_known() {
    for body in [
        json!({"id": 1, "name": "new"}),
        json!({"id": 1, "state": "queued"}),
        json!({"name": "new"}),
    ] {
        let (site, things) = start().await;
        let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
        one.name = "new".to_owned();
        answer(&site, 200, &body);
        one.save().await.unwrap();
        assert_eq!(*one, loose(1, "new", "a", 1), "{body}");
        assert!(!Instance::is_changed(&one).unwrap(), "{body}");

        one.rank = Some(5);
        answer(&site, 200, &body);
        one.save_fields([Loose::F.rank]).await.unwrap();
        assert_eq!(*one, loose(1, "new", "a", 5), "{body}");
    }
}

#[tokio::test]
async fn a_part_of_a_new_row_is_put_into_what_was_sent() {
    let (site, things) = start().await;
    let new = json!({"name": "new", "kind": "c", "rank": 3});
    answer(&site, 201, &json!({"id": 42, "state": "queued"}));
    let made = things.create(&new).await.unwrap();
    assert_eq!(*made, loose(42, "new", "c", 3));
    answer(&site, 201, &json!({"id": 43, "name": "New"}));
    let made = things.bulk_create([new]).await.unwrap();
    assert_eq!(*made[0], loose(43, "New", "c", 3));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_says_that_the_row_was_written() {
    let (site, things) = start().await;
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    one.name = "new".to_owned();
    answer(
        &site,
        200,
        &json!({"id": 1, "name": null, "kind": "a", "rank": 1}),
    );
    let error = one.save().await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("was written"),
        "{error}"
    );
    assert_eq!(one.name, "new");
    assert!(!Instance::is_changed(&one).unwrap());
    one.refresh_from_api().await.unwrap();
    assert_eq!(one.name, "one", "this server did not carry it out");
}

#[tokio::test]
async fn names_that_differ_by_direction() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/")]
    struct Renamed {
        id: Option<i64>,
        #[serde(rename(serialize = "name", deserialize = "kind"))]
        sent_as_name: String,
        #[serde(rename(serialize = "kind", deserialize = "name"))]
        sent_as_kind: String,
    }

    let site = site(rows()).await;
    let things = site.client.objects::<Renamed>();
    let filter = Renamed::F.sent_as_name.eq("z");
    let explained = things.filter(filter.clone()).explain().unwrap();
    assert_eq!(explained.pushed(), [("kind".to_owned(), "z".to_owned())]);
    let values = [Renamed::F.sent_as_kind.set("y")];
    // This server has one name for both directions.
    let things = things.on_unsaved(OnUnsaved::Ignore);
    let (_, created) = things.get_or_create(filter, values).await.unwrap();
    assert!(created);
    let request = site.server.requests().pop().unwrap();
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(sent, json!({"name": "z", "kind": "y"}));

    let mut one = things.get(Renamed::F.id.eq(1)).await.unwrap();
    assert_eq!((&*one.sent_as_name, &*one.sent_as_kind), ("a", "one"));
    assert!(!Instance::is_changed(&one).unwrap());
    one.sent_as_kind = "b".to_owned();
    answer(&site, 200, &json!({}));
    one.save().await.unwrap();
    assert_eq!((&*one.sent_as_name, &*one.sent_as_kind), ("a", "b"));
    assert!(!Instance::is_changed(&one).unwrap());
    let request = site.server.requests().pop().unwrap();
    assert_eq!(request.body().as_ref(), br#"{"kind":"b"}"#);
}

#[tokio::test]
async fn update_or_create_may_have_other_values_for_a_new_row() {
    let (_site, things) = start().await;
    let upsert = |name: &str| {
        let name = name.to_owned();
        things.update_or_create_with(
            q_of(&name),
            [Loose::F.rank.set(Some(40))],
            [Loose::F.rank.set(Some(20)), Loose::F.kind.set("c")],
        )
    };
    let (made, created) = upsert("new").await.unwrap();
    assert_eq!((&*made, created), (&loose(3, "new", "c", 20), true));
    let (found, created) = upsert("one").await.unwrap();
    assert_eq!((&*found, created), (&loose(1, "one", "a", 40), false));
}

fn q_of(name: &str) -> django_api_orm::Filter<Loose> {
    Loose::F.name.eq(name)
}

#[tokio::test]
async fn bulk_update_saves_what_has_changed_of_the_fields() {
    let site = site(rows()).await;
    let things = site.client.objects::<Loose>();
    let mut all = things.all().await.unwrap();
    all[0].rank = Some(10);
    all[0].kind = "c".to_owned();
    let changed = things.bulk_update(&mut all, [Loose::F.rank]).await.unwrap();
    assert_eq!(changed, 1);
    assert_eq!(site.writes(), ["PATCH /api/v1/things/1/"]);
    assert_eq!(all[0].kind, "c", "the other change is still to be saved");
    assert!(Instance::is_changed(&all[0]).unwrap() && !Instance::is_changed(&all[1]).unwrap());

    all[0].rank = Some(11);
    all[1].rank = Some(12);
    site.things()
        .get(q("id", 2))
        .await
        .unwrap()
        .delete()
        .await
        .unwrap();
    let before = site.writes().len();
    let error = things.bulk_update(&mut all, ["rank"]).await.unwrap_err();
    assert_eq!(error.written(), ["1"]);
    assert_eq!(error.failed()[0].0, "2");
    assert!(error.failed()[0].1.is_does_not_exist(), "{error}");
    assert_eq!(site.writes().len(), before + 2);
    assert!(Instance::is_changed(&all[1]).unwrap(), "it was not saved");

    let error = things.bulk_update(&mut all, ["nmae"]).await.unwrap_err();
    assert!(error.to_string().contains("nmae"), "{error}");
    assert_eq!(site.writes().len(), before + 2, "nothing was sent");
}

#[tokio::test]
async fn the_error_of_many_writes_says_what_has_become_of_each() {
    let (site, things) = start().await;
    let things = things.concurrency(1);
    answer(&site, 400, &json!({"name": ["taken"]}));
    answer(&site, 201, &json!({"success": false}));
    site.server.fail_next(StatusCode::CREATED, &[], "");
    let new = json!({"name": "new", "kind": "c", "rank": 3});
    let error = things.bulk_create([&new, &new, &new]).await.unwrap_err();
    let told = "1 of 3 rows could not be created, 1 may or may not have been created, 1 failed after being created; row 0: ";
    assert!(error.to_string().starts_with(told), "{error}");
    assert!(error.is_outcome_unknown());
    let error = django_api_orm::Error::from(error);
    assert!(error.is_outcome_unknown() && !error.is_retryable());
    answer(&site, 400, &json!({"name": ["taken"]}));
    let error = things.bulk_create([&new]).await.unwrap_err();
    let told = "1 of 1 rows could not be created; row 0: ";
    assert!(error.to_string().starts_with(told) && !error.is_outcome_unknown());

    for (key, shown) in [
        (1, json!({"success": false})),
        (2, json!(loose(2, "two", "b", 2))),
    ] {
        let path = format!("/api/v1/things/{key}/");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let fault = Fault::Answer(StatusCode::OK, headers, shown.to_string().into());
        site.server.inject_on(http::Method::PATCH, &path, fault);
    }
    let error = things
        .all()
        .update([Loose::F.rank.set(77)])
        .await
        .unwrap_err();
    let told =
        "1 of 2 rows may or may not have been written, 1 failed after being written; row 1: ";
    assert!(error.to_string().starts_with(told), "{error}");
    assert!(error.is_outcome_unknown());
}

#[tokio::test]
async fn an_instance_without_its_key_is_a_copy() {
    let (site, things) = start().await;
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    one.id = None;
    one.name = "copy".to_owned();
    for error in [
        one.delete().await.unwrap_err(),
        one.refresh_from_api().await.unwrap_err(),
        one.save_fields([Loose::F.name]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains("save it first"), "{error}");
    }
    site.server.fail_next(StatusCode::BAD_REQUEST, &[], "{}");
    assert!(one.save().await.is_err());
    assert_eq!(one.id, None, "still to be created");
    one.save().await.unwrap();
    assert_eq!(*one, loose(3, "copy", "a", 1));
    assert!(!Instance::is_changed(&one).unwrap());
    one.rank = Some(7);
    one.save().await.unwrap();
    one.delete().await.unwrap();
    one.id = None;
    one.save().await.unwrap();
    assert_eq!(
        *one,
        loose(4, "copy", "a", 7),
        "a deleted row is created again"
    );
    assert_eq!(
        site.writes(),
        [
            "POST /api/v1/things/",
            "POST /api/v1/things/",
            "PATCH /api/v1/things/3/",
            "DELETE /api/v1/things/3/",
            "POST /api/v1/things/",
        ]
    );
    let first = things.get(Loose::F.id.eq(1)).await.unwrap();
    assert_eq!(*first, loose(1, "one", "a", 1));
}

#[tokio::test]
async fn a_copy_whose_answer_does_not_fit_is_not_created_again() {
    let (site, things) = start().await;
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    one.id = None;
    answer(
        &site,
        201,
        &json!({"id": 42, "name": null, "kind": "a", "rank": 1}),
    );
    let error = one.save().await.unwrap_err();
    assert!(error.to_string().contains("the row was written"), "{error}");
    assert_eq!(*one, loose(42, "one", "a", 1));
    one.save().await.unwrap();
    assert_eq!(site.writes().len(), 1);
}

#[tokio::test]
async fn what_a_nested_struct_does_not_declare_is_sent_along() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Item {
        id: i64,
        x: i64,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Parts {
        x: i64,
        items: Vec<Item>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/")]
    struct Nested {
        id: Option<i64>,
        parts: Parts,
        free: Value,
    }

    let site = site(rows()).await;
    let things = site.client.objects::<Nested>();
    let items = json!([{"id": 1, "x": 1, "of": "1"}, {"id": 2, "x": 2, "of": "2"}]);
    let row = json!({
        "id": 1, "parts": {"x": 1, "unknown": {"a": [1]}, "items": items}, "free": {"a": 1, "b": 2}
    });
    answer(&site, 200, &row);
    let mut one = things.get(Nested::F.id.eq(1)).await.unwrap();
    assert!(!Instance::is_changed(&one).unwrap());
    one.parts.x = 5;
    one.parts.items.reverse();
    one.free = json!({"a": 1});
    let sent = |site: &Site| -> Value {
        let request = site.server.requests().pop().unwrap();
        serde_json::from_slice(request.body()).unwrap()
    };
    answer(&site, 204, &json!(null));
    one.save().await.unwrap();
    let items = json!([{"id": 2, "x": 2, "of": "2"}, {"id": 1, "x": 1, "of": "1"}]);
    let parts = json!({"x": 5, "unknown": {"a": [1]}, "items": items});
    assert_eq!(sent(&site), json!({"parts": parts, "free": {"a": 1}}));
    assert!(!Instance::is_changed(&one).unwrap());
    answer(&site, 204, &json!(null));
    one.save_fields([Nested::F.parts]).await.unwrap();
    assert_eq!(sent(&site), json!({"parts": parts}));
    answer(&site, 200, &row);
    answer(&site, 204, &json!(null));
    let new = Parts {
        x: 7,
        items: Vec::new(),
    };
    let values = [Nested::F.parts.set(new)];
    things
        .update_or_create(Nested::F.id.eq(1), values)
        .await
        .unwrap();
    let parts = json!({"x": 7, "unknown": {"a": [1]}, "items": []});
    assert_eq!(sent(&site), json!({"parts": parts}));
}

#[tokio::test]
async fn an_object_of_another_form_is_no_row() {
    let (site, things) = start().await;
    let wrapped = json!({"data": {"id": 1, "name": "one", "kind": "a", "rank": 1}});
    answer(&site, 200, &wrapped);
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    assert_eq!(
        *one,
        loose(1, "one", "a", 1),
        "what it holds with the key that was asked for"
    );
    answer(&site, 200, &wrapped);
    one.refresh_from_api().await.unwrap();
    let other = json!({"data": {"id": 2, "name": "two", "kind": "a", "rank": 1}});
    for other in [
        other,
        json!({"data": {"attributes": {"name": "one"}}}),
        json!({"detail": "no"}),
    ] {
        answer(&site, 200, &other);
        let error = things.get(Loose::F.id.eq(1)).await.unwrap_err();
        assert!(
            error.is_decode() && error.to_string().contains("a row of `Loose` was expected"),
            "{error}"
        );
        answer(&site, 200, &other);
        assert!(one.refresh_from_api().await.unwrap_err().is_decode());
    }
    answer(&site, 201, &wrapped);
    let error = things.create(&json!({"name": "n"})).await.unwrap_err();
    assert!(
        error.is_outcome_unknown() && error.to_string().contains("may not have been created"),
        "{error}"
    );
}

/// `201 Created` without the key, and a header that says where the row is.
fn located(site: &Site, status: u16, header: &str, at: &str, body: &str) {
    let status = StatusCode::from_u16(status).unwrap();
    let headers = [("content-type", "application/json"), (header, at)];
    site.server.fail_next(status, &headers, body.to_owned());
}

#[tokio::test]
async fn a_new_row_is_read_where_the_answer_says_that_it_is() {
    let new = json!({"name": "two", "kind": "b", "rank": 2});
    let there = "/api/v1/things/2/";
    for (status, header, body) in [
        (201, "location", ""),
        (201, "content-location", ""),
        (200, "location", "null"),
        (204, "location", ""),
        (201, "location", r#"{"name": "two"}"#),
        (201, "location", r#"{"message": "created"}"#),
    ] {
        let (site, things) = start().await;
        located(&site, status, header, there, body);
        let (made, cost) = site.cost(things.create(&new)).await;
        assert_eq!(
            (&*made.unwrap(), cost),
            (&loose(2, "two", "b", 2), 2),
            "{body}"
        );
    }
    let (site, things) = start().await;
    let absolute = format!("{}{there}", site.server.base_url());
    located(&site, 201, "location", &absolute, "");
    assert_eq!(things.create(&new).await.unwrap().id, Some(2));
    located(&site, 201, "location", there, "");
    let error = things.create(&json!({"id": 9, "name": "two"})).await;
    assert!(error.unwrap_err().to_string().contains("did not keep `id`"));
    // A job below the collection is no row of it.
    let (site, things) = start().await;
    located(
        &site,
        201,
        "location",
        "/api/v1/things/9/",
        r#"{"name": "two"}"#,
    );
    site.server.fail_next(
        StatusCode::OK,
        &[("content-type", "application/json")],
        json!({"id": "job-9", "state": "queued"}).to_string(),
    );
    let made = things.create(&new).await.unwrap();
    assert_eq!((made.id, made.name.as_str()), (None, "two"));
}

#[tokio::test]
async fn a_location_that_is_no_row_of_the_endpoint_is_not_asked() {
    let new = json!({"name": "two", "kind": "b", "rank": 2});
    for (at, requests) in [
        ("https://evil.test/api/v1/things/2/", 1),
        ("/api/v1/others/2/", 1),
        ("/api/v1/things/2/parts/", 1),
        ("/api/v1/things/?id=2", 1),
        ("/api/v1/things/99/", 2),
    ] {
        let (site, things) = start().await;
        located(&site, 201, "location", at, "");
        let (made, cost) = site.cost(things.create(&new)).await;
        let error = made.unwrap_err();
        assert!(error.to_string().contains("the row was created"), "{error}");
        assert_eq!(cost, requests, "{at}");
    }
    let (site, things) = start().await;
    located(
        &site,
        201,
        "location",
        "/api/v1/things/2/",
        r#"{"id": 1, "name": "two"}"#,
    );
    assert_eq!(
        things.create(&new).await.unwrap().id,
        Some(1),
        "the row shows its key"
    );
}
