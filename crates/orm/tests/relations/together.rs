//! A loop over rows that were read together: how many requests it sends, and what is said about it.

use std::sync::{Arc, Mutex, PoisonError};

use django_api_orm::{ErrorKind, OnNPlusOne, WarningKind, prelude::*};
use django_api_orm_testserver::TestServer;
use futures_util::{
    FutureExt,
    future::{join_all, try_join_all},
};
use http::StatusCode;
use serde_json::json;

use super::prefetched::{Post, PostRelations, User, UserRelations, client};

async fn posts(client: &ServiceClient, first: i64, last: i64) -> Vec<Instance<Post>> {
    let posts = client
        .objects::<Post>()
        .filter(Post::F.id.range(first, last));
    posts.order_by([Post::F.id.asc()]).await.unwrap()
}

#[tokio::test]
async fn what_the_rows_of_a_page_point_at_is_read_at_once() {
    let (_server, client) = client().await;
    let found = client.objects::<Post>().all().await.unwrap();
    let before = client.stats().requests;
    for post in &found {
        let author = post.author().await.unwrap();
        assert_eq!(author.id, post.id.map(|id| id % 240 + 1));
        let ids: Vec<_> = (post.readers().await.unwrap().iter())
            .filter_map(|reader| reader.id)
            .collect();
        assert_eq!(ids, [3, 2, post.id.unwrap() % 5 + 1]);
    }
    // 250 rows are asked a hundred at a time: their authors, and five readers.
    assert_eq!(client.stats().requests - before, 3 + 3);
    let before = client.stats().requests;
    for post in &found {
        // Nor does it take one for each of what was found.
        post.author().await.unwrap().manager().await.unwrap();
    }
    assert_eq!(client.stats().requests - before, 3);
    assert!(Arc::ptr_eq(
        &found[0].author().await.unwrap(),
        &found[0].author().await.unwrap()
    ));
}

#[tokio::test]
async fn those_who_ask_at_the_same_time_share_the_request() {
    let (_server, client) = client().await;
    let found = posts(&client, 1, 60).await;
    let before = client.stats().requests;
    let authors = try_join_all(found.iter().map(|post| post.author()))
        .await
        .unwrap();
    assert_eq!(authors.len(), 60);
    assert_eq!(client.stats().requests - before, 1);
}

#[tokio::test]
async fn who_gives_up_leaves_it_to_the_others() {
    let (server, client) = client().await;
    let found = posts(&client, 1, 3).await;
    let gate = server.hold_next();
    let mut first = found[0].author();
    assert!((&mut first).now_or_never().is_none());
    let mut second = found[1].author();
    assert!((&mut second).now_or_never().is_none());
    drop(first);
    gate.open();
    assert_eq!(second.await.unwrap().id, Some(3));
    // Where all have given up, it is begun anew.
    let again = posts(&client, 4, 6).await;
    let gate = server.hold_next();
    let mut first = again[0].author();
    assert!((&mut first).now_or_never().is_none());
    drop(first);
    gate.open();
    assert_eq!(again[1].author().await.unwrap().id, Some(6));
}

#[tokio::test]
async fn an_error_is_told_once_and_the_next_one_tries_again() {
    let (server, client) = client().await;
    let found = posts(&client, 1, 3).await;
    server.fail_next(StatusCode::FORBIDDEN, &[], "");
    let error = found[0].author().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    let before = client.stats().requests;
    for post in &found {
        post.author().await.unwrap();
    }
    assert_eq!(client.stats().requests - before, 1);
}

