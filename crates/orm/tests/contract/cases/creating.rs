//! `create`, and how the server's refusals come back.

use serde_json::json;
use std::collections::BTreeMap;

use super::super::prelude::*;
use crate::{Outcome, models::*};

fn new_user() -> User {
    User {
        id: None,
        name: "Zoë Ünïcode 漢字".to_owned(),
        email: "zoe@example.com".to_owned(),
        role: Role::Editor,
        active: false,
        age: Some(41),
        balance: decimal("12.5"),
        joined_on: Some(date("2024-02-29")),
        created_at: Some(datetime("1999-01-01T00:00:00Z")),
        address: Some(address()),
        team: Some(2),
        tags: vec!["rust".to_owned(), "a, b".to_owned()],
        settings: BTreeMap::from([("mail".to_owned(), json!({"daily": true, "at": 7.5}))]),
    }
}

fn address() -> Address {
    Address {
        street: "1 New Street".to_owned(),
        city: "Springfield".to_owned(),
        state: "IL".to_owned(),
        zip: "62701".to_owned(),
    }
}

#[case]
async fn from_json(site: Site) -> Outcome {
    let user = site
        .users()
        .create(&json!({"name": "Bob", "email": "bob@example.com"}))
        .await?;
    assert_eq!(site.cost(), 1);
    assert_eq!((user.id, &*user.name), (Some(251), "Bob"));
    assert_eq!(
        (user.role, user.active),
        (Role::Viewer, true),
        "the server's defaults"
    );
    assert_eq!(user.balance, decimal("0"));
    assert!(user.created_at.is_some());
    let again = site
        .users()
        .get(User::F.email.eq("bob@example.com"))
        .await?;
    assert_eq!(*again, *user);
    Ok(())
}

#[case]
async fn from_the_model(site: Site) -> Outcome {
    let sent = new_user();
    let user = site.users().create(&sent).await?;
    assert_eq!(user.id, Some(251));
    assert_ne!(
        user.created_at, sent.created_at,
        "a read-only field is the server's"
    );
    let expected = User {
        id: Some(251),
        created_at: user.created_at,
        ..sent
    };
    assert_eq!(*user, expected);
    let again = site.users().get(User::F.id.eq(251)).await?;
    assert_eq!(*again, expected);
    assert!(!Instance::is_changed(&user)?, "nothing is left to save");
    Ok(())
}

#[case]
async fn with_nulls(site: Site) -> Outcome {
    let sent = User {
        age: None,
        joined_on: None,
        address: None,
        team: None,
        ..new_user()
    };
    let user = site.users().create(&sent).await?;
    assert_eq!(
        (user.age, user.joined_on, &user.address, user.team),
        (None, None, &None, None)
    );
    Ok(())
}

#[case]
async fn of_every_resource(site: Site) -> Outcome {
    let post = json!({"title": "New", "author": 3, "score": 0.1, "tags": ["x"]});
    let post = site.posts().create(&post).await?;
    assert_eq!(
        (post.id, post.author_id, post.score),
        (Some(121), 3, Some(0.1))
    );
    let team = site.teams().create(&json!({"name": "Blue-green"})).await?;
    assert!(team.id == Some(6) && team.code.is_some());
    let article =
        json!({"slug": "new-one", "title": "New", "rating": "4.25", "published_at": null});
    let article = site.articles().create(&article).await?;
    assert_eq!(
        (article.id, article.rating),
        (Some(46), Some(decimal("4.25")))
    );
    let label = site.labels().create(&json!({"name": "fresh"})).await?;
    assert_eq!((label.id, &label.color), (Some(31), &None));
    for (number, endpoint) in ITEMS.into_iter().enumerate() {
        let item = site
            .items(endpoint)
            .create(&json!({"name": endpoint, "price": "1.10"}))
            .await?;
        assert_eq!(
            (item.id, item.price),
            (Some(131 + number as i64), decimal("1.1"))
        );
    }
    Ok(())
}

