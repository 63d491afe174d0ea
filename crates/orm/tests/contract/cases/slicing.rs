//! Slices: `offset`, `limit`, `range`, and slices of slices.

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

/// Checks a slice of the items on every paginator.
#[case]
async fn check(
    site: &Site,
    slice: impl Fn(QuerySet<Item>) -> QuerySet<Item> + Send + Sync,
    expected: Vec<i64>,
) -> Outcome {
    for endpoint in ITEMS {
        let items = slice(site.items(endpoint).all()).fetch().await?;
        assert_eq!(ids(&items), expected, "{endpoint}");
    }
    Ok(())
}

fn ids_from(first: i64, last: i64) -> Vec<i64> {
    (first..=last).collect()
}

#[case]
async fn limit(site: Site) -> Outcome {
    check(&site, |all| all.limit(5), ids_from(1, 5)).await?;
    check(&site, |all| all.limit(20), ids_from(1, 20)).await?;
    check(&site, |all| all.limit(21), ids_from(1, 21)).await?;
    check(&site, |all| all.limit(75), ids_from(1, 75)).await?;
    check(&site, |all| all.limit(1000), ids_from(1, 130)).await
}

#[case]
async fn offset(site: Site) -> Outcome {
    check(&site, |all| all.offset(1), ids_from(2, 130)).await?;
    check(&site, |all| all.offset(45), ids_from(46, 130)).await?;
    check(&site, |all| all.offset(129), ids_from(130, 130)).await
}

#[case]
async fn offset_beyond_the_end_is_empty(site: Site) -> Outcome {
    check(&site, |all| all.offset(130), Vec::new()).await?;
    check(&site, |all| all.offset(1000), Vec::new()).await?;
    check(&site, |all| all.range(1000..1010), Vec::new()).await
}

#[case]
async fn range(site: Site) -> Outcome {
    check(&site, |all| all.range(10..20), ids_from(11, 20)).await?;
    check(&site, |all| all.range(..5), ids_from(1, 5)).await?;
    check(&site, |all| all.range(125..), ids_from(126, 130)).await?;
    check(&site, |all| all.range(5..=7), ids_from(6, 8)).await?;
    check(&site, |all| all.range(15..62), ids_from(16, 62)).await?;
    check(&site, |all| all.range(120..140), ids_from(121, 130)).await
}

#[case]
async fn slices_of_slices(site: Site) -> Outcome {
    check(
        &site,
        |all| all.range(10..50).range(5..10),
        ids_from(16, 20),
    )
    .await?;
    check(
        &site,
        |all| all.range(10..20).range(5..100),
        ids_from(16, 20),
    )
    .await?;
    check(
        &site,
        |all| all.offset(30).offset(30).limit(3),
        ids_from(61, 63),
    )
    .await?;
    check(&site, |all| all.limit(10).offset(4), ids_from(5, 10)).await?;
    check(&site, |all| all.limit(10).limit(50), ids_from(1, 10)).await?;
    check(&site, |all| all.limit(10).offset(10), Vec::new()).await
}

#[case]
async fn an_empty_slice_costs_nothing(site: Site) -> Outcome {
    check(&site, |all| all.limit(0), Vec::new()).await?;
    check(&site, |all| all.range(7..7), Vec::new()).await?;
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn a_slice_costs_no_more_than_its_pages(site: Site) -> Outcome {
    let users = site.users().all().range(200..210).fetch().await?;
    assert_eq!(ids(&users), ids_from(201, 210));
    assert_eq!(site.cost(), 1, "the rows before a slice are not read");
    let users = site.users().all().limit(150).fetch().await?;
    assert_eq!(users.len(), 150);
    assert_eq!(site.cost(), 2);
    Ok(())
}

#[case]
async fn a_slice_of_a_filter(site: Site) -> Outcome {
    let expected = fixture::ids_of(&fixture::items(), |item| item.flag);
    assert!(expected.len() > 30);
    for endpoint in ITEMS {
        let flagged = site.items(endpoint).filter(Item::F.flag.eq(true));
        let slice = flagged.range(12..30).fetch().await?;
        assert_eq!(ids(&slice), expected[12..30], "{endpoint}");
        let others = site
            .items(endpoint)
            .exclude(Item::F.flag.eq(true))
            .range(12..30)
            .fetch()
            .await?;
        let expected = fixture::ids_of(&fixture::items(), |item| !item.flag);
        assert_eq!(ids(&others), expected[12..30], "{endpoint}");
    }
    Ok(())
}

#[case]
async fn a_slice_of_an_order(site: Site) -> Outcome {
    let mut expected = fixture::items();
    expected.sort_by_key(|item| (std::cmp::Reverse(item.price), item.id));
    let expected: Vec<i64> = expected.iter().map(Row::id).collect();
    for endpoint in ITEMS {
        let dearest = site
            .items(endpoint)
            .order_by([Item::F.price.desc(), Item::F.id.asc()]);
        let slice = dearest.range(18..43).fetch().await?;
        assert_eq!(ids(&slice), expected[18..43], "{endpoint}");
    }
    Ok(())
}

#[case]
async fn a_filter_or_an_order_after_a_slice_is_an_error(site: Site) -> Outcome {
    let slice = site.users().all().limit(10);
    let error = slice
        .filter(User::F.active.eq(true))
        .fetch()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("slice"), "{error}");
    let error = slice
        .order_by([User::F.id.desc()])
        .fetch()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("slice"), "{error}");
    assert_eq!(site.cost(), 0, "noticed before anything is sent");
    Ok(())
}

cases! {
    reads: [
        limit,
        offset,
        offset_beyond_the_end_is_empty,
        range,
        slices_of_slices,
        an_empty_slice_costs_nothing,
        a_slice_costs_no_more_than_its_pages,
        a_slice_of_a_filter,
        a_slice_of_an_order,
        a_filter_or_an_order_after_a_slice_is_an_error,
    ],
    writes: [],
}
