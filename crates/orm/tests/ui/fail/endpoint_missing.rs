use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(lookup_field = "id")]
struct Post {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint)]
struct Comment {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = 5)]
struct Tag {
    id: i64,
}

fn main() {}
