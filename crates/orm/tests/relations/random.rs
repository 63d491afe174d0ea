//! Random querysets over relations: the rows, and what they point at, are those of a naive evaluation, and the requests are those that
//! `explain()` tells.

use std::{cell::Cell, collections::BTreeSet, sync::LazyLock};

use django_api_orm::{Explain, prelude::*, related::Prefetch};
use django_api_orm_testserver::{Field, Paginator, Resource, TestServer};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::json;
use tokio::runtime::Runtime;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/teams/")]
struct Team {
    id: Option<i64>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/users/",
    related(posts = Post::author, edited = Post::editor)
)]
struct User {
    id: Option<i64>,
    name: String,
    #[api(relation)]
    team: Option<Key<Team>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
struct Post {
    id: Option<i64>,
    title: String,
    #[api(relation)]
    author: Key<User>,
    #[api(relation)]
    editor: Option<Key<User>>,
    #[api(relation)]
    readers: Vec<Key<User>>,
}

const POSTS: i64 = 230;
const USERS: i64 = 130;
const TEAMS: i64 = 7;

fn author(post: i64) -> i64 {
    post * 7 % USERS + 1
}

fn editor(post: i64) -> Option<i64> {
    (post % 3 != 0).then_some(post % 11 + 1)
}

fn readers(post: i64) -> Vec<i64> {
    (0..post % 4)
        .map(|step| (post + step * 5) % USERS + 1)
        .collect()
}

fn team(user: i64) -> Option<i64> {
    (user % 4 != 0).then_some(user % TEAMS + 1)
}

fn title(post: i64) -> String {
    format!("Post {}", post % 20)
}

fn user_name(user: i64) -> String {
    format!("User {user:03}")
}

fn team_name(team: i64) -> String {
    format!("Team {team}")
}

/// Pages of 40 posts; of 30 users, or as many as are asked for; and of 100 teams.
fn served() -> &'static (Runtime, TestServer) {
    static SERVED: LazyLock<(Runtime, TestServer)> = LazyLock::new(|| {
        let pages = |rows, most| {
            Paginator::limit_offset()
                .default_limit(rows)
                .max_limit(most)
        };
        let teams = (1..=TEAMS).map(|id| json!({"id": id, "name": team_name(id)}));
        let teams = Resource::new("teams")
            .fields([Field::integer("id").primary_key(), Field::text("name", 20)])
            .filter_on_everything()
            .paginator(pages(100, 100))
            .rows(teams.collect::<Vec<_>>());
        let users =
            (1..=USERS).map(|id| json!({"id": id, "name": user_name(id), "team": team(id)}));
        let users = Resource::new("users")
            .fields([
                Field::integer("id").primary_key(),
                Field::text("name", 20),
                Field::integer("team").null(),
            ])
            .filter_on_everything()
            .paginator(pages(30, 100))
            .rows(users.collect::<Vec<_>>());
        let posts = (1..=POSTS).map(|id| {
            json!({
                "id": id, "title": title(id), "author": author(id), "editor": editor(id), "readers": readers(id),
            })
        });
        let posts = Resource::new("posts")
            .fields([
                Field::integer("id").primary_key(),
                Field::text("title", 20),
                Field::integer("author"),
                Field::integer("editor").null(),
                Field::json("readers"),
            ])
            .filter_on_everything()
            .paginator(pages(40, 40))
            .rows(posts.collect::<Vec<_>>());
        let runtime = Runtime::new().unwrap();
        let server = TestServer::builder()
            .resource(teams)
            .resource(users)
            .resource(posts)
            .start();
        let server = runtime.block_on(server).unwrap();
        (runtime, server)
    });
    &SERVED
}

/// A condition on posts, of which some cross relations.
#[derive(Debug, Clone)]
enum Condition {
    IdUpTo(i64),
    AuthorIs(i64),
    HasEditor(bool),
    TitleIs(i64),
    AuthorNamed(i64),
    EditorNamed(i64),
    AuthorInTeam(i64),
    Not(Box<Condition>),
    Either(Box<Condition>, Box<Condition>),
}

