//! `delete`, and what can be done with a row that is gone.

use super::super::prelude::*;
use crate::{Outcome, models::*};

#[case]
async fn a_row(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(40)).await?;
    site.cost();
    user.delete().await?;
    assert_eq!(site.cost(), 1);
    assert_eq!(user.id, Some(40), "the value stays readable");
    let error = site.users().get(User::F.id.eq(40)).await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    let count = site.users().count().await?;
    assert_eq!(count, 249);
    Ok(())
}

#[case]
async fn a_row_with_a_slug(site: Site) -> Outcome {
    let mut article = site
        .articles()
        .get(Article::F.slug.eq("article-07"))
        .await?;
    article.delete().await?;
    let exists = site
        .articles()
        .filter(Article::F.slug.eq("article-07"))
        .exists()
        .await?;
    assert!(!exists);
    Ok(())
}

#[case]
async fn a_row_that_somebody_else_has_deleted(site: Site) -> Outcome {
    let mut ours = site.users().get(User::F.id.eq(40)).await?;
    let mut theirs = site.users().get(User::F.id.eq(40)).await?;
    theirs.delete().await?;
    let error = ours.refresh_from_api().await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    ours.name = "Too late".to_owned();
    let error = ours.save().await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    let error = ours.delete().await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    Ok(())
}

#[case]
async fn after_a_delete_nothing_is_sent_any_more(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(40)).await?;
    user.delete().await?;
    site.cost();
    user.name = "A ghost".to_owned();
    let errors = [
        user.save().await.unwrap_err(),
        user.refresh_from_api().await.unwrap_err(),
        user.delete().await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains("deleted"), "{error}");
    }
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn a_second_delete_does_not_exist(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(40)).await?;
    let mut copy = user.clone();
    user.delete().await?;
    let error = copy.delete().await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    Ok(())
}

cases! {
    reads: [],
    writes: [
        a_row,
        a_row_with_a_slug,
        a_row_that_somebody_else_has_deleted,
        after_a_delete_nothing_is_sent_any_more,
        a_second_delete_does_not_exist,
    ],
}
