//! `get_or_create` and `update_or_create`.

use django_api_orm::ErrorKind;
use uuid::Uuid;

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn get_or_create_finds(site: Site) -> Outcome {
    let filter = User::F.email.eq("user9@example.com");
    let (user, created) = site
        .users()
        .get_or_create(filter, [User::F.name.set("Somebody else")])
        .await?;
    assert!(!created);
    assert_eq!(
        *user,
        fixture::users()[8],
        "the defaults are for a new row only"
    );
    assert_eq!(site.cost(), 1);
    Ok(())
}

#[case]
async fn get_or_create_creates(site: Site) -> Outcome {
    let filter = User::F.email.eq("new@example.com") & User::F.role.eq(Role::Editor);
    let defaults = [
        User::F.name.set("New"),
        User::F.age.set(30),
        User::F.address.to(Address::F.city).set("Rome"),
    ];
    let error = site
        .users()
        .get_or_create(filter.clone(), defaults)
        .await
        .unwrap_err();
    assert!(
        error
            .field_errors()
            .iter()
            .all(|(path, _)| path.starts_with("address.")),
        "{error}"
    );
    site.cost();
    let defaults = [User::F.name.set("New"), User::F.age.set(30)];
    let (user, created) = site.users().get_or_create(filter.clone(), defaults).await?;
    assert!(created);
    assert_eq!(
        (&*user.name, &*user.email, user.role),
        ("New", "new@example.com", Role::Editor)
    );
    assert_eq!(user.age, Some(30));
    assert_eq!(site.cost(), 2);
    let (again, created) = site.users().get_or_create(filter, []).await?;
    assert_eq!((again.id, created), (user.id, false));
    Ok(())
}

#[case]
async fn get_or_create_by_slug(site: Site) -> Outcome {
    let filter = Article::F.slug.eq("brand-new");
    let defaults = || [Article::F.title.set("Brand new")];
    let (article, created) = site
        .articles()
        .get_or_create(filter.clone(), defaults())
        .await?;
    assert_eq!(
        (&*article.slug, &*article.title, created),
        ("brand-new", "Brand new", true)
    );
    let (_, created) = site.articles().get_or_create(filter, defaults()).await?;
    assert!(!created);
    Ok(())
}

#[case]
async fn nothing_is_created_by_what_is_not_sent(site: Site) -> Outcome {
    let teams = site.teams();
    let before = teams.count().await?;
    let by_code = || Team::F.code.eq(Uuid::nil());
    let name = || [Team::F.name.set("New")];
    let errors = [
        teams.get_or_create(by_code(), name()).await.map(drop),
        teams.update_or_create(by_code(), name()).await.map(drop),
    ];
    for error in errors {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains("`code` is read-only"), "{error}");
    }
    let after = teams.count().await?;
    assert_eq!(after, before);
    Ok(())
}

#[case]
async fn of_several_rows_is_an_error(site: Site) -> Outcome {
    let users = site.users();
    let error = users
        .get_or_create(User::F.role.eq(Role::Admin), [])
        .await
        .unwrap_err();
    assert!(error.is_multiple_objects_returned(), "{error}");
    let error = users
        .update_or_create(User::F.role.eq(Role::Admin), [User::F.age.set(1)])
        .await
        .unwrap_err();
    assert!(error.is_multiple_objects_returned(), "{error}");
    let changed = users.filter(User::F.age.eq(1)).count().await?;
    assert_eq!(changed, 0);
    Ok(())
}

#[case]
async fn nothing_is_created_on_a_wrong_url(site: Site) -> Outcome {
    let nowhere = site.users().at("/api/v1/nowhere/");
    let error = nowhere
        .get_or_create(User::F.email.eq("a@x.io"), [User::F.name.set("A")])
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(site.cost(), 1, "no POST");
    let error = nowhere
        .update_or_create(User::F.id.eq(1), [User::F.name.set("A")])
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    Ok(())
}

#[case]
async fn a_refused_creation_is_a_validation_error(site: Site) -> Outcome {
    let error = site
        .users()
        .get_or_create(User::F.email.eq("new@example.com"), [])
        .await
        .unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert_eq!(
        error.field_errors().get("name"),
        ["This field is required."]
    );
    Ok(())
}

#[case]
async fn update_or_create_updates(site: Site) -> Outcome {
    let filter = User::F.email.eq("user9@example.com");
    let values = [User::F.name.set("Renamed"), User::F.age.set(None)];
    let (user, created) = site.users().update_or_create(filter, values).await?;
    assert!(!created);
    assert_eq!(site.cost(), 2);
    let expected = User {
        name: "Renamed".to_owned(),
        age: None,
        ..fixture::users().swap_remove(8)
    };
    assert_eq!(*user, expected);
    let again = site.users().get(User::F.id.eq(9)).await?;
    assert_eq!(*again, expected);
    Ok(())
}

#[case]
async fn update_or_create_sends_nothing_if_nothing_is_to_change(site: Site) -> Outcome {
    let was = fixture::users().swap_remove(8);
    let values = [
        User::F.name.set(&was.name),
        User::F.balance.set(was.balance),
        User::F.tags.set(&was.tags),
    ];
    let (user, created) = site
        .users()
        .update_or_create(User::F.email.eq(&was.email), values)
        .await?;
    assert_eq!((&*user, created), (&was, false));
    assert_eq!(site.cost(), 1);
    Ok(())
}

#[case]
async fn update_or_create_creates(site: Site) -> Outcome {
    let values = [User::F.name.set("New"), User::F.active.set(false)];
    let (user, created) = site
        .users()
        .update_or_create(User::F.email.eq("new@example.com"), values)
        .await?;
    assert!(created);
    assert_eq!(
        (user.id, &*user.name, user.active),
        (Some(251), "New", false)
    );
    assert_eq!(site.cost(), 2);
    Ok(())
}

#[case]
async fn update_or_create_of_a_nested_field(site: Site) -> Outcome {
    let city = User::F.address.to(Address::F.city).set("Peoria");
    let (user, _) = site
        .users()
        .update_or_create(User::F.id.eq(1), [city])
        .await?;
    let address = user.address.clone().ok_or("an address")?;
    assert_eq!(
        (&*address.city, &*address.street),
        ("Peoria", "1 Main Street"),
        "the rest stays"
    );
    let again = site.users().get(User::F.id.eq(1)).await?;
    assert_eq!(again.address, Some(address));
    Ok(())
}

cases! {
    reads: [],
    writes: [
        get_or_create_finds,
        get_or_create_creates,
        get_or_create_by_slug,
        nothing_is_created_by_what_is_not_sent,
        of_several_rows_is_an_error,
        nothing_is_created_on_a_wrong_url,
        a_refused_creation_is_a_validation_error,
        update_or_create_updates,
        update_or_create_sends_nothing_if_nothing_is_to_change,
        update_or_create_creates,
        update_or_create_of_a_nested_field,
    ],
}
