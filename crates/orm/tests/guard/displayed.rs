//! Servers that filter by a value and show something else in its place: a rounded number, a time cut off, a name for a key.

use django_api_orm::{ErrorKind, Manager, QuerySet, prelude::*};
use django_api_orm_testserver::{Resource, Shape, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/goods/")]
struct Good {
    id: Option<i64>,
    price: f64,
    taken: String,
    owner: Value,
}

async fn start(field: &str, form: &Value) -> TestServer {
    let rows: Vec<Value> = (1..=30)
        .map(|id| {
            let price = f64::from(id) + 0.26;
            let taken = format!("2024-05-01T10:{id:02}:30.500000Z");
            json!({"id": id, "price": price, "taken": taken, "owner": id % 3 + 1})
        })
        .collect();
    let server = TestServer::builder().resource(Resource::from_json("goods", rows));
    let shape = Shape::from_json(json!({"shows": {field: form}})).unwrap();
    server.shape(shape).start().await.unwrap()
}

/// By a client that knows nothing of the endpoint.
fn goods(server: &TestServer) -> Manager<Good> {
    let client = ServiceClient::builder(server.base_url());
    let client = client.on_warning(|warning| panic!("{warning}"));
    client.build().unwrap().objects()
}

async fn ids(goods: QuerySet<Good>) -> django_api_orm::Result<Vec<i64>> {
    Ok(goods.await?.iter().filter_map(|good| good.id).collect())
}

/// A field, how it is shown, what filters by it, and what the server finds.
fn shown() -> Vec<(&'static str, Value, &'static str, Value, Vec<i64>)> {
    let names = json!({"1": "ann", "2": "bob", "3": "eve"});
    let cut = |letters: usize| json!({"shortened": letters});
    let of_bob: Vec<i64> = (1..=30).filter(|id| id % 3 == 1).collect();
    let of_others: Vec<i64> = (1..=30).filter(|id| id % 3 != 2).collect();
    vec![
        (
            "price",
            json!({"rounded": 1}),
            "price",
            json!(3.26),
            vec![3],
        ),
        (
            "price",
            json!({"rounded": 1}),
            "price__gte",
            json!(28.26),
            vec![28, 29, 30],
        ),
        (
            "price",
            json!({"rounded": 1}),
            "price__lte",
            json!(2.26),
            vec![1, 2],
        ),
        (
            "price",
            json!({"rounded": 0}),
            "price__gt",
            json!(28.26),
            vec![29, 30],
        ),
        (
            "taken",
            cut(19),
            "taken",
            json!("2024-05-01T10:04:30.5Z"),
            vec![4],
        ),
        (
            "taken",
            cut(19),
            "taken__gte",
            json!("2024-05-01T10:28:30.5Z"),
            vec![28, 29, 30],
        ),
        (
            "taken",
            cut(16),
            "taken__lt",
            json!("2024-05-01T10:03:30.5Z"),
            vec![1, 2],
        ),
        (
            "owner",
            json!({"label": names}),
            "owner",
            json!(2),
            of_bob.clone(),
        ),
        (
            "owner",
            json!({"value_and_label": names}),
            "owner",
            json!(2),
            of_bob,
        ),
        (
            "owner",
            json!({"label": names}),
            "owner__in",
            json!([1, 2]),
            of_others,
        ),
    ]
}

#[tokio::test]
async fn a_form_that_the_filter_does_not_take() {
    for (field, form, name, value, expected) in shown() {
        let server = start(field, &form).await;
        let context = format!("{form} {name} {value}");
        let filter = || Filter::<Good>::lookup(name, value.clone());
        let by_key = || Good::F.id.eq(expected[0]) & filter();
        let end = expected.len().min(3);
        // Each question first, by a client that knows nothing of the endpoint, and once more with what it has learnt.
        let clients: Vec<Manager<Good>> = (0..8).map(|_| goods(&server)).collect();
        for _ in 0..2 {
            let asked = |client: usize| clients[client].filter(filter());
            assert_eq!(ids(asked(0)).await.unwrap(), expected, "{context}");
            assert_eq!(
                asked(1).count().await.unwrap(),
                expected.len() as u64,
                "{context}"
            );
            assert!(asked(2).exists().await.unwrap(), "{context}");
            let first = asked(3).first().await.unwrap().and_then(|good| good.id);
            assert_eq!(first.as_ref(), expected.first(), "{context}");
            let last = asked(4).last().await.unwrap().and_then(|good| good.id);
            assert_eq!(last.as_ref(), expected.last(), "{context}");
            let slice = ids(asked(5).range(1..3)).await.unwrap();
            assert_eq!(slice, expected[1.min(end)..end], "{context}");
            let one = clients[6].get(by_key()).await.unwrap();
            assert_eq!(one.id, Some(expected[0]), "{context}");
            let new = [Good::F.price.set(1.0)];
            let (one, created) = clients[7].get_or_create(by_key(), new).await.unwrap();
            assert_eq!((one.id, created), (Some(expected[0]), false), "{context}");
        }
        for client in clients.iter().chain([&goods(&server)]) {
            match ids(client.exclude(filter())).await {
                Ok(others) => {
                    let rest = (1..=30).filter(|id| !expected.contains(id));
                    assert_eq!(others, rest.collect::<Vec<_>>(), "exclude {context}");
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unsupported, "{context}: {error}");
                }
            }
        }
        let requests = server.requests();
        assert!(
            requests.iter().all(|request| request.method() == "GET"),
            "{context}"
        );
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/goods/")]
struct Bought {
    id: Option<i64>,
    day: String,
}

/// The days of which a server filters and sorts by `2024-03-01` and shows `01.03.2024`.
async fn bought() -> TestServer {
    let days = (1..=12).map(|month| (format!("2024-{month:02}-03"), format!("03.{month:02}.2024")));
    let label: serde_json::Map<String, Value> =
        days.map(|(day, shown)| (day, shown.into())).collect();
    let mut rows: Vec<Value> = Vec::new();
    for (day, _) in &label {
        let id = rows.len() + 1;
        rows.push(json!({"id": id, "day": day}));
    }
    let server = TestServer::builder().resource(Resource::from_json("goods", rows));
    let shape = Shape::from_json(json!({"shows": {"day": {"label": label}}})).unwrap();
    server.shape(shape).start().await.unwrap()
}

/// Evaluated as a text it would be another day than every one.
#[tokio::test]
async fn a_day_as_people_write_it_is_evaluated_on_no_row() {
    let server = bought().await;
    let goods = || -> Manager<Bought> {
        let client = ServiceClient::builder(server.base_url());
        client.build().unwrap().objects()
    };
    let of_may = || Bought::F.day.eq("2024-05-03");
    let asked = goods().filter(of_may()).await.unwrap();
    assert_eq!(
        asked.iter().map(|good| good.id).collect::<Vec<_>>(),
        [Some(5)]
    );
    for error in [
        goods().exclude(of_may()).await.unwrap_err(),
        goods().exclude(of_may()).count().await.unwrap_err(),
        goods()
            .filter(of_may() | Bought::F.id.eq(1))
            .await
            .unwrap_err(),
        goods().exclude(of_may()).delete().await.unwrap_err().into(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    let methods: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.method().to_string())
        .collect();
    assert!(methods.iter().all(|method| method == "GET"), "{methods:?}");
}
