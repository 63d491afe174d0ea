use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api = "/api/users/"]
struct Post {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/comments/" lookup_field = "id")]
struct Comment {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/tags/", nested = true)]
struct Tag {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/teams/", "page_size")]
struct Team {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/items/")]
struct Item {
    id: i64,
    #[api(read_only = true)]
    name: String,
    #[api(text("yes"))]
    kind: String,
}

fn main() {}
