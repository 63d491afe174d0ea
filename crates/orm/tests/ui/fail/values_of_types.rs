use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: Option<i64>,
    name: String,
    age: Option<u32>,
}

fn main() {
    let _ = User::F.id.eq("1");
    let _ = User::F.name.eq(5);
    let _ = User::F.age.in_(["18"]);
    let _ = User::F.name.set(true);
    let _ = User::F.id.isnull(1);
}
