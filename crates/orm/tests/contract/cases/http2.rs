//! TLS and HTTP/2: really negotiated, and one connection for everything.

use serde_json::Value;
use std::collections::BTreeSet;

use super::super::prelude::*;
use crate::{Outcome, models::*};

/// The HTTP version and the client's port, as the server sees them.
#[case]
async fn info(client: &ServiceClient) -> Result<(String, u64), django_api_orm::Error> {
    let info: Value = client.get("/info/").await?.json()?;
    let version = info["http_version"].as_str().unwrap_or_default().to_owned();
    Ok((version, info["client_port"].as_u64().unwrap_or_default()))
}

#[case]
async fn http2_is_negotiated(site: Site) -> Outcome {
    let client = site.tls_builder()?.http2(true).build()?;
    let (version, _) = info(&client).await?;
    assert_eq!(version, "2", "says the server");
    let answer = client.get("/info/").await?;
    assert_eq!(
        answer.http_version(),
        http::Version::HTTP_2,
        "and so it is here"
    );
    let users = client.objects::<User>().all().fetch().await?;
    assert_eq!(users.len(), 250);
    assert_eq!(client.stats().connections, 1);
    Ok(())
}

#[case]
async fn a_hundred_gets_at_once_share_one_connection(site: Site) -> Outcome {
    let client = site.tls_builder()?.http2(true).build()?;
    let users = client.objects::<User>();
    let found = concurrently(100, |number| {
        let users = users.clone();
        async move { users.get(User::F.id.eq(number)).await }
    })
    .await;
    for (index, user) in found.into_iter().enumerate() {
        assert_eq!(user?.id(), index as i64 + 1);
    }
    assert_eq!(client.stats().connections, 1);
    let seen = concurrently(20, |_| {
        let client = client.clone();
        async move { info(&client).await }
    })
    .await;
    let mut ports = BTreeSet::new();
    for answer in seen {
        ports.insert(answer?.1);
    }
    assert_eq!(ports.len(), 1, "the server sees one port: {ports:?}");
    assert_eq!(client.stats().connections, 1);
    Ok(())
}

#[case]
async fn tls_without_http2(site: Site) -> Outcome {
    let client = site.tls_builder()?.build()?;
    let (version, _) = info(&client).await?;
    assert_eq!(version, "1.1");
    let user = client.objects::<User>().get(User::F.id.eq(1)).await?;
    assert_eq!(user.id, Some(1));
    Ok(())
}

#[case]
async fn http2_over_plain_http_is_quietly_http1(site: Site) -> Outcome {
    let client = site.builder().http2(true).build()?;
    let (version, _) = info(&client).await?;
    assert_eq!(version, "1.1");
    let users = client.objects::<User>().count().await?;
    assert_eq!(users, 250);
    Ok(())
}

#[case]
async fn a_certificate_of_an_unknown_authority_is_refused(site: Site) -> Outcome {
    let trusted = site.tls_builder()?.build()?;
    let stranger = ServiceClient::builder(&trusted.base_url())
        .auth_token("test-token")
        .build()?;
    let error = stranger.objects::<User>().count().await.unwrap_err();
    assert!(error.is_connect() && !error.is_retryable(), "{error}");
    let careless = ServiceClient::builder(&trusted.base_url())
        .auth_token("test-token")
        .verify_ssl(false)
        .build()?;
    let count = careless.objects::<User>().count().await?;
    assert_eq!(count, 250);
    Ok(())
}

cases! {
    reads: [
        http2_is_negotiated,
        a_hundred_gets_at_once_share_one_connection,
        tls_without_http2,
        http2_over_plain_http_is_quietly_http1,
        a_certificate_of_an_unknown_authority_is_refused,
    ],
    writes: [],
}
