//! The derive means the same whatever its names mean where it is used: nothing is imported, and the usual names are taken.
#![allow(dead_code)]

struct Option;
struct Some;
struct None;
struct String;
struct Vec;
struct Result;
struct Box;
struct Arc;
struct LazyLock;
struct Field;
struct FieldMeta;
struct Kind;
struct ModelMeta;
struct Pagination;
trait Send {}
trait Sync {}
trait Clone {}
trait Debug {}
trait Schema {}
trait Key {}
trait KeyField {}
mod core {}
mod std {}
mod django_api_orm {}
#[allow(unused_macros)]
macro_rules! vec {
    () => {
        compile_error!("not this one")
    };
}

#[derive(::serde::Serialize, ::serde::Deserialize, ::django_api_orm::ApiModel)]
#[api(
    endpoint = "/api/users/",
    lookup_field = "name",
    pagination = "page_number",
    page_size = 10,
    page_size_parameter = "size",
    filters("id", "name")
)]
struct User {
    id: ::std::option::Option<i64>,
    #[api(read_only, text)]
    name: ::std::string::String,
    #[api(decimal)]
    price: ::std::string::String,
    parent: ::std::option::Option<::std::boxed::Box<Self>>,
    address: Address,
}

#[derive(::serde::Serialize, ::serde::Deserialize, ::django_api_orm::ApiModel)]
#[api(nested)]
struct Address {
    street: ::std::string::String,
}

fn main() {
    let filter = User::F.address.to(Address::F.street).eq("a") & User::F.id.eq(1);
    ::std::assert_eq!(filter.to_string(), r#"address__street="a" AND id=1"#);
    ::std::assert_eq!(User::F.parent.to(User::F.name).path(), "parent__name");
    ::std::assert_eq!(<User as ::django_api_orm::ApiModel>::meta().filters().map(<[_]>::len), ::std::option::Option::Some(2));
}
