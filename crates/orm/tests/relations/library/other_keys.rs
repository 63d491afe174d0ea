//! Rows that are keyed by a UUID or by a slug, and that point at each other by these, on Django. The site is another one: some are
//! written.

use std::sync::LazyLock;

use django_api_orm::{prelude::*, related::Prefetch};
use serde_json::json;
use uuid::Uuid;

use super::client;
use crate::drf::Drf;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/library/publishers/",
    related(editions = Edition::publisher)
)]
struct Publisher {
    id: Option<Uuid>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/library/shelves/",
    related(standing = Edition::shelf, editions = Edition::shelves)
)]
struct Shelf {
    #[api(primary_key)]
    slug: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/library/editions/")]
struct Edition {
    id: Option<Uuid>,
    title: String,
    #[api(relation)]
    publisher: Option<Key<Publisher>>,
    #[api(relation)]
    shelf: Key<Shelf>,
    #[api(relation)]
    shelves: Vec<Key<Shelf>>,
}

const EDITIONS: std::ops::RangeInclusive<u64> = 1..=45;

fn publisher_key(number: u64) -> Uuid {
    format!("00000000-0000-4000-8000-{number:012}")
        .parse()
        .unwrap()
}

fn edition_key(number: u64) -> Uuid {
    format!("00000000-0000-4000-9000-{number:012}")
        .parse()
        .unwrap()
}

fn number(key: Option<Uuid>) -> u64 {
    let text = key.unwrap().to_string();
    text[text.len() - 12..].parse().unwrap()
}

fn publisher_of(edition: u64) -> Option<u64> {
    (!edition.is_multiple_of(4)).then_some(edition % 5 + 1)
}

fn shelf_of(edition: u64) -> String {
    format!("shelf-{}", edition % 2 + 1)
}

fn shelves_of(edition: u64) -> Vec<String> {
    (1..=3)
        .filter(|shelf| edition >> (shelf - 1) & 1 == 1)
        .map(|shelf| format!("shelf-{shelf}"))
        .collect()
}

/// A client of a site whose rows are written.
fn writing() -> ServiceClient {
    static SITE: LazyLock<Drf> = LazyLock::new(|| Drf::start().unwrap());
    let client = ServiceClient::builder(SITE.base_url()).auth_token("test-token");
    client.on_warning(|_| {}).build().unwrap()
}

macro_rules! slugs {
    ($shelves:expr) => {
        ($shelves.iter())
            .map(|shelf| shelf.slug.clone())
            .collect::<Vec<String>>()
    };
}

#[tokio::test]
async fn rows_lead_to_each_other() {
    let client = client();
    let editions = client.objects::<Edition>();
    let edition = editions
        .get(Edition::F.id.eq(edition_key(7)))
        .await
        .unwrap();
    assert_eq!(edition.publisher, Some(Key::new(publisher_key(3))));
    let publisher = edition.publisher().await.unwrap().unwrap();
    assert_eq!(publisher.name, "Publisher 3");
    assert_eq!(edition.shelf().await.unwrap().name, "Shelf 2");
    assert_eq!(slugs!(edition.shelves().await.unwrap()), shelves_of(7));
    let own: Vec<u64> = EDITIONS.filter(|n| publisher_of(*n) == Some(3)).collect();
    let found = publisher
        .editions()
        .order_by([Edition::F.id.asc()])
        .await
        .unwrap();
    let found: Vec<u64> = found.iter().map(|edition| number(edition.id)).collect();
    assert_eq!(found, own);
    let shelves = client.objects::<Shelf>();
    let shelf = shelves.get(Shelf::F.slug.eq("shelf-1")).await.unwrap();
    let standing = EDITIONS.filter(|n| shelf_of(*n) == "shelf-1").count();
    assert_eq!(shelf.standing().count().await.unwrap(), standing as u64);
    let editions = EDITIONS.filter(|n| shelves_of(*n).contains(&shelf.slug));
    assert_eq!(
        shelf.editions().count().await.unwrap(),
        editions.count() as u64
    );
}

#[tokio::test]
async fn related_rows_are_read_together() {
    let client = client();
    let editions = client.objects::<Edition>().order_by([Edition::F.id.asc()]);
    let cost = || client.stats().requests;
    editions.fetch().await.unwrap();
    let pages = cost();
    let query = (editions.prefetch_related(Edition::F.publisher))
        .prefetch_related(Edition::F.shelf)
        .prefetch_related(Edition::F.shelves);
    let found = query.await.unwrap();
    assert_eq!(cost() - pages, pages + 3);
    let before = cost();
    for edition in &found {
        let n = number(edition.id);
        let publisher = edition.publisher().await.unwrap();
        let name = publisher.map(|publisher| publisher.name.clone());
        assert_eq!(name, publisher_of(n).map(|n| format!("Publisher {n}")));
        assert_eq!(edition.shelf().await.unwrap().slug, shelf_of(n));
        assert_eq!(slugs!(edition.shelves().await.unwrap()), shelves_of(n));
    }
    assert_eq!(cost(), before);
    let publishers = client.objects::<Publisher>().all();
    let publishers = publishers.prefetch_related(Prefetch::back(Edition::F.publisher));
    let found = publishers.await.unwrap();
    let before = cost();
    for publisher in &found {
        let of = Some(number(publisher.id));
        let rows = publisher.editions().rows().await.unwrap();
        let expected = EDITIONS.filter(|n| publisher_of(*n) == of);
        assert_eq!(rows.len(), expected.count());
    }
    assert_eq!(cost(), before);
}

#[tokio::test]
async fn filters_cross_them() {
    type Case = (&'static str, Filter<Edition>, fn(u64) -> bool);
    let client = client();
    let publishers = client.objects::<Publisher>();
    let third = publishers.get(Publisher::F.name.eq("Publisher 3"));
    let third = third.await.unwrap();
    let publisher = || Edition::F.publisher.to(Publisher::F.name);
    let shelf = || Edition::F.shelf.to(Shelf::F.name);
    let shelves = || Edition::F.shelves.to(Shelf::F.name);
    let is_third = |n| publisher_of(n) == Some(3);
    let cases: [Case; 9] = [
        ("row", Edition::F.publisher.eq(&third), is_third),
        (
            "key",
            Filter::lookup("publisher", publisher_key(3).to_string()),
            is_third,
        ),
        ("name", publisher().eq("Publisher 3"), is_third),
        ("not", !publisher().eq("Publisher 3"), |n| {
            publisher_of(n) != Some(3)
        }),
        ("null", publisher().isnull(true), |n| {
            publisher_of(n).is_none()
        }),
        ("slug", shelf().eq("Shelf 2"), |n| n % 2 == 1),
        ("not slug", !shelf().eq("Shelf 2"), |n| n % 2 == 0),
        ("list", shelves().eq("Shelf 3"), |n| n >> 2 & 1 == 1),
        ("not in the list", !shelves().eq("Shelf 3"), |n| {
            n >> 2 & 1 == 0
        }),
    ];
    let editions = client.objects::<Edition>();
    for (name, filter, holds) in cases {
        let rows = editions.filter(filter).order_by([Edition::F.id.asc()]);
        let rows = rows.await.expect(name);
        let found: Vec<u64> = rows.iter().map(|edition| number(edition.id)).collect();
        let expected: Vec<u64> = EDITIONS.filter(|n| holds(*n)).collect();
        assert_eq!(found, expected, "{name}");
    }
    let found = publishers.filter(Publisher::F.editions.to(Edition::F.title).eq("Edition 7"));
    let names: Vec<String> = found.values_list(Publisher::F.name).await.unwrap();
    assert_eq!(names, ["Publisher 3"]);
    let found = client
        .objects::<Shelf>()
        .filter(Shelf::F.standing.to(Edition::F.title).eq("Edition 7"));
    assert_eq!(slugs!(found.await.unwrap()), ["shelf-2"]);
}

#[tokio::test]
async fn keys_are_written() {
    let client = writing();
    let editions = client.objects::<Edition>();
    let read = || editions.get(Edition::F.id.eq(edition_key(7)));
    let mut edition = read().await.unwrap();
    let publishers = client.objects::<Publisher>();
    let fifth = publishers.get(Publisher::F.name.eq("Publisher 5"));
    let fifth = fifth.await.unwrap();
    edition.publisher = Some(Key::of(&fifth).unwrap());
    edition.shelf = Key::new("shelf-3".to_owned());
    edition.save().await.unwrap();
    let again = read().await.unwrap();
    assert_eq!(again.publisher, Some(Key::new(publisher_key(5))));
    assert_eq!(again.shelf().await.unwrap().name, "Shelf 3");

    let third = client
        .objects::<Shelf>()
        .get(Shelf::F.slug.eq("shelf-3"))
        .await
        .unwrap();
    edition.shelves_mut().remove([&third]).await.unwrap();
    assert_eq!(
        slugs!(edition.shelves().await.unwrap()),
        ["shelf-1", "shelf-2"]
    );
    edition.shelves_mut().add([&third]).await.unwrap();
    let before = client.stats().requests;
    edition.shelves_mut().add([&third]).await.unwrap();
    assert_eq!(client.stats().requests - before, 1, "it is in the list");
    assert_eq!(read().await.unwrap().shelves.len(), 3);
    edition.shelves_mut().set([&third]).await.unwrap();
    assert_eq!(slugs!(edition.shelves().await.unwrap()), ["shelf-3"]);
    edition.shelves_mut().clear().await.unwrap();
    assert!(read().await.unwrap().shelves.is_empty());

    let new = json!({"title": "New", "shelf": "shelf-1", "shelves": ["shelf-2"]});
    let new = fifth.editions().create(&new).await.unwrap();
    assert_eq!(new.publisher, Some(Key::of(&fifth).unwrap()));
    assert_eq!(slugs!(new.shelves().await.unwrap()), ["shelf-2"]);
}
