use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[serde(transparent)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[serde(tag = "type")]
#[api(endpoint = "/api/posts/")]
struct Post {
    id: i64,
}

#[derive(Serialize, ApiModel)]
#[serde(untagged)]
#[api(endpoint = "/api/comments/")]
struct Comment {
    id: i64,
}

#[derive(Clone, Serialize, Deserialize, ApiModel)]
#[serde(from = "i64", into = "i64")]
#[api(endpoint = "/api/tags/")]
struct Tag {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[serde(try_from = "i64")]
#[api(endpoint = "/api/teams/")]
struct Team {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[serde(remote = "Tag")]
#[api(endpoint = "/api/items/")]
struct Item {
    id: i64,
}

impl From<i64> for Tag {
    fn from(id: i64) -> Self {
        Self { id }
    }
}

impl From<Tag> for i64 {
    fn from(tag: Tag) -> Self {
        tag.id
    }
}

impl From<i64> for Team {
    fn from(id: i64) -> Self {
        Self { id }
    }
}

fn main() {}
