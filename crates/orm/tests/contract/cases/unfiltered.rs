//! A server that ignores what it is asked: the answers are right all the same, and there is one warning.

use django_api_orm::{ErrorKind, OnIgnored, WarningKind};

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn a_filter_that_is_ignored(site: Site) -> Outcome {
    let toys = fixture::ids_of(&fixture::items(), |item| item.kind == "toy");
    for endpoint in ITEMS_OFF {
        let query = site.items(endpoint).filter(Item::F.kind.eq("toy"));
        let rows = query.fetch().await?;
        assert_eq!(ids(&rows), toys, "{endpoint}");
        let count = query.count().await?;
        assert_eq!(count as usize, toys.len(), "{endpoint}");
        let one = query.get(Item::F.id.eq(toys[3])).await?;
        assert_eq!(one.id(), toys[3], "{endpoint}");
    }
    let labels = site
        .labels()
        .filter(Label::F.name.eq("label-9"))
        .fetch()
        .await?;
    assert_eq!(ids(&labels), [9]);
    Ok(())
}

#[case]
async fn the_warning_comes_once_for_each_endpoint_and_lookup(site: Site) -> Outcome {
    for _ in 0..2 {
        let labels = site
            .labels()
            .filter(Label::F.name.eq("label-9"))
            .fetch()
            .await?;
        assert_eq!(ids(&labels), [9]);
    }
    assert_eq!(
        site.warnings(),
        [(WarningKind::FilterIgnored, "name".to_owned())]
    );
    let labels = site
        .labels()
        .filter(Label::F.color.isnull(true))
        .fetch()
        .await?;
    assert_eq!(
        ids(&labels),
        fixture::ids_of(&fixture::labels(), |label| label.color.is_none())
    );
    assert_eq!(site.warnings().len(), 2);
    Ok(())
}

#[case]
async fn one_lookup_of_several_is_ignored(site: Site) -> Outcome {
    // `kind__icontains` is no filter of the items, `flag` is one.
    let expected = fixture::ids_of(&fixture::items(), |item| {
        item.flag && item.kind.to_lowercase().contains("to")
    });
    for endpoint in ITEMS_ON {
        let query = site
            .items(endpoint)
            .filter(Item::F.flag.eq(true) & Item::F.kind.icontains("TO"));
        let rows = query.fetch().await?;
        assert_eq!(ids(&rows), expected, "{endpoint}");
        let count = query.count().await?;
        assert_eq!(count as usize, expected.len(), "{endpoint}");
    }
    for (kind, subject) in site.warnings() {
        assert_eq!(
            (kind, subject.as_str()),
            (WarningKind::FilterIgnored, "kind__icontains")
        );
    }
    assert_eq!(site.warnings().len(), ITEMS_ON.len());
    Ok(())
}

#[case]
async fn a_filter_of_which_the_first_page_shows_nothing(site: Site) -> Outcome {
    // The rows that violate it stand on later pages.
    for endpoint in ITEMS_OFF {
        let rows = site
            .items(endpoint)
            .filter(Item::F.id.lt(50))
            .fetch()
            .await?;
        assert_eq!(ids(&rows), (1..50).collect::<Vec<_>>(), "{endpoint}");
        let count = site
            .items(endpoint)
            .filter(Item::F.id.lt(100))
            .count()
            .await?;
        assert_eq!(count, 99, "{endpoint}");
        let rest = site
            .items(endpoint)
            .filter(Item::F.id.lt(110))
            .offset(105)
            .fetch()
            .await?;
        assert_eq!(ids(&rest), [106, 107, 108, 109], "{endpoint}");
    }
    Ok(())
}

