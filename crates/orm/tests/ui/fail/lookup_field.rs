use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", lookup_field = "slgu")]
struct User {
    id: i64,
    slug: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/", lookup_field = "number")]
struct Post {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/comments/", lookup_field = "secret")]
struct Comment {
    id: i64,
    #[serde(skip_deserializing)]
    secret: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/tags/", lookup_field = 5)]
struct Tag {
    id: i64,
}

fn main() {}
