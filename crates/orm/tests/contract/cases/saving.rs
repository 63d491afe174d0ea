//! `save`, `save_fields` and `refresh_from_api`: what changed is sent, and nothing else.

use serde_json::json;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn only_what_changed_is_sent(site: Site) -> Outcome {
    let mut ours = site.users().get(User::F.id.eq(1)).await?;
    let mut theirs = site.users().get(User::F.id.eq(1)).await?;
    theirs.name = "Their name".to_owned();
    theirs.tags.push("theirs".to_owned());
    theirs.save().await?;
    ours.email = "ours@example.com".to_owned();
    ours.save().await?;
    assert_eq!(site.cost(), 4);
    let now = site.users().get(User::F.id.eq(1)).await?;
    let expected = User {
        name: "Their name".to_owned(),
        tags: vec!["theirs".to_owned()],
        email: "ours@example.com".to_owned(),
        ..fixture::users().swap_remove(0)
    };
    assert_eq!(*now, expected, "no update is lost");
    assert_eq!(*ours, expected, "and the answer shows theirs");
    Ok(())
}

#[case]
async fn nothing_changed_costs_nothing(site: Site) -> Outcome {
    let mut users = site.users().all().fetch().await?;
    site.cost();
    for user in &mut users {
        assert!(!Instance::is_changed(user)?);
        user.save().await?;
    }
    for endpoint in ["plain-on", "cursor-on"] {
        let mut items = site.items(endpoint).all().fetch().await?;
        site.cost();
        for item in &mut items {
            item.save().await?;
        }
    }
    assert_eq!(
        site.cost(),
        0,
        "dates and decimals in the server's spelling are no changes"
    );
    Ok(())
}

#[case]
async fn a_change_taken_back_is_none(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    let name = std::mem::replace(&mut user.name, "Other".to_owned());
    assert!(Instance::is_changed(&user)?);
    user.name = name;
    assert!(!Instance::is_changed(&user)?);
    site.cost();
    user.save().await?;
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn values_that_the_server_writes_in_another_way(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    user.balance = decimal("7.5");
    user.save().await?;
    assert_eq!(
        user.balance.to_string(),
        "7.50",
        "two places, as the server keeps it"
    );
    let mut item = site.items("plain-on").get(Item::F.id.eq(1)).await?;
    item.seen_at = Some(datetime("2024-05-06T08:00:00+02:00"));
    item.price = decimal("3");
    item.save().await?;
    assert_eq!(item.seen_at, Some(datetime("2024-05-06T06:00:00Z")));
    let mut article = site
        .articles()
        .get(Article::F.slug.eq("article-01"))
        .await?;
    article.rating = Some(decimal("4"));
    article.save().await?;
    site.cost();
    user.save().await?;
    item.save().await?;
    article.save().await?;
    assert_eq!(site.cost(), 0, "no phantom change");
    Ok(())
}

#[case]
async fn every_kind_of_field(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(2)).await?;
    user.name = "Ünï".to_owned();
    user.role = Role::Admin;
    user.active = false;
    user.age = Some(99);
    user.balance = decimal("-1.25");
    user.joined_on = Some(date("2000-02-29"));
    user.team = Some(1);
    user.tags = vec!["one".to_owned()];
    user.settings
        .insert("deep".to_owned(), json!({"list": [1, {"x": null}]}));
    let expected = (*user).clone();
    user.save().await?;
    assert_eq!(*user, expected);
    let again = site.users().get(User::F.id.eq(2)).await?;
    assert_eq!(*again, expected);
    Ok(())
}

#[case]
async fn a_nested_change(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    user.address.as_mut().ok_or("an address")?.city = "Peoria".to_owned();
    assert!(Instance::is_changed(&user)?);
    user.save().await?;
    let again = site.users().get(User::F.id.eq(1)).await?;
    let address = again.address.as_ref().ok_or("an address")?;
    assert_eq!(
        (&*address.city, &*address.street),
        ("Peoria", "1 Main Street")
    );
    Ok(())
}

#[case]
async fn null_and_back(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    let address = user.address.take();
    assert!(address.is_some());
    user.age = None;
    user.team = None;
    user.joined_on = None;
    user.save().await?;
    let mut again = site.users().get(User::F.id.eq(1)).await?;
    assert_eq!(
        (again.age, again.team, again.joined_on, &again.address),
        (None, None, None, &None)
    );
    again.address = address.clone();
    again.age = Some(25);
    again.save().await?;
    user.refresh_from_api().await?;
    assert_eq!((user.age, &user.address), (Some(25), &address));
    Ok(())
}