#[case]
async fn an_ordering_that_is_ignored(site: Site) -> Outcome {
    for endpoint in ITEMS_OFF {
        let items = site.items(endpoint);
        let last = items.order_by([Item::F.id.desc()]).first().await?;
        assert_eq!(last.map(|item| item.id()), Some(130), "{endpoint}");
        let slice = items
            .order_by([Item::F.id.desc()])
            .range(25..30)
            .fetch()
            .await?;
        assert_eq!(ids(&slice), [105, 104, 103, 102, 101], "{endpoint}");
    }
    let labels = site
        .labels()
        .order_by([Label::F.id.desc()])
        .limit(2)
        .fetch()
        .await?;
    assert_eq!(ids(&labels), [30, 29]);
    Ok(())
}

#[case]
async fn an_ignored_ordering_reads_no_page_twice(site: Site) -> Outcome {
    let backwards: Vec<i64> = (1..=130).rev().collect();
    for endpoint in ITEMS_OFF {
        let items = site.items(endpoint);
        // A plain list is probed at first.
        items.all().fetch().await?;
        site.cost();
        items.all().fetch().await?;
        let pages = site.cost();
        let query = items.order_by([Item::F.id.desc()]);
        for time in ["the first", "the second"] {
            let told = query.explain()?.requests(130);
            let rows = query.fetch().await?;
            assert_eq!(ids(&rows), backwards, "{endpoint}, {time}");
            assert_eq!(site.cost(), pages, "{endpoint}, {time}");
            assert_eq!(told, Some(pages), "{endpoint}, {time}");
        }
        assert_eq!(query.explain()?.pushed(), [], "{endpoint}");
    }
    Ok(())
}

#[case]
async fn an_ignored_filter_can_be_an_error(site: Site) -> Outcome {
    let strict = site.labels().on_ignored(OnIgnored::Error);
    let error = strict
        .filter(Label::F.name.eq("label-9"))
        .fetch()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ignored, "{error}");
    assert!(error.to_string().contains("name"), "{error}");
    let fine = site
        .users()
        .all()
        .on_ignored(OnIgnored::Error)
        .filter(User::F.active.eq(true));
    let users = fine.fetch().await?;
    assert_eq!(users.len(), 150);
    Ok(())
}

#[case]
async fn an_ignored_filter_can_be_trusted(site: Site) -> Outcome {
    let trusting = site.labels().on_ignored(OnIgnored::Trust);
    let labels = trusting.filter(Label::F.name.eq("label-9")).fetch().await?;
    assert_eq!(labels.len(), 30, "the server's answer as it came");
    site.no_warning()
}

#[case]
async fn no_row_is_created_or_changed_on_a_wrong_match(site: Site) -> Outcome {
    let labels = site.labels();
    let (label, created) = labels
        .get_or_create(Label::F.name.eq("label-9"), [])
        .await?;
    assert_eq!(
        (label.id(), created),
        (9, false),
        "not the first row of an unfiltered list"
    );
    let (label, created) = labels
        .update_or_create(Label::F.name.eq("label-9"), [Label::F.color.set("#000000")])
        .await?;
    assert_eq!((label.id(), created), (9, false));
    let (label, created) = labels
        .get_or_create(Label::F.name.eq("new"), [Label::F.color.set("#111111")])
        .await?;
    assert_eq!((label.id(), created), (31, true));
    let rows = labels.all().fetch().await?;
    for (row, was) in rows.iter().zip(fixture::labels()) {
        let color = if was.id == Some(9) {
            Some("#000000".to_owned())
        } else {
            was.color
        };
        assert_eq!(row.color, color, "label {:?}", was.id);
    }
    assert_eq!(rows.len(), 31);
    Ok(())
}

cases! {
    reads: [
        a_filter_that_is_ignored,
        the_warning_comes_once_for_each_endpoint_and_lookup,
        one_lookup_of_several_is_ignored,
        a_filter_of_which_the_first_page_shows_nothing,
        an_ordering_that_is_ignored,
        an_ignored_ordering_reads_no_page_twice,
        an_ignored_filter_can_be_an_error,
        an_ignored_filter_can_be_trusted,
    ],
    writes: [no_row_is_created_or_changed_on_a_wrong_match],
}
