//! `reqwest` and `serde_json`.

use std::hint::black_box;

use futures_util::future::try_join_all;
use reqwest::Client;
use serde::de::DeserializeOwned;

use crate::{
    Result,
    case::{AT_ONCE, Case, GETS, Page, User},
};

pub(crate) struct Reqwest {
    client: Client,
    http2: Client,
    base_url: String,
}

impl Reqwest {
    pub(crate) fn new(base_url: &str) -> Result<Self> {
        Ok(Self {
            client: Client::new(),
            http2: Client::builder().http2_prior_knowledge().build()?,
            base_url: base_url.to_owned(),
        })
    }

    async fn json<T: DeserializeOwned>(client: &Client, url: &str) -> Result<T> {
        let response = client.get(url).send().await?.error_for_status()?;
        Ok(response.json().await?)
    }

    pub(crate) async fn run(&self, case: Case) -> Result<usize> {
        let base_url = &self.base_url;
        match case {
            Case::Get => {
                for id in 1..=GETS {
                    let url = format!("{base_url}/api/v1/users/{id}/");
                    black_box(Self::json::<User>(&self.client, &url).await?);
                }
                Ok(GETS as usize)
            }
            Case::Http2 => {
                let get = async |id| -> Result<User> {
                    Self::json(&self.http2, &format!("{base_url}/api/v1/users/{id}/")).await
                };
                let rows = try_join_all((1..=AT_ONCE).map(get)).await?;
                Ok(black_box(rows).len())
            }
            Case::Page => self.walk(format!("{base_url}/api/v1/page/")).await,
            Case::Walk => self.walk(format!("{base_url}/api/v1/users/")).await,
        }
    }

    async fn walk(&self, first: String) -> Result<usize> {
        let mut rows = Vec::new();
        let mut next = Some(first);
        while let Some(url) = next {
            let page: Page = Self::json(&self.client, &url).await?;
            rows.extend(page.results);
            next = page.next;
        }
        Ok(black_box(rows).len())
    }
}
