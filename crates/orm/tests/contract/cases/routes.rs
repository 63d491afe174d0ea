//! What a site has beyond lists and rows: extra routes, nested routes, raw requests.

use http::Method;
use serde_json::{Value, json};

use super::super::prelude::*;
use crate::{Outcome, fixture, models::*};

#[case]
async fn an_extra_route_of_a_row(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    site.cost();
    let answer = Instance::route(&mut user, Method::POST, "deactivate", None::<&()>).await?;
    assert_eq!(site.cost(), 1);
    let row: User = answer.json()?;
    assert!(!row.active);
    assert!(user.active, "the instance is as it was");
    user.refresh_from_api().await?;
    assert!(!user.active);
    Ok(())
}

#[case]
async fn an_extra_route_of_the_collection(site: Site) -> Outcome {
    let answer = site
        .users()
        .route(Method::GET, "stats", None::<&()>)
        .await?;
    let stats: Value = answer.json()?;
    assert_eq!(stats, json!({"total": 250, "active": 150}));
    Ok(())
}

#[case]
async fn a_nested_route(site: Site) -> Outcome {
    let expected = fixture::ids_of(&fixture::posts(), |post| post.author_id == 3);
    let posts = site.posts().at("/api/v1/users/3/posts/");
    let rows = posts.all().fetch().await?;
    assert_eq!(ids(&rows), expected);
    let count = posts.count().await?;
    assert_eq!(count, 33);
    let published = posts.filter(Post::F.published.eq(true)).fetch().await?;
    let expected = fixture::ids_of(&fixture::posts(), |post| {
        post.author_id == 3 && post.published
    });
    assert_eq!(ids(&published), expected);
    Ok(())
}

#[case]
async fn a_nested_route_of_an_instance(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(3)).await?;
    let posts = Instance::related::<Post>(&mut user, "posts")?;
    let count = posts.count().await?;
    assert_eq!(count, 33);
    let post = posts.create(&json!({"title": "Nested"})).await?;
    assert_eq!(
        (post.id, post.author_id),
        (Some(121), 3),
        "the author comes from the URL"
    );
    let count = posts.count().await?;
    assert_eq!(count, 34);
    let error = posts
        .create(&json!({"title": "forbidden"}))
        .await
        .unwrap_err();
    assert_eq!(
        error.field_errors().get("non_field_errors"),
        ["This title is forbidden."]
    );
    Ok(())
}

#[case]
async fn a_nested_route_of_a_row_that_is_not_there(site: Site) -> Outcome {
    let error = site
        .posts()
        .at("/api/v1/users/9999/posts/")
        .all()
        .fetch()
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let none = site
        .posts()
        .at("/api/v1/users/200/posts/")
        .all()
        .fetch()
        .await?;
    assert!(none.is_empty());
    Ok(())
}

#[case]
async fn a_route_cannot_leave_its_row(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    site.cost();
    for route in ["..", "../2", "%2e%2e/2", "a/../../2"] {
        let error = Instance::route(&mut user, Method::DELETE, route, None::<&()>)
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            django_api_orm::ErrorKind::InvalidRequest,
            "{route}: {error}"
        );
        assert!(
            Instance::related::<Post>(&mut user, route).is_err(),
            "{route}"
        );
    }
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn raw_requests(site: Site) -> Outcome {
    let client = site.client();
    let row: Value = client.get("/api/v1/users/?limit=1").await?.json()?;
    assert_eq!(row["count"], 250);
    let created = client
        .post("/api/v1/labels/", &json!({"name": "raw"}))
        .await?;
    assert_eq!(created.status().as_u16(), 201);
    let put = client
        .put("/api/v1/labels/31/", &json!({"name": "put", "color": null}))
        .await?;
    assert_eq!(
        put.json::<Value>()?,
        json!({"id": 31, "name": "put", "color": null})
    );
    let patched = client
        .patch("/api/v1/labels/31/", &json!({"color": "red"}))
        .await?;
    assert_eq!(patched.json::<Value>()?["color"], "red");
    assert!(patched.headers().contains_key("content-type"));
    let deleted = client.delete("/api/v1/labels/31/").await?;
    assert_eq!(deleted.status().as_u16(), 204);
    Ok(())
}

#[case]
async fn an_empty_answer(site: Site) -> Outcome {
    let client = site.client();
    let got = client.get("/api/v1/empty/").await?;
    let posted = client.post("/api/v1/empty/", &json!({})).await?;
    assert_eq!(
        (got.status().as_u16(), posted.status().as_u16()),
        (204, 204)
    );
    assert_eq!(got.json::<Value>()?, Value::Null);
    let error = site
        .users()
        .at("/api/v1/empty/")
        .all()
        .fetch()
        .await
        .unwrap_err();
    assert!(error.is_decode(), "{error}");
    Ok(())
}

cases! {
    reads: [
        an_extra_route_of_the_collection,
        a_nested_route,
        a_nested_route_of_a_row_that_is_not_there,
        a_route_cannot_leave_its_row,
        an_empty_answer,
    ],
    writes: [an_extra_route_of_a_row, a_nested_route_of_an_instance, raw_requests],
}
