//! `bulk_create`: many rows, in order, and nothing lost when some fail.

use serde_json::{Value, json};

use super::super::prelude::*;
use crate::{Outcome, models::*};

fn row(number: usize) -> Value {
    json!({"name": format!("User {number}"), "email": format!("bulk{number}@example.com")})
}

#[case]
async fn the_instances_come_in_the_order_of_the_rows(site: Site) -> Outcome {
    let users = site.users().bulk_create((0..30).map(row)).await?;
    let names: Vec<&str> = users.iter().map(|user| &*user.name).collect();
    assert_eq!(
        names,
        (0..30)
            .map(|number| format!("User {number}"))
            .collect::<Vec<_>>()
    );
    assert_eq!(site.cost(), 30);
    let mut keys = ids(&users);
    keys.sort_unstable();
    assert_eq!(keys, (251..=280).collect::<Vec<_>>());
    let count = site.users().count().await?;
    assert_eq!(count, 280);
    Ok(())
}

#[case]
async fn one_at_a_time(site: Site) -> Outcome {
    let labels = ["a", "b", "c"].map(|name| Label {
        id: None,
        name: name.to_owned(),
        color: None,
    });
    let labels = site.labels().concurrency(1).bulk_create(labels).await?;
    assert_eq!(ids(&labels), [31, 32, 33]);
    Ok(())
}

#[case]
async fn the_instances_can_be_saved(site: Site) -> Outcome {
    let mut users = site.users().bulk_create([row(1), row(2)]).await?;
    users[1].name = "Changed".to_owned();
    users[1].save().await?;
    let again = site
        .users()
        .get(User::F.email.eq("bulk2@example.com"))
        .await?;
    assert_eq!(again.name, "Changed");
    Ok(())
}

#[case]
async fn a_partial_failure_carries_what_was_created_and_what_was_not(site: Site) -> Outcome {
    let rows = [
        row(0),
        json!({"name": "Taken", "email": "user1@example.com"}),
        row(2),
        json!({"name": "", "email": "bulk3@example.com"}),
        row(4),
    ];
    let error = site.users().bulk_create(rows).await.unwrap_err();
    let created: Vec<_> = error
        .created()
        .iter()
        .map(|(index, user)| (*index, &*user.name))
        .collect();
    assert_eq!(created, [(0, "User 0"), (2, "User 2"), (4, "User 4")]);
    let failed: Vec<_> = error
        .failed()
        .iter()
        .map(|(index, error)| {
            (
                *index,
                error
                    .field_errors()
                    .iter()
                    .map(|(path, _)| path)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(failed, [(1, vec!["email"]), (3, vec!["name"])]);
    assert!(error.to_string().starts_with("2 of 5"), "{error}");
    let there = site
        .users()
        .filter(
            User::F
                .email
                .in_(["bulk0@example.com", "bulk3@example.com"]),
        )
        .count()
        .await?;
    assert_eq!(there, 1);
    Ok(())
}

#[case]
async fn of_nothing(site: Site) -> Outcome {
    let users = site.users().bulk_create([Value::Null; 0]).await?;
    assert!(users.is_empty());
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn nothing_is_sent_when_a_row_cannot_be(site: Site) -> Outcome {
    let error = site
        .users()
        .bulk_create([row(0), json!("no object"), row(2)])
        .await
        .unwrap_err();
    assert!(error.created().is_empty());
    assert_eq!(
        error
            .failed()
            .iter()
            .map(|(index, _)| *index)
            .collect::<Vec<_>>(),
        [1]
    );
    assert_eq!(site.cost(), 0);
    Ok(())
}

cases! {
    reads: [of_nothing, nothing_is_sent_when_a_row_cannot_be],
    writes: [
        the_instances_come_in_the_order_of_the_rows,
        one_at_a_time,
        the_instances_can_be_saved,
        a_partial_failure_carries_what_was_created_and_what_was_not,
    ],
}
