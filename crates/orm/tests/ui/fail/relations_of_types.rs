use django_api_orm::{ApiModel, Instance, Key};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/users/", related(posts = Post::editor))]
struct User {
    id: i64,
}

#[derive(Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/teams/", related(posts = Post::author))]
struct Team {
    id: i64,
}

#[derive(Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/posts/")]
struct Post {
    id: i64,
    #[api(relation)]
    author: Key<User>,
    #[api(relation)]
    editor: i64,
}

fn main() {}

fn assigned(post: &mut Instance<Post>, team: &Instance<Team>) {
    post.author = Key::of(team).unwrap();
    let _ = Post::F.author.eq(team);
}
