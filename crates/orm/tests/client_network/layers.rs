//! Layers of the user's: what they see, and what they cannot do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use django_api_orm::ErrorKind;
use django_api_orm::client::{Credential, HttpService, RequestBody, ServiceClient};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::util::MapRequestLayer;
use tower::{Layer, Service, layer::layer_fn, service_fn};

use crate::server::{Accept, Reply, Server, ok, response, status, with_headers};

/// A layer that changes the request.
fn map(
    change: impl Fn(Request<RequestBody>) -> Request<RequestBody> + Clone + Send + Sync + 'static,
) -> MapRequestLayer<impl Fn(Request<RequestBody>) -> Request<RequestBody> + Clone + Send + Sync> {
    MapRequestLayer::new(change)
}

/// A service as users write it: it notes what it sees, and has state of its own.
#[derive(Clone)]
struct Noting<S> {
    inner: S,
    notes: Arc<Mutex<Vec<String>>>,
}

impl<S, B> Service<Request<RequestBody>> for Noting<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send,
    B: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let notes = Arc::clone(&self.notes);
        let credential = request.headers().get("authorization").cloned();
        let line = format!(
            "{} {} {:?}",
            request.method(),
            request.uri(),
            credential.map(|value| value.to_str().unwrap().to_owned())
        );
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = response.await?;
            notes
                .lock()
                .unwrap()
                .push(format!("{line} -> {}", response.status().as_u16()));
            Ok(response)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_passes_with_its_credentials_and_its_body() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&notes);
    let server = Server::script([status(503), with_headers(307, &[("Location", "/y/")]), ok()]);
    let client = server
        .builder()
        .auth_token("t")
        .layer(layer_fn(move |inner| Noting {
            inner,
            notes: Arc::clone(&kept),
        }))
        .build()
        .unwrap();
    client.get("/x/?a=1").await.unwrap();
    assert_eq!(
        *notes.lock().unwrap(),
        [
            "GET http://api.test/x/?a=1 Some(\"Token t\") -> 503",
            "GET http://api.test/x/?a=1 Some(\"Token t\") -> 307",
            "GET http://api.test/y/ Some(\"Token t\") -> 200",
        ]
    );
    assert_eq!((client.stats().requests, client.stats().retries), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_can_be_signed_as_it_is_sent() {
    let server = Server::script([ok()]);
    let sign = layer_fn(|inner: HttpService| {
        service_fn(move |mut request: Request<RequestBody>| {
            let mut inner = inner.clone();
            async move {
                let body = request
                    .body()
                    .clone()
                    .collect()
                    .await
                    .map(http_body_util::Collected::to_bytes);
                let signature = format!("{} bytes", body.unwrap_or_default().len());
                request
                    .headers_mut()
                    .insert("x-signature", HeaderValue::try_from(signature)?);
                inner.call(request).await
            }
        })
    });
    let client = server.builder().layer(sign).build().unwrap();
    client
        .post("/x/", &serde_json::json!({"a": 1}))
        .await
        .unwrap();
    assert_eq!(server.seen()[0].header("x-signature"), Some("7 bytes"));
    assert_eq!(server.seen()[0].body, br#"{"a":1}"#);
}

#[tokio::test(start_paused = true)]
async fn the_first_layer_sees_the_request_first() {
    let server = Server::script([ok()]);
    let add = |word: &'static str| {
        map(move |mut request| {
            let before = request
                .headers()
                .get("x-order")
                .map_or("", |value| value.to_str().unwrap_or_default());
            let value = HeaderValue::try_from(format!("{before}{word}"))
                .unwrap_or(HeaderValue::from_static("?"));
            request.headers_mut().insert("x-order", value);
            request
        })
    };
    let client = server
        .builder()
        .layer(add("a"))
        .layer(add("b"))
        .build()
        .unwrap();
    client.get("/x/").await.unwrap();
    assert_eq!(server.seen()[0].header("x-order"), Some("ab"));
}

#[tokio::test(start_paused = true)]
async fn credentials_go_to_no_other_origin() {
    for elsewhere in [
        "http://evil.test/x/",
        "https://api.test/x/",
        "http://api.test:8080/x/",
    ] {
        let server = Server::script([ok()]);
        let client = server
            .builder()
            .auth_token("t")
            .layer(map(move |mut request| {
                *request.uri_mut() = elsewhere.parse().unwrap();
                request
            }))
            .build()
            .unwrap();
        let error = client.post("/x/", &1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("another origin"), "{error}");
        assert!(!error.is_outcome_unknown() && !error.is_retryable());
        assert_eq!(
            (server.count(), server.connections()),
            (0, 0),
            "{elsewhere}"
        );
    }
    let server = Server::script([ok()]);
    let client = server
        .builder()
        .layer(map(|mut request| {
            *request.uri_mut() = "http://api.test/other/".parse().unwrap();
            request
        }))
        .build()
        .unwrap();
    client.get("/x/").await.unwrap();
    assert_eq!(
        server.lines(),
        ["GET /other/"],
        "the path is the layer's to change"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_client_would_lose_sight_of_is_not_sent() {
    let server = Server::script([status(503)]);
    let client = server
        .builder()
        .layer(map(|request| {
            let (parts, body) = request.into_parts();
            let mut anew = Request::new(body);
            *anew.method_mut() = parts.method;
            *anew.uri_mut() = parts.uri;
            anew
        }))
        .build()
        .unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert!(error.message().contains("extensions"), "{error}");
    assert_eq!(server.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_answer_in_the_place_of_the_server() {
    let server = Server::script([ok()]);
    let cache = layer_fn(|_inner: HttpService| {
        service_fn(|_: Request<RequestBody>| async {
            Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(b"[1]"))))
        })
    });
    let client = server.builder().layer(cache).build().unwrap();
    let response = client.get("/x/").await.unwrap();
    assert_eq!(response.json::<Vec<i32>>().unwrap(), [1]);
    assert_eq!((server.connections(), client.stats().requests), (0, 0));
}

/// Fails before or after it has sent the request.
fn failing(
    after: bool,
) -> impl Layer<
    HttpService,
    Service = impl Service<
        Request<RequestBody>,
        Response = Response<django_api_orm::client::ResponseBody>,
        Error = Box<dyn std::error::Error + Send + Sync>,
        Future = impl Send + 'static,
    > + Clone
              + Send
              + Sync
              + 'static,
> + Send
+ Sync
+ 'static {
    layer_fn(move |inner: HttpService| {
        service_fn(move |request: Request<RequestBody>| {
            let mut inner = inner.clone();
            async move {
                if after {
                    inner.call(request).await?;
                }
                Err(Box::<dyn std::error::Error + Send + Sync>::from("no key"))
            }
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_fails_leaves_no_doubt_about_what_was_sent() {
    let server = Server::script([ok()]);
    let client = server.builder().layer(failing(false)).build().unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.message().contains("was not sent: no key"), "{error}");
    assert!(!error.is_outcome_unknown());
    assert_eq!((server.count(), client.stats().requests), (0, 0));
    let client = server.builder().layer(failing(true)).build().unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert!(
        error.is_outcome_unknown() && error.is_connect(),
        "{error:?}"
    );
    assert_eq!(server.count(), 1, "a write is not sent again");
}

#[tokio::test(start_paused = true)]
async fn failures_mean_the_same_with_a_layer() {
    let through = |server: &Server| {
        server
            .builder()
            .layer(map(|request| request))
            .build()
            .unwrap()
    };
    let server = Server::script([Reply::Close]);
    let error = through(&server).post("/x/", &1).await.unwrap_err();
    assert!(
        error.is_outcome_unknown() && error.is_connect(),
        "{error:?}"
    );
    assert_eq!(server.count(), 1);
    let server = Server::with_accept([Accept::Refuse, Accept::Serve], |_, _| ok());
    through(&server).post("/x/", &1).await.unwrap();
    assert_eq!(server.count(), 1, "what was not sent is sent again");
    let server = Server::script([Reply::Hang]);
    let error = through(&server).post("/x/", &1).await.unwrap_err();
    assert!(
        error.is_timeout() && error.is_outcome_unknown(),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn layers_keep_their_state_and_their_time_is_the_attempts() {
    let calls = Arc::new(AtomicUsize::new(0));
    let made = Arc::new(AtomicUsize::new(0));
    let server = Server::script([ok()]);
    let counting = {
        let (calls, made) = (Arc::clone(&calls), Arc::clone(&made));
        layer_fn(move |inner: HttpService| {
            made.fetch_add(1, Ordering::SeqCst);
            let calls = Arc::clone(&calls);
            service_fn(move |request: Request<RequestBody>| {
                let mut inner = inner.clone();
                let calls = Arc::clone(&calls);
                async move {
                    if calls.fetch_add(1, Ordering::SeqCst) == 2 {
                        tokio::time::sleep(Duration::from_secs(3600)).await;
                    }
                    inner.call(request).await
                }
            })
        })
    };
    let client = server
        .builder()
        .max_retries(0)
        .layer(counting)
        .build()
        .unwrap();
    client.get("/x/").await.unwrap();
    client.with_token("other").get("/x/").await.unwrap();
    assert!(client.get("/x/").await.unwrap_err().is_timeout());
    assert_eq!(
        (calls.load(Ordering::SeqCst), made.load(Ordering::SeqCst)),
        (3, 1)
    );
    client.close().await;
    client.get("/x/").await.unwrap();
    assert_eq!(
        made.load(Ordering::SeqCst),
        1,
        "a closed client keeps its layers"
    );
}

#[tokio::test(start_paused = true)]
async fn a_compressed_response_is_decompressed_behind_the_layer() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"[1, 2]").unwrap();
    let packed = packed.finish().unwrap();
    let mut reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    )
    .into_bytes();
    reply.extend_from_slice(&packed);
    let server = Server::script([Reply::Bytes(reply)]);
    let seen = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&seen);
    let look = map(move |request| {
        *kept.lock().unwrap() = request.headers().get("accept-encoding").cloned();
        request
    });
    let client: ServiceClient = server.builder().layer(look).build().unwrap();
    assert_eq!(
        client.get("/x/").await.unwrap().json::<Vec<i32>>().unwrap(),
        [1, 2]
    );
    assert!(seen.lock().unwrap().is_some());
    assert_eq!(client.stats().bytes_received, packed.len() as u64);
}

/// Hands the request on from a task of its own, `after` this time, as a queue does.
fn queueing(
    after: Duration,
) -> impl Layer<
    HttpService,
    Service = impl Service<
        Request<RequestBody>,
        Response = Response<django_api_orm::client::ResponseBody>,
        Error = Box<dyn std::error::Error + Send + Sync>,
        Future = impl Send + 'static,
    > + Clone
              + Send
              + Sync
              + 'static,
> + Send
+ Sync
+ 'static {
    layer_fn(move |inner: HttpService| {
        service_fn(move |request: Request<RequestBody>| {
            let mut inner = inner.clone();
            let task = tokio::spawn(async move {
                tokio::time::sleep(after).await;
                inner.call(request).await
            });
            async move { task.await? }
        })
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_holds_back_is_not_sent_once_the_attempt_is_over() {
    let server = Server::script([ok()]);
    let client = server
        .builder()
        .attempt_timeout(Duration::from_secs(1))
        .max_retries(1)
        .layer(queueing(Duration::from_secs(2)))
        .build()
        .unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_outcome_unknown(), "{error}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        server.count(),
        0,
        "it was given up, and is sent all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_is_about_to_send_may_be_sent() {
    let server = Server::script([ok()]);
    let slow = server.clone();
    let client = ServiceClient::builder("http://api.test")
        .connector(move |_| {
            let server = slow.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(2)).await;
                let (ours, theirs) = tokio::io::duplex(4096);
                tokio::spawn(async move { server.serve(theirs, 0).await });
                Ok(ours)
            }
        })
        .attempt_timeout(Duration::from_secs(1))
        .max_retries(1)
        .layer(queueing(Duration::ZERO))
        .build()
        .unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert!(error.is_timeout() && error.is_outcome_unknown(), "{error}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(server.count(), 1, "a write is not sent again");
}

/// A layer of a user's that sends a request once more where there was no answer, or a failure of the server's.
fn retrying() -> impl Layer<
    HttpService,
    Service: Service<
        Request<RequestBody>,
        Response = Response<django_api_orm::client::ResponseBody>,
        Error = Box<dyn std::error::Error + Send + Sync>,
        Future = impl Send + 'static,
    > + Clone
                 + Send
                 + Sync
                 + 'static,
> + Send
+ Sync
+ 'static {
    layer_fn(|inner: HttpService| {
        service_fn(move |request: Request<RequestBody>| {
            let mut inner = inner.clone();
            async move {
                match inner.call(request.clone()).await {
                    Ok(response) if !response.status().is_server_error() => Ok(response),
                    _ => inner.call(request).await,
                }
            }
        })
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_may_have_sent_is_not_undone_by_a_second_try() {
    let through = |server: &Server| server.builder().layer(retrying()).build().unwrap();
    let first = |first: Reply| move |_: &_, index| if index == 0 { first.clone() } else { ok() };
    let unavailable = response(503, &[("Connection", "close")], "{}");
    for reply in [Reply::Close, Reply::Last(unavailable)] {
        let accept = [Accept::Serve, Accept::Refuse, Accept::Serve];
        let server = Server::with_accept(accept, first(reply));
        let error = through(&server).post("/x/", &1).await.unwrap_err();
        assert!(error.is_connect() && error.is_outcome_unknown(), "{error}");
        assert_eq!(server.count(), 1, "a write is not sent again");
    }
    let server = Server::script([Reply::Close, status(429), ok()]);
    let error = through(&server).post("/x/", &1).await.unwrap_err();
    assert!(
        error.is_throttled() && error.is_outcome_unknown(),
        "{error}"
    );
    assert_eq!(
        server.count(),
        2,
        "the layer sent it twice, the client not again"
    );
    let server = Server::with_accept(
        [Accept::Serve, Accept::Refuse, Accept::Serve],
        first(Reply::Close),
    );
    through(&server).get("/x/").await.unwrap();
    assert_eq!(server.count(), 2, "a read is sent again");
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_may_have_sent_is_not_sent_again_with_another_token() {
    let server = Server::script([Reply::Close, status(401), ok()]);
    let client = server
        .builder()
        .token_provider(|| async { Ok(Credential::bearer("t")) })
        .layer(retrying())
        .build()
        .unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert!(
        error.is_authentication() && error.is_outcome_unknown(),
        "{error}"
    );
    assert_eq!(
        server.count(),
        2,
        "the layer sent it twice, the client not again"
    );
    let server = Server::script([Reply::Close, status(401), ok()]);
    let client = server
        .builder()
        .token_provider(|| async { Ok(Credential::bearer("t")) })
        .layer(retrying())
        .build()
        .unwrap();
    client.put("/x/", &1).await.unwrap();
    assert_eq!(server.count(), 3, "what may be repeated is");
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_has_sent_in_vain_is_sent_again() {
    let through = |server: &Server| server.builder().layer(retrying()).build().unwrap();
    let server = Server::with_accept([Accept::Refuse, Accept::Refuse, Accept::Serve], |_, _| ok());
    through(&server).post("/x/", &1).await.unwrap();
    assert_eq!(server.count(), 1);
}
