//! A crate of strict lints hears nothing of what the derive writes. Clippy checks this file when it checks the tests.
#![deny(missing_docs, unreachable_pub, missing_debug_implementations, unused)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

/// A user of the `OpenID` provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/users/",
    lookup_field = "user_name",
    pagination = "page_number",
    page_size = 100_000,
    filters("id")
)]
pub struct User {
    /// The key.
    pub id: Option<i64>,
    /// The name, see [`User::id`].
    ///
    /// A second paragraph.
    #[api(text)]
    pub user_name: String,
    /// Flags.
    pub user_is_a: bool,
    /// Flags.
    pub user_is_b: bool,
    /// Flags.
    pub user_is_c: bool,
    #[api(read_only)]
    created_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ApiModel)]
#[api(nested)]
struct Unused {
    street: String,
}

#[test]
fn strict_lints_are_kept_quiet() {
    assert_eq!(User::F.user_name.path(), "user_name");
}
