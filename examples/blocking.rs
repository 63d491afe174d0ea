//! The same API without `async`: a report over a paginated collection, and writes that touch only what matches.

use django_api_orm::blocking::prelude::*;
use django_api_orm_testserver::TestServer;

#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
struct Post {
    id: Option<i64>,
    title: String,
    author: i64,
    published: bool,
    score: Option<f64>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = TestServer::reference_builder().start_blocking()?;
    let client = ServiceClient::builder(server.base_url())
        .auth_token("test-token")
        .build()?;
    let posts = client.objects::<Post>();

    let drafts = posts
        .filter(Post::F.published.eq(false))
        .order_by([Post::F.id.asc()]);
    println!("{}", drafts.explain()?);
    for post in drafts.limit(3).iter() {
        let post = post?;
        println!("draft {}: {}", Instance::pk(&post)?, post.title);
    }

    let poor = posts
        .filter(Post::F.score.lt(1.0))
        .exclude(Post::F.published.eq(false));
    println!("{} published posts score below 1", poor.count()?);
    println!(
        "{} of them unpublished",
        poor.update([Post::F.published.set(false)])?
    );
    println!("{} left", poor.count()?);

    match drafts.expecting(1).delete() {
        Ok(deleted) => println!("{deleted} drafts deleted"),
        Err(refused) => println!("refused: {refused}"),
    }
    Ok(())
}
