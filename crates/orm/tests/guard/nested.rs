//! Servers that show a field of a related row in another form than they filter and sort by.

use django_api_orm::{ErrorKind, Filter, QuerySet, prelude::*};
use django_api_orm_testserver::{Form, Paginator, Quirk, Resource, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/books/")]
struct Book {
    id: Option<i64>,
    author: Value,
}

const CITIES: [&str; 4] = ["Rome", "Romblon", "Oslo", "Osaka"];

fn city(id: usize) -> &'static str {
    CITIES[id % 4]
}

/// Thirty books, in pages of ten.
async fn start(quirks: impl IntoIterator<Item = Quirk>) -> TestServer {
    let rows: Vec<Value> = (1..=30)
        .map(|id| json!({"id": id, "author": {"city": city(id)}}))
        .collect();
    let books = Resource::from_json("books", rows)
        .ordering(["id", "author__city"])
        .paginator(Paginator::limit_offset().default_limit(10));
    let books = quirks.into_iter().fold(books, Resource::quirk);
    let server = TestServer::builder().resource(books);
    server.start().await.unwrap()
}

fn books(server: &TestServer) -> QuerySet<Book> {
    let client = ServiceClient::builder(server.base_url());
    client.build().unwrap().objects::<Book>().all()
}

async fn ids(books: QuerySet<Book>) -> django_api_orm::Result<Vec<usize>> {
    let books = books.await?;
    let ids = books.iter().filter_map(|book| book.id);
    Ok(ids.filter_map(|id| usize::try_from(id).ok()).collect())
}

fn where_(holds: impl Fn(&str) -> bool) -> Vec<usize> {
    (1..=30).filter(|id| holds(city(*id))).collect()
}

fn sorted() -> Vec<usize> {
    let mut ids = where_(|_| true);
    ids.sort_by_key(|id| (city(*id), *id));
    ids
}

/// The first letters, and labels.
fn forms() -> [Quirk; 2] {
    let labels = CITIES.map(|city| (city.to_owned(), format!("The city of {city}")));
    let path = "author__city".to_owned();
    [
        Quirk::Show(path.clone(), Form::Shortened(2)),
        Quirk::Show(path, Form::Label(labels.into())),
    ]
}

/// What cannot be asked in one query string.
fn either(lookup: &str, value: &str) -> Filter<Book> {
    Filter::lookup("id", 0) | Filter::lookup(lookup, value)
}

#[tokio::test]
async fn nothing_is_evaluated_on_a_field_of_a_related_row_that_is_shown_in_another_form() {
    for quirk in forms() {
        let server = start([quirk.clone()]).await;
        for (lookup, value) in [
            ("author__city", "Oslo"),
            ("author__city__icontains", "o"),
            ("author__city__startswith", "Rom"),
        ] {
            let context = format!("{quirk:?} {lookup}");
            let found = ids(books(&server).filter(either(lookup, value))).await;
            assert_eq!(
                found.unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{context}"
            );
            let others = ids(books(&server).exclude(Filter::lookup(lookup, value))).await;
            assert_eq!(
                others.unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{context}"
            );
        }
        let pushed = books(&server).filter(Filter::lookup("author__city", "Oslo"));
        assert_eq!(ids(pushed).await.unwrap(), where_(|city| city == "Oslo"));
    }
}

#[tokio::test]
async fn what_a_related_row_shows_as_it_is_filtered_by_is_evaluated() {
    let server = start([]).await;
    let books = books(&server);
    let (found, requests) = cost(&server, &books, either("author__city__icontains", "ROM")).await;
    assert_eq!(
        (found, requests),
        (where_(|city| city.starts_with("Rom")), 4)
    );
    let (found, requests) = cost(&server, &books, either("author__city", "Oslo")).await;
    assert_eq!(
        (found, requests),
        (where_(|city| city == "Oslo"), 3),
        "asked once"
    );
}

async fn cost(
    server: &TestServer,
    books: &QuerySet<Book>,
    filter: Filter<Book>,
) -> (Vec<usize>, usize) {
    let before = server.requests().len();
    let found = ids(books.clone().filter(filter)).await.unwrap();
    (found, server.requests().len() - before)
}

#[tokio::test]
async fn an_order_by_what_related_rows_show_in_another_form_is_the_servers() {
    for quirk in forms() {
        let server = start([quirk.clone()]).await;
        let by_city = || books(&server).order_by(["author__city", "id"]);
        for wanted in [by_city(), by_city().range(..25)] {
            let found = ids(wanted).await.unwrap();
            assert_eq!(found, sorted()[..found.len()], "{quirk:?}");
        }
    }
}

#[tokio::test]
async fn an_ignored_order_by_a_field_of_related_rows_is_made_here() {
    let deaf = || Quirk::ignore_parameters(["ordering"]);
    let server = start([deaf()]).await;
    let by_city = books(&server).order_by(["author__city", "id"]);
    assert_eq!(ids(by_city).await.unwrap(), sorted());
}

/// The server has no filter by parts, and all labels have this one.
#[tokio::test]
async fn a_part_of_labels_that_come_twice_is_asked_for_by_what_no_row_has() {
    let labels = CITIES.map(|city| (city.to_owned(), format!("The city of {city}")));
    let shows = Quirk::Show("author__city".to_owned(), Form::Label(labels.into()));
    let lookup = "author__city__icontains";
    let server = start([shows, Quirk::ignore_parameters([lookup])]).await;
    let part = Filter::lookup(lookup, "city of");
    let error = books(&server).filter(part).fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}
