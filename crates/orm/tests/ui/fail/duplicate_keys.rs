use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", endpoint = "/api/people/")]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/")]
#[api(nested, endpoint = "/api/posts/")]
struct Post {
    id: i64,
    #[api(read_only)]
    #[api(read_only)]
    text: String,
}

fn main() {}
