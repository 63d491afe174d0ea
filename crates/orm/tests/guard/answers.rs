//! What the answer to a write shows: the row, a part of it, nothing, or another row.

use django_api_orm::{Instance, Manager, prelude::*};
use django_api_orm_testserver::{Fault, Resource};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::site::{Site, q, site, with_rows};

/// The rows of `things`; everything but the name may be missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/")]
struct Loose {
    id: Option<i64>,
    name: String,
    #[serde(default)]
    kind: String,
    rank: Option<i64>,
}

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
