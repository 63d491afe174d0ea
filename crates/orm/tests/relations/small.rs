//! Related rows of a small table: all of them are read where that takes fewer requests than asking for them by their keys.

use django_api_orm::{Error, prelude::*};
use django_api_orm_testserver::{Field, Reply, Resource, TestServer, View};
use http::Method;
use serde_json::{Value, json};

const ROWS: u64 = 250;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/cities/", pagination = "none")]
struct City {
    id: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/cities/", pagination = "none", small_table)]
struct SmallCity {
    id: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/people/", pagination = "none")]
struct Person {
    id: Option<i64>,
    #[api(relation)]
    city: Key<City>,
    #[api(relation)]
    born_in: Key<SmallCity>,
}

async fn client() -> (TestServer, ServiceClient) {
    let cities: Vec<Value> = (1..=ROWS).map(|id| json!({"id": id})).collect();
    let people: Vec<Value> = (1..=ROWS)
        .map(|id| json!({"id": id, "city": id, "born_in": id % 3 + 1}))
        .collect();
    let cities = Resource::new("cities")
        .field(Field::integer("id").primary_key())
        .rows(cities);
    let people = Resource::new("people")
        .fields([
            Field::integer("id").primary_key(),
            Field::integer("city"),
            Field::integer("born_in"),
        ])
        .rows(people);
    let server = TestServer::builder()
        .resource(cities.filter_on_everything())
        .resource(people.filter_on_everything());
    let server = server.start().await.unwrap();
    let client = ServiceClient::new(server.base_url()).unwrap();
    (server, client)
}

#[tokio::test]
async fn it_is_read_whole_where_that_is_known_to_take_fewer_requests() -> Result<(), Error> {
    let (_server, client) = client().await;
    let query = client
        .objects::<Person>()
        .all()
        .prefetch_related(Person::F.city);
    let by_keys = query.explain()?;
    assert_eq!(by_keys.requests_with(ROWS, &[("city", ROWS)]), Some(1 + 3));
    query.clone().await?;
    assert_eq!(client.stats().requests, 1 + 3);

    client.objects::<City>().all().await?;
    let before = client.stats().requests;
    let whole = query.explain()?;
    assert!(
        whole.related()[0]
            .how()
            .ends_with("or the whole table, with 1 requests, where that is fewer")
    );
    assert_eq!(whole.requests_with(ROWS, &[("city", ROWS)]), Some(1 + 1));
    assert_eq!(whole.requests_with(ROWS, &[("city", 7)]), Some(1 + 1));
    let people = query.await?;
    assert_eq!(client.stats().requests - before, 1 + 1);
    for person in &people {
        assert_eq!(person.city().await?.id, person.id);
    }
    assert_eq!(client.stats().requests - before, 1 + 1);
    Ok(())
}

#[tokio::test]
async fn it_is_read_whole_where_it_is_declared_to_be_small() -> Result<(), Error> {
    let (server, client) = client().await;
    let query = client
        .objects::<Person>()
        .all()
        .prefetch_related(Person::F.born_in);
    assert_eq!(
        query.explain()?.requests_with(ROWS, &[("born_in", 3)]),
        None
    );
    query.clone().await?;
    let last = server.requests().pop().unwrap();
    assert_eq!((last.path(), last.query()), ("/api/v1/cities/", ""));
    assert_eq!(
        query.explain()?.requests_with(ROWS, &[("born_in", 3)]),
        Some(1 + 1)
    );
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/travellers/", pagination = "none")]
struct Traveller {
    id: Option<i64>,
    #[api(relation)]
    seen: Vec<Key<SmallCity>>,
}

/// A row that moves from one page to another while they are read may be on neither.
#[tokio::test]
async fn what_it_did_not_show_is_asked_for_by_its_key() -> Result<(), Error> {
    let list = |path: &str, rows: Value| {
        View::new(path, [Method::GET], move |_| Ok(Reply::ok(&rows))).public()
    };
    let server = TestServer::builder()
        .view(list(
            "/api/v1/travellers/",
            json!([{"id": 1, "seen": [3, 2, 1, 4]}]),
        ))
        .view(list(
            "/api/v1/cities/",
            json!([{"id": 1}, {"id": 3}, {"id": 4}]),
        ))
        .view(list("/api/v1/cities/2/", json!({"id": 2})));
    let server = server.start().await.unwrap();
    let client = ServiceClient::new(server.base_url()).unwrap();
    let all = client.objects::<Traveller>().all();
    let found = all.prefetch_related(Traveller::F.seen).await?;
    let paths: Vec<String> = (server.requests().iter())
        .map(|request| request.path().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "/api/v1/travellers/",
            "/api/v1/cities/",
            "/api/v1/cities/2/"
        ]
    );
    let seen = found[0].seen().await?;
    let ids: Vec<_> = seen.iter().filter_map(|city| city.id).collect();
    assert_eq!(ids, [3, 2, 1, 4]);
    Ok(())
}
