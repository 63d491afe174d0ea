use django_api_orm::ApiModel;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", pagination = "limit_ofset")]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/", pagination = "pages")]
struct Post {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/comments/", pagination = cursor)]
struct Comment {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/tags/", page_size = 20, page_size_parameter = "size")]
struct Tag {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/teams/", pagination = "none", page_size = 20, page_size_parameter = "size")]
struct Team {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/items/", pagination = "cursor", page_size = 0)]
struct Item {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/labels/", pagination = "cursor", page_size = "20", page_size_parameter = "")]
struct Label {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/articles/", pagination = "cursor", page_size = -1, page_size_parameter)]
struct Article {
    id: i64,
}

fn main() {}
