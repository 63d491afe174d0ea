//! Endpoints that speak JSON:API: what they are sent are documents, and what they answer is read as a plain API's answer would be.

use django_api_orm_core::{
    Result,
    json_api::{JsonApi, MEDIA_TYPE},
};
use futures_util::future::{Either, ready};
use http::Method;
use serde_json::{Map, Value};

use super::collection::Collection;
use crate::client::{ApiResponse, Call, ServiceClient};

/// What is said of a write whose answer cannot be read.
const MAY_BE_DONE: &str = "the server answered the write with success, but not with a document of the row, which may have been written";

impl Collection {
    /// Sends a call for rows of the endpoint. What that keeps is on the heap, and no call carries along what only another one needs.
    pub(super) fn send(&self, call: Call) -> impl Future<Output = Result<ApiResponse>> {
        match (self.client(), self.model().json_api()) {
            (Err(error), _) => Either::Left(Either::Left(ready(Err(error)))),
            (Ok(client), None) => Either::Left(Either::Right(client.sending(call))),
            (Ok(client), Some(json_api)) => {
                Either::Right(Box::pin(self.send_document(client, json_api, call)))
            }
        }
    }

    async fn send_document(
        &self,
        client: &ServiceClient,
        json_api: &JsonApi,
        call: Call,
    ) -> Result<ApiResponse> {
        let include = call.query_value("include").unwrap_or_default().to_owned();
        let method = call.method().clone();
        let call = call.header("accept", MEDIA_TYPE)?;
        let response = client.send(call).await?;
        let text = response.text();
        if method == Method::DELETE || text.trim_ascii().is_empty() {
            return Ok(response);
        }
        match json_api.flatten(&text, &include, &self.dialect) {
            Ok(plain) => Ok(response.with_text(plain)),
            Err(error) => {
                let error = response
                    .unexpected("a JSON:API document")
                    .with_source(error);
                Err(match method {
                    Method::GET => error,
                    _ => error.with_outcome_unknown(true).with_context(MAY_BE_DONE),
                })
            }
        }
    }

    /// The call with these fields as its body. `id`: of the resource, where it is there already.
    pub(super) fn with_body(
        &self,
        call: Call,
        fields: &Map<String, Value>,
        id: Option<String>,
    ) -> Result<Call> {
        let Some(json_api) = self.model().json_api() else {
            return call.json(fields);
        };
        let document = json_api.document(self.model(), fields, id)?;
        call.json(&document)?.header("content-type", MEDIA_TYPE)
    }
}
