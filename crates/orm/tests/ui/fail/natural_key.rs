use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", natural_key = "emial")]
struct User {
    id: i64,
    email: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/", natural_key("id", "number", "secret"))]
struct Post {
    id: i64,
    #[api(read_only)]
    number: i64,
    #[serde(skip_deserializing)]
    secret: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/tags/", natural_key())]
struct Tag {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/notes/", natural_key("id", "id"))]
struct Note {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(nested, natural_key = "city")]
struct Address {
    city: String,
}

fn main() {}
