use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
    #[api(text, decimal)]
    version: String,
    #[api(decimal)]
    #[api(text)]
    price: String,
}

fn main() {}
