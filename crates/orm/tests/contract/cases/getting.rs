//! `get`: the one row, or an error that says which of three things is wrong.

use serde_json::Value;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn by_primary_key(site: Site) -> Outcome {
    let user = site.users().get(User::F.id.eq(7)).await?;
    assert_eq!(*user, fixture::users()[6]);
    assert_eq!(Instance::pk(&user)?, 7);
    assert_eq!(site.cost(), 1);
    let comment = site.comments().get(Comment::F.id.eq(21)).await?;
    assert_eq!(comment.text, fixture::comments()[20]["text"]);
    site.no_warning()
}

#[case]
async fn by_pk_in_djangos_spelling(site: Site) -> Outcome {
    let user = site.users().all().lookup("pk", 7).one().await?;
    assert_eq!(user.id, Some(7));
    assert_eq!(site.cost(), 1);
    Ok(())
}

#[case]
async fn by_slug(site: Site) -> Outcome {
    let article = site
        .articles()
        .get(Article::F.slug.eq("article-07"))
        .await?;
    assert_eq!(*article, fixture::articles()[6]);
    assert_eq!(site.cost(), 1);
    Ok(())
}

#[case]
async fn by_a_filter(site: Site) -> Outcome {
    let user = site
        .users()
        .get(User::F.email.eq("user42@example.com"))
        .await?;
    assert_eq!(user.id, Some(42));
    assert_eq!(site.cost(), 1);
    let same = site
        .users()
        .get(User::F.id.eq(42) & User::F.email.eq("user42@example.com"))
        .await?;
    assert_eq!(same.id, Some(42));
    site.no_warning()
}

#[case]
async fn of_a_queryset(site: Site) -> Outcome {
    let active = site.users().filter(User::F.active.eq(true));
    let inactive = fixture::ids_of(&fixture::users(), |user| !user.active)[0];
    let found = active.get(User::F.id.eq(1)).await?;
    assert_eq!(found.id, Some(1));
    let missing = active.get(User::F.id.eq(inactive)).await.unwrap_err();
    assert!(missing.is_does_not_exist(), "{missing}");
    Ok(())
}

#[case]
async fn a_missing_row_does_not_exist(site: Site) -> Outcome {
    let users = site.users();
    let by_key = users.get(User::F.id.eq(9999)).await.unwrap_err();
    assert!(
        by_key.is_does_not_exist() && !by_key.is_not_found(),
        "{by_key}"
    );
    assert_eq!(by_key.status().map(|status| status.as_u16()), Some(404));
    let by_filter = users
        .get(User::F.email.eq("nobody@example.com"))
        .await
        .unwrap_err();
    assert!(by_filter.is_does_not_exist(), "{by_filter}");
    let by_slug = site
        .articles()
        .get(Article::F.slug.eq("nothing"))
        .await
        .unwrap_err();
    assert!(by_slug.is_does_not_exist(), "{by_slug}");
    for endpoint in ITEMS {
        let error = site
            .items(endpoint)
            .get(Item::F.id.eq(131))
            .await
            .unwrap_err();
        assert!(error.is_does_not_exist(), "{endpoint}: {error}");
    }
    Ok(())
}

#[case]
async fn several_rows_are_an_error(site: Site) -> Outcome {
    let error = site
        .users()
        .get(User::F.role.eq(Role::Admin))
        .await
        .unwrap_err();
    assert!(error.is_multiple_objects_returned(), "{error}");
    assert_eq!(site.cost(), 1, "two rows are enough to know");
    let error = site.users().all().one().await.unwrap_err();
    assert!(error.is_multiple_objects_returned(), "{error}");
    for endpoint in ITEMS {
        let error = site
            .items(endpoint)
            .get(Item::F.flag.eq(true))
            .await
            .unwrap_err();
        assert!(error.is_multiple_objects_returned(), "{endpoint}: {error}");
    }
    Ok(())
}

#[case]
async fn a_wrong_url_is_not_a_missing_row(site: Site) -> Outcome {
    let nowhere = site.users().at("/api/v1/nowhere/");
    let by_key = nowhere.get(User::F.id.eq(1)).await.unwrap_err();
    assert!(
        by_key.is_not_found() && !by_key.is_does_not_exist(),
        "{by_key}"
    );
    let by_filter = nowhere.get(User::F.name.eq("Ann")).await.unwrap_err();
    assert!(
        by_filter.is_not_found() && !by_filter.is_does_not_exist(),
        "{by_filter}"
    );
    let list = nowhere.all().fetch().await.unwrap_err();
    assert!(list.is_not_found(), "{list}");
    let count = nowhere.count().await.unwrap_err();
    assert!(count.is_not_found(), "{count}");
    let first = nowhere.first().await.unwrap_err();
    assert!(first.is_not_found(), "{first}");
    let exists = nowhere.exists().await.unwrap_err();
    assert!(exists.is_not_found(), "{exists}");
    Ok(())
}

#[case]
async fn the_detail_url_of_a_declared_slug_field_is_used_only_for_the_slug(site: Site) -> Outcome {
    // The endpoint has no filter for `id`: the row is found among all of them.
    let article = site.articles().get(Article::F.id.eq(33)).await?;
    assert_eq!(*article, fixture::articles()[32]);
    Ok(())
}

#[case]
async fn an_instance_is_the_row_and_knows_where_it_came_from(site: Site) -> Outcome {
    let post = site.posts().get(Post::F.id.eq(1)).await?;
    let raw: Value = serde_json::from_slice(Instance::raw(&post))?;
    assert_eq!(
        raw["body"], "Body of post 1.\nIt has two lines.",
        "also what the model leaves out"
    );
    assert_eq!(serde_json::to_value(&post)?, serde_json::to_value(&*post)?);
    let siblings = Instance::manager(&post).count().await?;
    assert_eq!(siblings, 120);
    let inner: Post = Instance::into_inner(post);
    assert_eq!(inner, fixture::posts()[0]);
    Ok(())
}

cases! {
    reads: [
        by_primary_key,
        by_pk_in_djangos_spelling,
        by_slug,
        by_a_filter,
        of_a_queryset,
        a_missing_row_does_not_exist,
        several_rows_are_an_error,
        a_wrong_url_is_not_a_missing_row,
        the_detail_url_of_a_declared_slug_field_is_used_only_for_the_slug,
        an_instance_is_the_row_and_knows_where_it_came_from,
    ],
    writes: [],
}