impl Condition {
    fn filter(&self) -> Filter<Post> {
        let author_name = Post::F.author.to(User::F.name);
        let editor_name = Post::F.editor.to(User::F.name);
        match self {
            Self::IdUpTo(id) => Post::F.id.lte(*id),
            Self::AuthorIs(user) => Post::F.author.eq(Key::new(*user)),
            Self::HasEditor(has) => Post::F.editor.isnull(!has),
            Self::TitleIs(number) => Post::F.title.eq(title(*number)),
            Self::AuthorNamed(user) => author_name.eq(user_name(*user)),
            Self::EditorNamed(user) => editor_name.eq(user_name(*user)),
            Self::AuthorInTeam(team) => Post::F
                .author
                .to(User::F.team)
                .to(Team::F.name)
                .eq(team_name(*team)),
            Self::Not(other) => !other.filter(),
            Self::Either(one, other) => one.filter() | other.filter(),
        }
    }

    /// As Django has it, where a comparison with null does not hold, and its opposite does.
    fn holds(&self, post: i64) -> bool {
        match self {
            Self::IdUpTo(id) => post <= *id,
            Self::AuthorIs(user) => author(post) == *user,
            Self::HasEditor(has) => editor(post).is_some() == *has,
            Self::TitleIs(number) => title(post) == title(*number),
            Self::AuthorNamed(user) => author(post) == *user,
            Self::EditorNamed(user) => editor(post) == Some(*user),
            Self::AuthorInTeam(number) => team(author(post)) == Some(*number),
            Self::Not(other) => !other.holds(post),
            Self::Either(one, other) => one.holds(post) || other.holds(post),
        }
    }

    fn crosses(&self) -> bool {
        match self {
            Self::IdUpTo(_) | Self::AuthorIs(_) | Self::HasEditor(_) | Self::TitleIs(_) => false,
            Self::AuthorNamed(_) | Self::EditorNamed(_) | Self::AuthorInTeam(_) => true,
            Self::Not(other) => other.crosses(),
            Self::Either(one, other) => one.crosses() || other.crosses(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Key,
    KeyBackwards,
    AuthorName,
}

/// What is read with the rows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum With {
    Author,
    AuthorAndTeam,
    Editor,
    Readers,
}

#[derive(Debug, Clone)]
struct Query {
    conditions: Vec<Condition>,
    order: Order,
    offset: Option<u64>,
    limit: Option<u64>,
    with: Vec<With>,
}

fn conditions() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        6 => (0..=POSTS + 5).prop_map(Condition::IdUpTo),
        3 => (1..=USERS).prop_map(Condition::AuthorIs),
        3 => any::<bool>().prop_map(Condition::HasEditor),
        3 => (0..20i64).prop_map(Condition::TitleIs),
        1 => (1..=USERS).prop_map(Condition::AuthorNamed),
        1 => (1..=12i64).prop_map(Condition::EditorNamed),
        1 => (1..=TEAMS).prop_map(Condition::AuthorInTeam),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| Condition::Not(Box::new(inner))),
            (inner.clone(), inner)
                .prop_map(|(one, other)| Condition::Either(Box::new(one), Box::new(other))),
        ]
    })
}

fn queries() -> impl Strategy<Value = Query> {
    let with = [
        With::Author,
        With::AuthorAndTeam,
        With::Editor,
        With::Readers,
    ];
    (
        proptest::collection::vec(conditions(), 0..3),
        prop_oneof![
            4 => select(&[Order::Key, Order::KeyBackwards][..]),
            1 => Just(Order::AuthorName),
        ],
        proptest::option::weighted(0.2, 0..60u64),
        proptest::option::weighted(0.3, 0..90u64),
        proptest::sample::subsequence(with.to_vec(), 0..=with.len()),
    )
        .prop_map(|(conditions, order, offset, limit, with)| Query {
            conditions,
            order,
            offset,
            limit,
            with,
        })
}

