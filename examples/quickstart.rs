//! The whole job in one program: create, read, change and delete rows of a Django REST Framework API.
//!
//! `cargo run --example quickstart` starts a test server in this process; with `--base-url` and `--token` it runs against an
//! API of yours that has the same users.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Parser;
use django_api_orm::{Error, prelude::*};
use django_api_orm_testserver::TestServer;
use serde_json::json;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/", related(posts = Post::author))]
struct User {
    id: Option<i64>,
    name: String,
    email: String,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    age: Option<i64>,
    #[api(read_only)]
    created_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
struct Post {
    id: Option<i64>,
    title: String,
    #[api(relation)]
    author: Key<User>,
}

/// A resource whose view has no filter backend: it ignores every filter without a word.
#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/labels/")]
struct Label {
    id: Option<i64>,
    name: String,
    color: Option<String>,
}

/// Shows django-api-orm at work on a Django REST Framework API.
#[derive(Parser)]
struct Arguments {
    /// The API to run against, instead of a test server in this process.
    #[arg(long)]
    base_url: Option<String>,
    /// Its token, sent as `Authorization: Token …`.
    #[arg(long, default_value = "test-token")]
    token: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let server = match &arguments.base_url {
        Some(_) => None,
        None => Some(TestServer::reference().await?),
    };
    let base_url = match (&arguments.base_url, &server) {
        (Some(base_url), _) => base_url.clone(),
        (None, Some(server)) => server.base_url().to_owned(),
        (None, None) => return Err("no server".into()),
    };
    let client = ServiceClient::builder(&base_url)
        .auth_token(arguments.token)
        .http2(true)
        .on_warning(|warning| println!("    warning: {warning}"))
        .build()?;
    println!("Server: {base_url}");
    register_models!(client, User, Post, Label);
    let users = User::objects();
    let mut cost = Cost {
        client: client.clone(),
        before: 0,
    };

    let (alice, bob, charlie) = tokio::try_join!(
        users.create(&json!({"name": "Alice", "email": "alice@quick.example", "active": true})),
        users.create(&json!({"name": "Bob", "email": "bob@quick.example", "active": true})),
        users
            .create(&json!({"name": "Charlie", "email": "charlie@quick.example", "active": false})),
    )?;
    cost.say(&format!(
        "Created {}, {} and {} concurrently",
        alice.name, bob.name, charlie.name
    ));

    let mut active = 0;
    let mut rows = users.filter(User::F.active.eq(true)).stream();
    while let Some(user) = rows.try_next().await? {
        active += 1;
        if active <= 3 {
            println!("    {} - {}", user.name, user.email);
        }
    }
    cost.say(&format!(
        "Iterated over {active} active users, page by page"
    ));

    let active = users.filter(User::F.active.eq(true));
    let (total, active) = tokio::try_join!(users.count(), active.count())?;
    cost.say(&format!(
        "Counted concurrently: {total} users, {active} of them active"
    ));

    let mut alice = users.get(User::F.email.eq("alice@quick.example")).await?;
    alice.email = "alice.updated@quick.example".into();
    alice.save_fields([User::F.email]).await?;
    cost.say(&format!(
        "Found {} by e-mail and updated that one field",
        alice.name
    ));

    alice.save().await?;
    cost.say("Saved her again: nothing has changed, so nothing is sent");

    let all = users.all().await?;
    let last = all.last().map(|user| user.name.clone()).unwrap_or_default();
    cost.say(&format!(
        "Read all {} users over every page; the last one is {last}",
        all.len()
    ));

    show_posts().await?;
    cost.say("Read three posts with their authors, and how many posts each of these has");

    let slice = users
        .order_by([User::F.name.asc()])
        .range(10..15)
        .values_list(User::F.name)
        .await?;
    cost.say(&format!("Users 10 to 14 by name: {}", slice.join(", ")));

    let odd = users
        .filter(User::F.age.lt(25) | User::F.age.isnull(true))
        .exclude(User::F.active.eq(true));
    for line in odd.explain()?.to_string().lines() {
        println!("    {line}");
    }
    let odd = odd.count().await?;
    cost.say(&format!(
        "{odd} users are (younger than 25, or of unknown age) and not active: evaluated client-side"
    ));

    let filtered = Label::objects()
        .filter(Label::F.name.in_(["label-7", "label-8"]))
        .await?;
    let names: Vec<&str> = filtered.iter().map(|label| label.name.as_str()).collect();
    cost.say(&format!(
        "Filtered labels, from a view that ignores filters: {}",
        names.join(", ")
    ));

    match users
        .create(&json!({"name": "", "email": "not an address", "age": 900}))
        .await
    {
        Ok(_) => return Err("the server accepted an invalid user".into()),
        Err(error) if error.is_validation() => show_field_errors(&error),
        Err(error) => return Err(error.into()),
    }
    cost.say("Tried to create an invalid user");

    for mut user in [alice, bob, charlie] {
        user.delete().await?;
    }
    cost.say("Deleted the three users");

    let stats = client.stats();
    println!(
        "In all: {} requests over {} connection(s)",
        stats.requests, stats.connections
    );
    Ok(())
}

async fn show_posts() -> django_api_orm::Result<()> {
    let posts = Post::objects().order_by([Post::F.id.asc()]).range(..3);
    for post in posts.prefetch_related(Post::F.author).await? {
        let author = post.author().await?;
        let written = author.posts().count().await?;
        println!("    {} by {}, one of {written}", post.title, author.name);
    }
    Ok(())
}

fn show_field_errors(error: &Error) {
    for (field, messages) in error.field_errors().iter() {
        println!("    {field}: {}", messages.join(" "));
    }
}

/// Says what was done and what it cost.
struct Cost {
    client: ServiceClient,
    before: u64,
}

impl Cost {
    fn say(&mut self, what: &str) {
        let now = self.client.stats().requests;
        println!("{what}  [{} request(s)]", now - self.before);
        self.before = now;
    }
}
