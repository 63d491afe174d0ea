//! Answers of success that do not show the row that was written, or not its key.

use django_api_orm::{ErrorKind, Instance, OnUnsaved, prelude::*};
use http::StatusCode;
use serde_json::{Value, json};

use super::site::{Loose, Site, site, with_rows};

/// A model that may have further fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/", allow_extra)]
struct Open {
    id: Option<i64>,
    rank: Option<i64>,
}

async fn start() -> Site {
    site(with_rows(&json!([{"name": "one", "kind": "a", "rank": 1}]))).await
}

/// What the next request is answered with, which is then not carried out.
fn answer(site: &Site, status: u16, body: &Value) {
    let status = StatusCode::from_u16(status).unwrap();
    let json = [("content-type", "application/json")];
    site.server.fail_next(status, &json, body.to_string());
}

#[tokio::test]
async fn an_answer_about_something_else_does_not_say_that_the_row_was_saved() {
    for (status, body) in [
        (
            200,
            json!({"success": false, "errors": {"name": ["taken"]}}),
        ),
        (200, json!({"detail": "read-only mode"})),
        (200, json!({"data": {"id": 2, "name": "new"}})),
        (200, json!(["not allowed"])),
        (200, json!([])),
        (200, json!(false)),
        (200, json!({"name": ["Too long."]})),
        (200, json!({"success": false, "name": "new"})),
        (200, json!({"detail": "locked", "id": null})),
        (201, json!({"status": "queued"})),
    ] {
        let site = start().await;
        let things = site.client.objects::<Loose>();
        let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
        one.name = "new".to_owned();
        answer(&site, status, &body);
        let mut errors = vec![(one.save().await.unwrap_err(), "saved")];
        assert!(Instance::is_changed(&one).unwrap(), "still to be saved");
        answer(&site, status, &body);
        errors.push((one.save_fields([Loose::F.name]).await.unwrap_err(), "saved"));
        if body.is_object() {
            answer(&site, status, &body);
            let error = things.create(&json!({"name": "n"})).await.unwrap_err();
            errors.push((error, "created"));
        }
        for (error, done) in errors {
            let shown = error.to_string();
            assert!(
                error.is_decode() && error.is_outcome_unknown(),
                "{body}: {error:?}"
            );
            assert!(
                shown.contains(&format!("may not have been {done}")),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_or_later_is_a_success() {
    for (status, body) in [
        (200, json!({})),
        (200, json!(true)),
        (202, json!({"job": 7})),
    ] {
        let site = start().await;
        let things = site.client.objects::<Loose>();
        let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
        one.name = "new".to_owned();
        answer(&site, status, &body);
        one.save().await.unwrap();
        assert!(
            one.name == "new" && !Instance::is_changed(&one).unwrap(),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_row_is_not_deleted_where_the_answer_says_that_it_failed() {
    for body in [
        json!({"success": false}),
        json!({"error": {"code": 403}}),
        json!({"status": "error", "detail": "protected"}),
        json!(false),
        json!("protected"),
        json!([{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]),
        json!({"count": 1, "results": [{"id": 2, "name": "two"}]}),
    ] {
        let site = start().await;
        let things = site.client.objects::<Loose>();
        let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
        answer(&site, 200, &body);
        let mut errors = vec![one.delete().await.unwrap_err()];
        answer(
            &site,
            200,
            &json!({"results": [{"id": 1, "name": "one"}], "next": null}),
        );
        answer(&site, 200, &body);
        errors.push(things.all().delete().await.unwrap_err().into());
        for error in errors {
            let text = error.to_string();
            assert!(error.is_outcome_unknown(), "{body}: {error:?}");
            assert!(text.contains("may not have been deleted"), "{body}: {text}");
        }
    }
    for body in [
        json!({}),
        json!({"detail": "deleted"}),
        json!({"success": true}),
        json!({"id": 1, "name": "one", "status": "failed"}),
        json!(null),
        json!([{"id": 1, "name": "one"}]),
        json!({"results": [{"id": 1, "name": "one"}]}),
        json!({"id": 1, "items": [{"id": 2}]}),
    ] {
        let site = start().await;
        let mut one = site
            .client
            .objects::<Loose>()
            .get(Loose::F.id.eq(1))
            .await
            .unwrap();
        answer(&site, 200, &body);
        one.delete().await.unwrap();
    }
}

/// What will be done later is no denial; nor is an odd answer, where no row is at the URL any more.
#[tokio::test]
async fn a_deletion_may_be_answered_in_other_words() {
    let site = start().await;
    let things = site.client.objects::<Loose>();
    for (status, body) in [
        (202, json!("queued")),
        (202, json!([])),
        (200, json!("1")),
        (200, json!("Deletion successful")),
    ] {
        let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
        answer(&site, status, &body);
        one.delete().await.unwrap();
    }
    let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
    answer(&site, 200, &json!([]));
    answer(&site, 404, &json!({"detail": "Not found."}));
    one.delete().await.unwrap();
}

/// Which of two parts with the key is the row, nothing tells.
#[tokio::test]
async fn two_parts_of_an_answer_with_the_key_are_no_row() {
    let site = start().await;
    let things = site.client.objects::<Loose>();
    answer(
        &site,
        200,
        &json!({"account": {"id": 1, "name": "Acme"}, "user": {"id": 1, "name": "one"}}),
    );
    let error = things.get(Loose::F.id.eq(1)).await.unwrap_err();
    assert!(error.is_decode(), "{error}");
}

/// Else a row would be created beside the one that is there.
#[tokio::test]
async fn no_rows_beside_a_failure_are_no_empty_list() {
    for body in [
        json!({"success": false, "results": []}),
        json!({"results": [], "errors": ["denied"]}),
        json!({"code": 500, "message": "down", "data": []}),
    ] {
        let site = start().await;
        let things = site.client.objects::<Loose>();
        answer(&site, 200, &body);
        let error = things.all().await.unwrap_err();
        assert!(error.is_decode(), "{body}: {error}");
        answer(&site, 200, &body);
        let new = [Loose::F.kind.set("a")];
        let error = things.get_or_create(Loose::F.name.eq("one"), new).await;
        assert!(error.unwrap_err().is_decode(), "{body}");
        assert!(site.writes().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn a_row_inside_its_answer_is_the_answer() {
    let row = |rank: i64| json!({"id": 1, "name": "New", "kind": "a", "rank": rank});
    for wrapped in [|row| json!({"ok": true, "data": row}), |row| json!([row])] {
        let site = start().await;
        let things = site.client.objects::<Loose>();
        let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
        one.name = "new".to_owned();
        answer(&site, 200, &wrapped(row(1)));
        one.save().await.unwrap();
        assert_eq!(one.name, "New");
        assert_eq!(Instance::raw(&one), row(1).to_string().as_bytes());
        one.rank = Some(77);
        answer(&site, 200, &wrapped(row(1)));
        let error = one.save().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsaved, "{error}");
    }
}

#[tokio::test]
async fn what_was_sent_is_shown_also_where_the_model_does_not_declare_it() {
    let site = start().await;
    let things = site.client.objects::<Open>();
    answer(&site, 201, &json!({"name": "n"}));
    let made = things.create(&json!({"name": "n"})).await.unwrap();
    assert_eq!(
        *made,
        Open {
            id: None,
            rank: None
        }
    );
    answer(&site, 201, &json!({"success": false}));
    let error = things.create(&json!({"name": "n"})).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
}

/// Answers to the POST that show no key.
fn keyless() -> [Value; 2] {
    [
        json!({"name": "new"}),
        json!({"name": "new", "kind": "a", "rank": 5}),
    ]
}

#[tokio::test]
async fn a_key_that_was_sent_and_is_not_shown_is_asked_for() {
    for shown in keyless() {
        let site = start().await;
        let things = site.client.objects::<Loose>();
        let new = json!({"id": 7, "name": "new", "rank": 5});
        let row = json!({"id": 7, "name": "NEW", "kind": "a", "rank": 5});
        answer(&site, 201, &shown);
        answer(&site, 200, &row);
        let (made, cost) = site.cost(things.create(&new)).await;
        assert_eq!(json!(*made.unwrap()), row, "the row as the server has it");
        assert_eq!(cost, 2);
    }
}

#[tokio::test]
async fn a_key_that_the_server_did_not_take_is_an_error_and_not_sent_again() {
    for on_unsaved in [OnUnsaved::Error, OnUnsaved::Ignore] {
        for shown in keyless() {
            let site = start().await;
            let things = site.client.objects::<Loose>().on_unsaved(on_unsaved);
            answer(&site, 201, &shown);
            let error = things
                .create(&json!({"id": 7, "name": "new", "rank": 5}))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsaved, "{error}");
            assert!(error.to_string().contains("`id` is not known"), "{error}");
            // A row is there, but another one.
            answer(&site, 201, &shown);
            let error = things.create(&json!({"id": 1, "name": "new"})).await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsaved);
        }
    }
    let site = start().await;
    let things = site.client.objects::<Loose>();
    let upsert = || things.update_or_create(Loose::F.id.eq(7), [Loose::F.name.set("new")]);
    assert!(
        things
            .get(Loose::F.id.eq(7))
            .await
            .unwrap_err()
            .is_does_not_exist()
    );
    site.server.inject_on(
        http::Method::POST,
        "/api/v1/things/",
        django_api_orm_testserver::Fault::Answer(
            StatusCode::CREATED,
            http::HeaderMap::new(),
            json!({"name": "new"}).to_string().into(),
        ),
    );
    for says in ["`id` is not known", "none was created"] {
        let error = upsert().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsaved, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(site.writes(), ["POST /api/v1/things/"]);
}
