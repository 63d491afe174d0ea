use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", crate = "not a path")]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/", crate = 5)]
struct Post {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/comments/", crate)]
struct Comment {
    id: i64,
}

fn main() {}
