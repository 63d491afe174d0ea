use django_api_orm::{ApiModel, Key};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", related(posts = author, Post::author))]
struct User {
    id: i64,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/", related(author = Post::author, posts = Post::author, posts = Post::author))]
struct Post {
    id: i64,
    #[api(relation)]
    author: Key<Team>,
    #[api(relation)]
    #[serde(skip_deserializing)]
    editor: Option<Key<Team>>,
    #[api(relation)]
    #[serde(rename = "re__viewer")]
    reviewer: Key<Team>,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/tags/", relation)]
struct Tag {
    id: i64,
    #[api(related(posts = Post::tag))]
    name: String,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(nested, related(posts = Post::author))]
struct Address {
    #[api(relation)]
    owner: Key<Team>,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/teams/")]
struct Team {
    id: i64,
}

fn main() {}
