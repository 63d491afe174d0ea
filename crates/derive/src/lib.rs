//! `#[derive(ApiModel)]` for `django-api-orm`. Use it through that crate, which re-exports it.
//!
//! The derive works in two steps that know nothing of each other: [`parse`] turns the struct and its attributes into a
//! plain [`parse::Model`], or into every error that it finds; [`expand`] writes the code for a model that is known to be
//! right.
#![forbid(unsafe_code)]

mod api_attributes;
mod endpoint;
mod errors;
mod expand;
mod keys;
mod parse;
mod rename;
mod serde_attributes;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a serde struct a model of a REST API.
///
/// ```ignore
/// use django_api_orm::ApiModel;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
/// #[api(endpoint = "/api/v1/users/")]
/// struct User {
///     id: Option<i64>,
///     name: String,
///     #[serde(rename = "isActive", default)]
///     active: bool,
///     #[api(read_only)]
///     created_at: Option<String>,
/// }
///
/// assert_eq!(User::F.active.path(), "isActive");
/// ```
///
/// # What it writes
/// * `impl Schema` and `impl ApiModel`, the description of the model;
/// * `UserFields`, a struct with one `Field<User, T>` per field, and its only value `User::F`. A field keeps its Rust name
///   and its documentation, its path is the serialized name. The primary key is a field of the key's type, even where
///   the struct holds an `Option` of it: a row of the server has a key.
///
/// # On the struct: `#[api(..)]`
/// | key | meaning |
/// | --- | --- |
/// | `endpoint = "/api/v1/users/"` | the path of the collection, below the client's base URL |
/// | `lookup_field = "slug"` | the field that stands in the URL of a row, where that is not the primary key |
/// | `pagination = "limit_offset"` | how the endpoint pages: `limit_offset`, `page_number`, `cursor`, `link` or `none`. Without it, the first answer shows it |
/// | `page_size = 100` | how many rows to ask for in a page; needs `pagination` |
/// | `page_size_parameter = "per_page"` | the query parameter that asks for them. Without it `limit` for `limit_offset`, else `page_size` |
/// | `filters("id", "name__icontains")` | all query parameters that the server filters on; every other lookup is evaluated on the client |
/// | `nested` | the struct is an object inside others: it has fields, but no endpoint and no key |
/// | `crate = "path"` | where `django_api_orm` is found, if it is renamed or re-exported |
///
/// # On a field: `#[api(..)]`
/// | key | meaning |
/// | --- | --- |
/// | `primary_key` | this is the primary key. Without it, the field `id` is |
/// | `read_only` | the server alone writes it: it is never sent |
///
/// # What serde's attributes mean here
/// `rename` and `rename_all` give the name on the wire; it must be the same in both directions. A field with
/// `skip_serializing` is read-only. A field with `skip_deserializing` is never received, so it can be sent, but has
/// no place in `F`; nor has a field with `flatten`, which has no name of its own, nor one whose name holds `__`, which
/// separates the parts of a lookup. A field with `skip` is not part of the model. `default`, `alias`, `with`,
/// `skip_serializing_if` and `deny_unknown_fields` change nothing here.
/// Attributes that give the struct another shape on the wire (`transparent`, `tag`, `untagged`, `from`, `try_from`,
/// `into`, `remote`) are refused.
#[proc_macro_derive(ApiModel, attributes(api))]
pub fn derive_api_model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    parse::model(&input)
        .map_or_else(syn::Error::into_compile_error, |model| {
            expand::model(&model)
        })
        .into()
}
