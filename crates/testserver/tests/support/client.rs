//! A small HTTP/1.1 client: one connection for each request, nothing followed, nothing decoded.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    /// The body as JSON; as a JSON string where it is something else.
    pub(crate) fn json(&self) -> Value {
        let text = || Value::String(String::from_utf8_lossy(&self.body).into_owned());
        serde_json::from_slice(&self.body).unwrap_or_else(|_| text())
    }
}

/// Sends a request to `base_url` + `target`.
pub(crate) async fn send(
    base_url: &str,
    method: &Method,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let host = base_url.trim_start_matches("http://");
    let stream = TcpStream::connect(host).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
    let response = sender.send_request(request).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    Ok(Response {
        status: parts.status,
        headers: parts.headers,
        body,
    })
}
