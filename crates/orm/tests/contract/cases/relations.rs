//! From a row to those that it points at, and back.

use std::collections::BTreeSet;

use django_api_orm::{ErrorKind, Key, related::Prefetch};
use serde_json::json;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn what_a_row_points_at_is_read_once(site: Site) -> Outcome {
    let stories = site.client().objects::<Story>();
    let expected = &fixture::posts()[4];
    let mut story = stories.get(Story::F.id.eq(expected.id())).await?;
    site.cost();
    let author = story.author().await?;
    assert_eq!(author.id, Some(expected.author_id));
    let again = story.author().await?;
    assert_eq!(again.name, author.name);
    assert_eq!(site.cost(), 1);
    let other = expected.author_id + 1;
    story.author = Key::new(other);
    let author = story.author().await?;
    assert_eq!(author.id, Some(other));
    assert_eq!(site.cost(), 1);
    Ok(())
}

#[case]
async fn a_url_and_a_null_are_followed(site: Site) -> Outcome {
    let comment = &fixture::comments()[2];
    let remarks = site.client().objects::<Remark>();
    let remark = remarks
        .get(Remark::F.id.eq(comment["id"].as_i64().unwrap_or_default()))
        .await?;
    let author = remark.author().await?;
    assert_eq!(author.id, comment["author"].as_i64());
    let author_of_post = remark.post().await?.author().await?;
    let posts = fixture::posts();
    let post = posts
        .iter()
        .find(|post| post.id == comment["post"].as_i64());
    assert_eq!(author_of_post.id, post.map(|post| post.author_id));

    let users = fixture::users();
    let teamless = users
        .iter()
        .find(|user| user.team.is_none())
        .ok_or("a user without a team")?;
    let member = users
        .iter()
        .find(|user| user.team.is_some())
        .ok_or("a user with a team")?;
    let authors = site.client().objects::<Author>();
    let teamless = authors.get(Author::F.id.eq(teamless.id())).await?;
    site.cost();
    let none = teamless.team().await?;
    assert!(none.is_none());
    assert_eq!(site.cost(), 0);
    let found = authors.get(Author::F.id.eq(member.id())).await?;
    let team = found.team().await?.ok_or("a team")?;
    assert_eq!(team.id, member.team);
    Ok(())
}

#[case]
async fn rows_that_point_at_a_row(site: Site) -> Outcome {
    let author = site
        .client()
        .objects::<Author>()
        .get(Author::F.id.eq(3))
        .await?;
    let mut expected = fixture::ids_of(&fixture::posts(), |post| post.author_id == 3);
    let mut found = ids(&author.stories().fetch().await?);
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    let count = author.stories().count().await?;
    assert_eq!(count, expected.len() as u64);
    let one = author.stories().get(Story::F.id.eq(expected[0])).await?;
    assert_eq!(one.author, Key::of(&author)?);
    let remarks = author.remarks().fetch().await?;
    let comments = fixture::comments();
    let of_author = comments.iter().filter(|comment| comment["author"] == 3);
    assert_eq!(remarks.len(), of_author.count());
    Ok(())
}

/// Requests for the keys that rows point at: 100 at a time, and 100 rows to a page of users.
fn chunks(keys: impl Iterator<Item = i64>) -> u64 {
    (keys.collect::<BTreeSet<_>>().len() as u64).div_ceil(100)
}

