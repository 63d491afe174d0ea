//! 1,000 posts with their authors and tags, from a server that takes 20 ms: each case gives how many requests it took.

use django_api_orm::{Manager, prelude::*};
use serde::de::DeserializeOwned;

use crate::{Result, by_hand::Hyper};

#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/d20/api/v1/users/")]
struct User {
    id: Option<i64>,
    name: String,
}

#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/d20/api/v1/tags/")]
struct Tag {
    id: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/d20/api/v1/posts/")]
struct Post {
    id: Option<i64>,
    #[api(relation)]
    author: Key<User>,
    #[api(relation)]
    tags: Vec<Key<Tag>>,
}

/// A post as it is read by hand.
#[derive(Deserialize)]
struct PostOfKeys {
    author: i64,
    tags: Vec<i64>,
}

#[derive(Deserialize)]
struct Page<T> {
    next: Option<String>,
    results: Vec<T>,
}

const POSTS: u64 = 1_000;

pub(crate) async fn run(case: &str, base_url: &str) -> Result<u64> {
    match case {
        "posts_prefetched" => ours(base_url, true).await,
        "posts_in_a_loop" => ours(base_url, false).await,
        "posts_by_hand" => by_hand(&Hyper::new(base_url)).await,
        _ => Err(format!("no case is called {case}").into()),
    }
}

async fn ours(base_url: &str, prefetched: bool) -> Result<u64> {
    let client = ServiceClient::new(base_url)?;
    let posts: Manager<Post> = client.objects();
    let mut query = posts.all();
    if prefetched {
        query = query.prefetch_related(Post::F.author);
        query = query.prefetch_related(Post::F.tags);
    }
    let mut done = 0;
    for post in &query.await? {
        let author = post.author().await?;
        done += u64::from(Key::of(&author)? == post.author && post.tags().await?.len() == 3);
    }
    complete(done, client.stats().requests)
}

/// The loop that people write.
async fn by_hand(client: &Hyper) -> Result<u64> {
    let (mut done, mut requests) = (0, 0);
    let mut next = Some("/d20/api/v1/posts/".to_owned());
    while let Some(path) = next {
        let page: Page<PostOfKeys> = json(client, &path).await?;
        requests += 1;
        for post in page.results {
            let author: User = json(client, &format!("/d20/api/v1/users/{}/", post.author)).await?;
            let keys: Vec<String> = post.tags.iter().map(ToString::to_string).collect();
            let path = format!("/d20/api/v1/tags/?id__in={}", keys.join(","));
            let tags: Page<Tag> = json(client, &path).await?;
            requests += 2;
            done += u64::from(author.id == Some(post.author) && tags.results.len() == 3);
        }
        next = page
            .next
            .and_then(|url| Some(format!("/d20{}", &url[url.find("/api/")?..])));
    }
    complete(done, requests)
}

async fn json<T: DeserializeOwned>(client: &Hyper, path: &str) -> Result<T> {
    Ok(serde_json::from_slice(&client.bytes(path).await?)?)
}

fn complete(done: u64, requests: u64) -> Result<u64> {
    match done {
        POSTS => Ok(requests),
        _ => Err(format!("{done} posts have their author and tags").into()),
    }
}
