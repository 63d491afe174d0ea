use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpiont = "/api/users/")]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/", table = "posts")]
struct Post {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/comments/")]
struct Comment {
    id: i64,
    #[api(readonly)]
    text: String,
    #[api(column = "x")]
    other: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/tags/", django::table)]
struct Tag {
    id: i64,
}

fn main() {}
