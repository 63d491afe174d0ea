//! Servers that take a parameter which they do not know for equality with a field: nothing comes, and that proves nothing.

use std::sync::Mutex;

use chrono::{DateTime, FixedOffset};
use django_api_orm::{ErrorKind, Manager, OnIgnored, QuerySet, WarningKind, prelude::*};
use django_api_orm_testserver::{Reply, Resource, Shape, TestServer, View};
use http::{Method, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::site::{listening, q, resource, served, site};

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/pages/")]
struct Page {
    id: Option<i64>,
    title: String,
    views: Option<i64>,
}

/// 12 pages with 10, 20, ... views, but for the first one.
async fn start(differences: Value) -> (TestServer, ServiceClient) {
    let rows: Vec<Value> = (1..=12)
        .map(|id| json!({"id": id, "title": format!("Page {id:02}"), "views": (id > 1).then_some(10 * id)}))
        .collect();
    let shape = Shape::from_json(differences).unwrap();
    let server = TestServer::builder()
        .resource(Resource::from_json("pages", rows))
        .shape(shape);
    let server = server.start().await.unwrap();
    let client = ServiceClient::new(server.base_url()).unwrap();
    (server, client)
}

/// Equality is all that it knows.
fn equality() -> Value {
    json!({"unknown": "equality", "filters": {"exact": "{field}"}, "ordering": null})
}

fn filter(pages: &Manager<Page>, name: &str, value: impl Into<Value>) -> QuerySet<Page> {
    pages.filter(Filter::lookup(name, value.into()))
}

/// A filter, its value, and how many pages satisfy it.
type Case = (&'static str, fn() -> Value, usize);

const CASES: [Case; 13] = [
    ("views__gte", || json!(40), 9),
    ("views__gt", || json!(40), 8),
    ("views__lt", || json!(40), 2),
    ("views__range", || json!([40, 60]), 3),
    ("views__in", || json!([40, 60]), 2),
    ("views__isnull", || json!(false), 11),
    ("views__isnull", || json!(true), 1),
    ("title__icontains", || json!("PAGE 1"), 3),
    ("title__startswith", || json!("Page 0"), 9),
    ("title__endswith", || json!("7"), 1),
    ("title__regex", || json!("[12]$"), 4),
    ("title__iexact", || json!("page 03"), 1),
    ("title__in", || json!(["Page 03"]), 1),
];

#[tokio::test]
async fn a_filter_that_the_server_never_had_is_evaluated_client_side() {
    for (name, value, expected) in CASES {
        let (_server, client) = start(equality()).await;
        let pages = client.objects::<Page>();
        let query = filter(&pages, name, value());
        assert_eq!(query.count().await.unwrap(), expected as u64, "{name}");
        assert_eq!(query.fetch().await.unwrap().len(), expected, "{name}");
        let (_server, client) = start(equality()).await;
        let pages = client.objects::<Page>();
        assert!(
            filter(&pages, name, value()).exists().await.unwrap(),
            "{name}"
        );
        let (_server, client) = start(equality()).await;
        let strict = filter(&client.objects(), name, value()).on_ignored(OnIgnored::Error);
        for _ in 0..2 {
            let error = strict.fetch().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Ignored, "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        let trusting = strict.on_ignored(OnIgnored::Trust);
        assert_eq!(trusting.count().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn that_is_found_out_once() {
    let (server, _) = start(equality()).await;
    let (client, warnings) = listening(&server);
    let pages = client.objects::<Page>();
    // The query, the least number with a size and without, some rows; and everything.
    for requests in [5, 1] {
        let before = client.stats().requests;
        assert_eq!(
            filter(&pages, "views__gte", 40)
                .fetch()
                .await
                .unwrap()
                .len(),
            9
        );
        assert_eq!(client.stats().requests - before, requests);
    }
    assert_eq!(
        *warnings.lock().unwrap(),
        [(WarningKind::FilterIgnored, "views__gte".to_owned())]
    );
}

#[tokio::test]
async fn an_empty_answer_of_a_server_that_knows_the_filter_is_believed() {
    let (_server, client) = start(json!({"unknown": "equality"})).await;
    let pages = client.objects::<Page>();
    for (name, value, _) in CASES {
        let none = match name {
            "views__lt" => json!(-5),
            "views__range" => json!([-5, -4]),
            "views__in" => json!([5]),
            "views__isnull" => continue,
            "title__in" => json!(["x"]),
            _ if name.starts_with("views") => json!(500),
            _ => value(),
        };
        let none = match none.as_str() {
            Some(_) => json!("nobody"),
            None => none,
        };
        let query = filter(&pages, name, none).on_ignored(OnIgnored::Error);
        assert_eq!(query.fetch().await.unwrap().len(), 0, "{name}");
        let before = client.stats().requests;
        assert_eq!(query.count().await.unwrap(), 0, "{name}");
        assert_eq!(
            client.stats().requests - before,
            1,
            "{name}: it is known now"
        );
    }
}

#[tokio::test]
async fn an_order_that_leaves_no_row_is_made_client_side() {
    let (_server, client) = start(equality()).await;
    let pages = client.objects::<Page>();
    let first = pages.order_by(["-views"]).first().await.unwrap().unwrap();
    assert_eq!(first.id, Some(12));
    let all = pages.order_by(["-id"]).fetch().await.unwrap();
    assert_eq!(all.first().unwrap().id, Some(12));
    let both = filter(&pages, "views__gte", 40).order_by(["-views"]);
    assert_eq!(both.fetch().await.unwrap().len(), 9);
}

/// Django REST Framework ignores what it does not know.
#[tokio::test]
async fn an_empty_answer_of_drf_is_believed() {
    let site = site(resource()).await;
    let things = site.things();
    for (name, value, is_first) in [
        ("rank__gt", json!(99), true),
        ("rank__gte", json!(99), false),
        ("name__icontains", json!("nobody"), false),
    ] {
        let none = things.filter(q(name, value)).order_by(["rank"]);
        let told = none.explain().unwrap();
        let (rows, requests) = site.cost(none.fetch()).await;
        assert_eq!((rows.unwrap().len(), requests), (0, 1), "{name}");
        let doubts = told.to_string().contains("if nothing comes");
        assert_eq!(doubts, is_first, "{told}");
    }
    // Nor is a size doubted to which no row has come.
    let site = self::site(resource()).await;
    let (found, requests) = site
        .cost(site.things().filter(q("name", "nobody")).exists())
        .await;
    assert_eq!((found.unwrap(), requests), (false, 1));
}

#[tokio::test]
async fn a_probe_shows_that_an_empty_answer_of_another_server_can_be_believed() {
    let (_server, client) = start(json!({"unknown": 400})).await;
    let pages = client.objects::<Page>();
    for (name, value, expected) in [
        // The least number finds rows; or there are some rows, and the filter finds one by its own title.
        ("views__gt", json!(999), 2),
        ("views__gte", json!(999), 2),
        ("title__icontains", json!("nobody"), 3),
    ] {
        for expected in [expected, 1] {
            let before = client.stats().requests;
            let rows = filter(&pages, name, value.clone()).fetch().await.unwrap();
            let requests = client.stats().requests - before;
            assert_eq!((rows.len(), requests), (0, expected), "{name}");
        }
    }
    // Nor is a name like DRF's for what an answer holds a sign that a size is not taken for a filter.
    let sizes = json!({"unknown": "equality", "pages": "whole"});
    let (_server, client) = start(sizes).await;
    let pages = client.objects::<Page>();
    assert!(pages.exists().await.unwrap());
    assert_eq!(pages.count().await.unwrap(), 12);
}

#[tokio::test]
async fn no_row_is_created_because_a_size_was_taken_for_a_filter() {
    for envelope in [json!({"pages": "whole"}), json!({"pages": "page_number"})] {
        let mut sizes = envelope.clone();
        sizes["unknown"] = json!("equality");
        let (server, client) = start(sizes).await;
        let pages = client.objects::<Page>();
        let by_title = || Filter::<Page>::lookup("title", "Page 03");
        let found = pages.get_or_create(by_title(), []).await.unwrap();
        assert_eq!((found.0.id, found.1), (Some(3), false), "{envelope}");
        let updated = pages.update_or_create(by_title(), [Page::F.views.set(7)]);
        assert_eq!(updated.await.unwrap().0.id, Some(3), "{envelope}");
        let posts = server.requests();
        assert!(posts.iter().all(|request| request.method() != "POST"));
    }
}

#[tokio::test]
async fn no_row_is_created_where_the_server_counts_one_and_sends_none() {
    let (server, client) = start(json!({})).await;
    let pages = client.objects::<Page>();
    let none = json!({"count": 1, "next": null, "previous": null, "results": []}).to_string();
    let by_title = || Filter::<Page>::lookup("title", "new");
    let json = [("content-type", "application/json")];
    for upserts in [false, true] {
        server.fail_next(StatusCode::OK, &json, none.clone());
        let created = match upserts {
            true => pages.update_or_create(by_title(), []).await,
            false => pages.get_or_create(by_title(), []).await,
        };
        let error = created.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("counts 1 rows"), "{error}");
    }
    let asked = server.requests();
    assert!(asked.iter().all(|request| request.method() == "GET"));
    let values = [Page::F.views.set(Some(1))];
    let (_, created) = pages.get_or_create(by_title(), values).await.unwrap();
    assert!(created);
}

#[tokio::test]
async fn rows_that_have_come_show_that_their_filter_is_known() {
    // Rows have come.
    let site = self::site(resource()).await;
    assert_eq!(
        site.things()
            .filter(q("rank__gt", 5))
            .fetch()
            .await
            .unwrap()
            .len(),
        132
    );
    let (count, requests) = site
        .cost(site.things().filter(q("rank__gt", 99)).fetch())
        .await;
    assert_eq!((count.unwrap().len(), requests), (0, 1));
    // A bare name is a field's.
    let site = self::site(resource()).await;
    let (count, requests) = site
        .cost(site.things().filter(q("name", "nobody")).fetch())
        .await;
    assert_eq!((count.unwrap().len(), requests), (0, 1));
}

#[tokio::test]
async fn a_server_without_rows_shows_nothing() {
    let site = site(super::site::with_rows(&json!([]))).await;
    let none = site.things().filter(q("rank__gt", 5)).fetch().await;
    assert_eq!(none.unwrap().len(), 0);
}

#[tokio::test]
async fn nothing_is_created_twice_on_the_word_of_an_empty_answer() {
    let (server, client) = start(equality()).await;
    let pages = client.objects::<Page>();
    let by = Page::F.title.iexact("PAGE 03");
    let (found, created) = pages
        .get_or_create(
            by,
            [Page::F.title.set("Page 03"), Page::F.views.set(Some(1))],
        )
        .await
        .unwrap();
    assert_eq!((found.id, created), (Some(3), false));
    let written = server.requests();
    assert!(written.iter().all(|request| request.method() == "GET"));
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/offers/")]
struct Offer {
    id: Option<i64>,
    price: Decimal,
    at: DateTime<FixedOffset>,
    seller: Seller,
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(nested)]
struct Seller {
    name: String,
    phone: i64,
}

/// What offers are asked for by.
const SENT: [&str; 7] = [
    "id",
    "price",
    "at",
    "seller__name",
    "seller__phone",
    "tags",
    "limit",
];

/// A server that compares the texts of its rows, and is asked for fields at their top level alone.
async fn of_spellings() -> (TestServer, ServiceClient) {
    let rows = Mutex::new(vec![
        json!({
            "id": 1, "price": "12.50", "at": "2024-08-10T06:32:28+02:00", "seller": {"name": "Bob", "phone": 1},
        }),
        json!({
            "id": 2, "price": "7.00", "at": "2024-08-10T06:00:00+02:00", "seller": {"name": "Ann", "phone": 2},
        }),
    ]);
    let view = View::new(
        "/api/v1/offers/",
        [Method::GET, Method::POST],
        move |call| {
            let mut rows = rows.lock().unwrap();
            if call.method() == Method::POST {
                rows.push(json!({"id": 3}));
                return Ok(Reply::json(StatusCode::CREATED, &json!({"id": 3})));
            }
            let is_asked_for = |row: &&Value| {
                SENT.iter().all(|name| {
                    let shown = row.get(name).unwrap_or(&Value::Null);
                    let spelt = shown
                        .as_str()
                        .map_or_else(|| shown.to_string(), str::to_owned);
                    call.parameter(name).is_none_or(|text| text == spelt)
                })
            };
            let found: Vec<&Value> = rows.iter().filter(is_asked_for).collect();
            Ok(Reply::ok(&json!(found)))
        },
    );
    served(view).await
}

#[tokio::test]
async fn equality_may_be_that_of_spellings() {
    let at = || DateTime::parse_from_rfc3339("2024-08-10T04:32:28Z").unwrap();
    let seven = || Decimal::from(7);
    let cases: [(Filter<Offer>, i64); 3] = [
        (Offer::F.price.eq(seven()), 2),
        (Offer::F.at.eq(at()), 1),
        (Offer::F.seller.to(Seller::F.phone).eq(2), 2),
    ];
    for (filter, id) in cases {
        let (server, client) = of_spellings().await;
        let offers = client.objects::<Offer>();
        let query = offers.filter(filter.clone());
        let found = query.fetch().await.unwrap();
        assert_eq!(
            found.iter().map(|row| row.id).collect::<Vec<_>>(),
            [Some(id)]
        );
        assert!(query.exists().await.unwrap());
        // A row that is there is not created.
        let created = offers
            .get_or_create(filter, [Offer::F.price.set(seven())])
            .await;
        assert!(created.is_ok_and(|(row, created)| row.id == Some(id) && !created));
        let asked = server.requests();
        assert!(asked.iter().all(|request| request.method() == Method::GET));
    }
    // A name may be a label, of which the filter has another form.
    let (_server, client) = of_spellings().await;
    let ann = Offer::F.seller.to(Seller::F.name).eq("Ann");
    let error = client.objects().filter(ann).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

/// A server that ignores what it does not know, but for what it takes for a suffix of a field's name, or for an ordering by a field.
async fn by_suffix() -> (TestServer, ServiceClient) {
    let view = View::new("/api/v1/pages/", [Method::GET], |call| {
        let is_misread = ["views__gte", "ordering"]
            .iter()
            .any(|name| call.parameter(name).is_some());
        let there = if is_misread { 0 } else { 12 };
        let rows: Vec<Value> = (1..=there)
            .map(|id| json!({"id": id, "title": format!("Page {id:02}"), "views": 10 * id}))
            .collect();
        Ok(Reply::ok(&json!(rows)))
    });
    served(view).await
}

#[tokio::test]
async fn what_becomes_of_one_name_is_no_proof_for_another() {
    for strict in [false, true] {
        let (_server, client) = by_suffix().await;
        let pages = client.objects::<Page>();
        let many = filter(&pages, "views__gte", 60);
        if strict {
            let error = many.on_ignored(OnIgnored::Error).count().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Ignored, "{error}");
            continue;
        }
        assert_eq!(many.count().await.unwrap(), 7);
        assert_eq!(many.fetch().await.unwrap().len(), 7);
        let (_server, client) = by_suffix().await;
        let pages = client.objects::<Page>();
        let first = pages.order_by(["-views", "id"]).first().await.unwrap();
        assert_eq!(first.unwrap().id, Some(12));
        assert_eq!(
            pages
                .order_by(["-views"])
                .range(..5)
                .fetch()
                .await
                .unwrap()
                .len(),
            5
        );
    }
}
