//! `values` and `values_list`: rows as other types, and some fields of them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[derive(Debug, PartialEq, Deserialize)]
struct Contact {
    id: i64,
    email: String,
}

#[case]
async fn values_of_a_smaller_type(site: Site) -> Outcome {
    let contacts: Vec<Contact> = site
        .users()
        .filter(User::F.active.eq(true))
        .values()
        .await?;
    let mut expected = fixture::users();
    expected.retain(|user| user.active);
    let expected: Vec<Contact> = expected
        .into_iter()
        .map(|user| Contact {
            id: user.id(),
            email: user.email,
        })
        .collect();
    assert_eq!(contacts, expected);
    assert_eq!(site.cost(), 2, "150 rows on two pages");
    Ok(())
}

#[case]
async fn values_with_what_the_model_leaves_out(site: Site) -> Outcome {
    let posts: Vec<Value> = site.posts().all().limit(1).values().await?;
    assert_eq!(posts[0]["body"], "Body of post 1.\nIt has two lines.");
    Ok(())
}

#[case]
async fn values_list_of_one_field(site: Site) -> Outcome {
    let keys = site.users().all().values_list(User::F.id).await?;
    assert_eq!(keys, (1..=250).collect::<Vec<i64>>());
    let ages = site.users().all().values_list(User::F.age).await?;
    assert_eq!(
        ages,
        fixture::users()
            .iter()
            .map(|user| user.age)
            .collect::<Vec<_>>()
    );
    Ok(())
}

#[case]
async fn values_list_of_several_fields(site: Site) -> Outcome {
    type Line = (i64, String, Decimal, Option<NaiveDate>, Vec<String>);
    let fields = (
        User::F.id,
        User::F.name,
        User::F.balance,
        User::F.joined_on,
        User::F.tags,
    );
    let lines: Vec<Line> = site
        .users()
        .order_by([User::F.id.desc()])
        .limit(30)
        .values_list(fields)
        .await?;
    let expected: Vec<Line> = fixture::users()
        .into_iter()
        .rev()
        .take(30)
        .map(|user| {
            (
                user.id(),
                user.name,
                user.balance,
                user.joined_on,
                user.tags,
            )
        })
        .collect();
    assert_eq!(lines, expected);
    Ok(())
}

#[case]
async fn values_list_of_a_renamed_field(site: Site) -> Outcome {
    let authors = site
        .posts()
        .all()
        .values_list((Post::F.id, Post::F.author_id))
        .await?;
    let expected: Vec<_> = fixture::posts()
        .iter()
        .map(|post| (post.id(), post.author_id))
        .collect();
    assert_eq!(authors, expected);
    Ok(())
}

#[case]
async fn values_list_of_a_nested_field(site: Site) -> Outcome {
    let in_illinois = site
        .users()
        .filter(User::F.address.to(Address::F.state).eq("IL"));
    let cities = in_illinois
        .values_list(User::F.address.to(Address::F.city))
        .await?;
    let expected: Vec<String> = fixture::users()
        .into_iter()
        .filter_map(|user| user.address)
        .filter(|address| address.state == "IL")
        .map(|address| address.city)
        .collect();
    assert_eq!(cities, expected);
    Ok(())
}

#[case]
async fn a_row_that_does_not_fit_names_the_field(site: Site) -> Outcome {
    #[derive(Debug, Deserialize)]
    struct Wrong {
        #[serde(rename = "email")]
        _email: u32,
    }
    let error = site
        .users()
        .all()
        .limit(1)
        .values::<Wrong>()
        .await
        .unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert!(error.to_string().contains("email"), "{error}");
    Ok(())
}

cases! {
    reads: [
        values_of_a_smaller_type,
        values_with_what_the_model_leaves_out,
        values_list_of_one_field,
        values_list_of_several_fields,
        values_list_of_a_renamed_field,
        values_list_of_a_nested_field,
        a_row_that_does_not_fit_names_the_field,
    ],
    writes: [],
}
