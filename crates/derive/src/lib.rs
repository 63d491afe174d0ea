//! `#[derive(ApiModel)]` for `django-api-orm`. Use it through that crate, which re-exports it.
//!
//! The derive works in two steps that know nothing of each other: `parse` turns the struct and its attributes into a
//! plain `parse::Model`, or into every error that it finds; `expand` writes the code for a model that is known to be
//! right.
#![forbid(unsafe_code)]

mod api_attributes;
mod collection;
mod endpoint;
mod errors;
mod expand;
mod keys;
mod parse;
mod rename;
mod serde_attributes;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a serde struct a model of a REST API.
///
/// ```ignore
#[doc = include_str!("../doc/example.rs")]
/// ```
///
/// # What it writes
/// * `impl Schema` and `impl ApiModel`, the description of the model;
/// * `UserFields`, a struct with one `Field<User, T>` per field, and its only value `User::F`. A field keeps its Rust name
///   and its documentation, its path is the serialized name. The primary key is a field of the key's type, even where
///   the struct holds an `Option` of it: a row of the server has a key;
/// * with relations, the trait `UserRelations`, whose methods instances of the model have.
///
/// # On the struct: `#[api(..)]`
/// | key | meaning |
/// | --- | --- |
/// | `endpoint = "/api/v1/users/"` | the path of the collection, below the client's base URL |
/// | `lookup_field = "slug"` | the field whose value is in the URL of a row, where that is not the primary key |
/// | `pagination = "limit_offset"` | how the endpoint pages: `limit_offset`, `page_number`, `cursor`, `link` or `none`. Without it, the first answer shows it |
/// | `idempotency_header = "Idempotency-Key"` | the header in which the endpoint takes an idempotency key: writes carry one, and are sent again after a failure |
/// | `json_api = "users"` | the endpoint speaks JSON:API, and its resources have this type |
/// | `repeated_values` | a list of values is sent as `id=1&id=2`, and not as `id__in=1,2`: so does `NetBox` take it |
/// | `small_table` | the table is small: related rows are not asked for by their keys, all of them are read |
/// | `natural_key = "email"`, `natural_key("tenant", "email")` | the fields that together tell a row from all others: `reconcile` finds a new row by them |
/// | `page_size = 100` | how many rows to ask for in a page; needs `pagination` |
/// | `page_size_parameter = "per_page"` | the query parameter that asks for them. Without it `limit` for `limit_offset`, else `page_size` |
/// | `filters("id", "name__icontains")` | all query parameters that the server filters on; every other lookup is evaluated client-side |
/// | `allow_extra` | new rows, or nested objects in them, may have names that are no fields; without it `create(&json!({..}))` refuses them before anything is sent |
/// | `related(posts = Post::author)` | the rows of `Post` whose field `author` points at a row are its `posts()` |
/// | `related(posts(Post::author, route = "posts"))` | the same, read and created at the nested route `/api/v1/users/3/posts/` |
/// | `expand_parameter = "expand"` | the query parameter by which the server shows related rows in the place of their keys: `select_related` asks for them so |
/// | `prefetch_parameter = "prefetch"` | the query parameter by which the server sends related rows beside the rows, under the same name: `prefetch_related` asks for them so |
/// | `nested` | the struct is an object inside others: it has fields, but no endpoint and no key |
/// | `crate = path::to::it` | where `django_api_orm` is found, if it is renamed or re-exported |
///
/// # On a field: `#[api(..)]`
/// | key | meaning |
/// | --- | --- |
/// | `primary_key` | this is the primary key. Without it, the field `id` is |
/// | `read_only` | the server alone writes it: it is never sent |
/// | `text` | its values are text, even where they look like numbers or dates: `"1.10"` is not `"1.1"` |
/// | `relation` | it holds a `Key` of another model, an `Option` or a `Vec` of it: `post.author()` gives what it points at |
/// | `filter = "site_id"` | the name of the query parameters that filter by it, where that is another one than in rows |
/// | `decimal` | its values are numbers that the server writes as text: `"12.50"` is `"12.5"`. A `rust_decimal::Decimal` needs no attribute |
///
/// # What serde's attributes mean
/// * `rename` and `rename_all` give the name on the wire. Where it differs between the directions, filters and rows have the
///   name that is read (`deserialize`), writes the one that is sent (`serialize`). An `alias` is another name in rows.
/// * A field with `skip_serializing` is read-only. One with `skip_deserializing` is sent and never received: it can be
///   set, and is compared only by a server that knows it: so is a password. One with `skip` is not part of the model.
/// * A field with `flatten` has no name of its own, and `__` separates the parts of a lookup: neither a flattened field
///   nor one whose wire name holds `__` has a place in `F`. `Filter::lookup` names what they hold. A model with a
///   flattened field allows extra names.
/// * `default`, `with`, `skip_serializing_if` and `deny_unknown_fields` change nothing in the model.
/// * `transparent`, `tag`, `untagged`, `from`, `try_from`, `into` and `remote` give the struct another shape on the wire
///   and are refused.
///
/// # What it is derived for
/// Structs with named fields and without generics; a field can have any type. The type of the primary key is one with
/// `KeyField`: an integer, `String`, `Uuid`, an `Option` of these, or a type of yours with one line of `impl`.
#[proc_macro_derive(ApiModel, attributes(api))]
pub fn derive_api_model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    parse::model(&input)
        .map_or_else(syn::Error::into_compile_error, |model| {
            expand::model(&model)
        })
        .into()
}
