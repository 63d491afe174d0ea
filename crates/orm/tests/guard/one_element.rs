//! Several conditions of one filter on a relation to several rows: Django asks for one that satisfies them all.

use django_api_orm::{ErrorKind, Filter, Manager, QuerySet, ServiceClient, prelude::*};
use django_api_orm_testserver::{Reply, TestServer, View};
use http::Method;
use serde_json::{Value, json};

use super::site::served;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
struct Post {
    id: Option<i64>,
    n: i64,
    #[serde(default)]
    tags: Vec<Value>,
}

fn q(lookup: &str, value: impl Into<Value>) -> Filter<Post> {
    Filter::lookup(lookup, value)
}

/// Tags by number.
const NAMES: [&str; 3] = ["red", "blue", "green"];
const TAGS: [&[usize]; 5] = [&[1, 2], &[1], &[2], &[], &[2, 1, 3]];

/// A server that looks for each of its filters by itself, as django-filter does.
async fn site(filters: &'static [&'static str], shows_rows: bool) -> (TestServer, ServiceClient) {
    let list = View::new("/api/v1/posts/", [Method::GET], move |call| {
        let asked = |name: &str| call.parameter(name).filter(|_| filters.contains(&name));
        let name_of = |tag: &usize| NAMES[tag - 1];
        let found: Vec<Value> = (1_usize..)
            .zip(TAGS)
            .filter(|(_, tags)| {
                asked("tags").is_none_or(|tag| tags.iter().any(|own| own.to_string() == tag))
            })
            .filter(|(_, tags)| {
                asked("tags__name").is_none_or(|name| tags.iter().any(|own| name_of(own) == name))
            })
            .map(|(id, tags)| {
                let tags = tags.iter().map(|tag| match shows_rows {
                    true => json!({"id": tag, "name": name_of(tag)}),
                    false => json!(tag),
                });
                json!({"id": id, "n": id, "tags": tags.collect::<Vec<_>>()})
            })
            .collect();
        let number = |name: &str| call.parameter(name).and_then(|text| text.parse().ok());
        let (size, offset) = (number("limit").unwrap_or(50), number("offset").unwrap_or(0));
        let page: Vec<_> = found.iter().skip(offset).take(size).collect();
        let next = (offset + size < found.len()).then_some("/api/v1/posts/?offset=1");
        Ok(Reply::ok(
            &json!({"count": found.len(), "next": next, "previous": null, "results": page}),
        ))
    });
    served(list).await
}

async fn ids(posts: QuerySet<Post>) -> django_api_orm::Result<Vec<i64>> {
    Ok(posts.await?.iter().filter_map(|post| post.id).collect())
}

fn conditions() -> [(Filter<Post>, Vec<i64>); 5] {
    [
        (q("tags", 1) & q("tags", 2), vec![]),
        (q("tags", 1) & q("tags__in", json!([2, 3])), vec![]),
        (q("tags", 1) & q("tags__in", json!([1, 3])), vec![1, 2, 5]),
        (
            q("n__gt", 0) & (q("tags", 1) & (q("tags", 2) | q("n", 5))),
            vec![5],
        ),
        (q("tags", 1) & q("n", 2), vec![2]),
    ]
}

#[tokio::test]
async fn one_element_has_to_satisfy_what_one_filter_says() {
    for shows_rows in [false, true] {
        for filters in [&[][..], &["tags"], &["tags", "tags__name"]] {
            for (condition, expected) in conditions() {
                let context = format!("{condition:?} {filters:?} {shows_rows}");
                let (_server, client) = site(filters, shows_rows).await;
                let posts = || client.objects::<Post>().filter(condition.clone());
                assert_eq!(
                    posts().count().await.unwrap(),
                    expected.len() as u64,
                    "{context}"
                );
                for _ in 0..2 {
                    assert_eq!(ids(posts()).await.unwrap(), expected, "{context}");
                }
                let first = ids(posts().limit(1)).await.unwrap();
                assert_eq!(first.first(), expected.first(), "{context}");
            }
        }
    }
}

/// Each `filter()` asks for an element of its own.
#[tokio::test]
async fn filters_one_after_the_other_ask_for_any_element() {
    for filters in [&[][..], &["tags"]] {
        let (_server, client) = site(filters, false).await;
        let posts = client.objects::<Post>().filter(q("tags", 1));
        assert_eq!(ids(posts.filter(q("tags", 2))).await.unwrap(), [1, 5]);
    }
}

/// Rows that show the keys of the related rows alone do not tell which of them has the name.
#[tokio::test]
async fn what_no_row_shows_of_an_element_is_no_answer() {
    let named = || q("tags", 1) & q("tags__name", "blue");
    let (_server, client) = site(&["tags", "tags__name"], false).await;
    let posts: Manager<Post> = client.objects();
    for _ in 0..2 {
        let error = ids(posts.filter(named())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let error = posts.filter(named()).count().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        posts.filter(named()).delete().await.unwrap_err();
    }
    let (_server, client) = site(&["tags", "tags__name"], true).await;
    let posts: Manager<Post> = client.objects();
    assert!(ids(posts.filter(named())).await.unwrap().is_empty());
    let both = q("tags", 1) & q("tags__name", "red");
    assert_eq!(ids(posts.filter(both)).await.unwrap(), [1, 2, 5]);
}

/// A list in a JSON field is a value: `tags__0` is its first element, and `icontains` looks into the text of it all.
#[tokio::test]
async fn a_list_in_a_json_field_is_asked_as_a_whole() {
    let list = View::new("/api/v1/posts/", [Method::GET], |call| {
        let lists = [
            json!(["red", "blue"]),
            json!(["blue"]),
            json!(["dark red blue"]),
        ];
        let found: Vec<Value> = (1..)
            .zip(lists)
            .filter(|(_, tags)| {
                let has = |asked: &str| tags.to_string().contains(asked);
                call.parameter("tags__icontains").is_none_or(has)
                    && call
                        .parameter("tags__0")
                        .is_none_or(|asked| tags[0] == asked)
                    && call
                        .parameter("tags__1")
                        .is_none_or(|asked| tags[1] == asked)
            })
            .map(|(id, tags)| json!({"id": id, "n": id, "tags": tags}))
            .collect();
        Ok(Reply::ok(
            &json!({"count": found.len(), "next": null, "previous": null, "results": found}),
        ))
    });
    let (_server, client) = served(list).await;
    for (condition, expected) in [
        (q("tags__0", "red") & q("tags__1", "blue"), vec![1]),
        (q("tags__0", "red") & q("tags__icontains", "blue"), vec![1]),
        (
            q("tags__icontains", "red") & q("tags__icontains", "blue"),
            vec![1, 3],
        ),
    ] {
        let found = ids(client.objects().filter(condition)).await.unwrap();
        assert_eq!(found, expected);
    }
}