#[tokio::test]
async fn of_many_who_wait_one_is_told_the_error() {
    let (server, client) = client().await;
    let found = posts(&client, 1, 4).await;
    server.fail_next(StatusCode::FORBIDDEN, &[], "");
    let asked = join_all(found.iter().map(|post| post.author())).await;
    let failed = asked.iter().filter(|author| author.is_err()).count();
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn a_row_that_was_created_for_one_is_among_its_rows() {
    let (_server, client) = client().await;
    let users = client.objects::<User>().filter(User::F.id.range(20, 30));
    let users = users.order_by([User::F.id.asc()]).await.unwrap();
    for user in &users[..3] {
        assert_eq!(user.posts().rows().await.unwrap().len(), 1);
    }
    for user in [&users[2], &users[5]] {
        let post = json!({"readers": []});
        user.posts().create(&post).await.unwrap();
        let before = client.stats().requests;
        assert_eq!(user.posts().rows().await.unwrap().len(), 2);
        assert_eq!(user.posts().rows().await.unwrap().len(), 2);
        assert_eq!(client.stats().requests - before, 1);
    }
    let before = client.stats().requests;
    assert_eq!(users[6].posts().rows().await.unwrap().len(), 1);
    assert_eq!(
        client.stats().requests,
        before,
        "those of others are as they were"
    );
}

#[tokio::test]
async fn who_hears_a_warning_may_ask_for_the_same() {
    let (server, _) = client().await;
    let slot: Arc<Mutex<Option<Instance<Post>>>> = Arc::default();
    let of_handler = Arc::clone(&slot);
    let client = ServiceClient::builder(server.base_url())
        .on_n_plus_one(OnNPlusOne::Warn)
        .on_warning(move |_| {
            let post = of_handler
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            assert!(post.unwrap().author().now_or_never().is_none());
        })
        .build()
        .unwrap();
    let mut found = posts(&client, 1, 3).await;
    *slot.lock().unwrap() = found.pop();
    assert_eq!(found[0].author().await.unwrap().id, Some(2));
}

#[tokio::test]
async fn nothing_is_read_for_rows_that_are_gone() {
    let (server, client) = client().await;
    let mut found = posts(&client, 1, 50).await;
    found.truncate(2);
    let copy = found[1].clone();
    found.truncate(1);
    server.clear_requests();
    found[0].author().await.unwrap();
    let asked: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.query().to_owned())
        .collect();
    assert_eq!(asked, ["id__in=3,2"]);
    copy.author().await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn rows_that_point_elsewhere_by_now_are_asked_alone() {
    let (_server, client) = client().await;
    let mut found = posts(&client, 1, 10).await;
    found[3].author = Key::new(200);
    found[0].author = Key::new(201);
    let before = client.stats().requests;
    // With what the others pointed at.
    assert_eq!(found[0].author().await.unwrap().id, Some(201));
    assert_eq!(found[1].author().await.unwrap().id, Some(3));
    assert_eq!(client.stats().requests - before, 1);
    assert_eq!(found[3].author().await.unwrap().id, Some(200));
    assert_eq!(client.stats().requests - before, 2);
    found[0].author = Key::new(2);
    assert_eq!(found[0].author().await.unwrap().id, Some(2));
    found[2].refresh_from_api().await.unwrap();
    assert_eq!(found[2].author().await.unwrap().id, Some(4));
    assert_eq!(client.stats().requests - before, 5);
}

#[tokio::test]
async fn rows_that_point_back_are_read_at_the_second_row() {
    let (_server, client) = client().await;
    let users = client.objects::<User>().filter(User::F.id.lte(50));
    let users = users.order_by([User::F.id.asc()]).await.unwrap();
    let before = client.stats().requests;
    let cost = || client.stats().requests - before;
    let ids = |posts: Vec<Arc<Instance<Post>>>| {
        let mut ids: Vec<_> = posts.iter().filter_map(|post| post.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(users[4].posts().rows().await.unwrap()), [4, 244]);
    assert_eq!(ids(users[4].posts().rows().await.unwrap()), [4, 244]);
    assert_eq!(cost(), 1);
    for (user, number) in users.iter().zip(1..) {
        let expected = if number == 1 {
            vec![240]
        } else if number > 11 {
            vec![number - 1]
        } else {
            vec![number - 1, number + 239]
        };
        assert_eq!(ids(user.posts().rows().await.unwrap()), expected);
    }
    assert_eq!(cost(), 2);
}

#[tokio::test]
async fn a_stream_shares_what_its_pages_point_at() {
    let (_server, client) = client().await;
    let mut rows = client.objects::<Post>().all().stream();
    while let Some(post) = rows.try_next().await.unwrap() {
        post.author().await.unwrap();
    }
    // 3 pages, and the authors of each.
    assert_eq!(client.stats().requests, 6);
}

#[tokio::test]
async fn a_row_alone_is_no_loop() {
    let (_server, client) = client().await;
    let strict = client.objects::<Post>().on_n_plus_one(OnNPlusOne::Error);
    let post = strict.get(Post::F.id.eq(1)).await.unwrap();
    assert_eq!(post.author().await.unwrap().id, Some(2));
    let [post] = <[_; 1]>::try_from(strict.filter(Post::F.id.eq(2)).await.unwrap()).unwrap();
    assert_eq!(post.author().await.unwrap().id, Some(3));
    let prefetched = strict
        .filter(Post::F.id.lte(5))
        .prefetch_related(Post::F.author);
    for post in &prefetched.await.unwrap() {
        post.author().await.unwrap();
    }
}

#[tokio::test]
async fn the_line_of_the_program_is_named() {
    let (server, _) = client().await;
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&heard);
    let client = ServiceClient::builder(server.base_url())
        .on_n_plus_one(OnNPlusOne::Warn)
        .on_warning(move |warning| {
            assert_eq!(warning.kind(), WarningKind::NPlusOne);
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told.push(warning.to_string());
        })
        .build()
        .unwrap();
    for _ in 0..2 {
        for post in &posts(&client, 1, 5).await {
            post.author().await.unwrap();
        }
    }
    let line = line!() - 3;
    let heard = heard.lock().unwrap().clone();
    let expected = format!(
        "Post (/api/v1/posts/): `author` is asked for at {}:{line}:18 on one of several rows that were read together, and was not read with \
         them: prefetch it; it was read for all of them now",
        file!()
    );
    assert_eq!(heard, [expected]);

    let strict = client.objects::<Post>().on_n_plus_one(OnNPlusOne::Error);
    let found = strict.filter(Post::F.id.lte(5)).await.unwrap();
    let before = client.stats().requests;
    let error = found[0].author().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("together.rs:"), "{error}");
    assert_eq!(client.stats().requests, before);
    let users = client.objects::<User>().on_n_plus_one(OnNPlusOne::Error);
    let users = users.filter(User::F.id.lte(5)).await.unwrap();
    users[0].posts().rows().await.unwrap();
    let error = users[1].posts().rows().await.unwrap_err();
    assert!(
        error.to_string().contains("`Post.author` is asked for at"),
        "{error}"
    );
}

#[test]
fn the_blocking_half_does_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, _): (TestServer, _) = runtime.block_on(client());
    let client = django_api_orm::blocking::ServiceClient::new(server.base_url()).unwrap();
    let posts = client.objects::<Post>().filter(Post::F.id.lte(20));
    let before = client.stats().requests;
    for post in &posts.fetch().unwrap() {
        post.author().unwrap();
    }
    assert_eq!(client.stats().requests - before, 2);
    let strict = posts.on_n_plus_one(OnNPlusOne::Error).fetch().unwrap();
    let error = strict[0].author().unwrap_err();
    assert!(error.to_string().contains("together.rs:"), "{error}");
}
