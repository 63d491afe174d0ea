//! Spans for `tracing`: one for each operation, and in it one for each request, with the names that OpenTelemetry has for HTTP.
//! No span holds a value of a query, a key, a header or a body.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use django_api_orm_core::{ApiModel, Error, Result, path::ApiPath};
use http::{Method, StatusCode, Uri};
use pin_project_lite::pin_project;
use tracing::{Span, field::Empty};

use crate::{
    bulk::{BulkCreateError, BulkWriteError},
    client::{
        base_url::BaseUrl,
        event::{REDACTED, push_query},
    },
};

/// What an operation's result tells its span.
pub(crate) trait Outcome {
    /// The error, if it is one.
    fn error(&self) -> Option<&Error>;
}

impl<T> Outcome for Result<T> {
    fn error(&self) -> Option<&Error> {
        self.as_ref().err()
    }
}

impl<T> Outcome for Result<T, BulkWriteError> {
    fn error(&self) -> Option<&Error> {
        let failed = self.as_ref().err()?.failed();
        failed.first().map(|(_, error)| error)
    }
}

impl<T, I> Outcome for Result<T, BulkCreateError<I>> {
    fn error(&self) -> Option<&Error> {
        let failed = self.as_ref().err()?.failed();
        failed.first().map(|(_, error)| error)
    }
}

pin_project! {
    /// The work of one operation on a model, in its span, which begins when the work does.
    struct Operation<F> {
        #[pin]
        work: F,
        span: Option<Span>,
        model: &'static str,
        name: &'static str,
    }
}

impl<F: Future<Output: Outcome>> Future for Operation<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let span = this.span.get_or_insert_with(|| span(this.model, this.name));
        let output = ready!(span.in_scope(|| this.work.poll(cx)));
        if let Some(error) = output.error() {
            fail(span, error);
        }
        Poll::Ready(output)
    }
}

/// The work of one operation on a model, such as `count`, in its span. It is large, so it lies on the heap from the start: a
/// future is moved many times before it is polled.
pub(crate) fn operation<M, F>(
    name: &'static str,
    work: F,
) -> Pin<Box<impl Future<Output = F::Output> + use<M, F>>>
where
    M: ApiModel,
    F: Future<Output: Outcome>,
{
    Box::pin(Operation {
        work,
        span: None,
        model: M::NAME,
        name,
    })
}

/// The span of an operation on a model.
pub(crate) fn span(model: &'static str, name: &'static str) -> Span {
    tracing::info_span!(
        "operation",
        otel.name = %format_args!("{model}.{name}"),
        otel.kind = "internal",
        otel.status_code = Empty,
        error.type = Empty,
    )
}

/// The methods that the conventions name; any other one is `_OTHER`.
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
];

/// The span of one request: an attempt, a retry or a redirect. A path without a template may hold keys, and is left out.
pub(crate) fn request(
    method: &Method,
    path: &ApiPath,
    uri: &Uri,
    base: &BaseUrl,
    resend_count: u32,
) -> Span {
    // What follows is evaluated only where somebody wants the span.
    let template = || path.declared_template();
    let known = METHODS.contains(&method.as_str());
    let name = || {
        let method = if known { method.as_str() } else { "HTTP" };
        template().map_or_else(
            || method.to_owned(),
            |template| format!("{method} {template}"),
        )
    };
    let (host, port) = base.server();
    let span = tracing::info_span!(
        "request",
        otel.name = name(),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = if known { method.as_str() } else { "_OTHER" },
        http.request.method_original = Empty,
        http.request.resend_count = Empty,
        http.response.status_code = Empty,
        url.full = full_url(path, uri, base),
        url.template = template().as_deref(),
        server.address = host,
        server.port = port,
        error.type = Empty,
    );
    if !known {
        span.record("http.request.method_original", method.as_str());
    }
    if resend_count > 0 {
        span.record("http.request.resend_count", resend_count);
    }
    span
}

/// The URL without keys and values. After a redirect, and where the path is made at run time, no part of it is known to hold none.
fn full_url(path: &ApiPath, uri: &Uri, base: &BaseUrl) -> String {
    let mut url = base.to_string();
    let template = path.declared_template();
    match template.filter(|_| uri.path().ends_with(path.path())) {
        None => url.push_str("/REDACTED"),
        Some(template) => {
            for (index, segment) in template.split('/').enumerate() {
                if index > 0 {
                    url.push('/');
                }
                url.push_str(if segment.starts_with('{') {
                    REDACTED
                } else {
                    segment
                });
            }
        }
    }
    push_query(&mut url, uri.query());
    url
}

/// Notes the status of the response in the span of the request.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_client_error() || status.is_server_error() {
        span.record("error.type", status.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

/// Notes in a span what it ended with.
pub(crate) fn fail(span: &Span, error: &Error) {
    match error.status() {
        Some(status) if !status.is_success() => span.record("error.type", status.as_str()),
        _ => span.record("error.type", error.kind().code()),
    };
    span.record("otel.status_code", "ERROR");
}
