//! Every row of a collection, whatever its paginator; and what that costs.

use django_api_orm::WarningKind;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn limit_offset_gives_every_row(site: Site) -> Outcome {
    let users = site.users().all().fetch().await?;
    assert_eq!(users.len(), 250);
    for (user, expected) in users.iter().zip(fixture::users()) {
        assert_eq!(**user, expected);
    }
    assert_eq!(site.cost(), 3, "100 rows a page");
    site.no_warning()
}

#[case]
async fn page_number_gives_every_row(site: Site) -> Outcome {
    let posts = site.posts().all().fetch().await?;
    assert_eq!(posts.len(), 120);
    for (post, expected) in posts.iter().zip(fixture::posts()) {
        assert_eq!(**post, expected);
    }
    assert_eq!(site.cost(), 5, "25 rows a page");
    site.no_warning()
}

#[case]
async fn page_number_without_a_page_size_parameter_gives_every_row(site: Site) -> Outcome {
    let articles = site.articles().all().fetch().await?;
    assert_eq!(articles.len(), 45);
    for (article, expected) in articles.iter().zip(fixture::articles()) {
        assert_eq!(**article, expected);
    }
    assert_eq!(site.cost(), 3, "20 rows a page");
    site.no_warning()
}

#[case]
async fn cursor_gives_every_row(site: Site) -> Outcome {
    let comments = site.comments().all().fetch().await?;
    assert_eq!(comments.len(), 130);
    for (comment, expected) in comments.iter().zip(fixture::comments()) {
        assert_eq!(comment.id(), expected["id"]);
        assert_eq!(comment.text, expected["text"]);
        let author = format!("{}/api/v1/users/{}/", site.base_url(), expected["author"]);
        assert_eq!(comment.author, author);
    }
    assert_eq!(site.cost(), 7, "20 rows a page");
    site.no_warning()
}

#[case]
async fn a_plain_list_gives_every_row(site: Site) -> Outcome {
    let teams = site.teams().all().fetch().await?;
    assert_eq!(teams.len(), 5);
    for (team, expected) in teams.iter().zip(fixture::teams()) {
        assert_eq!(**team, expected);
    }
    let labels = site.labels().all().fetch().await?;
    assert_eq!(labels.len(), 30);
    for (label, expected) in labels.iter().zip(fixture::labels()) {
        assert_eq!(**label, expected);
    }
    assert_eq!(
        site.cost(),
        4,
        "one for each list, and one to see that it is all"
    );
    site.teams().all().fetch().await?;
    site.labels().all().fetch().await?;
    assert_eq!(site.cost(), 2, "which is known from then on");
    site.no_warning()
}

#[case]
async fn every_paginator_gives_the_same_rows(site: Site) -> Outcome {
    for endpoint in ITEMS {
        let items = site.items(endpoint).all().fetch().await?;
        assert_eq!(items.len(), 130, "{endpoint}");
        for (item, expected) in items.iter().zip(fixture::items()) {
            assert_eq!(**item, expected, "{endpoint}");
        }
    }
    site.no_warning()
}

#[case]
async fn a_stream_gives_every_row_in_order(site: Site) -> Outcome {
    let mut rows = site.users().all().stream();
    let mut expected = 0;
    while let Some(user) = rows.try_next().await? {
        expected += 1;
        assert_eq!(user.id, Some(expected));
    }
    assert_eq!(expected, 250);
    assert_eq!(site.cost(), 3);
    for endpoint in ITEMS {
        let mut rows = site.items(endpoint).all().stream();
        let mut seen = Vec::new();
        while let Some(item) = rows.try_next().await? {
            seen.push(item.id());
        }
        assert_eq!(seen, (1..=130).collect::<Vec<_>>(), "{endpoint}");
    }
    site.no_warning()
}

#[case]
async fn a_stream_that_is_dropped_reads_no_further(site: Site) -> Outcome {
    let mut rows = site.comments().all().stream();
    let first = rows.try_next().await?.ok_or("a first comment")?;
    assert_eq!(first.id, Some(1));
    drop(rows);
    // A cursor is read one page ahead at most.
    let cost = site.cost();
    assert!(cost <= 2, "{cost} of 7 pages");
    Ok(())
}

#[case]
async fn a_stream_of_a_filtered_slice(site: Site) -> Outcome {
    let active = site.users().filter(User::F.active.eq(true));
    let mut rows = active.range(90..120).stream();
    let mut seen = Vec::new();
    while let Some(user) = rows.try_next().await? {
        seen.push(user.id());
    }
    let expected = fixture::ids_of(&fixture::users(), |user| user.active);
    assert_eq!(seen, expected[90..120]);
    site.no_warning()
}

#[case]
async fn a_queryset_is_a_description_and_can_be_used_again(site: Site) -> Outcome {
    let users = site.users();
    let active = users.filter(User::F.active.eq(true));
    let admins = active.filter(User::F.role.eq(Role::Admin));
    assert_eq!(site.cost(), 0, "nothing is sent before it is asked for");
    let both = (active.fetch().await?.len(), admins.fetch().await?.len());
    let expected = fixture::users();
    let active_admins = fixture::ids_of(&expected, |user| user.active && user.role == Role::Admin);
    assert_eq!(both, (150, active_admins.len()));
    let again = active.fetch().await?.len();
    assert_eq!(again, 150, "the same question asked again");
    Ok(())
}

#[case]
async fn a_page_size_can_be_asked_for(site: Site) -> Outcome {
    let posts = site.posts().all().page_size(50).fetch().await?;
    assert_eq!(ids(&posts), (1..=120).collect::<Vec<_>>());
    let users = site.users().all().page_size(7).limit(20).fetch().await?;
    assert_eq!(ids(&users), (1..=20).collect::<Vec<_>>());
    // More than the server allows: it caps without a word.
    let users = site.users().all().page_size(1000).fetch().await?;
    assert_eq!(ids(&users), (1..=250).collect::<Vec<_>>());
    let items = site
        .items("pagenumber-on")
        .all()
        .page_size(1000)
        .fetch()
        .await?;
    assert_eq!(ids(&items), (1..=130).collect::<Vec<_>>());
    site.no_warning()
}

#[case]
async fn rows_that_move_during_a_walk_are_reported(site: Site) -> Outcome {
    let mut rows = site.users().all().stream();
    let mut seen = 0;
    while seen < 10 {
        rows.try_next().await?.ok_or("a user")?;
        seen += 1;
    }
    let mut first = site.users().get(User::F.id.eq(1)).await?;
    first.delete().await?;
    while rows.try_next().await?.is_some() {
        seen += 1;
    }
    // Where every page had been read before, nothing has moved.
    let warned = site
        .warnings()
        .iter()
        .any(|(kind, _)| *kind == WarningKind::Drift);
    assert!(warned || seen == 250, "{seen} of 250 rows, without a word");
    Ok(())
}

cases! {
    reads: [
        limit_offset_gives_every_row,
        page_number_gives_every_row,
        page_number_without_a_page_size_parameter_gives_every_row,
        cursor_gives_every_row,
        a_plain_list_gives_every_row,
        every_paginator_gives_the_same_rows,
        a_stream_gives_every_row_in_order,
        a_stream_that_is_dropped_reads_no_further,
        a_stream_of_a_filtered_slice,
        a_queryset_is_a_description_and_can_be_used_again,
        a_page_size_can_be_asked_for,
    ],
    writes: [rows_that_move_during_a_walk_are_reported],
}
