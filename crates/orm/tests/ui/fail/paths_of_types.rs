use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
    team: i64,
    address: Option<Address>,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(nested)]
struct Address {
    street: String,
}

fn main() {
    let _ = User::F.team.to(Address::F.street);
    let _ = User::F.address.to(User::F.id);
    let _ = User::F.adress;
}
