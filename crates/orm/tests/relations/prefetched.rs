//! Related rows that are read with the rows: how many requests, which instances, and page by page.

use std::sync::Arc;

use django_api_orm::{prelude::*, related::Prefetch};
use django_api_orm_testserver::{Field, Paginator, Resource, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/", related(posts = Post::author))]
pub(crate) struct User {
    pub(crate) id: Option<i64>,
    #[api(relation)]
    pub(crate) manager: Option<Key<Self>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
pub(crate) struct Post {
    pub(crate) id: Option<i64>,
    #[api(relation)]
    pub(crate) author: Key<User>,
    #[api(relation)]
    pub(crate) readers: Vec<Key<User>>,
}

/// 250 posts of 240 users, 100 to a page.
pub(crate) async fn client() -> (TestServer, ServiceClient) {
    let users: Vec<Value> = (1..=240)
        .map(|id| json!({"id": id, "manager": (id > 1).then_some(id / 2)}))
        .collect();
    let posts: Vec<Value> = (1..=250)
        .map(|id| json!({"id": id, "author": id % 240 + 1, "readers": [3, 2, id % 5 + 1]}))
        .collect();
    let pages = || Paginator::limit_offset().default_limit(100).max_limit(100);
    let users = Resource::new("users")
        .fields([
            Field::integer("id").primary_key(),
            Field::integer("manager").null(),
        ])
        .paginator(pages())
        .filter_on_everything()
        .rows(users);
    let posts = Resource::new("posts")
        .fields([
            Field::integer("id").primary_key(),
            Field::integer("author"),
            Field::json("readers"),
        ])
        .paginator(pages())
        .filter_on_everything()
        .rows(posts);
    let server = TestServer::builder()
        .resource(users)
        .resource(posts)
        .start()
        .await
        .unwrap();
    let client = ServiceClient::new(server.base_url()).unwrap();
    (server, client)
}

#[tokio::test]
async fn one_request_for_a_hundred_keys_of_each_relation() {
    let (_server, client) = client().await;
    let posts = client.objects::<Post>().all();
    posts.fetch().await.unwrap();
    let pages = client.stats().requests;
    let found = posts
        .prefetch_related(Post::F.author)
        .prefetch_related(Post::F.readers)
        .await
        .unwrap();
    // 3 pages of 250 posts; 240 authors in 3 requests; 5 readers in one.
    assert_eq!((pages, client.stats().requests - pages), (3, 3 + 3 + 1));
    let before = client.stats().requests;
    for post in &found {
        assert_eq!(
            post.author().await.unwrap().id,
            post.id.map(|id| id % 240 + 1)
        );
        let readers = post.readers().await.unwrap();
        let ids: Vec<_> = readers.iter().filter_map(|reader| reader.id).collect();
        assert_eq!(ids, [3, 2, post.id.unwrap() % 5 + 1]);
    }
    assert_eq!(client.stats().requests, before);
    let (first, last) = (&found[0], &found[240]);
    assert!(
        Arc::ptr_eq(
            &first.author().await.unwrap(),
            &last.author().await.unwrap()
        ),
        "one instance for one row"
    );
}

#[tokio::test]
async fn an_order_holds_over_several_requests() {
    let (_server, client) = client().await;
    let readers: Vec<i64> = (1..=150).collect();
    let post = json!({"author": 1, "readers": readers});
    let post = client.objects::<Post>().create(&post).await.unwrap();
    let latest = client.objects::<User>().all().order_by([User::F.id.desc()]);
    let posts = client
        .objects::<Post>()
        .filter(Post::F.id.eq(post.id.unwrap()))
        .prefetch_related(Prefetch::to(Post::F.readers).of(latest));
    let found = posts.await.unwrap();
    let before = client.stats().requests;
    let ids: Vec<i64> = (found[0].readers().await.unwrap().iter())
        .filter_map(|reader| reader.id)
        .collect();
    assert_eq!(ids, (1..=150).rev().collect::<Vec<_>>());
    assert_eq!(client.stats().requests, before);
}

#[tokio::test]
async fn relations_of_related_rows_and_back() {
    let (_server, client) = client().await;
    let managed = client
        .objects::<User>()
        .all()
        .prefetch_related(User::F.manager);
    let posts = client
        .objects::<Post>()
        .all()
        .prefetch_related(Prefetch::to(Post::F.author).of(managed));
    let users = client
        .objects::<User>()
        .filter(User::F.id.lte(10))
        .prefetch_related(Prefetch::back(Post::F.author).of(posts));
    let users = users.await.unwrap();
    let before = client.stats().requests;
    for user in &users {
        let posts = user.posts().rows().await.unwrap();
        let expected = if user.id == Some(1) {
            vec![240]
        } else {
            vec![user.id.unwrap() - 1, user.id.unwrap() + 239]
        };
        let mut ids: Vec<_> = posts.iter().filter_map(|post| post.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, expected);
        for post in &posts {
            let author = post.author().await.unwrap();
            assert_eq!(author.id, user.id);
            let manager = author.manager().await.unwrap();
            assert_eq!(
                manager.and_then(|manager| manager.id),
                user.id.filter(|id| *id > 1).map(|id| id / 2)
            );
        }
    }
    assert_eq!(client.stats().requests, before);
}

#[tokio::test]
async fn a_stream_reads_related_rows_page_by_page() {
    let (_server, client) = client().await;
    let posts = client
        .objects::<Post>()
        .all()
        .prefetch_related(Post::F.author);
    let mut rows = posts.stream();
    let mut count = 0;
    while let Some(post) = rows.try_next().await.unwrap() {
        count += 1;
        assert_eq!(
            post.author().await.unwrap().id,
            post.id.map(|id| id % 240 + 1)
        );
    }
    assert_eq!(count, 250);
    // 3 pages, and the authors of each.
    assert_eq!(client.stats().requests, 6);
}

#[tokio::test]
async fn a_row_that_the_queryset_leaves_out_is_none_as_in_django() {
    let (_server, client) = client().await;
    let none = client.objects::<User>().filter(User::F.id.gt(200));
    let posts = client.objects::<Post>().filter(Post::F.id.lte(5));
    let posts = posts.prefetch_related(Prefetch::to(Post::F.author).of(none.clone()));
    let found = posts.await.unwrap();
    assert_eq!(found.len(), 5);
    let users = client.objects::<User>().filter(User::F.id.range(2, 5));
    let users = users.prefetch_related(Prefetch::to(User::F.manager).of(none));
    let users = users.await.unwrap();
    assert_eq!(users.len(), 4);
    let before = client.stats().requests;
    let error = found[0].author().await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    assert_eq!(users[0].manager().await.unwrap(), None);
    assert_eq!(client.stats().requests, before);
}

#[tokio::test]
async fn a_key_without_a_row_is_an_error_only_where_it_is_followed() {
    let (_server, client) = client().await;
    let posts = client.objects::<Post>();
    for author in [900, 3] {
        let post = json!({"author": author, "readers": []});
        posts.create(&post).await.unwrap();
    }
    let latest = posts.filter(Post::F.id.gt(250));
    let latest = latest.order_by([Post::F.id.asc()]);
    let found = latest.prefetch_related(Post::F.author).await.unwrap();
    let before = client.stats().requests;
    let missing = found[0].author().await.unwrap_err();
    assert!(missing.is_does_not_exist(), "{missing}");
    assert_eq!(found[1].author().await.unwrap().id, Some(3));
    assert_eq!(client.stats().requests, before);
}

#[tokio::test]
async fn a_relation_is_read_once_and_by_one_queryset() {
    let (_server, client) = client().await;
    let some = client.objects::<User>().filter(User::F.id.lte(3));
    let by = |users: &QuerySet<User>| Prefetch::to(Post::F.author).of(users.clone());
    let posts = client.objects::<Post>().filter(Post::F.id.lte(5));
    for once in [
        posts
            .prefetch_related(by(&some))
            .prefetch_related(Post::F.author),
        posts
            .prefetch_related(Post::F.author)
            .prefetch_related(by(&some)),
    ] {
        let found = once.order_by([Post::F.id.asc()]).await.unwrap();
        let before = client.stats().requests;
        assert_eq!(found[0].author().await.unwrap().id, Some(2));
        assert!(found[4].author().await.is_err());
        assert_eq!(client.stats().requests, before);
    }
    let twice = posts
        .prefetch_related(by(&some))
        .prefetch_related(by(&some));
    let before = client.stats().requests;
    let error = twice.await.unwrap_err();
    assert!(error.to_string().contains("two querysets"), "{error}");
    assert_eq!(client.stats().requests, before);
}

#[tokio::test]
async fn whatever_gives_instances_reads_their_related_rows() {
    let (_server, client) = client().await;
    let posts = client.objects::<Post>().order_by([Post::F.id.asc()]);
    let posts = posts.prefetch_related(Post::F.author);
    let mut found = vec![
        posts.first().await.unwrap().unwrap(),
        posts.last().await.unwrap().unwrap(),
        posts.get(Post::F.id.eq(7)).await.unwrap(),
        posts.latest(Post::F.id).await.unwrap(),
        posts.earliest(Post::F.id).await.unwrap(),
    ];
    found.extend(posts.in_bulk([8]).await.unwrap().into_values());
    let by_id = posts.in_bulk_by(Post::F.id, [9]).await.unwrap();
    found.extend(by_id.into_values());
    let unordered = client.objects::<Post>().filter(Post::F.id.lte(2));
    let mut walk = unordered
        .prefetch_related(Post::F.author)
        .keyset(None::<i64>);
    found.extend(walk.try_next().await.unwrap());
    assert_eq!(found.len(), 8);
    let before = client.stats().requests;
    for post in &found {
        post.author().await.unwrap();
    }
    assert_eq!(client.stats().requests, before);
}

#[tokio::test]
async fn explain_tells_how_related_rows_are_read_and_how_many_requests_it_takes() {
    let (_server, client) = client().await;
    let managed = Prefetch::to(Post::F.author).prefetch_related(User::F.manager);
    let posts = client.objects::<Post>().all().prefetch_related(managed);
    let posts = posts.prefetch_related(Post::F.readers);
    let before = posts.explain().unwrap();
    let names: Vec<_> = before
        .related()
        .iter()
        .map(django_api_orm::ExplainRelated::name)
        .collect();
    assert_eq!(names, ["author", "author__manager", "readers"]);
    assert!(
        before.related()[1]
            .how()
            .starts_with("GET /api/v1/users/?id__in=..: one request for each 100")
    );
    assert!(
        before
            .to_string()
            .contains("\n  author__manager: GET /api/v1/users/?id__in=..")
    );
    let counts = [("author", 240), ("author__manager", 120), ("readers", 5)];
    assert_eq!(
        before.requests_with(250, &counts),
        None,
        "the size of pages is not known yet"
    );
    client.objects::<User>().all().await.unwrap();
    posts.fetch().await.unwrap();
    let cost = || client.stats().requests;
    let told = posts.explain().unwrap().requests_with(250, &counts);
    let made = cost();
    let found = posts.fetch().await.unwrap();
    assert_eq!(told, Some(cost() - made));
    assert_eq!(told, Some(3 + 3 + 2 + 1));
    let made = cost();
    for post in &found {
        let author = post.author().await.unwrap();
        assert_eq!(
            author
                .manager()
                .await
                .unwrap()
                .and_then(|manager| manager.id),
            author.id.filter(|id| *id > 1).map(|id| id / 2)
        );
    }
    assert_eq!(cost(), made);

    let latest = client.objects::<Post>().order_by([Post::F.id.desc()]);
    let users = client.objects::<User>().filter(User::F.id.lte(100));
    let users = users.prefetch_related(Prefetch::back(Post::F.author).of(latest));
    users.fetch().await.unwrap();
    let explained = users.explain().unwrap();
    assert_eq!(explained.related()[0].name(), "posts");
    let made = cost();
    users.fetch().await.unwrap();
    // Users 2 to 11 have two posts.
    assert_eq!(
        explained.requests_with(100, &[("posts", 110)]),
        Some(cost() - made)
    );
    assert_eq!(cost() - made, 1 + 2);
}

#[tokio::test]
async fn what_is_read_with_a_relation_adds_up() {
    let (_server, client) = client().await;
    let posts = client.objects::<Post>().filter(Post::F.id.lte(30));
    let some = client.objects::<User>().filter(User::F.id.lte(20));
    let posts = posts
        .prefetch_related(Post::F.author)
        .prefetch_related(Prefetch::to(Post::F.author).of(some))
        .prefetch_related(Prefetch::to(Post::F.author).prefetch_related(User::F.manager));
    let found = posts.order_by([Post::F.id.asc()]).await.unwrap();
    let before = client.stats().requests;
    let author = found[4].author().await.unwrap();
    assert_eq!(author.manager().await.unwrap().unwrap().id, Some(3));
    assert!(found[29].author().await.unwrap_err().is_does_not_exist());
    assert_eq!(client.stats().requests, before);
}
