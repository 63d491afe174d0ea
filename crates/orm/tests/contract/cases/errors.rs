//! Mistakes of the caller: each is an error that says what to do, most of them before anything is sent.

use django_api_orm::{ApiModel, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::prelude::*;
use crate::{Outcome, models::*};

/// Never registered with any client.
#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/")]
struct Unregistered {
    id: Option<i64>,
}

#[case]
async fn an_unregistered_model(_site: Site) -> Outcome {
    let users = objects::<Unregistered>();
    let errors = [
        users.count().await.unwrap_err(),
        users.get(Unregistered::F.id.eq(1)).await.unwrap_err(),
        users.all().fetch().await.unwrap_err(),
        users.create(&json!({})).await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.is_configuration(), "{error}");
        assert!(
            error
                .to_string()
                .contains("register_models!(client, Unregistered)"),
            "{error}"
        );
    }
    Ok(())
}

#[case]
async fn an_invalid_endpoint(site: Site) -> Outcome {
    for endpoint in [
        "",
        "https://elsewhere.example.com/users/",
        "/api/../admin/",
        "/api/%2e%2e/admin/",
        "//x/",
    ] {
        let users = site.users().at(endpoint);
        let error = users.all().fetch().await.unwrap_err();
        assert!(error.is_configuration(), "{endpoint}: {error}");
        assert!(error.to_string().contains("User"), "{endpoint}: {error}");
        let error = users.create(&json!({})).await.unwrap_err();
        assert!(error.is_configuration(), "{endpoint}: {error}");
    }
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn a_key_that_would_leave_the_collection(site: Site) -> Outcome {
    for slug in ["..", ".", "a/b", "../users/1", "%2e%2e", "a\nb"] {
        let result = site.articles().get(Article::F.slug.eq(slug)).await;
        let error = result.unwrap_err();
        assert!(
            error.kind() == ErrorKind::InvalidRequest || error.is_does_not_exist(),
            "{slug:?}: {error}"
        );
    }
    let users = site.users().all().lookup("pk", "").fetch().await;
    assert!(users.is_err() || users.is_ok_and(|users| users.is_empty()));
    Ok(())
}

#[case]
async fn a_number_without_a_json_form(site: Site) -> Outcome {
    let error = site
        .posts()
        .filter(Post::F.score.gt(f64::NAN))
        .fetch()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(error.to_string().contains("score"), "{error}");
    assert_eq!(site.cost(), 0);
    Ok(())
}

#[case]
async fn a_row_that_does_not_fit_the_model(site: Site) -> Outcome {
    #[derive(Debug, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/users/")]
    struct Wrong {
        id: Option<i64>,
        name: String,
        age: String,
    }
    let error = site
        .client()
        .objects::<Wrong>()
        .get(Wrong::F.id.eq(1))
        .await
        .unwrap_err();
    assert!(error.is_decode(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("Wrong") && text.contains("age") && text.contains("id 1"),
        "{text}"
    );
    Ok(())
}

#[case]
async fn a_base_url_that_is_none(_site: Site) -> Outcome {
    for url in ["", "api.example.com", "ftp://api.example.com", "https://"] {
        let error = ServiceClient::new(url).unwrap_err();
        assert!(error.is_configuration(), "{url:?}: {error}");
    }
    Ok(())
}

#[case]
async fn a_missing_trailing_slash(site: Site) -> Outcome {
    let users: Value = site.client().get("/api/v1/users").await?.json()?;
    assert_eq!(users["count"], 250, "a read follows the redirect");
    let error = site
        .client()
        .post("/api/v1/labels", &json!({"name": "x"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
    assert!(error.to_string().contains("slash"), "{error}");
    let labels = site.labels().count().await?;
    assert_eq!(labels, 30);
    let listed = site.labels().at("/api/v1/labels").count().await?;
    assert_eq!(listed, 30);
    Ok(())
}

cases! {
    reads: [
        an_unregistered_model,
        an_invalid_endpoint,
        a_key_that_would_leave_the_collection,
        a_number_without_a_json_form,
        a_row_that_does_not_fit_the_model,
        a_base_url_that_is_none,
        a_missing_trailing_slash,
    ],
    writes: [],
}
