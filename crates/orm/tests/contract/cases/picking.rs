//! `latest`, `earliest`, `contains`, and `in_bulk_by`.

use django_api_orm::ErrorKind;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn the_latest_and_the_earliest_on_every_paginator(site: Site) -> Outcome {
    let mut expected = fixture::items();
    expected.sort_by_key(|item| item.price);
    let (least, greatest) = (expected[0].price, expected[129].price);
    for endpoint in ITEMS {
        // The order of the queryset does not matter.
        let items = site.items(endpoint).order_by([Item::F.id.desc()]);
        let latest = items.latest(Item::F.price).await?;
        let earliest = items.earliest(Item::F.price).await?;
        assert_eq!(
            (earliest.price, latest.price),
            (least, greatest),
            "{endpoint}"
        );
        let opposite = items.latest(Item::F.price.desc()).await?;
        assert_eq!(opposite.price, least, "{endpoint}");
    }
    // By several fields, one after the other.
    expected.sort_by_key(|item| (item.price, item.id));
    for endpoint in ITEMS {
        let items = site.items(endpoint);
        let latest = items
            .latest([Item::F.price.asc(), Item::F.id.asc()])
            .await?;
        assert_eq!(latest.id, expected[129].id, "{endpoint}");
        let earliest = items.earliest(["price", "id"]).await?;
        assert_eq!(earliest.id, expected[0].id, "{endpoint}");
    }
    let first = site.users().earliest("id").await?;
    assert_eq!(first.id, Some(1));
    let last = site.users().latest(User::F.id).await?;
    assert_eq!(last.id, Some(250));
    Ok(())
}

#[case]
async fn the_latest_of_a_filter_costs_one_request_and_of_nothing_is_an_error(
    site: Site,
) -> Outcome {
    let expected = fixture::ids_of(&fixture::users(), |user| !user.active);
    let inactive = site.users().filter(User::F.active.eq(false));
    inactive.count().await?;
    inactive.latest(User::F.id).await?;
    site.cost();
    let latest = inactive.latest(User::F.id).await?;
    assert_eq!(latest.id, expected.last().copied());
    assert_eq!(site.cost(), 1);
    let nobody = site.users().filter(User::F.id.gt(9_000));
    let error = nobody.latest(User::F.id).await.err().ok_or("no error")?;
    assert!(
        error.is_does_not_exist() && error.message().contains("`User`"),
        "{error}"
    );
    let error = nobody.earliest(User::F.id).await.err().ok_or("no error")?;
    assert!(error.is_does_not_exist(), "{error}");
    site.cost();
    let sliced = site.users().all().limit(5);
    let error = sliced.latest(User::F.id).await.err().ok_or("no error")?;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let error = inactive.latest([""; 0]).await.err().ok_or("no error")?;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn a_queryset_contains_its_rows(site: Site) -> Outcome {
    let expected = fixture::users();
    let active = site.users().filter(User::F.active.eq(true));
    for number in [1, 2, 3] {
        let user = site.users().get(User::F.id.eq(number)).await?;
        let is_active = active.contains(&user).await?;
        assert_eq!(is_active, expected[number as usize - 1].active, "{number}");
        site.cost();
        let is_there = site.users().contains(&user).await?;
        assert!(is_there);
        assert_eq!(site.cost(), 1);
        let sliced = active.limit(5).contains(&user).await;
        assert_eq!(
            sliced.err().map(|error| error.kind()),
            Some(ErrorKind::InvalidRequest)
        );
    }
    for endpoint in ITEMS {
        let item = site.items(endpoint).get(Item::F.id.eq(77)).await?;
        let flagged = site.items(endpoint).filter(Item::F.flag.eq(true));
        let is_flagged = flagged.contains(&item).await?;
        assert_eq!(is_flagged, item.flag, "{endpoint}");
    }
    Ok(())
}

#[case]
async fn a_row_that_is_gone_is_contained_nowhere(site: Site) -> Outcome {
    let mut label = site
        .labels()
        .create(&serde_json::json!({"name": "Short-lived", "color": "red"}))
        .await?;
    let twin = label.clone();
    label.delete().await?;
    let is_there = site.labels().contains(&twin).await?;
    assert!(!is_there);
    Ok(())
}

#[case]
async fn rows_by_another_unique_field(site: Site) -> Outcome {
    let everybody = fixture::users();
    let emails = [
        everybody[4].email.as_str(),
        "nobody@example.com",
        everybody[199].email.as_str(),
    ];
    let users = site.users().in_bulk_by(User::F.email, emails).await?;
    assert_eq!(users.len(), 2);
    assert_eq!(*users[&everybody[199].email], everybody[199]);
    let articles = site
        .articles()
        .in_bulk_by(Article::F.slug, ["article-44", "none"])
        .await?;
    assert_eq!(articles["article-44"].id, Some(44));
    for endpoint in ITEMS {
        let items = site
            .items(endpoint)
            .in_bulk_by(Item::F.id, [77, 131])
            .await?;
        assert_eq!(items.len(), 1, "{endpoint}");
        assert_eq!(*items[&77], fixture::items()[76], "{endpoint}");
    }
    Ok(())
}

#[case]
async fn a_value_that_is_asked_for_twice_is_one_value(site: Site) -> Outcome {
    let everybody = fixture::users();
    // In two requests, as one takes 100 values.
    let mut emails: Vec<&str> = everybody[..150]
        .iter()
        .map(|user| user.email.as_str())
        .collect();
    emails.push(&everybody[0].email);
    let users = site.users().in_bulk_by(User::F.email, emails).await?;
    assert_eq!(users.len(), 150);
    Ok(())
}

#[case]
async fn a_field_that_is_not_unique_is_an_error(site: Site) -> Outcome {
    let result = site.users().in_bulk_by(User::F.active, [true]).await;
    let error = result.err().ok_or("no error")?;
    assert!(
        error.is_multiple_objects_returned() && error.message().contains("`active`"),
        "{error}"
    );
    Ok(())
}

cases! {
    reads: [
        the_latest_and_the_earliest_on_every_paginator,
        the_latest_of_a_filter_costs_one_request_and_of_nothing_is_an_error,
        a_queryset_contains_its_rows,
        rows_by_another_unique_field,
        a_value_that_is_asked_for_twice_is_one_value,
        a_field_that_is_not_unique_is_an_error,
    ],
    writes: [
        a_row_that_is_gone_is_contained_nowhere,
    ],
}
