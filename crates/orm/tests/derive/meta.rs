//! The description of a model.

use std::sync::Arc;

use django_api_orm::{ApiModel, FieldMeta, Kind, Pagination, Schema};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/")]
struct User {
    id: Option<i64>,
    name: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "articles")]
#[api(lookup_field = "slug", filters())]
struct Article {
    #[api(primary_key, read_only)]
    number: i64,
    #[serde(rename = "permalink")]
    slug: String,
    #[api(text)]
    version: String,
    #[api(decimal)]
    rating: Option<String>,
    price: Decimal,
    discount: Option<Decimal>,
    #[serde(skip_serializing, rename = "updated_at")]
    _updated_at: Option<String>,
    #[serde(skip_deserializing)]
    notify: bool,
    #[serde(skip)]
    _cache: Vec<u8>,
    #[serde(flatten)]
    _rest: serde_json::Map<String, serde_json::Value>,
}

#[test]
fn what_is_not_said_has_a_default() {
    let meta = User::meta();
    assert_eq!((meta.name(), meta.endpoint()), ("User", "/api/v1/users/"));
    assert_eq!((meta.primary_key(), meta.lookup_field()), ("id", "id"));
    assert_eq!(meta.pagination(), None);
    assert_eq!(meta.filters(), None);
    assert_eq!(
        meta.fields(),
        [FieldMeta::new("id"), FieldMeta::typed::<String>("name")]
    );
    assert!(Arc::ptr_eq(meta, User::meta()));
    // Nothing but the fields can be sent.
    let named = |name: &str| serde_json::Map::from_iter([(name.to_owned(), 1.into())]);
    assert!(meta.check_names(&named("nmae")).is_err());
    assert!(meta.check_names(&named("name")).is_ok());
    // Nobody knows the names of what is flattened.
    assert!(Article::meta().check_names(&named("nmae")).is_ok());
}

#[test]
fn attributes_are_kept() {
    let meta = Article::meta();
    assert_eq!(meta.endpoint(), "articles");
    assert_eq!(
        (meta.primary_key(), meta.lookup_field()),
        ("number", "permalink")
    );
    assert_eq!(meta.filters(), Some(&[][..]));
    assert_eq!(
        meta.fields(),
        [
            FieldMeta::new("number").read_only(),
            FieldMeta::typed::<String>("permalink"),
            FieldMeta::typed::<String>("version").with_kind(Kind::Text),
            FieldMeta::typed::<Option<String>>("rating").with_kind(Kind::Decimal),
            FieldMeta::new("price").with_kind(Kind::Decimal),
            FieldMeta::new("discount").with_kind(Kind::Decimal),
            FieldMeta::typed::<Option<String>>("updated_at").read_only(),
            FieldMeta::new("notify").write_only(),
        ]
    );
    assert!(meta.is_read_only("number") && meta.is_read_only("updated_at"));
    assert!(!meta.is_read_only("permalink"));
}

#[test]
fn a_nested_object_has_fields_only() {
    #[derive(Serialize, Deserialize, ApiModel)]
    #[api(nested)]
    struct Address {
        #[api(read_only)]
        street: String,
    }

    assert_eq!(Address::NAME, "Address");
    assert_eq!(
        Address::fields(),
        [FieldMeta::typed::<String>("street").read_only()]
    );
    assert_eq!(Address::F.street.path(), "street");
}

macro_rules! pagination {
    ($($attributes:tt)*) => {{
        #[derive(Serialize, Deserialize, ApiModel)]
        #[api(endpoint = "/api/rows/", $($attributes)*)]
        struct Row {
            id: i64,
        }
        Row::meta().pagination().cloned()
    }};
}

#[test]
fn every_paginator_can_be_declared() {
    assert_eq!(
        pagination!(pagination = "limit_offset", page_size = 50),
        Some(Pagination::limit_offset().with_page_size(50))
    );
    assert_eq!(
        pagination!(pagination = "page_number"),
        Some(Pagination::page_number())
    );
    assert_eq!(
        pagination!(pagination = "page_number", page_size = 1_000),
        Some(
            Pagination::page_number()
                .with_size_parameter("page_size")
                .with_page_size(1000)
        )
    );
    assert_eq!(
        pagination!(
            pagination = "cursor",
            page_size = 5,
            page_size_parameter = "size"
        ),
        Some(
            Pagination::cursor()
                .with_size_parameter("size")
                .with_page_size(5)
        )
    );
    assert_eq!(
        pagination!(pagination = "link", page_size_parameter = "per_page"),
        Some(Pagination::link().with_size_parameter("per_page"))
    );
    assert_eq!(pagination!(pagination = "none"), Some(Pagination::none()));
}

#[test]
fn declared_filters_are_kept_in_order() {
    #[derive(Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/rows/", filters("name__icontains", "id",))]
    struct Row {
        id: i64,
    }

    let filters: &[String] = Row::meta().filters().unwrap();
    assert_eq!(filters, ["name__icontains", "id"]);
}
