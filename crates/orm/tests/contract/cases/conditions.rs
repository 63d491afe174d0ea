//! Conditions that a query string cannot say: `exclude`, `ne`, OR, NOT, two bounds on the same field.

use django_api_orm::Filter;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

/// Checks the items that satisfy a filter, on every paginator, with filter backends and without.
#[case]
async fn finds(
    site: &Site,
    filter: Filter<Item>,
    condition: impl Fn(&Item) -> bool + Send + Sync,
) -> Outcome {
    let shown = filter.to_string();
    let expected = fixture::ids_of(&fixture::items(), condition);
    assert!(
        (1..130).contains(&expected.len()),
        "{shown} says nothing: {} rows",
        expected.len()
    );
    for endpoint in ITEMS {
        let items = site.items(endpoint).filter(&filter);
        let rows = items.fetch().await?;
        assert_eq!(ids(&rows), expected, "{endpoint}: {shown}");
        let count = items.count().await?;
        assert_eq!(
            count as usize,
            expected.len(),
            "{endpoint}: count of {shown}"
        );
    }
    Ok(())
}

#[case]
async fn and(site: Site) -> Outcome {
    finds(
        &site,
        Item::F.flag.eq(true) & Item::F.kind.eq("toy"),
        |item| item.flag && item.kind == "toy",
    )
    .await
}

#[case]
async fn chained_filters_are_anded(site: Site) -> Outcome {
    let expected = fixture::ids_of(&fixture::users(), |user| {
        user.active && user.role == Role::Viewer
    });
    let users = site
        .users()
        .filter(User::F.active.eq(true))
        .filter(User::F.role.eq(Role::Viewer))
        .fetch()
        .await?;
    assert_eq!(ids(&users), expected);
    Ok(())
}

#[case]
async fn or(site: Site) -> Outcome {
    finds(&site, Item::F.rank.eq(8) | Item::F.kind.eq("toy"), |item| {
        item.rank == Some(8) || item.kind == "toy"
    })
    .await?;
    finds(&site, Item::F.rank.eq(8) | Item::F.rank.eq(-1), |item| {
        matches!(item.rank, Some(8 | -1))
    })
    .await
}

#[case]
async fn not(site: Site) -> Outcome {
    finds(&site, !Item::F.flag.eq(true), |item| !item.flag).await?;
    finds(
        &site,
        !(Item::F.flag.eq(true) | Item::F.kind.eq("toy")),
        |item| !item.flag && item.kind != "toy",
    )
    .await
}

#[case]
async fn a_tree(site: Site) -> Outcome {
    let filter = (Item::F.kind.eq("toy") | !Item::F.rank.gt(3)) & Item::F.price.lt(decimal("500"));
    finds(&site, filter, |item| {
        (item.kind == "toy" || item.rank.is_none_or(|rank| rank <= 3))
            && item.price < decimal("500")
    })
    .await
}

#[case]
async fn ne_keeps_nulls_as_djangos_exclude_does(site: Site) -> Outcome {
    finds(&site, Item::F.rank.ne(8), |item| item.rank != Some(8)).await?;
    finds(&site, Item::F.rank.ne(None), |item| item.rank.is_some()).await
}

#[case]
async fn exclude(site: Site) -> Outcome {
    let items = fixture::items();
    for endpoint in ITEMS {
        let all = site.items(endpoint);
        let rows = all.exclude(Item::F.rank.gte(4)).fetch().await?;
        let expected = fixture::ids_of(&items, |item| item.rank.is_none_or(|rank| rank < 4));
        assert_eq!(
            ids(&rows),
            expected,
            "{endpoint}: nulls satisfy no comparison"
        );
        let rows = all
            .exclude(Item::F.flag.eq(true) & Item::F.kind.eq("toy"))
            .fetch()
            .await?;
        let expected = fixture::ids_of(&items, |item| !(item.flag && item.kind == "toy"));
        assert_eq!(ids(&rows), expected, "{endpoint}: both together");
        let rows = all
            .filter(Item::F.kind.eq("toy"))
            .exclude(Item::F.flag.eq(true))
            .fetch()
            .await?;
        let expected = fixture::ids_of(&items, |item| item.kind == "toy" && !item.flag);
        assert_eq!(ids(&rows), expected, "{endpoint}: after a filter");
        let rows = all.exclude(Item::F.rank.in_([1, 2, 3])).fetch().await?;
        let expected = fixture::ids_of(&items, |item| !matches!(item.rank, Some(1..=3)));
        assert_eq!(ids(&rows), expected, "{endpoint}: in");
    }
    Ok(())
}

#[case]
async fn exclude_of_an_empty_list_excludes_nothing(site: Site) -> Outcome {
    let users = site.users().exclude(User::F.id.in_([0; 0])).count().await?;
    assert_eq!(users, 250);
    Ok(())
}

#[case]
async fn two_conditions_on_one_parameter(site: Site) -> Outcome {
    // A repeated parameter means the last one to Django: the other has to be evaluated client-side.
    finds(&site, Item::F.rank.gt(2) & Item::F.rank.gt(5), |item| {
        item.rank.is_some_and(|rank| rank > 5)
    })
    .await?;
    finds(&site, Item::F.rank.gt(5) & Item::F.rank.gt(2), |item| {
        item.rank.is_some_and(|rank| rank > 5)
    })
    .await?;
    let none = site
        .users()
        .filter(User::F.id.eq(1) & User::F.id.eq(2))
        .fetch()
        .await?;
    assert!(none.is_empty());
    Ok(())
}

#[case]
async fn a_bounded_interval(site: Site) -> Outcome {
    finds(&site, Item::F.rank.gte(2) & Item::F.rank.lt(6), |item| {
        matches!(item.rank, Some(2..6))
    })
    .await
}

#[case]
async fn a_scan_has_a_limit(site: Site) -> Outcome {
    let error = site
        .users()
        .exclude(User::F.active.eq(true))
        .max_scan(120)
        .fetch()
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        django_api_orm::ErrorKind::ScanLimit,
        "{error}"
    );
    let enough = site
        .users()
        .exclude(User::F.active.eq(true))
        .max_scan(250)
        .fetch()
        .await?;
    assert_eq!(enough.len(), 100);
    Ok(())
}

cases! {
    reads: [
        and,
        chained_filters_are_anded,
        or,
        not,
        a_tree,
        ne_keeps_nulls_as_djangos_exclude_does,
        exclude,
        exclude_of_an_empty_list_excludes_nothing,
        two_conditions_on_one_parameter,
        a_bounded_interval,
        a_scan_has_a_limit,
    ],
    writes: [],
}
