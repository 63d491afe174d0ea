use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(nested, endpoint = "/api/addresses/")]
struct Address {
    street: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(nested, lookup_field = "x", pagination = "cursor", page_size = 5, page_size_parameter = "n", filters("x"))]
struct Point {
    #[api(primary_key)]
    x: i64,
}

fn main() {}
