use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    name: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/")]
struct Post {
    #[api(primary_key)]
    slug: String,
    #[api(primary_key)]
    number: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/comments/")]
struct Comment {
    #[serde(skip_deserializing)]
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/tags/")]
struct Tag {
    #[serde(skip)]
    id: i64,
}

fn main() {}
