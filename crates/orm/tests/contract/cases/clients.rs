//! Several clients, one client for several users, and a client that was closed.

use django_api_orm::{ApiModel, Error, register_models};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::prelude::*;
use crate::{Outcome, models::*};

/// Whose token a request came with, as the server saw it.
#[case]
async fn whoami(client: &ServiceClient) -> Result<String, Error> {
    let answer: Value = client.get("/api/v1/whoami/").await?.json()?;
    Ok(answer["token"].as_str().unwrap_or_default().to_owned())
}

#[case]
async fn two_clients_with_two_tokens(site: Site) -> Outcome {
    let other = site.builder().auth_token("other-token").build()?;
    let names = concurrently(40, |number| {
        let client = if number % 2 == 0 {
            site.client().clone()
        } else {
            other.clone()
        };
        async move { whoami(&client).await }
    })
    .await;
    for (index, name) in names.into_iter().enumerate() {
        let expected = if index % 2 == 1 {
            "test-token"
        } else {
            "other-token"
        };
        assert_eq!(name?, expected);
    }
    Ok(())
}

#[case]
async fn one_client_for_many_users(site: Site) -> Outcome {
    let names = concurrently(20, |number| {
        let client = site.client().with_token(format!("user-token-{number}"));
        async move { whoami(&client).await }
    })
    .await;
    for (index, name) in names.into_iter().enumerate() {
        assert_eq!(name?, format!("user-token-{}", index + 1));
    }
    let name = whoami(site.client()).await?;
    assert_eq!(name, "test-token", "the client still speaks for itself");
    Ok(())
}

/// Registered by the case below only.
#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/")]
struct Person {
    id: Option<i64>,
    name: String,
}

/// Registered by the case below only.
#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/teams/")]
struct Group {
    id: Option<i64>,
}

#[case]
async fn registered_models(site: Site) -> Outcome {
    register_models!(site.client(), Person, Group);
    let person = objects::<Person>().get(Person::F.id.eq(1)).await?;
    assert_eq!(person.name, "Alice Smith");
    let group = objects::<Group>().get(Group::F.id.eq(5)).await?;
    assert_eq!(group.id, Some(5));
    assert_eq!(site.cost(), 2);
    // A later registration replaces an earlier one.
    let other = site.builder().build()?;
    register_models!(&other, Person);
    let people = objects::<Person>().count().await?;
    assert_eq!((people, other.stats().requests, site.cost()), (250, 1, 0));
    Ok(())
}

#[case]
async fn a_closed_client_works_again(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1)).await?;
    let before = site.client().stats().connections;
    close(site.client()).await?;
    user.refresh_from_api().await?;
    assert_eq!(user.id, Some(1));
    assert_eq!(
        site.client().stats().connections - before,
        1,
        "the old connection is gone"
    );
    close(site.client()).await?;
    close(site.client()).await?;
    Ok(())
}

#[case]
async fn a_connection_is_used_again(site: Site) -> Outcome {
    let client = site.builder().max_connections(1).build()?;
    for number in 1..=10 {
        client.objects::<User>().get(User::F.id.eq(number)).await?;
    }
    assert_eq!(client.stats().connections, 1);
    Ok(())
}

#[case]
async fn a_base_url_with_a_path(site: Site) -> Outcome {
    let client = ServiceClient::builder(&format!("{}/api/v1/", site.base_url()))
        .auth_token("test-token")
        .build()?;
    let users = client.objects::<User>().at("/users/");
    let all = users.all().fetch().await?;
    assert_eq!(
        all.len(),
        250,
        "links to the next page are followed below the path"
    );
    let user = users.get(User::F.id.eq(1)).await?;
    assert_eq!(user.id, Some(1));
    Ok(())
}

#[case]
async fn many_calls_at_once(site: Site) -> Outcome {
    let users = site.users();
    let found = concurrently(50, |number| {
        let users = users.clone();
        async move { users.get(User::F.id.eq(number)).await }
    })
    .await;
    for (index, user) in found.into_iter().enumerate() {
        assert_eq!(user?.id(), index as i64 + 1);
    }
    Ok(())
}

cases! {
    reads: [
        two_clients_with_two_tokens,
        one_client_for_many_users,
        registered_models,
        a_closed_client_works_again,
        a_connection_is_used_again,
        a_base_url_with_a_path,
        many_calls_at_once,
    ],
    writes: [],
}
