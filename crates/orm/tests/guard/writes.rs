//! Writes behind a filter touch only rows that satisfy it, whatever the server makes of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use django_api_orm::{Error, ErrorKind, OnUnsaved};
use django_api_orm_testserver::{Fault, Form, Quirk, Reply, Resource, View};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::site::{Thing, deaf_to, ids, q, resource, served, site, thing, where_, with_rows};

#[tokio::test]
async fn update_or_create_patches_no_other_row() {
    let site = deaf_to(["name"]).await;
    let rank = |rank: i64| [Thing::F.rank.set(rank)];
    let (found, created) = site
        .things()
        .update_or_create(q("name", "thing 200"), rank(77))
        .await
        .unwrap();
    assert_eq!((found.id, found.rank, created), (Some(200), 77, false));
    assert_eq!(site.writes(), ["PATCH /api/v1/things/200/"]);
    let (found, created) = site
        .things()
        .update_or_create(q("name", "new"), rank(78))
        .await
        .unwrap();
    assert_eq!(
        (found.name.as_str(), found.rank, created),
        ("new", 78, true)
    );
    assert_eq!(site.writes()[1..], ["POST /api/v1/things/"]);
    assert_eq!(*site.things().get(q("id", 1)).await.unwrap(), thing(1));
}

#[tokio::test]
async fn the_only_row_is_not_taken_for_the_right_one() {
    let rows = json!([{"name": "Ann", "rank": 1}]);
    for name in ["bob", "ann"] {
        let site = site(with_rows(&rows).quirk(Quirk::ignore_parameters(["name"]))).await;
        let (made, created) = site
            .things()
            .update_or_create(q("name", name), [Thing::F.rank.set(2)])
            .await
            .unwrap();
        assert!(
            created,
            "a server that ignores `name` has shown {made:?} for {name}"
        );
        assert_eq!(site.things().get(q("id", 1)).await.unwrap().rank, 1);
        assert_eq!(site.writes(), ["POST /api/v1/things/"]);
    }
}

/// A server that compares without case, and stores in lower case, as one on MySQL may.
#[tokio::test]
async fn a_row_in_another_case_is_neither_changed_nor_created_again() {
    let rows = Arc::new(Mutex::new(vec![
        json!({"id": 1, "name": "one", "kind": "a", "rank": 1}),
    ]));
    let view = View::new(
        "/api/v1/things/",
        [Method::GET, Method::POST],
        move |call| {
            let mut rows = rows.lock().unwrap();
            if call.method() == Method::POST {
                let sent = call.data()?;
                let name = sent["name"].as_str().unwrap().to_lowercase();
                let id = rows.len() + 1;
                rows.push(json!({"id": id, "name": name, "kind": "a", "rank": sent["rank"]}));
                let new = rows.last().unwrap();
                return Ok(Reply::json(StatusCode::CREATED, new));
            }
            let name = call.parameter("name").map(str::to_lowercase);
            let id = call.parameter("id").and_then(|id| id.parse::<i64>().ok());
            let found: Vec<&Value> = (rows.iter())
                .filter(|row| name.as_ref().is_none_or(|name| row["name"] == **name))
                .filter(|row| id.is_none_or(|id| row["id"] == id))
                .collect();
            Ok(Reply::ok(
                &json!({"count": found.len(), "next": null, "previous": null, "results": found}),
            ))
        },
    );
    let (server, client) = served(view).await;
    let things = client.objects::<Thing>();
    for (name, is_there) in [("Ann@X.io", false), ("Ann@X.io", true), ("ANN@x.io", true)] {
        let upsert = things.update_or_create(q("name", name), [Thing::F.rank.set(2)]);
        match upsert.await {
            Ok((made, created)) => {
                assert_eq!(
                    (made.name.as_str(), created, is_there),
                    ("ann@x.io", true, false)
                );
            }
            Err(error) => {
                assert!(is_there, "{error}");
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
                assert!(error.to_string().contains("none is created"), "{error}");
            }
        }
    }
    let as_shown = things.update_or_create(q("name", "ann@x.io"), [Thing::F.rank.set(2)]);
    assert_eq!(as_shown.await.unwrap().0.id, Some(2));
    let (found, created) = (things.get_or_create(q("name", "ANN@x.io"), [Thing::F.rank.set(2)]))
        .await
        .unwrap();
    assert_eq!((found.id, created), (Some(2), false));
    let requests = server.requests();
    let posts = requests
        .iter()
        .filter(|request| request.method() == Method::POST);
    assert_eq!(posts.count(), 1);
}

