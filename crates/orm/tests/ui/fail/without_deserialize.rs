use django_api_orm::ApiModel;
use serde::Serialize;

#[derive(Serialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
}

fn main() {}
