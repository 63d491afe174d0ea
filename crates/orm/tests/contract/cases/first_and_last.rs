//! `first`, `last`, `count` and `exists`, on every paginator.

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

/// The id of a row, if there is one.
fn id<M: Row>(row: Option<impl std::ops::Deref<Target = M>>) -> Option<i64> {
    row.map(|row| row.id())
}

#[case]
async fn first_and_last_in_the_servers_order(site: Site) -> Outcome {
    let first = site.users().first().await?;
    assert_eq!(id(first), Some(1));
    assert_eq!(site.cost(), 1);
    let last = site.users().last().await?;
    assert_eq!(id(last), Some(250), "not the last row of the first page");
    assert_eq!(site.cost(), 2);
    let last = site.posts().last().await?;
    assert_eq!(id(last), Some(120));
    let last = site.comments().last().await?;
    assert_eq!(id(last), Some(130));
    let last = site.teams().last().await?;
    assert_eq!(id(last), Some(5));
    let last = site.articles().last().await?;
    assert_eq!(id(last), Some(45));
    for endpoint in ITEMS {
        let items = site.items(endpoint);
        let first = items.first().await?;
        let last = items.last().await?;
        assert_eq!((id(first), id(last)), (Some(1), Some(130)), "{endpoint}");
    }
    site.no_warning()
}

#[case]
async fn first_and_last_in_an_order_of_ones_own(site: Site) -> Outcome {
    let mut expected = fixture::items();
    expected.sort_by_key(|item| (item.price, item.id));
    let (cheapest, dearest) = (expected[0].id, expected[129].id);
    for endpoint in ITEMS {
        let by_price = site
            .items(endpoint)
            .order_by([Item::F.price.asc(), Item::F.id.asc()]);
        let first = by_price.first().await?;
        let last = by_price.last().await?;
        assert_eq!((id(first), id(last)), (cheapest, dearest), "{endpoint}");
        let first = by_price.reverse().first().await?;
        assert_eq!(id(first), dearest, "{endpoint}");
    }
    Ok(())
}

#[case]
async fn first_and_last_of_a_filter(site: Site) -> Outcome {
    let expected = fixture::ids_of(&fixture::items(), |item| item.flag);
    for endpoint in ITEMS {
        let flagged = site.items(endpoint).filter(Item::F.flag.eq(true));
        let first = flagged.first().await?;
        let last = flagged.last().await?;
        assert_eq!(id(first), expected.first().copied(), "{endpoint}");
        assert_eq!(id(last), expected.last().copied(), "{endpoint}");
    }
    Ok(())
}

#[case]
async fn first_and_last_of_nothing(site: Site) -> Outcome {
    for endpoint in ITEMS {
        let nothing = site.items(endpoint).filter(Item::F.name.eq("no such name"));
        let first = nothing.first().await?;
        let last = nothing.last().await?;
        assert!(first.is_none() && last.is_none(), "{endpoint}");
    }
    Ok(())
}

#[case]
async fn first_and_last_of_a_slice(site: Site) -> Outcome {
    for endpoint in ITEMS {
        let slice = site.items(endpoint).all().range(10..25);
        let first = slice.first().await?;
        let last = slice.last().await?;
        assert_eq!((id(first), id(last)), (Some(11), Some(25)), "{endpoint}");
        let ordered = site
            .items(endpoint)
            .order_by([Item::F.id.desc()])
            .range(10..25);
        let first = ordered.first().await?;
        let last = ordered.last().await?;
        assert_eq!((id(first), id(last)), (Some(120), Some(106)), "{endpoint}");
    }
    Ok(())
}

#[case]
async fn count(site: Site) -> Outcome {
    let users = site.users().count().await?;
    assert_eq!(users, 250);
    assert_eq!(site.cost(), 1);
    let posts = site.posts().count().await?;
    let comments = site.comments().count().await?;
    let teams = site.teams().count().await?;
    let articles = site.articles().count().await?;
    let labels = site.labels().count().await?;
    assert_eq!(
        (posts, comments, teams, articles, labels),
        (120, 130, 5, 45, 30)
    );
    for endpoint in ITEMS {
        let items = site.items(endpoint).count().await?;
        assert_eq!(items, 130, "{endpoint}");
    }
    site.no_warning()
}

#[case]
async fn count_of_a_filter(site: Site) -> Outcome {
    let active = site.users().filter(User::F.active.eq(true)).count().await?;
    assert_eq!(active, 150);
    let expected = fixture::ids_of(&fixture::items(), |item| item.flag).len();
    for endpoint in ITEMS {
        let items = site.items(endpoint);
        let flagged = items.filter(Item::F.flag.eq(true)).count().await?;
        assert_eq!(flagged as usize, expected, "{endpoint}");
        let others = items.exclude(Item::F.flag.eq(true)).count().await?;
        assert_eq!(others as usize, 130 - expected, "{endpoint}");
        let none = items
            .filter(Item::F.name.eq("no such name"))
            .count()
            .await?;
        assert_eq!(none, 0, "{endpoint}");
    }
    Ok(())
}

#[case]
async fn count_of_a_slice_is_not_the_count_of_everything(site: Site) -> Outcome {
    for endpoint in ITEMS {
        let all = site.items(endpoint).all();
        let counts = (
            all.limit(40).count().await?,
            all.offset(100).count().await?,
            all.range(120..140).count().await?,
            all.offset(500).count().await?,
            all.limit(0).count().await?,
        );
        assert_eq!(counts, (40, 30, 10, 0, 0), "{endpoint}");
    }
    Ok(())
}

#[case]
async fn exists(site: Site) -> Outcome {
    let any = site.users().exists().await?;
    assert!(any);
    assert_eq!(site.cost(), 1);
    for endpoint in ITEMS {
        let items = site.items(endpoint);
        let answers = (
            items.exists().await?,
            items.filter(Item::F.flag.eq(true)).exists().await?,
            items
                .filter(Item::F.name.eq("no such name"))
                .exists()
                .await?,
            items.all().offset(129).exists().await?,
            items.all().offset(130).exists().await?,
        );
        assert_eq!(answers, (true, true, false, true, false), "{endpoint}");
    }
    Ok(())
}

cases! {
    reads: [
        first_and_last_in_the_servers_order,
        first_and_last_in_an_order_of_ones_own,
        first_and_last_of_a_filter,
        first_and_last_of_nothing,
        first_and_last_of_a_slice,
        count,
        count_of_a_filter,
        count_of_a_slice_is_not_the_count_of_everything,
        exists,
    ],
    writes: [],
}