/// Where every row shows the same text, it may be a label of what is asked for: whether there is such a row nothing tells.
#[tokio::test]
async fn no_row_is_created_beside_rows_that_may_show_a_label_of_it() {
    for rows in [
        json!([{"name": "Ann", "rank": 1}]),
        json!([{"name": "Ann", "rank": 1}, {"name": "Ann", "rank": 2}]),
    ] {
        for name in ["bob", "ann", "a"] {
            let rows = with_rows(&rows).quirk(Quirk::ignore_parameters(["name"]));
            // The server says that it is no text, but a choice.
            let labels = Form::Label(BTreeMap::new());
            let site = site(rows.quirk(Quirk::Show("name".to_owned(), labels))).await;
            for _ in 0..2 {
                // A query does not change that.
                let found = site.things().filter(q("name", name)).fetch().await;
                assert_eq!(found.unwrap().len(), 0);
                let rank = || [Thing::F.rank.set(2)];
                for error in [
                    site.things().get_or_create(q("name", name), rank()).await,
                    site.things()
                        .update_or_create(q("name", name), rank())
                        .await,
                ] {
                    let error = error.map(|_| ()).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
                    assert!(error.to_string().contains("declare the filters"), "{error}");
                }
            }
            assert_eq!(site.writes(), Vec::<String>::new());
            // What other lookups leave out is none of these rows.
            let by = q("rank", 7) & q("name", name);
            let (_, created) = site.things().get_or_create(by, []).await.unwrap();
            assert!(created);
        }
    }
}

#[tokio::test]
async fn get_or_create_takes_no_other_row() {
    let rows = json!([{"name": "Ann", "rank": 1}]);
    let site = site(with_rows(&rows).quirk(Quirk::ignore_parameters(["name"]))).await;
    let (made, created) = site
        .things()
        .get_or_create(q("name", "bob"), [Thing::F.rank.set(2)])
        .await
        .unwrap();
    assert_eq!((made.name.as_str(), made.rank, created), ("bob", 2, true));
    let (found, created) = site
        .things()
        .get_or_create(q("name", "Ann"), [Thing::F.rank.set(3)])
        .await
        .unwrap();
    assert_eq!((found.id, found.rank, created), (Some(1), 1, false));
    assert_eq!(site.writes().len(), 1);
}