#[case]
async fn a_link_takes_a_path(site: Site) -> Outcome {
    let comment = json!({"post": 1, "author": "/api/v1/users/3/", "text": "Well said"});
    let comment = site.comments().create(&comment).await?;
    assert_eq!(
        comment.author,
        format!("{}/api/v1/users/3/", site.base_url())
    );
    let copy = Comment {
        id: None,
        ..Instance::into_inner(comment)
    };
    let copy = site.comments().create(&copy).await?;
    assert_eq!((copy.id, &*copy.text), (Some(132), "Well said"));
    Ok(())
}

#[case]
async fn a_refusal_says_why_field_by_field(site: Site) -> Outcome {
    let body = json!({"name": "", "email": "no mail", "age": 200, "role": "king"});
    let error = site.users().create(&body).await.unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
    let errors = error.field_errors();
    assert_eq!(errors.get("name"), ["This field may not be blank."]);
    assert_eq!(errors.get("email"), ["Enter a valid email address."]);
    assert_eq!(
        errors.get("age"),
        ["Ensure this value is less than or equal to 150."]
    );
    assert_eq!(errors.get("role"), ["\"king\" is not a valid choice."]);
    assert_eq!(errors.len(), 4);
    assert!(
        error
            .to_string()
            .contains("email: Enter a valid email address."),
        "{error}"
    );
    let count = site.users().count().await?;
    assert_eq!(count, 250);
    Ok(())
}

#[case]
async fn a_missing_field_and_a_taken_one(site: Site) -> Outcome {
    let error = site.users().create(&json!({})).await.unwrap_err();
    assert_eq!(
        error.field_errors().get("name"),
        ["This field is required."]
    );
    let body = json!({"name": "Ann", "email": "user1@example.com"});
    let error = site.users().create(&body).await.unwrap_err();
    assert_eq!(
        error.field_errors().get("email"),
        ["user with this email already exists."]
    );
    Ok(())
}

#[case]
async fn a_refusal_of_a_nested_field(site: Site) -> Outcome {
    let user = User {
        address: Some(Address {
            state: "Illinois".to_owned(),
            ..address()
        }),
        ..new_user()
    };
    let error = site.users().create(&user).await.unwrap_err();
    let message = "Ensure this field has no more than 2 characters.";
    assert_eq!(error.field_errors().get("address.state"), [message]);
    Ok(())
}

#[case]
async fn a_refusal_of_the_whole_object(site: Site) -> Outcome {
    let error = site
        .posts()
        .create(&json!({"title": "forbidden", "author": 3}))
        .await
        .unwrap_err();
    assert!(error.is_validation(), "{error}");
    assert_eq!(
        error.field_errors().get("non_field_errors"),
        ["This title is forbidden."]
    );
    assert!(
        error.to_string().contains("This title is forbidden."),
        "{error}"
    );
    Ok(())
}

#[case]
async fn what_is_no_object_is_refused_here(site: Site) -> Outcome {
    let error = site.users().create(&json!([1, 2])).await.unwrap_err();
    assert_eq!(
        error.kind(),
        django_api_orm::ErrorKind::InvalidRequest,
        "{error}"
    );
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn on_a_wrong_url(site: Site) -> Outcome {
    let body = json!({"name": "Bob", "email": "bob@example.com"});
    let error = site
        .users()
        .at("/api/v1/nowhere/")
        .create(&body)
        .await
        .unwrap_err();
    assert!(
        error.is_not_found() && !error.is_does_not_exist(),
        "{error}"
    );
    Ok(())
}

cases! {
    reads: [what_is_no_object_is_refused_here],
    writes: [
        from_json,
        from_the_model,
        with_nulls,
        of_every_resource,
        a_link_takes_a_path,
        a_refusal_says_why_field_by_field,
        a_missing_field_and_a_taken_one,
        a_refusal_of_a_nested_field,
        a_refusal_of_the_whole_object,
        on_a_wrong_url,
    ],
}
