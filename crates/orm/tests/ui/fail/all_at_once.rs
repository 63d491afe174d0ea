use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[serde(tag = "type")]
#[api(endpoint = "/api//users/", lookup_field = "nmae", filter("id"), page_size = 0, pagination = "pages")]
struct User<T> {
    #[api(primary_key, index)]
    number: i64,
    #[api(primary_key, read_only = "yes")]
    name: T,
}

fn main() {}
