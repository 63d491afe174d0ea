//! `crate` says where the library is, as a path or, as serde has it, in quotes.
#![deny(warnings)]

mod vendor {
    pub(crate) use django_api_orm as orm;
}

use vendor::orm::ApiModel;

#[derive(serde::Serialize, serde::Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", crate = crate::vendor::orm)]
struct User {
    id: i64,
}

#[derive(serde::Serialize, serde::Deserialize, ApiModel)]
#[api(crate = "vendor::orm", endpoint = "/api/posts/", pagination = "none")]
struct Post {
    id: i64,
}

fn main() {
    assert_eq!(User::F.id.path(), Post::F.id.path());
}
