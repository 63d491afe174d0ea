//! Every lookup on text.
//!
//! Whether `A` is `a` is the database's to say: SQLite, which both servers have, ignores the case of ASCII letters in
//! `contains`, `startswith` and `endswith` too. The first cases look for texts where that makes no difference.

use django_api_orm::Filter;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

/// Checks that a filter finds the users for whose name the condition holds: some, and not all of them.
#[case]
async fn finds(
    site: &Site,
    filter: Filter<User>,
    condition: impl Fn(&str) -> bool + Send + Sync,
) -> Outcome {
    let shown = filter.to_string();
    let expected = fixture::ids_of(&fixture::users(), |user| condition(&user.name));
    assert!(
        (1..250).contains(&expected.len()),
        "{shown} says nothing: {} rows",
        expected.len()
    );
    let users = site.users().filter(&filter).fetch().await?;
    assert_eq!(ids(&users), expected, "{shown}");
    let count = site.users().filter(&filter).count().await?;
    assert_eq!(count as usize, expected.len(), "count of {shown}");
    site.no_warning()
}

#[case]
async fn contains(site: Site) -> Outcome {
    finds(&site, User::F.name.contains("arol"), |name| {
        name.contains("arol")
    })
    .await?;
    finds(&site, User::F.name.contains(", "), |name| {
        name.contains(", ")
    })
    .await?;
    finds(&site, User::F.name.contains("é"), |name| {
        name.contains('é')
    })
    .await
}

#[case]
async fn what_is_a_wildcard_in_sql_is_plain_text(site: Site) -> Outcome {
    finds(&site, User::F.name.contains("%"), |name| name.contains('%')).await?;
    finds(&site, User::F.name.contains("_"), |name| name.contains('_')).await?;
    finds(&site, User::F.name.startswith("100%"), |name| {
        name.starts_with("100%")
    })
    .await
}

#[case]
async fn icontains(site: Site) -> Outcome {
    finds(&site, User::F.name.icontains("ALICE"), |name| {
        name.to_lowercase().contains("alice")
    })
    .await
}

#[case]
async fn startswith(site: Site) -> Outcome {
    finds(&site, User::F.name.startswith("Carol"), |name| {
        name.starts_with("Carol")
    })
    .await
}

#[case]
async fn istartswith(site: Site) -> Outcome {
    finds(&site, User::F.name.istartswith("aLICE"), |name| {
        name.to_lowercase().starts_with("alice")
    })
    .await
}

#[case]
async fn endswith(site: Site) -> Outcome {
    finds(&site, User::F.name.endswith("Wright"), |name| {
        name.ends_with("Wright")
    })
    .await
}

#[case]
async fn iendswith(site: Site) -> Outcome {
    finds(&site, User::F.name.iendswith("sMITH"), |name| {
        name.to_lowercase().ends_with("smith")
    })
    .await
}

#[case]
async fn iexact(site: Site) -> Outcome {
    finds(&site, User::F.name.iexact("alice SMITH"), |name| {
        name.to_lowercase() == "alice smith"
    })
    .await?;
    let by_email = User::F.email.iexact("USER7@example.COM");
    let users = site.users().filter(by_email).fetch().await?;
    assert_eq!(ids(&users), [7]);
    Ok(())
}

#[case]
async fn regex(site: Site) -> Outcome {
    finds(&site, User::F.name.regex("^A.*h$"), |name| {
        name.starts_with('A') && name.ends_with('h')
    })
    .await?;
    finds(&site, User::F.name.regex(r"\d"), |name| {
        name.contains(|c: char| c.is_ascii_digit())
    })
    .await
}

#[case]
async fn the_servers_collation_is_trusted(site: Site) -> Outcome {
    let shouted = site
        .users()
        .filter(User::F.name.contains("ALICE"))
        .count()
        .await?;
    let expected = fixture::ids_of(&fixture::users(), |user| {
        user.name.to_lowercase().contains("alice")
    });
    assert_eq!(shouted as usize, expected.len(), "SQLite's LIKE");
    site.no_warning()
}

#[case]
async fn text_that_a_query_string_cannot_say(site: Site) -> Outcome {
    // An empty parameter is no filter for django-filter, and blanks at the ends are cut off.
    let expected = fixture::ids_of(&fixture::items(), |item| item.kind.is_empty());
    for endpoint in ITEMS {
        let items = site.items(endpoint);
        let empty = items.filter(Item::F.kind.eq("")).fetch().await?;
        assert_eq!(ids(&empty), expected, "{endpoint}");
        let blank = items.filter(Item::F.kind.eq(" toy")).fetch().await?;
        assert!(blank.is_empty(), "{endpoint}");
    }
    Ok(())
}

#[case]
async fn search(site: Site) -> Outcome {
    let users = site.users().search("alice smith").fetch().await?;
    let expected = fixture::ids_of(&fixture::users(), |user| {
        let name = user.name.to_lowercase();
        name.contains("alice") && name.contains("smith")
    });
    assert_eq!(ids(&users), expected);
    let counted = site.users().search("alice").count().await?;
    assert_eq!(counted, 20);
    let with_filter = site
        .users()
        .filter(User::F.active.eq(true))
        .search("alice")
        .fetch()
        .await?;
    let expected = fixture::ids_of(&fixture::users(), |user| {
        user.active && user.name.to_lowercase().contains("alice")
    });
    assert_eq!(ids(&with_filter), expected);
    let none = site.users().search("no such words").exists().await?;
    assert!(!none);
    Ok(())
}

#[case]
async fn extra_parameters(site: Site) -> Outcome {
    // What a parameter does is the server's business: here one that it filters on, and one that it does not know.
    let users = site
        .users()
        .all()
        .parameter("role", "admin")
        .parameter("expand", "team")
        .fetch()
        .await?;
    let expected = fixture::ids_of(&fixture::users(), |user| user.role == Role::Admin);
    assert_eq!(ids(&users), expected);
    let counted = site
        .users()
        .all()
        .parameter("role", "admin")
        .count()
        .await?;
    assert_eq!(counted as usize, expected.len());
    let narrowed = site
        .users()
        .filter(User::F.active.eq(true))
        .parameter("role", "admin")
        .fetch()
        .await?;
    let expected = fixture::ids_of(&fixture::users(), |user| {
        user.role == Role::Admin && user.active
    });
    assert_eq!(ids(&narrowed), expected);
    Ok(())
}

cases! {
    reads: [
        contains,
        what_is_a_wildcard_in_sql_is_plain_text,
        icontains,
        startswith,
        istartswith,
        endswith,
        iendswith,
        iexact,
        regex,
        the_servers_collation_is_trusted,
        text_that_a_query_string_cannot_say,
        search,
        extra_parameters,
    ],
    writes: [],
}
