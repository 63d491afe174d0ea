//! Models in functions and modules, of any visibility, with raw identifiers, with types of another visibility.
#![deny(warnings)]
#![allow(dead_code)]

use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

mod inner {
    use super::{ApiModel, Deserialize, Serialize};

    #[derive(Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/users/")]
    pub(crate) struct User {
        id: i64,
        role: Role,
    }

    #[derive(Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/posts/")]
    pub(in crate::inner) struct Post {
        id: i64,
        author: Option<Role>,
    }

    #[derive(Serialize, Deserialize)]
    enum Role {
        Admin,
    }

    pub(crate) fn path() -> String {
        Post::F.author.path().to_owned()
    }
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/types/", lookup_field = "type")]
#[allow(non_camel_case_types)]
struct r#struct {
    #[api(primary_key)]
    r#type: i64,
    r#fn: Option<String>,
}

fn main() {
    #[derive(Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/local/")]
    struct Local {
        id: i64,
        of: Kind,
    }

    #[derive(Serialize, Deserialize)]
    struct Kind;

    impl Local {
        fn path() -> String {
            Self::F.of.path().to_owned()
        }
    }

    assert_eq!(Local::path(), "of");
    assert_eq!(inner::path(), "author");
    assert_eq!(inner::User::F.id.eq(1).to_string(), "id=1");
    assert_eq!(r#struct::F.r#type.eq(1).to_string(), "type=1");
    assert_eq!(r#struct::meta().name(), "struct");
    assert_eq!(r#struct::meta().primary_key(), "type");
}
