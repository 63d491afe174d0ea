//! What the Rust peers do, and what they read.

use serde::{Deserialize, Serialize};

use django_api_orm::ApiModel;

/// A row, as every peer reads it.
#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/")]
pub(crate) struct User {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) active: bool,
    pub(crate) age: Option<i64>,
    pub(crate) score: f64,
    pub(crate) created_at: String,
}

/// A page, as it is read by hand.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) next: Option<String>,
    pub(crate) results: Vec<User>,
}

/// How many rows are read one by one.
pub(crate) const GETS: i64 = 100;

/// How many rows are read at the same time.
pub(crate) const AT_ONCE: i64 = 1_000;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    /// Rows at their own URLs, one after the other.
    Get,
    /// A page of 10,000 rows.
    Page,
    /// 50 pages of 200 rows, by their links.
    Walk,
    /// Rows at their own URLs, all at the same time over one HTTP/2 connection.
    Http2,
}

impl Case {
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        match name {
            "get" => Ok(Self::Get),
            "page" => Ok(Self::Page),
            "walk" => Ok(Self::Walk),
            "get_http2" => Ok(Self::Http2),
            _ => Err(format!("no case is called {name}")),
        }
    }

    /// How many rows it brings.
    pub(crate) fn rows(self) -> usize {
        match self {
            Self::Get => GETS as usize,
            Self::Page | Self::Walk => 10_000,
            Self::Http2 => AT_ONCE as usize,
        }
    }
}
