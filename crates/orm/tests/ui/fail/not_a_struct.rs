use django_api_orm::ApiModel;

#[derive(ApiModel)]
#[api(endpoint = "/api/users/")]
enum Role {
    Admin,
}

#[derive(ApiModel)]
#[api(endpoint = "/api/users/")]
union Either {
    id: i64,
    other: u64,
}

#[derive(ApiModel)]
#[api(endpoint = "/api/users/")]
struct Pair(i64, String);

#[derive(ApiModel)]
#[api(endpoint = "/api/users/")]
struct Nothing;

fn main() {}
