use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
    #[serde(skip)]
    #[api(read_only)]
    cache: String,
    #[serde(flatten)]
    #[api(text)]
    rest: Rest,
    #[serde(skip_deserializing)]
    #[api(read_only)]
    password: String,
}

#[derive(Serialize, Deserialize)]
struct Rest {
    other: String,
}

fn main() {}
