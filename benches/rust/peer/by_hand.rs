//! `hyper-util` and `serde_json`, as somebody writes it who wants nothing between.

use std::hint::black_box;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::{
    Result,
    case::{AT_ONCE, Case, GETS, Page, User},
};

pub(crate) struct Hyper {
    client: Client<HttpConnector, Empty<Bytes>>,
    http2: Client<HttpConnector, Empty<Bytes>>,
    base_url: String,
}

impl Hyper {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            http2: Client::builder(TokioExecutor::new())
                .http2_only(true)
                .build_http(),
            base_url: base_url.to_owned(),
        }
    }

    pub(crate) async fn bytes(&self, path: &str) -> Result<Bytes> {
        Self::body(&self.client, &format!("{}{path}", self.base_url)).await
    }

    async fn body(client: &Client<HttpConnector, Empty<Bytes>>, url: &str) -> Result<Bytes> {
        let response = client.get(url.parse()?).await?;
        if !response.status().is_success() {
            return Err(response.status().to_string().into());
        }
        Ok(response.into_body().collect().await?.to_bytes())
    }

    pub(crate) async fn run(&self, case: Case) -> Result<usize> {
        match case {
            Case::Get => {
                for id in 1..=GETS {
                    let body = self.bytes(&format!("/api/v1/users/{id}/")).await?;
                    black_box(serde_json::from_slice::<User>(&body)?);
                }
                Ok(GETS as usize)
            }
            Case::Http2 => {
                let get = async |id| -> Result<User> {
                    let url = format!("{}/api/v1/users/{id}/", self.base_url);
                    let body = Self::body(&self.http2, &url).await?;
                    Ok(serde_json::from_slice(&body)?)
                };
                let rows = try_join_all((1..=AT_ONCE).map(get)).await?;
                Ok(black_box(rows).len())
            }
            Case::Page => self.walk("/api/v1/page/").await,
            Case::Walk => self.walk("/api/v1/users/").await,
        }
    }

    async fn walk(&self, path: &str) -> Result<usize> {
        let mut rows = Vec::new();
        let mut next = Some(format!("{}{path}", self.base_url));
        while let Some(url) = next {
            let page: Page = serde_json::from_slice(&Self::body(&self.client, &url).await?)?;
            rows.extend(page.results);
            next = page.next;
        }
        Ok(black_box(rows).len())
    }
}
