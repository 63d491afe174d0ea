use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: f64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/")]
struct Post {
    #[api(primary_key)]
    slug: Option<Slug>,
}

#[derive(Serialize, Deserialize)]
struct Slug(String);

fn main() {}
