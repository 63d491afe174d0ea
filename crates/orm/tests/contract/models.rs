//! The resources of the reference site as a user would describe them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use django_api_orm::{Key, Url, prelude::*};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/")]
pub(crate) struct User {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) active: bool,
    pub(crate) age: Option<u32>,
    pub(crate) balance: Decimal,
    pub(crate) joined_on: Option<NaiveDate>,
    #[api(read_only)]
    pub(crate) created_at: Option<DateTime<Utc>>,
    pub(crate) address: Option<Address>,
    pub(crate) team: Option<i64>,
    pub(crate) tags: Vec<String>,
    pub(crate) settings: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Admin,
    Editor,
    Viewer,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(nested)]
pub(crate) struct Address {
    pub(crate) street: String,
    pub(crate) city: String,
    pub(crate) state: String,
    pub(crate) zip: String,
}

/// A wire name that is not Rust's, and a field that the model leaves out (`body`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
pub(crate) struct Post {
    pub(crate) id: Option<i64>,
    pub(crate) title: String,
    #[serde(rename = "author")]
    pub(crate) author_id: i64,
    #[serde(default)]
    pub(crate) published: bool,
    pub(crate) score: Option<f64>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    #[api(read_only)]
    pub(crate) created_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/comments/")]
pub(crate) struct Comment {
    pub(crate) id: Option<i64>,
    pub(crate) post: i64,
    /// A URL; filters and writes take an id or a path too.
    pub(crate) author: String,
    pub(crate) text: String,
    #[api(read_only)]
    pub(crate) created_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/teams/")]
pub(crate) struct Team {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    #[api(read_only)]
    pub(crate) code: Option<Uuid>,
    pub(crate) motto: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/articles/", lookup_field = "slug")]
pub(crate) struct Article {
    pub(crate) id: Option<i64>,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) rating: Option<Decimal>,
    pub(crate) published_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/labels/")]
pub(crate) struct Label {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) color: Option<String>,
}

/// A user as the row that others point at, and that points at a team or at none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/users/",
    related(stories = Story::author, remarks = Remark::author)
)]
pub(crate) struct Author {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    #[api(relation)]
    pub(crate) team: Option<Key<Team>>,
}

/// A post that points at its author by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/", related(remarks = Remark::post))]
pub(crate) struct Story {
    pub(crate) id: Option<i64>,
    pub(crate) title: String,
    #[api(relation)]
    pub(crate) author: Key<Author>,
}

/// A comment, which points at its author by URL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/comments/")]
pub(crate) struct Remark {
    pub(crate) id: Option<i64>,
    #[api(relation)]
    pub(crate) post: Key<Story>,
    #[api(relation)]
    pub(crate) author: Key<Author, Url>,
    pub(crate) text: String,
}

/// One table behind eight endpoints; see [`ITEMS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/items/plain-on/")]
pub(crate) struct Item {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) rank: Option<i64>,
    pub(crate) price: Decimal,
    pub(crate) kind: String,
    pub(crate) flag: bool,
    pub(crate) seen_at: Option<DateTime<Utc>>,
}

/// Every paginator, with all filter backends.
pub(crate) const ITEMS_ON: [&str; 4] = ["limitoffset-on", "pagenumber-on", "cursor-on", "plain-on"];

/// Every paginator, with no filter backend: every parameter but the paginator's own is ignored.
pub(crate) const ITEMS_OFF: [&str; 4] = [
    "limitoffset-off",
    "pagenumber-off",
    "cursor-off",
    "plain-off",
];

/// Every paginator, with all filter backends and with none.
pub(crate) const ITEMS: [&str; 8] = [
    "limitoffset-on",
    "pagenumber-on",
    "cursor-on",
    "plain-on",
    "limitoffset-off",
    "pagenumber-off",
    "cursor-off",
    "plain-off",
];

/// A row with an id, so that answers can be compared by what they hold.
pub(crate) trait Row {
    fn id(&self) -> i64;
}

macro_rules! rows {
    ($($model:ty),*) => { $(impl Row for $model {
        fn id(&self) -> i64 {
            self.id.expect("a row of the server has an id")
        }
    })* };
}

rows!(User, Post, Comment, Team, Article, Label, Item);

pub(crate) fn ids<M: Row>(rows: &[impl std::ops::Deref<Target = M>]) -> Vec<i64> {
    rows.iter().map(|row| row.id()).collect()
}

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn datetime(text: &str) -> DateTime<Utc> {
    text.parse().expect("a date and time")
}