#[case]
async fn related_rows_are_read_with_the_rows(site: Site) -> Outcome {
    let expected = fixture::posts();
    let stories = site.client().objects::<Story>();
    let plain = stories.all().fetch().await?;
    let pages = site.cost();
    let found = stories
        .all()
        .prefetch_related(Story::F.author)
        .fetch()
        .await?;
    let read = site.cost();
    assert_eq!(found.len(), plain.len());
    assert_eq!(
        read,
        pages + chunks(expected.iter().map(|post| post.author_id))
    );
    for story in &found {
        let author = story.author().await?;
        let post = expected.iter().find(|post| post.id == story.id);
        assert_eq!(author.id, post.map(|post| post.author_id));
    }
    assert_eq!(site.cost(), 0);

    let one = stories
        .all()
        .prefetch_related(Story::F.author)
        .get(Story::F.id.eq(1))
        .await?;
    assert_eq!(site.cost(), 2);
    let author = one.author().await?;
    assert!(!author.name.is_empty());
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn rows_that_point_back_are_read_with_the_rows(site: Site) -> Outcome {
    let authors = site
        .client()
        .objects::<Author>()
        .filter(Author::F.id.lte(20));
    let titled = site
        .client()
        .objects::<Story>()
        .exclude(Story::F.title.eq(""));
    let titled = titled.prefetch_related(Story::F.author);
    let found = authors
        .prefetch_related(Prefetch::back(Story::F.author).of(titled))
        .prefetch_related(Author::F.team)
        .fetch()
        .await?;
    assert_eq!(found.len(), 20);
    site.cost();
    for author in &found {
        let mut expected = fixture::ids_of(&fixture::posts(), |post| {
            Some(post.author_id) == author.id && !post.title.is_empty()
        });
        let stories = author.stories().rows().await?;
        let mut ids: Vec<i64> = stories.iter().filter_map(|story| story.id).collect();
        expected.sort_unstable();
        ids.sort_unstable();
        assert_eq!(ids, expected);
        for story in &stories {
            let by = story.author().await?;
            assert_eq!(by.id, author.id);
        }
        let team = author.team().await?;
        assert_eq!(team.is_some(), author.team.is_some());
    }
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn a_slice_of_related_rows_is_that_of_each_row(site: Site) -> Outcome {
    let authors = site.client().objects::<Author>();
    let two = site.client().objects::<Story>().order_by(["-id"]).limit(2);
    let cut = authors.filter(Author::F.id.lte(5));
    let cut = cut.prefetch_related(Prefetch::back(Story::F.author).of(two));
    let found = cut.fetch().await?;
    site.cost();
    for author in &found {
        let stories = author.stories().rows().await?;
        let ids: Vec<i64> = stories.iter().filter_map(|story| story.id).collect();
        let mut expected =
            fixture::ids_of(&fixture::posts(), |post| Some(post.author_id) == author.id);
        expected.sort_unstable();
        expected.reverse();
        expected.truncate(2);
        assert_eq!(ids, expected);
    }
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn a_row_is_created_by_those_that_point_at_another_one(site: Site) -> Outcome {
    let author = site
        .client()
        .objects::<Author>()
        .get(Author::F.id.eq(5))
        .await?;
    site.cost();
    let story = author.stories().create(&json!({"title": "Mine"})).await?;
    assert_eq!(story.author, Key::of(&author)?);
    let remark = author
        .remarks()
        .create(&json!({"post": story.id, "text": "First"}))
        .await?;
    assert_eq!(site.cost(), 2);
    let by = remark.author().await?;
    assert_eq!(by.id, Some(5));
    let error = author
        .stories()
        .create(&json!({"title": "Not mine", "author": 6}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    Ok(())
}

#[case]
async fn an_instance_is_assigned_as_its_key(site: Site) -> Outcome {
    let authors = site.client().objects::<Author>();
    let stories = site.client().objects::<Story>();
    let mut story = stories.get(Story::F.id.eq(1)).await?;
    let author = authors.get(Author::F.id.eq(7)).await?;
    story.author = Key::of(&author)?;
    site.cost();
    story.save().await?;
    story.save().await?;
    assert_eq!(site.cost(), 1);
    let again = stories.get(Story::F.id.eq(1)).await?;
    assert_eq!(again.author, Key::new(7));

    let mut remark = site
        .client()
        .objects::<Remark>()
        .get(Remark::F.id.eq(1))
        .await?;
    remark.author = Key::of(&author)?;
    site.cost();
    remark.save().await?;
    assert_eq!(site.cost(), 1);
    remark.author = Key::of(&author)?;
    remark.save().await?;
    assert_eq!(site.cost(), 0);
    let by = remark.author().await?;
    assert_eq!(by.id, Some(7));

    let new = Story {
        id: None,
        title: "New".into(),
        author: Key::of(&by)?,
    };
    let new = stories.create(&new).await?;
    assert_eq!(new.author, Key::new(7));
    Ok(())
}

#[case]
async fn a_row_that_was_not_saved_has_no_key(site: Site) -> Outcome {
    let unsaved = Author {
        id: None,
        name: "New".into(),
        team: None,
    };
    let error = Key::<Author>::of(&unsaved).unwrap_err();
    assert!(error.to_string().contains("save it first"), "{error}");
    let mut copy = site
        .client()
        .objects::<Author>()
        .get(Author::F.id.eq(1))
        .await?;
    copy.id = None;
    let error = Key::<Author>::of(&copy).unwrap_err();
    assert!(error.to_string().contains("save it first"), "{error}");
    site.cost();
    let error = copy.stories().fetch().await.unwrap_err();
    assert!(error.to_string().contains("save it first"), "{error}");
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn rows_are_filtered_by_what_they_point_at(site: Site) -> Outcome {
    let stories = site.client().objects::<Story>();
    let author = site
        .client()
        .objects::<Author>()
        .get(Author::F.id.eq(9))
        .await?;
    let mut expected = fixture::ids_of(&fixture::posts(), |post| post.author_id == 9);
    expected.sort_unstable();
    for filter in [
        Story::F.author.eq(&author),
        Story::F.author.eq(Key::of(&author)?),
        Story::F.author.in_([Key::new(9)]),
        Story::F.author.to(Author::F.name).eq(&author.name),
    ] {
        let mut found = ids(&stories.filter(filter).fetch().await?);
        found.sort_unstable();
        assert_eq!(found, expected);
    }
    Ok(())
}

#[case]
async fn a_loop_over_rows_asks_for_what_they_point_at_together(site: Site) -> Outcome {
    let expected = fixture::posts();
    let found = site.client().objects::<Story>().all().fetch().await?;
    site.cost();
    for story in &found {
        let author = story.author().await?;
        let post = expected.iter().find(|post| post.id == story.id);
        assert_eq!(author.id, post.map(|post| post.author_id));
    }
    assert_eq!(site.cost(), found.len().div_ceil(100) as u64);
    Ok(())
}

#[case]
async fn what_related_rows_point_at_is_read_with_them(site: Site) -> Outcome {
    let remarks = site.client().objects::<Remark>();
    let with_team = Prefetch::to(Story::F.author).prefetch_related(Author::F.team);
    let of_post = Prefetch::to(Remark::F.post).prefetch_related(with_team);
    let found = remarks.all().prefetch_related(of_post).fetch().await?;
    assert!(found.len() > 10);
    site.cost();
    let (posts, users) = (fixture::posts(), fixture::users());
    for remark in &found {
        let author = remark.post().await?.author().await?;
        let comments = fixture::comments();
        let comment = comments
            .iter()
            .find(|comment| comment["id"].as_i64() == remark.id)
            .ok_or("a comment")?;
        let post = posts
            .iter()
            .find(|post| post.id == comment["post"].as_i64());
        assert_eq!(author.id, post.map(|post| post.author_id));
        let user = users
            .iter()
            .find(|user| user.id == author.id)
            .ok_or("a user")?;
        let team = author.team().await?;
        assert_eq!(team.and_then(|team| team.id), user.team);
    }
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn values_of_related_rows_are_given(site: Site) -> Outcome {
    let stories = site.client().objects::<Story>();
    let fields = (
        Story::F.id,
        Story::F.author.to(Author::F.name),
        Story::F
            .author
            .to(Author::F.team)
            .to(Team::F.name)
            .nullable(),
    );
    let found = stories.order_by(["id"]).values_list(fields).await?;
    let (users, teams) = (fixture::users(), fixture::teams());
    let mut posts = fixture::posts();
    posts.sort_by_key(|post| post.id);
    assert_eq!(found.len(), posts.len());
    for ((id, name, team), post) in found.into_iter().zip(posts) {
        assert_eq!(Some(id), post.id);
        let author = users
            .iter()
            .find(|user| user.id == Some(post.author_id))
            .ok_or("an author")?;
        assert_eq!(name, author.name);
        let of = teams
            .iter()
            .find(|team| author.team.is_some() && team.id == author.team);
        assert_eq!(team, of.map(|team| team.name.clone()));
    }
    let by_path = stories
        .filter(Story::F.id.eq(1))
        .values_list("author__name")
        .await?;
    assert!(by_path[0].is_string());
    Ok(())
}

fn ids(rows: &[Instance<Story>]) -> Vec<i64> {
    rows.iter().filter_map(|row| row.id).collect()
}

cases! {
    reads: [
        what_a_row_points_at_is_read_once,
        a_url_and_a_null_are_followed,
        rows_that_point_at_a_row,
        a_row_that_was_not_saved_has_no_key,
        rows_are_filtered_by_what_they_point_at,
        related_rows_are_read_with_the_rows,
        rows_that_point_back_are_read_with_the_rows,
        a_slice_of_related_rows_is_that_of_each_row,
        a_loop_over_rows_asks_for_what_they_point_at_together,
        what_related_rows_point_at_is_read_with_them,
        values_of_related_rows_are_given,
    ],
    writes: [
        a_row_is_created_by_those_that_point_at_another_one,
        an_instance_is_assigned_as_its_key,
    ],
}