#[tokio::test]
async fn nothing_is_created_behind_a_wrong_url() {
    let site = deaf_to([]).await;
    let wrong = site.things().at("/api/v1/thing/");
    let error = wrong
        .get_or_create(q("name", "bob"), [Thing::F.rank.set(2)])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = wrong
        .update_or_create(q("name", "bob"), [Thing::F.rank.set(2)])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = wrong
        .get_or_create(q("id", 3), [Thing::F.rank.set(2)])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(site.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn update_and_delete_touch_only_what_matches() {
    let site = deaf_to(["kind", "rank"]).await;
    let matching = where_(|thing| thing.kind == "b" && thing.rank == 4);
    let filter = q("kind", "b") & q("rank", 4);
    let changed = site
        .things()
        .filter(filter.clone())
        .update([Thing::F.name.set("renamed")])
        .await
        .unwrap();
    assert_eq!(changed, matching.len() as u64);
    let mut writes = site.writes();
    writes.sort_unstable();
    let mut expected: Vec<String> = matching
        .iter()
        .map(|id| format!("PATCH /api/v1/things/{id}/"))
        .collect();
    expected.sort_unstable();
    assert_eq!(writes, expected);

    let surprised = site
        .things()
        .filter(filter.clone())
        .expecting(3)
        .delete()
        .await;
    let surprised = Error::from(surprised.unwrap_err());
    assert_eq!(surprised.kind(), ErrorKind::CountMismatch);
    assert!(
        surprised.message().contains("3 were expected"),
        "{surprised}"
    );
    assert_eq!(site.writes().len(), matching.len(), "nothing was deleted");
    let deleted = site
        .things()
        .filter(filter)
        .expecting(matching.len() as u64)
        .delete()
        .await
        .unwrap();
    assert_eq!(deleted, matching.len() as u64);
    assert_eq!(
        ids(site.things().all()).await.unwrap(),
        where_(|thing| !matching.contains(&thing.id.unwrap()))
    );
}

#[tokio::test]
async fn writes_refuse_what_cannot_be_seen_on_a_row() {
    let site = deaf_to([]).await;
    for queryset in [
        site.things().search("thing 001"),
        site.things().all().parameter("mine", "1"),
    ] {
        assert!(queryset.update([Thing::F.rank.set(1)]).await.is_err());
        assert!(queryset.delete().await.is_err());
    }
    let unknown = site.things().filter(q("owner__name", "Ann"));
    assert!(
        unknown.delete().await.is_err(),
        "the rows do not tell whose they are"
    );
    assert_eq!(site.writes(), Vec::<String>::new());
}

/// An endpoint whose URLs have names, with a model that says nothing of it.
fn addressed_by_name() -> Resource {
    resource().lookup_field("name")
}

#[tokio::test]
async fn a_404_of_an_endpoint_that_is_addressed_otherwise_is_no_missing_row() {
    let addressed = || [addressed_by_name(), resource().quirk(Quirk::NoDetails)];
    let filters = |resource: Resource| resource.quirk(Quirk::ignore_parameters(["id"]));
    for resource in addressed().into_iter().chain(addressed().map(filters)) {
        let site = site(resource).await;
        let things = site.things();
        assert_eq!(*things.get(q("id", 3)).await.unwrap(), thing(3));
        assert_eq!(ids(things.filter(q("id", 3))).await.unwrap(), [3]);
        let (found, created) = things
            .get_or_create(q("id", 4), [Thing::F.name.set("x"), Thing::F.rank.set(2)])
            .await
            .unwrap();
        assert_eq!((&*found, created), (&thing(4), false));
        let (same, created) = things
            .update_or_create(q("id", 5), [Thing::F.rank.set(thing(5).rank)])
            .await
            .unwrap();
        assert_eq!((&*same, created), (&thing(5), false));
        assert!(
            things
                .get(q("id", 999))
                .await
                .unwrap_err()
                .is_does_not_exist()
        );
        let asked = site.server.requests();
        let details = asked
            .iter()
            .filter(|request| request.path().ends_with("/3/"));
        assert_eq!(details.count(), 1, "the URL is tried once");
        assert!(!asked.iter().any(|request| request.path().ends_with("/4/")));
        assert_eq!(site.writes(), Vec::<String>::new());

        let mut one = things.get(q("id", 1)).await.unwrap();
        one.rank = 77;
        let mut errors = vec![
            one.save().await.unwrap_err(),
            one.delete().await.unwrap_err(),
        ];
        errors.push(one.refresh_from_api().await.unwrap_err());
        errors.extend(
            things
                .update_or_create(q("id", 5), [Thing::F.rank.set(77)])
                .await
                .err(),
        );
        let deleted = things.filter(q("id", 6)).delete().await.unwrap_err();
        errors.push(deleted.into());
        assert_eq!(errors.len(), 5);
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(
                error
                    .to_string()
                    .contains("has no URL for each by its `id`"),
                "{error}"
            );
        }
        assert!(!site.writes().iter().any(|write| write.starts_with("POST")));
    }
}

#[tokio::test]
async fn what_a_missing_row_costs() {
    let new = || [Thing::F.name.set("new"), Thing::F.rank.set(2)];
    let missing = |id: i64| q("id", id);
    let site = site(resource()).await;
    let get = async |id: i64| {
        let (found, cost) = site.cost(site.things().get(missing(id))).await;
        assert!(found.unwrap_err().is_does_not_exist());
        cost
    };
    assert_eq!(
        get(900).await,
        3,
        "the row, one of the list, and that one at its URL"
    );
    assert_eq!(get(901).await, 1, "once for each client and endpoint");

    let seen = super::site::site(resource()).await;
    seen.things().get(q("id", 1)).await.unwrap();
    let (found, cost) = seen.cost(seen.things().get(missing(900))).await;
    assert!(found.unwrap_err().is_does_not_exist());
    assert_eq!(cost, 1, "a row has been seen at its URL");
    let (created, cost) = seen
        .cost((seen.things().on_unsaved(OnUnsaved::Ignore)).get_or_create(missing(900), new()))
        .await;
    assert!(created.unwrap().1);
    assert_eq!(
        cost, 3,
        "the list has the last word before a row is created"
    );
}

#[tokio::test]
async fn in_an_empty_collection_every_row_is_missing() {
    let site = site(with_rows(&json!([]))).await;
    assert!(
        site.things()
            .get(q("id", 1))
            .await
            .unwrap_err()
            .is_does_not_exist()
    );
    let (made, created) = site
        .things()
        .get_or_create(q("name", "x"), [Thing::F.rank.set(2)])
        .await
        .unwrap();
    assert_eq!((made.id, created), (Some(1), true));
}

#[tokio::test]
async fn a_404_stands_where_the_list_is_refused() {
    let site = site(resource()).await;
    for _ in 0..2 {
        site.server.inject_on(
            http::Method::GET,
            "/api/v1/things/",
            Fault::Answer(StatusCode::FORBIDDEN, HeaderMap::new(), "{}".into()),
        );
        let error = site
            .things()
            .get_or_create(q("id", 900), [Thing::F.name.set("x"), Thing::F.rank.set(2)])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(
            error.to_string().contains("the list cannot be read"),
            "{error}"
        );
    }
    assert_eq!(site.writes(), Vec::<String>::new());
    assert!(
        site.things()
            .get(q("id", 900))
            .await
            .unwrap_err()
            .is_does_not_exist()
    );
}

#[tokio::test]
async fn a_row_that_was_never_there_is_not_taken_for_deleted() {
    let path = "/api/v1/things/1/";
    for (fault, was_lost) in [
        (
            Fault::Answer(StatusCode::TOO_MANY_REQUESTS, HeaderMap::new(), "{}".into()),
            false,
        ),
        (Fault::CloseAfterReading, true),
    ] {
        let site = site(resource()).await;
        let mut row = site.things().get(q("id", 1)).await.unwrap();
        let mut other = row.clone();
        other.delete().await.unwrap();
        site.server.inject_on(Method::DELETE, path, fault);
        let deleted = row.delete().await;
        match was_lost {
            true => deleted.unwrap(),
            false => assert!(deleted.unwrap_err().is_does_not_exist()),
        }
    }
}

/// A model of the same rows that declares one of their fields, and lets other names be sent.
#[derive(serde::Serialize, serde::Deserialize, django_api_orm::ApiModel)]
#[api(endpoint = "/api/v1/things/", allow_extra)]
struct Loose {
    id: Option<i64>,
    name: String,
}

#[tokio::test]
async fn names_that_are_no_fields_are_refused_before_a_request() {
    let site = site(with_rows(&json!([{"name": "Ann", "rank": 1}]))).await;
    let things = site.things();
    for (wrong, meant) in [("nmae", "name"), ("rnak", "rank")] {
        let refused = things.create(&json!({wrong: 1})).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidRequest);
        let text = refused.to_string();
        assert!(
            text.contains(&format!("no field `{wrong}`: did you mean `{meant}`?")),
            "{text}"
        );
        let rows = [json!({"name": "Bob", "rank": 2}), json!({wrong: 1})];
        assert!(things.bulk_create(rows).await.is_err());
    }
    let refused = things.create(&json!({"password": "x"})).await.unwrap_err();
    assert!(refused.to_string().contains("choose from id, name"));
    assert!(site.writes().is_empty());
    let loose = site.client.objects::<Loose>();
    let made = loose
        .create(&json!({"name": "Eve", "rank": 7}))
        .await
        .unwrap();
    let key = made.id.unwrap();
    assert_eq!(things.get(q("id", key)).await.unwrap().rank, 7);
}
