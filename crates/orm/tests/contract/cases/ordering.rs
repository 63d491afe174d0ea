//! `order_by` and `reverse`, also where the server does not sort as asked.

use std::cmp::Reverse;

use django_api_orm::WarningKind;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

fn sorted_items<K: Ord>(key: impl Fn(&Item) -> K) -> Vec<i64> {
    let mut items = fixture::items();
    items.sort_by_key(key);
    items.iter().map(Row::id).collect()
}

#[case]
async fn by_one_field(site: Site) -> Outcome {
    for endpoint in ITEMS {
        let items = site.items(endpoint);
        let down = items.order_by([Item::F.id.desc()]).fetch().await?;
        assert_eq!(
            ids(&down),
            (1..=130).rev().collect::<Vec<_>>(),
            "{endpoint}"
        );
        let up = items.order_by([Item::F.id.asc()]).fetch().await?;
        assert_eq!(ids(&up), (1..=130).collect::<Vec<_>>(), "{endpoint}");
    }
    Ok(())
}

#[case]
async fn by_several_fields(site: Site) -> Outcome {
    let expected = sorted_items(|item| (Reverse(item.price), item.id));
    for endpoint in ITEMS {
        let items = site.items(endpoint);
        let typed = items
            .order_by([Item::F.price.desc(), Item::F.id.asc()])
            .fetch()
            .await?;
        assert_eq!(ids(&typed), expected, "{endpoint}");
        let spelt = items.order_by(["-price", "id"]).fetch().await?;
        assert_eq!(ids(&spelt), expected, "{endpoint}");
    }
    Ok(())
}

#[case]
async fn nulls_come_first_as_the_server_has_them(site: Site) -> Outcome {
    let expected = sorted_items(|item| (item.rank, item.id));
    let backwards = sorted_items(|item| (Reverse(item.rank), item.id));
    // A cursor over nulls is an error of the server: see `failures`.
    for endpoint in ITEMS
        .into_iter()
        .filter(|endpoint| *endpoint != "cursor-on")
    {
        let items = site.items(endpoint);
        let up = items
            .order_by([Item::F.rank.asc(), Item::F.id.asc()])
            .fetch()
            .await?;
        assert_eq!(ids(&up), expected, "{endpoint}");
        let down = items
            .order_by([Item::F.rank.desc(), Item::F.id.asc()])
            .fetch()
            .await?;
        assert_eq!(ids(&down), backwards, "{endpoint}");
    }
    Ok(())
}

#[case]
async fn reverse(site: Site) -> Outcome {
    let backwards: Vec<i64> = (1..=130).rev().collect();
    let expected = sorted_items(|item| (item.price, Reverse(item.id)));
    for endpoint in ITEMS {
        let items = site.items(endpoint);
        let unordered = items.all().reverse().fetch().await?;
        assert_eq!(ids(&unordered), backwards, "{endpoint}");
        let twice = items.all().reverse().reverse().limit(3).fetch().await?;
        assert_eq!(ids(&twice), [1, 2, 3], "{endpoint}");
        let ordered = items.order_by(["-price", "id"]).reverse().fetch().await?;
        assert_eq!(ids(&ordered), expected, "{endpoint}");
        let slice = items.all().reverse().range(10..13).fetch().await?;
        assert_eq!(ids(&slice), [120, 119, 118], "{endpoint}");
    }
    Ok(())
}

#[case]
async fn a_later_order_replaces_an_earlier_one(site: Site) -> Outcome {
    let users = site
        .users()
        .order_by([User::F.name.asc()])
        .order_by([User::F.id.desc()]);
    let users = users.limit(3).fetch().await?;
    assert_eq!(ids(&users), [250, 249, 248]);
    Ok(())
}

#[case]
async fn an_order_that_the_server_drops_is_made_here(site: Site) -> Outcome {
    // `kind` is no ordering field of the items: Django REST Framework drops it without a word.
    let expected = sorted_items(|item| (item.kind.clone(), item.id));
    for endpoint in ITEMS {
        let items = site
            .items(endpoint)
            .order_by([Item::F.kind.asc(), Item::F.id.asc()]);
        let all = items.fetch().await?;
        assert_eq!(ids(&all), expected, "{endpoint}");
        let slice = items.range(40..60).fetch().await?;
        assert_eq!(ids(&slice), expected[40..60], "{endpoint}");
    }
    let warned = site
        .warnings()
        .iter()
        .filter(|(kind, _)| *kind == WarningKind::OrderingIgnored)
        .count();
    assert_eq!(
        warned,
        ITEMS.len(),
        "once for each endpoint: {:?}",
        site.warnings()
    );
    Ok(())
}

#[case]
async fn an_ignored_order_that_the_first_page_does_not_show(site: Site) -> Outcome {
    // The first twenty prices happen to go up.
    let first = fixture::items();
    assert!(
        first[..20].is_sorted_by_key(|item| item.price)
            && !first[..40].is_sorted_by_key(|item| item.price)
    );
    let expected = sorted_items(|item| (item.price, item.id));
    for endpoint in ITEMS_OFF {
        let items = site
            .items(endpoint)
            .order_by([Item::F.price.asc(), Item::F.id.asc()])
            .fetch()
            .await?;
        assert_eq!(ids(&items), expected, "{endpoint}");
    }
    Ok(())
}

#[case]
async fn an_order_by_a_nested_field(site: Site) -> Outcome {
    // Dropped by the server too.
    let zip = User::F.address.to(Address::F.zip);
    let users = site
        .users()
        .filter(User::F.address.to(Address::F.state).eq("IL"));
    let users = users
        .order_by([zip.asc(), User::F.id.asc()])
        .fetch()
        .await?;
    let mut expected = fixture::users();
    expected.retain(|user| {
        user.address
            .as_ref()
            .is_some_and(|address| address.state == "IL")
    });
    expected.sort_by_key(|user| {
        (
            user.address.as_ref().map(|address| address.zip.clone()),
            user.id,
        )
    });
    assert_eq!(
        ids(&users),
        expected.iter().map(Row::id).collect::<Vec<_>>()
    );
    Ok(())
}

cases! {
    reads: [
        by_one_field,
        by_several_fields,
        nulls_come_first_as_the_server_has_them,
        reverse,
        a_later_order_replaces_an_earlier_one,
        an_order_that_the_server_drops_is_made_here,
        an_ignored_order_that_the_first_page_does_not_show,
        an_order_by_a_nested_field,
    ],
    writes: [],
}
