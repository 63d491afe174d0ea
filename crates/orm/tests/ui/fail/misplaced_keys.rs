use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", primary_key, text)]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/")]
struct Post {
    #[api(lookup_field = "id")]
    id: i64,
    #[api(nested)]
    author: String,
}

fn main() {}