/// How many rows the server has for what it is sent; `None` for what this knows nothing of.
fn rows_at_the_server(explained: &Explain) -> Option<u64> {
    let mut posts: Vec<i64> = (1..=POSTS).collect();
    for (name, value) in explained.pushed() {
        let values: Vec<&str> = value.split(',').collect();
        let is_one_of = |shown: String| values.contains(&shown.as_str());
        match name.as_str() {
            "ordering" => {}
            "id__lte" => posts.retain(|post| *post <= value.parse().unwrap()),
            "author" | "author__in" => posts.retain(|post| is_one_of(author(*post).to_string())),
            "title" | "title__in" => posts.retain(|post| is_one_of(title(*post))),
            "editor__isnull" => {
                posts.retain(|post| editor(*post).is_none().to_string() == *value);
            }
            _ => return None,
        }
    }
    Some(posts.len() as u64)
}

impl Query {
    fn queryset(&self, client: &ServiceClient) -> QuerySet<Post> {
        let mut posts = client.objects::<Post>().all();
        for condition in &self.conditions {
            posts = posts.filter(condition.filter());
        }
        posts = match self.order {
            Order::Key => posts.order_by([Post::F.id.asc()]),
            Order::KeyBackwards => posts.order_by([Post::F.id.desc()]),
            Order::AuthorName => {
                posts.order_by([Post::F.author.to(User::F.name).asc(), Post::F.id.desc()])
            }
        };
        for with in &self.with {
            posts = match with {
                With::Author => posts.prefetch_related(Post::F.author),
                With::AuthorAndTeam => posts
                    .prefetch_related(Prefetch::to(Post::F.author).prefetch_related(User::F.team)),
                With::Editor => posts.prefetch_related(Post::F.editor),
                With::Readers => posts.prefetch_related(Post::F.readers),
            };
        }
        if let Some(offset) = self.offset {
            posts = posts.offset(offset);
        }
        if let Some(limit) = self.limit {
            posts = posts.limit(limit);
        }
        posts
    }

    fn expected(&self) -> Vec<i64> {
        let holds = |post: &i64| {
            self.conditions
                .iter()
                .all(|condition| condition.holds(*post))
        };
        let mut posts: Vec<i64> = (1..=POSTS).filter(holds).collect();
        match self.order {
            Order::Key => {}
            Order::KeyBackwards => posts.reverse(),
            Order::AuthorName => {
                posts.sort_by_key(|post| (user_name(author(*post)), std::cmp::Reverse(*post)));
            }
        }
        let bounded = |rows: Option<u64>, or: usize| rows.map_or(or, |rows| rows as usize);
        let rest = posts.into_iter().skip(bounded(self.offset, 0));
        rest.take(bounded(self.limit, usize::MAX)).collect()
    }

    /// The requests that are told, with what these rows point at.
    fn told(explained: &Explain, posts: &[i64]) -> Option<u64> {
        let count = |keys: Vec<i64>| BTreeSet::from_iter(keys).len() as u64;
        let authors: Vec<i64> = posts.iter().copied().map(author).collect();
        let teams = BTreeSet::from_iter(authors.iter().filter_map(|user| team(*user)));
        let related = [
            ("author", count(authors)),
            ("author__team", teams.len() as u64),
            (
                "editor",
                count(posts.iter().copied().filter_map(editor).collect()),
            ),
            (
                "readers",
                count(posts.iter().copied().flat_map(readers).collect()),
            ),
        ];
        explained.requests_with(rows_at_the_server(explained)?, &related)
    }
}

