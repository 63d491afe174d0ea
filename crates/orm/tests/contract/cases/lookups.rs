//! Every lookup on values that have an order, are dates, or are null; the answers are those of the fixture's rows.

use django_api_orm::Filter;
use serde_json::json;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

/// Checks that a filter finds the users for which the condition holds: some, and not all of them.
#[case]
async fn finds(
    site: &Site,
    filter: Filter<User>,
    condition: impl Fn(&User) -> bool + Send + Sync,
) -> Outcome {
    let shown = filter.to_string();
    let expected = fixture::ids_of(&fixture::users(), condition);
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
async fn exact(site: Site) -> Outcome {
    let created = datetime("2023-01-05T01:00:00Z");
    finds(&site, User::F.id.eq(17), |user| user.id == Some(17)).await?;
    finds(&site, User::F.name.eq("Alice Smith"), |user| {
        user.name == "Alice Smith"
    })
    .await?;
    finds(&site, User::F.name.eq("émile zola"), |user| {
        user.name == "émile zola"
    })
    .await?;
    finds(&site, User::F.name.eq("O'Brien, Pat"), |user| {
        user.id == Some(13)
    })
    .await?;
    finds(&site, User::F.name.eq("100% Real"), |user| {
        user.id == Some(14)
    })
    .await?;
    finds(&site, User::F.name.eq("\"Quoted\" Name"), |user| {
        user.id == Some(23)
    })
    .await?;
    finds(&site, User::F.role.eq(Role::Editor), |user| {
        user.role == Role::Editor
    })
    .await?;
    finds(&site, User::F.active.eq(true), |user| user.active).await?;
    finds(&site, User::F.active.eq(false), |user| !user.active).await?;
    finds(&site, User::F.age.eq(32), |user| user.age == Some(32)).await?;
    finds(&site, User::F.balance.eq(decimal("0")), |user| {
        user.balance.is_zero()
    })
    .await?;
    finds(&site, User::F.joined_on.eq(date("2020-01-07")), |user| {
        user.id == Some(1)
    })
    .await?;
    finds(&site, User::F.created_at.eq(created), |user| {
        user.created_at == Some(created)
    })
    .await?;
    finds(&site, User::F.team.eq(2), |user| user.team == Some(2)).await
}

#[case]
async fn exact_null(site: Site) -> Outcome {
    finds(&site, User::F.age.eq(None), |user| user.age.is_none()).await?;
    finds(&site, User::F.team.eq(None), |user| user.team.is_none()).await?;
    finds(&site, User::F.joined_on.eq(None), |user| {
        user.joined_on.is_none()
    })
    .await
}

#[case]
async fn isnull(site: Site) -> Outcome {
    finds(&site, User::F.age.isnull(true), |user| user.age.is_none()).await?;
    finds(&site, User::F.age.isnull(false), |user| user.age.is_some()).await?;
    finds(&site, User::F.team.isnull(true), |user| user.team.is_none()).await?;
    finds(&site, User::F.joined_on.isnull(false), |user| {
        user.joined_on.is_some()
    })
    .await
}

#[case]
async fn in_(site: Site) -> Outcome {
    finds(&site, User::F.id.in_([3, 200, 5, 9999]), |user| {
        [3, 5, 200].contains(&user.id())
    })
    .await?;
    finds(
        &site,
        User::F.role.in_([Role::Admin, Role::Editor]),
        |user| user.role != Role::Viewer,
    )
    .await?;
    finds(&site, User::F.age.in_([25, 32]), |user| {
        matches!(user.age, Some(25 | 32))
    })
    .await?;
    finds(&site, User::F.team.in_([1, 2]), |user| {
        matches!(user.team, Some(1 | 2))
    })
    .await?;
    let emails = ["user1@example.com", "user250@example.com"];
    finds(&site, User::F.email.in_(emails), |user| {
        matches!(user.id(), 1 | 250)
    })
    .await
}

#[case]
async fn in_nothing_is_empty_and_costs_nothing(site: Site) -> Outcome {
    let none = site.users().filter(User::F.id.in_([0; 0]));
    let users = none.fetch().await?;
    let count = none.count().await?;
    let exists = none.exists().await?;
    let first = none.first().await?;
    assert!(users.is_empty() && count == 0 && !exists && first.is_none());
    let error = none.one().await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn in_with_values_that_hold_a_comma(site: Site) -> Outcome {
    let kinds = ["book,map", "toy"];
    let expected = fixture::ids_of(&fixture::items(), |item| kinds.contains(&&*item.kind));
    for endpoint in ITEMS {
        let items = site
            .items(endpoint)
            .filter(Item::F.kind.in_(kinds))
            .fetch()
            .await?;
        assert_eq!(ids(&items), expected, "{endpoint}");
    }
    Ok(())
}

#[case]
async fn comparisons(site: Site) -> Outcome {
    finds(&site, User::F.id.gt(240), |user| user.id() > 240).await?;
    finds(&site, User::F.id.gte(240), |user| user.id() >= 240).await?;
    finds(&site, User::F.id.lt(10), |user| user.id() < 10).await?;
    finds(&site, User::F.id.lte(10), |user| user.id() <= 10).await?;
    finds(&site, User::F.age.gt(40), |user| {
        user.age.is_some_and(|age| age > 40)
    })
    .await?;
    finds(&site, User::F.age.lte(30), |user| {
        user.age.is_some_and(|age| age <= 30)
    })
    .await?;
    finds(&site, User::F.balance.gt(decimal("100.5")), |user| {
        user.balance > decimal("100.5")
    })
    .await?;
    finds(&site, User::F.balance.lt(decimal("-20.76")), |user| {
        user.balance < decimal("-20.76")
    })
    .await?;
    finds(&site, User::F.balance.gte(decimal("-20.76")), |user| {
        user.balance >= decimal("-20.76")
    })
    .await
}

#[case]
async fn comparisons_of_dates(site: Site) -> Outcome {
    let day = date("2021-01-07");
    let joined = |compare: fn(&chrono::NaiveDate, &chrono::NaiveDate) -> bool| {
        move |user: &User| user.joined_on.is_some_and(|joined| compare(&joined, &day))
    };
    finds(
        &site,
        User::F.joined_on.gt(day),
        joined(chrono::NaiveDate::gt),
    )
    .await?;
    finds(
        &site,
        User::F.joined_on.gte(day),
        joined(chrono::NaiveDate::ge),
    )
    .await?;
    finds(
        &site,
        User::F.joined_on.lt(day),
        joined(chrono::NaiveDate::lt),
    )
    .await?;
    finds(
        &site,
        User::F.joined_on.lte(day),
        joined(chrono::NaiveDate::le),
    )
    .await?;
    let moment = datetime("2025-10-07T10:00:00.250Z");
    finds(&site, User::F.created_at.gte(moment), |user| {
        user.created_at >= Some(moment)
    })
    .await?;
    finds(&site, User::F.created_at.lt(moment), |user| {
        user.created_at < Some(moment)
    })
    .await
}

#[case]
async fn range(site: Site) -> Outcome {
    finds(&site, User::F.id.range(10, 20), |user| {
        (10..=20).contains(&user.id())
    })
    .await?;
    finds(&site, User::F.age.range(30, 35), |user| {
        matches!(user.age, Some(30..=35))
    })
    .await?;
    let (first, last) = (date("2020-06-01"), date("2020-12-31"));
    finds(&site, User::F.joined_on.range(first, last), |user| {
        user.joined_on
            .is_some_and(|joined| (first..=last).contains(&joined))
    })
    .await?;
    let (from, to) = (
        datetime("2023-01-05T00:00:00Z"),
        datetime("2023-03-10T00:00:00Z"),
    );
    finds(&site, User::F.created_at.range(from, to), |user| {
        user.created_at
            .is_some_and(|created| (from..=to).contains(&created))
    })
    .await
}

#[case]
async fn parts_of_dates(site: Site) -> Outcome {
    use chrono::Datelike;
    let created = |user: &User| user.created_at.expect("every user was created");
    finds(&site, User::F.created_at.year(2024), |user| {
        created(user).year() == 2024
    })
    .await?;
    finds(&site, User::F.created_at.month(2), |user| {
        created(user).month() == 2
    })
    .await?;
    finds(&site, User::F.created_at.day(9), |user| {
        created(user).day() == 9
    })
    .await?;
    let day = date("2023-01-09");
    finds(&site, User::F.created_at.date(day), |user| {
        created(user).date_naive() == day
    })
    .await?;
    finds(&site, User::F.joined_on.year(2021), |user| {
        user.joined_on.is_some_and(|joined| joined.year() == 2021)
    })
    .await
}

#[case]
async fn a_nested_field(site: Site) -> Outcome {
    let in_illinois = |user: &User| {
        user.address
            .as_ref()
            .is_some_and(|address| address.state == "IL")
    };
    finds(
        &site,
        User::F.address.to(Address::F.state).eq("IL"),
        in_illinois,
    )
    .await
}

#[case]
async fn a_field_of_a_related_row(site: Site) -> Outcome {
    // Posts hold the author's id only: whether the name is right, the server alone can know.
    let posts = site
        .posts()
        .lookup("author__name", "Carol Brown")
        .fetch()
        .await?;
    let authors = fixture::ids_of(&fixture::users(), |user| user.name == "Carol Brown");
    let expected = fixture::ids_of(&fixture::posts(), |post| authors.contains(&post.author_id));
    assert_eq!(ids(&posts), expected);
    assert_eq!(posts.len(), 33);
    Ok(())
}

#[case]
async fn a_related_id_that_comes_as_a_url(site: Site) -> Outcome {
    let comments = site.comments().lookup("author", 3).fetch().await?;
    assert_eq!(ids(&comments), [2, 52, 102]);
    let counted = site.comments().lookup("author", 3).count().await?;
    assert_eq!(counted, 3);
    let others = site
        .comments()
        .all()
        .exclude(Filter::lookup("author", 3))
        .count()
        .await?;
    assert_eq!(others, 127);
    site.no_warning()
}

#[case]
async fn djangos_spelling(site: Site) -> Outcome {
    finds(&site, Filter::lookup("age__gte", 40), |user| {
        user.age.is_some_and(|age| age >= 40)
    })
    .await?;
    finds(&site, Filter::lookup("id__in", json!([4, 5])), |user| {
        matches!(user.id(), 4 | 5)
    })
    .await?;
    finds(&site, Filter::lookup("address__state", "NY"), |user| {
        user.address
            .as_ref()
            .is_some_and(|address| address.state == "NY")
    })
    .await?;
    finds(&site, Filter::lookup("pk__lt", 4), |user| user.id() < 4).await
}

#[case]
async fn floats_and_lookups_on_other_paginators(site: Site) -> Outcome {
    let expected = fixture::ids_of(&fixture::posts(), |post| {
        post.score.is_some_and(|score| score > 2.5)
    });
    let posts = site.posts().filter(Post::F.score.gt(2.5)).fetch().await?;
    assert_eq!(ids(&posts), expected);
    let ranks = [-1, 8];
    let expected = fixture::ids_of(&fixture::items(), |item| {
        item.rank.is_some_and(|rank| ranks.contains(&rank))
    });
    for endpoint in ITEMS {
        let items = site
            .items(endpoint)
            .filter(Item::F.rank.in_(ranks))
            .fetch()
            .await?;
        assert_eq!(ids(&items), expected, "{endpoint}");
    }
    let expected = fixture::ids_of(&fixture::articles(), |article| {
        article.rating > Some(decimal("3.5"))
    });
    let articles = site
        .articles()
        .filter(Article::F.rating.gt(decimal("3.5")))
        .fetch()
        .await?;
    assert_eq!(ids(&articles), expected);
    let team = site
        .teams()
        .filter(Team::F.motto.isnull(true))
        .fetch()
        .await?;
    assert_eq!(
        ids(&team),
        fixture::ids_of(&fixture::teams(), |team| team.motto.is_none())
    );
    Ok(())
}

#[case]
async fn a_value_that_the_server_refuses_is_its_validation_error(site: Site) -> Outcome {
    let error = site.users().lookup("age", "abc").fetch().await.unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert_eq!(error.field_errors().get("age"), ["Enter a number."]);
    let error = site
        .users()
        .filter(User::F.team.eq(99))
        .fetch()
        .await
        .unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert!(!error.field_errors().get("team").is_empty(), "{error}");
    Ok(())
}

cases! {
    reads: [
        exact,
        exact_null,
        isnull,
        in_,
        in_nothing_is_empty_and_costs_nothing,
        in_with_values_that_hold_a_comma,
        comparisons,
        comparisons_of_dates,
        range,
        parts_of_dates,
        a_nested_field,
        a_field_of_a_related_row,
        a_related_id_that_comes_as_a_url,
        djangos_spelling,
        floats_and_lookups_on_other_paginators,
        a_value_that_the_server_refuses_is_its_validation_error,
    ],
    writes: [],
}
