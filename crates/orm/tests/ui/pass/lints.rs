//! The code that the derive writes keeps lints quiet that are strict about the user's own code.
#![deny(missing_docs, unreachable_pub, missing_debug_implementations)]
#![deny(warnings, nonstandard_style, rust_2018_idioms, rustdoc::all, unused)]

/// Models.
pub mod models {
    use django_api_orm::ApiModel;
    use serde::{Deserialize, Serialize};

    /// A user.
    #[allow(non_snake_case)]
    #[derive(Debug, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/users/", pagination = "limit_offset", page_size = 10, filters("id"))]
    pub struct User {
        /// The key.
        pub id: Option<i64>,
        /// What the user is called.
        #[api(text)]
        pub name: String,
        role: Role,
        #[deprecated]
        nick: Option<String>,
        #[api(read_only)]
        createdAt: Option<String>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    enum Role {
        Admin,
    }

    #[derive(Debug, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/posts/")]
    pub(crate) struct Post {
        pub(crate) id: i64,
    }

    #[derive(Debug, Serialize, Deserialize, ApiModel)]
    #[api(nested)]
    struct Unused {
        street: String,
    }
}

fn main() {
    let _ = models::User::F.name.eq("Ann");
    let _ = models::Post::F.id.eq(1);
}
