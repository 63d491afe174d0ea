use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
    #[serde(rename = "name")]
    first: String,
    name: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/")]
struct Post {
    id: i64,
    #[serde(rename(serialize = "writer", deserialize = "author"))]
    by: i64,
    #[serde(rename(deserialize = "author"))]
    title: String,
    #[serde(rename(serialize = "writer"))]
    text: String,
}

fn main() {}
