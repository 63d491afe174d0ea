//! `in_bulk`: rows by their keys.

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn by_key(site: Site) -> Outcome {
    let users = site.users().all().in_bulk([3, 200, 5]).await?;
    assert_eq!(users.len(), 3);
    for key in [3, 200, 5] {
        assert_eq!(*users[&key], fixture::users()[key as usize - 1]);
    }
    assert_eq!(site.cost(), 1);
    site.no_warning()
}

#[case]
async fn keys_without_a_row_are_left_out(site: Site) -> Outcome {
    let users = site.users().all().in_bulk([9999, 1, 10_000]).await?;
    assert_eq!(users.keys().collect::<Vec<_>>(), [&1]);
    Ok(())
}

#[case]
async fn of_nothing_costs_nothing(site: Site) -> Outcome {
    let users = site.users().all().in_bulk([0; 0]).await?;
    assert!(users.is_empty());
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn of_many_keys(site: Site) -> Outcome {
    let users = site.users().all().in_bulk(1..=250).await?;
    assert_eq!(users.len(), 250);
    assert_eq!(site.cost(), 3, "100 keys a request");
    Ok(())
}

#[case]
async fn of_a_filter(site: Site) -> Outcome {
    let expected = fixture::ids_of(&fixture::users(), |user| user.active && user.id() <= 20);
    let users = site
        .users()
        .filter(User::F.active.eq(true))
        .in_bulk(1..=20)
        .await?;
    let mut keys: Vec<i64> = users.keys().copied().collect();
    keys.sort_unstable();
    assert_eq!(keys, expected);
    Ok(())
}

#[case]
async fn on_every_paginator_with_and_without_filters(site: Site) -> Outcome {
    for endpoint in ITEMS {
        // The second time, what the server ignores is known.
        for _ in 0..2 {
            let items = site
                .items(endpoint)
                .all()
                .in_bulk([1, 77, 130, 131])
                .await?;
            let mut keys: Vec<i64> = items.keys().copied().collect();
            keys.sort_unstable();
            assert_eq!(keys, [1, 77, 130], "{endpoint}");
            assert_eq!(*items[&77], fixture::items()[76], "{endpoint}");
        }
    }
    Ok(())
}

#[case]
async fn of_a_model_with_a_slug_in_its_urls(site: Site) -> Outcome {
    let articles = site.articles().all().in_bulk([2, 44]).await?;
    assert_eq!(articles.len(), 2);
    assert_eq!(articles[&44].slug, "article-44");
    Ok(())
}

cases! {
    reads: [
        by_key,
        keys_without_a_row_are_left_out,
        of_nothing_costs_nothing,
        of_many_keys,
        of_a_filter,
        on_every_paginator_with_and_without_filters,
        of_a_model_with_a_slug_in_its_urls,
    ],
    writes: [],
}
