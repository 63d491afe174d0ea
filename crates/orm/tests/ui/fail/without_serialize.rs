use django_api_orm::ApiModel;
use serde::Deserialize;

#[derive(Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
}

fn main() {}
