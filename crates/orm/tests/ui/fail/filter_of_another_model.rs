use django_api_orm::{ApiModel, ServiceClient};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/")]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/")]
struct Post {
    id: i64,
}

fn queries(client: &ServiceClient) {
    let _ = client.objects::<User>().filter(Post::F.id.eq(1));
    let _ = client.objects::<User>().order_by([Post::F.id.asc()]);
    let _ = User::F.id.eq(1) & Post::F.id.eq(1);
}

fn main() {}