async fn check(query: &Query, client: &ServiceClient) -> Result<bool, TestCaseError> {
    let failed = |error: Error| TestCaseError::fail(format!("{error:?}"));
    let queryset = query.queryset(client);
    let expected = query.expected();
    // Once, so that what has to be found out is known.
    queryset.fetch().await.map_err(failed)?;
    let explained = queryset.explain().map_err(failed)?;
    let before = client.stats().requests;
    let found = queryset.fetch().await.map_err(failed)?;
    let made = client.stats().requests - before;
    let ids: Vec<i64> = found.iter().filter_map(|post| post.id).collect();
    prop_assert_eq!(&ids, &expected);
    let told = Query::told(&explained, &expected).filter(|_| !expected.is_empty());
    if let Some(told) = told {
        prop_assert_eq!(made, told, "{}", explained);
    }
    let names = (
        Post::F.id,
        Post::F.author.to(User::F.name),
        Post::F.author.to(User::F.team).to(Team::F.name).nullable(),
        Post::F.editor.to(User::F.name).nullable(),
    );
    let named = expected.iter().map(|post| {
        let by = author(*post);
        (
            *post,
            user_name(by),
            team(by).map(team_name),
            editor(*post).map(user_name),
        )
    });
    let values = queryset.values_list(names).await.map_err(failed)?;
    prop_assert_eq!(values, named.collect::<Vec<_>>());
    let before = client.stats().requests;
    for post in &found {
        let id = post.id.unwrap_or_default();
        if query.with.contains(&With::AuthorAndTeam) {
            let writer = post.author().await.map_err(failed)?;
            let of = writer.team().await.map_err(failed)?;
            prop_assert_eq!(of.and_then(|team| team.id), team(author(id)));
        }
        if query.with.contains(&With::Author) {
            let writer = post.author().await.map_err(failed)?;
            prop_assert_eq!(&writer.name, &user_name(author(id)));
        }
        if query.with.contains(&With::Editor) {
            let found = post.editor().await.map_err(failed)?;
            prop_assert_eq!(found.and_then(|user| user.id), editor(id));
        }
        if query.with.contains(&With::Readers) {
            let found = post.readers().await.map_err(failed)?;
            let found: Vec<i64> = found.iter().filter_map(|user| user.id).collect();
            prop_assert_eq!(found, readers(id));
        }
    }
    prop_assert_eq!(
        client.stats().requests,
        before,
        "what was read with the rows is there"
    );
    Ok(told.is_some())
}

/// Users, with the posts that point at them: all, or as many of those with one title as this, the latest first.
#[derive(Debug, Clone)]
struct Back {
    up_to: i64,
    with_a_post: Option<i64>,
    chosen: Option<(i64, Option<u64>)>,
}

fn backs() -> impl Strategy<Value = Back> {
    let chosen = (0..20i64, proptest::option::of(0..3u64));
    let with_a_post = proptest::option::weighted(0.3, 0..20i64);
    (0..=USERS, with_a_post, proptest::option::of(chosen)).prop_map(
        |(up_to, with_a_post, chosen)| Back {
            up_to,
            with_a_post,
            chosen,
        },
    )
}

