use django_api_orm::ApiModel;

#[derive(ApiModel)]
#[api(endpoint = "/api/users/")]
struct User<T> {
    id: i64,
    extra: T,
}

#[derive(ApiModel)]
#[api(endpoint = "/api/posts/")]
struct Post<'a> {
    id: i64,
    title: &'a str,
}

#[derive(ApiModel)]
#[api(nested)]
struct Tags<const N: usize> {
    names: [String; N],
}

fn main() {}