#[case]
async fn read_only_fields_are_never_sent(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    user.created_at = Some(datetime("1999-01-01T00:00:00Z"));
    assert!(!Instance::is_changed(&user)?);
    site.cost();
    user.save().await?;
    assert_eq!(site.cost(), 0);
    let error = user.save_fields([User::F.created_at]).await.unwrap_err();
    assert!(error.to_string().contains("created_at"), "{error}");
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn save_fields_sends_these_fields_and_keeps_the_other_changes(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    user.email = "new@example.com".to_owned();
    user.name = "Unsaved".to_owned();
    user.save_fields([User::F.email]).await?;
    assert_eq!(&*user.name, "Unsaved");
    assert!(Instance::is_changed(&user)?);
    let between = site.users().get(User::F.id.eq(1)).await?;
    assert_eq!(
        (&*between.email, &*between.name),
        ("new@example.com", "Alice Smith")
    );
    user.save_fields(["name", "active"]).await?;
    assert!(!Instance::is_changed(&user)?);
    let after = site.users().get(User::F.id.eq(1)).await?;
    assert_eq!(&*after.name, "Unsaved");
    Ok(())
}

#[case]
async fn save_fields_sends_also_what_did_not_change(site: Site) -> Outcome {
    let mut ours = site.users().get(User::F.id.eq(1)).await?;
    let mut theirs = site.users().get(User::F.id.eq(1)).await?;
    theirs.name = "Their name".to_owned();
    theirs.save().await?;
    site.cost();
    ours.save_fields([User::F.name]).await?;
    assert_eq!(site.cost(), 1);
    theirs.refresh_from_api().await?;
    assert_eq!(theirs.name, "Alice Smith");
    Ok(())
}

#[case]
async fn save_fields_of_an_unknown_field_is_an_error(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    site.cost();
    let error = user.save_fields(["nmae"]).await.unwrap_err();
    assert!(error.to_string().contains("nmae"), "{error}");
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn a_refused_save_loses_nothing(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    user.email = "no mail".to_owned();
    user.age = Some(26);
    let error = user.save().await.unwrap_err();
    assert_eq!(
        error.field_errors().get("email"),
        ["Enter a valid email address."]
    );
    assert_eq!(
        (&*user.email, user.age),
        ("no mail", Some(26)),
        "the value is as it was"
    );
    user.email = "mail@example.com".to_owned();
    user.save().await?;
    let again = site.users().get(User::F.id.eq(1)).await?;
    assert_eq!((&*again.email, again.age), ("mail@example.com", Some(26)));
    Ok(())
}

#[case]
async fn a_row_with_a_slug_is_saved_under_its_old_slug(site: Site) -> Outcome {
    let mut article = site
        .articles()
        .get(Article::F.slug.eq("article-07"))
        .await?;
    article.slug = "renamed".to_owned();
    article.save().await?;
    article.title = "Renamed".to_owned();
    article.save().await?;
    let again = site.articles().get(Article::F.slug.eq("renamed")).await?;
    assert_eq!((again.id, &*again.title), (Some(7), "Renamed"));
    Ok(())
}

#[case]
async fn a_changed_key_does_not_save_over_another_row(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    user.id = Some(2);
    user.name = "Who?".to_owned();
    let error = user.save().await.unwrap_err();
    assert!(
        error.is_unsaved() && error.message().contains("`id`"),
        "{error}"
    );
    let (first, second) = (
        site.users().get(User::F.id.eq(1)).await?,
        site.users().get(User::F.id.eq(2)).await?,
    );
    assert_eq!((&*first.name, &*second.name), ("Who?", "Bob Jones"));
    Ok(())
}

#[case]
async fn a_row_of_a_list_can_be_saved(site: Site) -> Outcome {
    for endpoint in ITEMS {
        let items = site.items(endpoint).all().range(50..51).fetch().await?;
        let mut item = items.into_iter().next().ok_or("an item")?;
        item.name = format!("Saved on {endpoint}");
        item.save().await?;
        let again = site.items("plain-on").get(Item::F.id.eq(51)).await?;
        assert_eq!(again.name, item.name);
    }
    Ok(())
}

#[case]
async fn refresh_reads_anew(site: Site) -> Outcome {
    let mut ours = site.users().get(User::F.id.eq(1)).await?;
    let mut theirs = site.users().get(User::F.id.eq(1)).await?;
    theirs.name = "Their name".to_owned();
    theirs.save().await?;
    ours.email = "unsaved@example.com".to_owned();
    site.cost();
    ours.refresh_from_api().await?;
    assert_eq!(site.cost(), 1);
    assert_eq!(
        (&*ours.name, &*ours.email),
        ("Their name", "user1@example.com")
    );
    assert!(!Instance::is_changed(&ours)?);
    Ok(())
}

cases! {
    reads: [
        nothing_changed_costs_nothing,
        a_change_taken_back_is_none,
        read_only_fields_are_never_sent,
        save_fields_of_an_unknown_field_is_an_error,
    ],
    writes: [
        only_what_changed_is_sent,
        values_that_the_server_writes_in_another_way,
        every_kind_of_field,
        a_nested_change,
        null_and_back,
        save_fields_sends_these_fields_and_keeps_the_other_changes,
        save_fields_sends_also_what_did_not_change,
        a_refused_save_loses_nothing,
        a_row_with_a_slug_is_saved_under_its_old_slug,
        a_changed_key_does_not_save_over_another_row,
        a_row_of_a_list_can_be_saved,
        refresh_reads_anew,
    ],
}
