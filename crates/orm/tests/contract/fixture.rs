//! The rows that both servers start with, read from the file that seeds them: what answers are compared with.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::models::{Article, Item, Label, Post, Row, Team, User};

const ROWS: &str = include_str!("../../../testserver/fixtures/reference.json");

fn table<M: DeserializeOwned>(name: &str) -> Vec<M> {
    let mut tables: Value = serde_json::from_str(ROWS).expect("the fixture is JSON");
    serde_json::from_value(tables[name].take()).expect("the models fit the fixture")
}

pub(crate) fn users() -> Vec<User> {
    table("users")
}

pub(crate) fn posts() -> Vec<Post> {
    table("posts")
}

pub(crate) fn teams() -> Vec<Team> {
    table("teams")
}

pub(crate) fn articles() -> Vec<Article> {
    table("articles")
}

pub(crate) fn labels() -> Vec<Label> {
    table("labels")
}

pub(crate) fn items() -> Vec<Item> {
    table("items")
}

/// Comments as they stand in the file: the author is an id there, and a URL in the API.
pub(crate) fn comments() -> Vec<Value> {
    table("comments")
}

/// The ids of the rows that satisfy a condition, in the order of the file.
pub(crate) fn ids_of<M: Row>(rows: &[M], condition: impl Fn(&M) -> bool) -> Vec<i64> {
    rows.iter()
        .filter(|row| condition(row))
        .map(Row::id)
        .collect()
}
