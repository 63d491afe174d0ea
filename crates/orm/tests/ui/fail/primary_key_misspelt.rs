use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    #[api(primarykey)]
    number: i64,
}

fn main() {}
