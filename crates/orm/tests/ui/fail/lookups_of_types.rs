use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
    name: String,
    age: Option<u32>,
    active: bool,
    role: Role,
    tags: Vec<String>,
}

#[derive(Serialize, Deserialize)]
enum Role {
    Admin,
}

fn main() {
    let _ = User::F.id.contains("1");
    let _ = User::F.age.startswith("1");
    let _ = User::F.active.gt(false);
    let _ = User::F.role.lt(Role::Admin);
    let _ = User::F.tags.icontains("a");
    let _ = User::F.name.year(2024);
}
