use django_api_orm::{ApiModel, ServiceClient};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(nested)]
struct Address {
    street: String,
}

fn addresses(client: &ServiceClient) {
    let _ = client.objects::<Address>();
}

fn main() {}
