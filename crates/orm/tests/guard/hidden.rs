//! Rows that the list does not have: because it hides them, or because they moved while it was read.

use std::sync::{Arc, Mutex};

use django_api_orm::{ErrorKind, ServiceClient};
use django_api_orm_testserver::{Reply, TestServer, View};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::site::Loose;

/// A list without drafts, each of which is at its own URL.
async fn site() -> (TestServer, ServiceClient) {
    let rows = Arc::new(Mutex::new(vec![
        json!({"id": 1, "name": "one", "kind": "public", "rank": 1}),
    ]));
    let of_list = Arc::clone(&rows);
    let list = View::new(
        "/api/v1/things/",
        [Method::GET, Method::POST],
        move |call| {
            let mut rows = of_list.lock().unwrap();
            if call.method() == Method::POST {
                let mut row = call.data()?;
                row["id"] = json!(rows.len() + 1);
                row["kind"] = json!("draft");
                rows.push(row.clone());
                return Ok(Reply::json(StatusCode::CREATED, &row));
            }
            let asked = call.parameter("name");
            let shown: Vec<&Value> = (rows.iter())
                .filter(|row| row["kind"] == "public")
                .filter(|row| asked.is_none_or(|name| row["name"] == name))
                .collect();
            let page =
                json!({"count": shown.len(), "next": null, "previous": null, "results": shown});
            Ok(Reply::ok(&page))
        },
    );
    let detail = |id: usize| {
        let rows = Arc::clone(&rows);
        let path = format!("/api/v1/things/{id}/");
        View::new(&path, [Method::GET, Method::PATCH], move |call| {
            let mut rows = rows.lock().unwrap();
            let Some(row) = rows.get_mut(id - 1) else {
                return Ok(Reply::detail(StatusCode::NOT_FOUND, "Not found."));
            };
            if call.method() == Method::PATCH {
                for (name, value) in call.data()?.as_object().unwrap() {
                    row[name] = value.clone();
                }
            }
            Ok(Reply::ok(row))
        })
    };
    let details = (1..=4).map(detail);
    let server = TestServer::builder().view(list.public());
    let server = details.fold(server, |server, view| server.view(view.public()));
    let server = server.start().await.unwrap();
    let client = ServiceClient::builder(server.base_url())
        .on_warning(|_| {})
        .build()
        .unwrap();
    (server, client)
}

#[tokio::test]
async fn a_row_that_the_list_hides_is_created_once() {
    let (server, client) = site().await;
    let things = client.objects::<Loose>();
    for is_new in [true, false, false] {
        let (thing, created) = things
            .get_or_create(Loose::F.name.eq("new"), [Loose::F.rank.set(Some(1))])
            .await
            .unwrap();
        assert_eq!((thing.id, created), (Some(2), is_new));
    }
    for is_new in [true, false] {
        let (thing, created) = things
            .update_or_create(Loose::F.name.eq("newer"), [Loose::F.rank.set(Some(7))])
            .await
            .unwrap();
        assert_eq!((thing.id, created, thing.rank), (Some(3), is_new, Some(7)));
    }
    let requests = server.requests();
    let posts = requests.iter().filter(|request| request.method() == "POST");
    assert_eq!(posts.count(), 2);
}

/// A row of the first page is removed before the second one is read: the row that is looked for may be the one between the two.
#[tokio::test]
async fn nothing_is_created_after_a_walk_that_missed_a_row() {
    let removed = Mutex::new(false);
    let list = View::new("/api/v1/things/", [Method::GET], move |call| {
        let page: u64 = call
            .parameter("page")
            .and_then(|page| page.parse().ok())
            .unwrap_or(1);
        let mut removed = removed.lock().unwrap();
        *removed |= page == 2;
        let ids: Vec<u64> = (1..=12).filter(|id| !*removed || *id > 1).collect();
        let rows: Vec<Value> = (ids.iter().skip((page as usize - 1) * 4).take(4))
            .map(|id| json!({"id": id, "name": format!("n{id}"), "kind": "a", "rank": 1}))
            .collect();
        let next = (page < 3).then(|| format!("/api/v1/things/?page={}", page + 1));
        Ok(Reply::ok(
            &json!({"count": ids.len(), "next": next, "previous": null, "results": rows}),
        ))
    });
    let (server, client) = super::site::served(list).await;
    let things = client.objects::<Loose>();
    let found = things.get_or_create(Loose::F.name.eq("n5"), []).await;
    let error = found.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift, "{error}");
    assert!(error.to_string().contains("none is created"), "{error}");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.method() == "GET")
    );
    let (thing, created) = things
        .get_or_create(Loose::F.name.eq("n5"), [])
        .await
        .unwrap();
    assert_eq!((thing.id, created), (Some(5), false), "it was missed once");
}

/// What was created is found again as long as it is what was asked for, and by whoever has created it.
#[tokio::test]
async fn a_row_that_was_changed_or_is_of_another_account_is_not_found_again() {
    let (_server, client) = site().await;
    let new = async |client: &ServiceClient| {
        let things = client.objects::<Loose>();
        let made = things.get_or_create(Loose::F.name.eq("new"), [Loose::F.rank.set(Some(1))]);
        let (thing, created) = made.await.unwrap();
        (thing.id, created)
    };
    assert_eq!(new(&client).await, (Some(2), true));
    let other = client.with_bearer("other");
    assert_eq!(new(&other).await, (Some(3), true));
    assert_eq!(new(&client).await, (Some(2), false));
    let mut thing = client
        .objects::<Loose>()
        .get(Loose::F.id.eq(2))
        .await
        .unwrap();
    thing.name = "changed".to_owned();
    thing.save().await.unwrap();
    assert_eq!(new(&client).await, (Some(4), true));
    assert_eq!(new(&other).await, (Some(3), false));
}

/// A list of pages in the order of the newest, to which a row is added in between, so that one comes twice and another may not.
#[tokio::test]
async fn nothing_is_created_after_a_row_that_came_twice() {
    let pages = [[1, 2], [2, 4]];
    let list = View::new("/api/v1/things/", [Method::GET], move |call| {
        let page = call.parameter("page").and_then(|page| page.parse().ok());
        let page: usize = page.unwrap_or(1);
        let rows: Vec<Value> = (pages[page - 1].iter())
            .map(|id| json!({"id": id, "name": format!("n{id}"), "kind": "a", "rank": 1}))
            .collect();
        let next = (page < 2).then_some("/api/v1/things/?page=2");
        Ok(Reply::ok(
            &json!({"count": 4, "next": next, "previous": null, "results": rows}),
        ))
    });
    let (server, client) = super::site::served(list).await;
    let found = client
        .objects::<Loose>()
        .get_or_create(Loose::F.name.eq("n3"), [])
        .await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Drift);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.method() == "GET")
    );
}
