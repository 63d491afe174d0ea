//! What is read from a struct, and every mistake of a struct in one go. The wording in full, and what is underlined, is
//! tested where a compiler shows it: in the UI tests of `django-api-orm`.

use syn::DeriveInput;

use crate::{
    api_attributes::{Kind, Paginator},
    parse::{self, Access, Model},
};

fn parsed(source: &str) -> syn::Result<Model> {
    parse::model(&syn::parse_str::<DeriveInput>(source).unwrap())
}

fn messages(source: &str) -> Vec<String> {
    match parsed(source) {
        Ok(_) => Vec::new(),
        Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
    }
}

#[test]
fn a_model_is_what_its_attributes_say() {
    let model = parsed(
        r#"
        #[serde(rename_all = "camelCase", default, crate = "other")]
        #[api(endpoint = "/users/", pagination = "cursor", page_size = 1_0, crate = vendor::orm)]
        #[api(lookup_field = "userName", filters("id",))]
        pub(crate) struct User {
            r#id: Option<i64>,
            #[api(read_only, text)]
            user_name: String,
            #[serde(skip_deserializing)]
            #[api(decimal)]
            amount: String,
            #[serde(skip)]
            cache: u8,
            #[serde(flatten)]
            rest: Rest,
        }"#,
    )
    .unwrap();
    let read: Vec<_> = model
        .fields
        .iter()
        .map(|field| (field.wire.read_as.as_str(), field.access, field.kind))
        .collect();
    assert_eq!(
        read,
        [
            ("id", Access::Both, None),
            ("userName", Access::ReadOnly, Some(Kind::Text)),
            ("amount", Access::WriteOnly, Some(Kind::Decimal)),
        ]
    );
    assert_eq!(model.krate.to_string(), "vendor :: orm");
    let collection = model.collection.unwrap();
    assert_eq!(collection.endpoint.value(), "/users/");
    assert_eq!(collection.primary_key.wire, "id");
    assert_eq!(collection.lookup_field.as_deref(), Some("userName"));
    assert_eq!(collection.filters.map(|filters| filters.len()), Some(1));
    let pagination = collection.pagination.unwrap();
    assert_eq!(pagination.paginator, Paginator::Cursor);
    assert_eq!(pagination.size_parameter.as_deref(), Some("page_size"));
}

#[test]
fn nested_needs_neither_endpoint_nor_key() {
    let model = parsed("#[api(nested)] struct Address { street: String }").unwrap();
    assert!(model.collection.is_none());
    assert_eq!(model.krate.to_string(), ":: django_api_orm");
}

#[test]
fn independent_mistakes_are_reported_together() {
    let messages = messages(
        r#"
        #[serde(untagged)]
        #[api(endpoint = "", page_size = 0, tabel = 1)]
        struct User<T> {
            #[api(primary_key)]
            a: T,
            #[api(primary_key, text, decimal)]
            #[serde(rename = "a")]
            b: i64,
        }"#,
    );
    for part in [
        "cannot be generic",
        "the endpoint is empty",
        "at least one row",
        "unknown key `tabel`",
        "`#[serde(untagged)]`",
        "either `text` or `decimal`",
        "second primary key",
        "both `a` on the wire",
    ] {
        let found = messages.iter().filter(|message| message.contains(part));
        assert_eq!(found.count(), 1, "{part}: {messages:#?}");
    }
    assert_eq!(messages.len(), 8, "{messages:#?}");
}

#[test]
fn what_follows_from_a_mistake_is_not_a_second_one() {
    for (source, expected) in [
        (
            r#"#[api(endpiont = "/users/")] struct User { id: i64 }"#,
            "did you mean `endpoint`?",
        ),
        (
            r#"#[api(endpoint = "/users/")] struct User { #[api(primary_kye)] number: i64 }"#,
            "did you mean `primary_key`?",
        ),
        (
            r#"#[api(endpoint = "/users/", filters("id", name))] struct User { id: i64 }"#,
            "expected the server's filter parameters",
        ),
        ("struct User { id: i64 }", "`User` has no endpoint"),
    ] {
        let messages = messages(source);
        assert_eq!(messages.len(), 1, "{messages:#?}");
        assert!(messages[0].contains(expected), "{messages:#?}");
    }
}

#[test]
fn parameters_for_related_rows_are_those_of_an_endpoint() {
    let named = r#"#[api(endpoint = "/users/", expand_parameter = "expand", prefetch_parameter = "prefetch")] struct User { id: i64 }"#;
    let collection = parsed(named).unwrap().collection.unwrap();
    let said = [collection.expand_parameter, collection.prefetch_parameter];
    let said = said.map(|name| name.map(|name| name.value()));
    assert_eq!(
        said,
        ["expand", "prefetch"].map(|name| Some(name.to_owned()))
    );
    let wrong = r#"#[api(nested, expand_parameter = "expand", prefetch_parameter = "")] struct User { id: i64 }"#;
    let messages = messages(wrong);
    assert_eq!(messages.len(), 2, "{messages:#?}");
    for part in [
        "a query parameter must have a name",
        "`expand_parameter` is for models with an endpoint",
    ] {
        assert!(
            messages.iter().any(|message| message.contains(part)),
            "{messages:#?}"
        );
    }
}

#[test]
fn a_route_is_a_path_below_a_row() {
    let model = |related: &str| {
        format!(r#"#[api(endpoint = "/users/", related({related}))] struct User {{ id: i64 }}"#)
    };
    let named = parsed(&model(
        r#"posts = Post::author, own(blog::Post::author, route = "posts",)"#,
    ));
    let related = named.unwrap().related;
    let routes: Vec<_> = (related.iter())
        .map(|related| related.route.as_ref().map(syn::LitStr::value))
        .collect();
    assert_eq!(routes, [None, Some("posts".to_owned())]);
    for (wrong, why) in [
        (r#"own(Post::author)"#, "expected what the rows are called"),
        (r#"own(Post::author, rute = "a")"#, "expected what the rows"),
        (r#"own(Post::author, route = "a", b)"#, "expected what the"),
        (r#"own(Post::author, route = "")"#, "the route is empty"),
        (
            r#"own(Post::author, route = "../a")"#,
            "the route has a `.` or",
        ),
        (
            r#"own(Post::author, route = "{}/a")"#,
            "the route has a placeholder",
        ),
    ] {
        let messages = messages(&model(wrong));
        assert_eq!(messages.len(), 1, "{wrong}: {messages:#?}");
        assert!(messages[0].contains(why), "{wrong}: {messages:#?}");
    }
}

#[test]
fn malformed_attributes_of_serde_are_left_to_serde() {
    for attribute in [
        "rename = 5",
        "rename()",
        "rename(serialize)",
        "=",
        "skip = 1",
    ] {
        let source = format!(
            r#"#[api(endpoint = "/users/")] struct User {{ id: i64, #[serde({attribute})] name: String }}"#
        );
        assert_eq!(messages(&source), [""; 0], "{attribute}");
    }
}
