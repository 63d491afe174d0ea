use django_api_orm::{ApiModel, FieldMeta, Kind, Schema};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/releases/",
    lookup_field = "slug",
    pagination = "page_number",
    page_size = 50,
    page_size_parameter = "per_page",
    filters("number", "slug", "isActive", "version__in")
)]
struct Release {
    #[api(primary_key)]
    number: Option<i64>,
    slug: String,
    #[serde(rename = "isActive", default)]
    active: bool,
    /// `1.10` is not `1.1`.
    #[api(text)]
    version: String,
    #[api(decimal)]
    price: String,
    #[api(read_only)]
    created_at: Option<String>,
    author: Option<Author>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(nested, crate = django_api_orm)]
struct Author {
    name: String,
}

fn main() {
    assert_eq!(Release::F.active.eq(true).to_string(), "isActive=true");
    assert_eq!(Release::F.author.to(Author::F.name).path(), "author__name");
    assert_eq!(Release::meta().endpoint(), "/api/v1/releases/");
    assert!(Release::fields().contains(&FieldMeta::typed::<String>("version").with_kind(Kind::Text)));
}
