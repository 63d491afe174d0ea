//! Lists that show fewer fields of a row than its own URL: a copy has every field.

use django_api_orm::prelude::*;
use django_api_orm_testserver::{Reply, TestServer, View};
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/people/")]
struct Person {
    id: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/pets/")]
struct Pet {
    id: Option<i64>,
    name: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    rank: i64,
    #[serde(default)]
    #[api(relation)]
    owner: Option<Key<Person>>,
}

/// One pet, whose list shows its name.
async fn start() -> TestServer {
    let row =
        || json!({"id": 1, "name": "Rex", "note": "kept", "rank": 5, "owner": {"id": 3, "x": 1}});
    let list = View::new("/api/v1/pets/", [Method::GET, Method::POST], move |call| {
        if call.method() == Method::POST {
            let mut row = call.data()?;
            row["id"] = json!(2);
            return Ok(Reply::json(StatusCode::CREATED, &row));
        }
        let shown = json!([{"id": 1, "name": "Rex"}]);
        Ok(Reply::ok(
            &json!({"count": 1, "next": null, "previous": null, "results": shown}),
        ))
    });
    let detail = View::new("/api/v1/pets/1/", [Method::GET], move |_| {
        Ok(Reply::ok(&row()))
    });
    let server = TestServer::builder()
        .view(list.public())
        .view(detail.public());
    server.start().await.unwrap()
}

#[tokio::test]
async fn a_copy_has_the_fields_that_the_list_has_left_out() {
    let server = start().await;
    let pets = ServiceClient::new(server.base_url())
        .unwrap()
        .objects::<Pet>();
    for (is_whole, requests) in [(false, 2), (true, 1)] {
        let mut pet = match is_whole {
            true => pets.get(Pet::F.id.eq(1)).await.unwrap(),
            false => pets.all().first().await.unwrap().unwrap(),
        };
        let before = server.requests().len();
        pet.id = None;
        pet.rank = 7;
        pet.save().await.unwrap();
        let sent = server.requests().split_off(before);
        assert_eq!(sent.len(), requests);
        let body: Value = serde_json::from_slice(sent[requests - 1].body()).unwrap();
        assert_eq!(
            body,
            json!({"name": "Rex", "note": "kept", "rank": 7, "owner": 3})
        );
        assert_eq!(pet.id, Some(2));
    }
}
