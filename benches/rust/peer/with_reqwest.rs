//! `reqwest` and `serde_json`.

use std::hint::black_box;

use reqwest::Client;
use serde::de::DeserializeOwned;

use crate::{
    Result,
    case::{Case, GETS, Page, User},
};

pub(crate) struct Reqwest {
    client: Client,
    base_url: String,
}

impl Reqwest {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            client: Client::new(),
            base_url: base_url.to_owned(),
        }
    }

    async fn json<T: DeserializeOwned>(&self, url: &str) -> Result<T> {
        let response = self.client.get(url).send().await?.error_for_status()?;
        Ok(response.json().await?)
    }

    pub(crate) async fn run(&self, case: Case) -> Result<usize> {
        let base_url = &self.base_url;
        match case {
            Case::Get => {
                for id in 1..=GETS {
                    let url = format!("{base_url}/api/v1/users/{id}/");
                    black_box(self.json::<User>(&url).await?);
                }
                Ok(GETS as usize)
            }
            Case::Page => self.walk(format!("{base_url}/api/v1/page/")).await,
            Case::Walk => self.walk(format!("{base_url}/api/v1/users/")).await,
        }
    }

    async fn walk(&self, first: String) -> Result<usize> {
        let mut rows = Vec::new();
        let mut next = Some(first);
        while let Some(url) = next {
            let page: Page = self.json(&url).await?;
            rows.extend(page.results);
            next = page.next;
        }
        Ok(black_box(rows).len())
    }
}
