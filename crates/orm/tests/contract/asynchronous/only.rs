//! What only the async API has: awaiting a queryset, calls joined in one task, a client for the scope of a task.

use django_api_orm::Objects;
use futures_util::{FutureExt, TryStreamExt};

use super::prelude::*;
use crate::{Outcome, models::*};

async fn a_queryset_can_be_awaited(site: Site) -> Outcome {
    let active = site.users().filter(User::F.active.eq(true));
    let users = (&active).await?;
    assert_eq!(users.len(), 150);
    let users = active.limit(3).await?;
    assert_eq!(ids(&users).len(), 3);
    Ok(())
}

async fn calls_can_be_joined(site: Site) -> Outcome {
    let (users, posts, comments) = (site.users(), site.posts(), site.comments());
    let counts = tokio::try_join!(
        users.count(),
        posts.filter(Post::F.published.eq(true)).count(),
        comments.count(),
    )?;
    assert_eq!((counts.0, counts.2), (250, 130));
    let (first, second, third) = tokio::try_join!(
        users.get(User::F.id.eq(1)),
        users.get(User::F.id.eq(2)),
        users.get(User::F.id.eq(3)),
    )?;
    assert_eq!(ids(&[first, second, third]), [1, 2, 3]);
    Ok(())
}

async fn calls_can_be_spawned(site: Site) -> Outcome {
    let count = tokio::spawn(site.users().filter(User::F.active.eq(true)).count());
    let user = tokio::spawn(site.users().get(User::F.id.eq(1)));
    let (count, user) = (count.await??, user.await??);
    assert_eq!((count, user.id), (150, Some(1)));
    Ok(())
}

async fn a_stream_takes_combinators(site: Site) -> Outcome {
    let emails: Vec<String> = site
        .users()
        .filter(User::F.role.eq(Role::Admin))
        .stream()
        .map_ok(|user| user.email.clone())
        .try_collect()
        .await?;
    assert_eq!(emails.len(), 25);
    Ok(())
}

/// Registered nowhere: the surrounding scope alone says which client is meant.
#[derive(Debug, serde::Serialize, serde::Deserialize, django_api_orm::ApiModel)]
#[api(endpoint = "/api/v1/users/")]
struct Scoped {
    id: Option<i64>,
}

async fn a_scope_has_its_own_client(site: Site) -> Outcome {
    let one = site.builder().build()?;
    let two = site.builder().auth_token("other-token").build()?;
    let count = || async { Scoped::objects().count().await };
    let (first, second) = tokio::try_join!(one.scope(count()), two.scope(count()))?;
    assert_eq!((first, second), (250, 250));
    assert_eq!((one.stats().requests, two.stats().requests), (1, 1));
    let error = count().await.unwrap_err();
    assert!(error.is_configuration(), "outside of the scope: {error}");
    Ok(())
}

async fn a_call_that_is_dropped_leaves_a_working_client(site: Site) -> Outcome {
    let users = site.users();
    for _ in 0..5 {
        // Polled once, so that it has begun, and dropped.
        assert!(users.count().now_or_never().is_none());
    }
    let count = users.count().await?;
    assert_eq!(count, 250);
    Ok(())
}

cases! {
    reads: [
        a_queryset_can_be_awaited,
        calls_can_be_joined,
        calls_can_be_spawned,
        a_stream_takes_combinators,
        a_scope_has_its_own_client,
        a_call_that_is_dropped_leaves_a_working_client,
    ],
    writes: [],
}