async fn check_back(back: &Back, client: &ServiceClient) -> Result<bool, TestCaseError> {
    let failed = |error: Error| TestCaseError::fail(format!("{error:?}"));
    let written = |user: i64| (1..=POSTS).filter(move |post| author(*post) == user);
    let mut users = client.objects::<User>().filter(User::F.id.lte(back.up_to));
    if let Some(number) = back.with_a_post {
        users = users.filter(User::F.posts.to(Post::F.title).eq(title(number)));
    }
    let mut posts = Prefetch::back(Post::F.author);
    if let Some((number, most)) = back.chosen {
        let chosen = client
            .objects::<Post>()
            .filter(Post::F.title.eq(title(number)));
        let latest = chosen.order_by([Post::F.id.desc()]);
        posts = posts.of(match most {
            Some(most) => latest.limit(most),
            None => latest,
        });
    }
    let users = users.order_by([User::F.id.asc()]).prefetch_related(posts);
    users.fetch().await.map_err(failed)?;
    let explained = users.explain().map_err(failed)?;
    let before = client.stats().requests;
    let found = users.fetch().await.map_err(failed)?;
    let made = client.stats().requests - before;
    let is_meant = |user: &i64| {
        let has = |number| written(*user).any(|post| title(post) == title(number));
        back.with_a_post.is_none_or(has)
    };
    let expected: Vec<i64> = (1..=back.up_to).filter(is_meant).collect();
    let ids: Vec<i64> = found.iter().filter_map(|user| user.id).collect();
    prop_assert_eq!(&ids, &expected);
    let of = |user: i64| -> Vec<i64> {
        let Some((number, most)) = back.chosen else {
            return written(user).collect();
        };
        let mut posts: Vec<i64> = written(user)
            .filter(|post| title(*post) == title(number))
            .collect();
        posts.reverse();
        posts.truncate(most.map_or(usize::MAX, |most| most as usize));
        posts
    };
    // All that come, before those of each user are cut.
    let come = expected.iter().flat_map(|user| written(*user));
    let come = come.filter(|post| {
        back.chosen
            .is_none_or(|(number, _)| title(*post) == title(number))
    });
    let told = explained.requests_with(expected.len() as u64, &[("posts", come.count() as u64)]);
    let told = told.filter(|_| !expected.is_empty());
    if let Some(told) = told {
        prop_assert_eq!(made, told, "{}", explained);
    }
    let before = client.stats().requests;
    for user in &found {
        let posts = user.posts().rows().await.map_err(failed)?;
        let mut ids: Vec<i64> = posts.iter().filter_map(|post| post.id).collect();
        if back.chosen.is_none() {
            ids.sort_unstable();
        }
        prop_assert_eq!(ids, of(user.id.unwrap_or_default()));
    }
    prop_assert_eq!(client.stats().requests, before);
    Ok(told.is_some())
}

/// How many queries are tried, and of how many the requests have to be told. If too few were drawn of which they are, as many are
/// tried again.
const QUERIES: u32 = 100;
const TOLD: u32 = 20;

/// Tries random queries; how many of them had their requests told.
fn tried<Q: std::fmt::Debug>(
    queries: impl Strategy<Value = Q>,
    check: impl AsyncFn(&Q, &ServiceClient) -> Result<bool, TestCaseError>,
) -> u32 {
    let (runtime, server) = served();
    let client = ServiceClient::builder(server.base_url()).on_warning(|_| {});
    let client = client.build().unwrap();
    // So that the size of their pages is known.
    runtime.block_on(async {
        client.objects::<Post>().all().await.unwrap();
        client.objects::<User>().all().await.unwrap();
        client.objects::<Team>().all().page_size(2).await.unwrap();
    });
    let told = Cell::new(0);
    for _ in 0..10 {
        let mut runner = TestRunner::new(Config {
            failure_persistence: None,
            ..Config::with_cases(QUERIES)
        });
        let run = runner.run(&queries, |query| {
            told.set(told.get() + u32::from(runtime.block_on(check(&query, &client))?));
            Ok(())
        });
        run.unwrap();
        if told.get() >= TOLD {
            break;
        }
    }
    told.get()
}

#[test]
fn rows_and_requests_are_those_that_are_told() {
    let told = tried(queries(), async |query, client| {
        let told = check(query, client).await?;
        let crosses = query.conditions.iter().any(Condition::crosses);
        prop_assert!(!(crosses && told), "how many rows come first, nobody knows");
        Ok(told)
    });
    assert!(told >= TOLD, "{told}");
}

#[test]
fn rows_that_point_back_too() {
    let told = tried(backs(), async |back, client| check_back(back, client).await);
    assert!(told >= TOLD, "{told}");
}
