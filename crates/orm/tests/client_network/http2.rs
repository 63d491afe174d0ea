//! HTTP/2: agreed upon in the TLS handshake, one connection for many requests, and streams that a server refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use django_api_orm::ErrorKind;
use django_api_orm::client::{ServiceClient, ServiceClientBuilder};
use futures_util::future::join_all;
use h2::Reason;
use h2::server::SendResponse;
use http::{Response, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Reply, Server, ok, response};
use crate::tls::{self, Certificates};

/// What an HTTP/2 server does with a request.
#[derive(Clone, Copy, Debug)]
enum Act {
    Answer,
    /// Answers after a while, and others meanwhile.
    After(Duration),
    /// Waits until so many requests are under way, then answers them all.
    Together(usize),
    Reset(Reason),
    /// Says goodbye as if the stream had never been seen.
    GoAway,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    /// Those of the connections in memory that have not ended.
    open: AtomicUsize,
    requests: AtomicUsize,
}

/// An HTTP/2 server that follows a script, whose last act is repeated.
struct Http2Server {
    counts: Counts,
    script: Vec<Act>,
}

impl Http2Server {
    fn new(script: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Arc::new(Self {
            counts: Counts::default(),
            script: script.into_iter().collect(),
        })
    }

    async fn listen(self: &Arc<Self>, tls: Option<TlsAcceptor>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                server.counts.connections.fetch_add(1, Ordering::SeqCst);
                let (server, tls) = (Arc::clone(&server), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => server.serve(tls.accept(stream).await.unwrap()).await,
                        None => server.serve(stream).await,
                    }
                });
            }
        });
        format!("{scheme}://localhost:{port}")
    }

    /// A client that reaches the server in memory, by TLS, in which they agree on HTTP/2.
    fn in_memory(self: &Arc<Self>) -> ServiceClientBuilder {
        let certificates = Certificates::new("localhost");
        let tls = TlsAcceptor::from(Arc::new(certificates.config(&["h2", "http/1.1"], false)));
        let server = Arc::clone(self);
        let builder = trusting("https://localhost", &certificates).http2(true);
        builder.connector(move |_| {
            let (theirs, ours) = tokio::io::duplex(64 * 1024);
            let (server, tls) = (Arc::clone(&server), tls.clone());
            server.counts.connections.fetch_add(1, Ordering::SeqCst);
            server.counts.open.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                server.serve(tls.accept(ours).await.unwrap()).await;
                server.counts.open.fetch_sub(1, Ordering::SeqCst);
            });
            async move { Ok(theirs) }
        })
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let mut waiting = Vec::new();
        while let Some(Ok((request, respond))) = connection.accept().await {
            let index = self.counts.requests.fetch_add(1, Ordering::SeqCst);
            drop(request);
            match self.script[index.min(self.script.len() - 1)] {
                Act::Answer => answer(respond),
                Act::After(pause) => {
                    tokio::spawn(async move {
                        tokio::time::sleep(pause).await;
                        answer(respond);
                    });
                }
                Act::Together(count) => {
                    waiting.push(respond);
                    if waiting.len() == count {
                        waiting.drain(..).for_each(answer);
                    }
                }
                Act::Reset(reason) => reset(respond, reason),
                Act::GoAway => {
                    reset(respond, Reason::REFUSED_STREAM);
                    connection.graceful_shutdown();
                }
            }
        }
    }

    fn counts(&self) -> (usize, usize) {
        (
            self.counts.connections.load(Ordering::SeqCst),
            self.counts.requests.load(Ordering::SeqCst),
        )
    }
}

fn answer(mut respond: SendResponse<Bytes>) {
    let mut body = respond.send_response(Response::new(()), false).unwrap();
    body.send_data(Bytes::from_static(b"{}"), true).unwrap();
}

fn reset(mut respond: SendResponse<Bytes>, reason: Reason) {
    respond.send_reset(reason);
}

fn trusting(base: &str, certificates: &Certificates) -> ServiceClientBuilder {
    ServiceClient::builder(base)
        .platform_roots(false)
        .ca_pem(certificates.ca_pem())
}

#[tokio::test]
async fn as_many_requests_are_under_way_over_http2_as_the_program_says() {
    for (limit, expected) in [(3, 3), (2, 0)] {
        // It answers three at a time, and else nobody.
        let base = Http2Server::new([Act::Together(3)]).listen(None).await;
        let client = ServiceClient::builder(&base)
            .http2_prior_knowledge(true)
            .max_concurrent_requests(limit)
            .timeout(Duration::from_millis(if limit == 3 { 20_000 } else { 300 }))
            .build()
            .unwrap();
        let answers = join_all((0..3).map(|_| client.get("/x/").send())).await;
        let answered = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(answered, expected);
    }
}

#[tokio::test]
async fn a_hundred_requests_share_one_connection_from_the_first_on() {
    let certificates = Certificates::new("localhost");
    let server = Http2Server::new([Act::Together(100)]);
    let tls = TlsAcceptor::from(Arc::new(certificates.config(&["h2", "http/1.1"], false)));
    let base = server.listen(Some(tls)).await;
    // Requests over HTTP/2 do not wait for a connection of their own.
    let client = trusting(&base, &certificates)
        .http2(true)
        .max_connections(3)
        .build()
        .unwrap();
    for round in 1..=3 {
        let responses = join_all((0..100).map(|_| client.get("/x/").send())).await;
        assert!(
            responses
                .iter()
                .all(|response| response.as_ref().unwrap().http_version() == Version::HTTP_2)
        );
        assert_eq!(server.counts(), (1, 100 * round));
    }
    assert_eq!(client.stats().connections, 1);
    client.close().await;
    join_all((0..100).map(|_| client.get("/x/").send())).await;
    assert_eq!(server.counts(), (2, 400));
}

async fn burst(client: &ServiceClient, requests: usize) {
    for answer in join_all((0..requests).map(|_| client.get("/x/").send())).await {
        answer.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_requests_take_long_is_not_idle() {
    let server = Http2Server::new([Act::After(Duration::from_secs(10))]);
    let client = server.in_memory().build().unwrap();
    for round in 1..=3 {
        burst(&client, 100).await;
        assert_eq!(server.counts(), (1, 100 * round));
    }
    // Nor is it while some of them are still under way.
    let late = async {
        tokio::time::sleep(Duration::from_secs(6)).await;
        burst(&client, 20).await;
    };
    tokio::join!(burst(&client, 1), late);
    assert_eq!(server.counts(), (1, 321));
}

#[tokio::test(start_paused = true)]
async fn a_burst_after_a_rest_shares_a_connection_too() {
    let server = Http2Server::new([Act::Answer]);
    let client = server.in_memory().build().unwrap();
    for connections in 1..=4 {
        for _ in 0..3 {
            burst(&client, 20).await;
            assert_eq!(server.counts().0, connections);
            tokio::time::sleep(Duration::from_millis(3900)).await;
        }
        assert_eq!(server.counts.open.load(Ordering::SeqCst), 1);
        // It is closed also where nobody asks for anything any more; the request after that may come at any time.
        tokio::time::sleep(Duration::from_millis(150 + 900 * connections as u64)).await;
        assert_eq!(server.counts.open.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn connections_of_a_server_without_http2_end_one_by_one() {
    let server = Server::new(|seen, _| match seen.target.as_str() {
        "/slow/" => {
            let json = [("Content-Type", "application/json")];
            Reply::Slowly(Duration::from_secs(6), vec![response(200, &json, "{}")])
        }
        _ => ok(),
    });
    let certificates = Certificates::new("localhost");
    let tls = TlsAcceptor::from(Arc::new(certificates.config(&["http/1.1"], false)));
    let accepting = server.clone();
    let builder = trusting("https://localhost", &certificates).http2(true);
    let connector = builder.connector(move |_| {
        let (theirs, ours) = tokio::io::duplex(64 * 1024);
        let (server, tls) = (accepting.clone(), tls.clone());
        tokio::spawn(async move { server.serve(tls.accept(ours).await.unwrap(), 0).await });
        async move { Ok(theirs) }
    });
    let client = connector.build().unwrap();
    let slow = || async { client.get("/slow/").await.unwrap() };
    let quick = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        burst(&client, 5).await;
        tokio::time::sleep(Duration::from_millis(3900)).await;
        assert_eq!(server.open(), 6);
        burst(&client, 1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(server.open(), 2, "the idle ones but that which was used");
    };
    tokio::join!(slow(), quick);
    tokio::time::sleep(Duration::from_millis(4100)).await;
    assert_eq!(server.open(), 0);
    burst(&client, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_may_not_be_idle_is_shared_while_it_is_used() {
    for (longest, connections) in [(Duration::ZERO, 2), (Duration::MAX, 1)] {
        let server = Http2Server::new([Act::After(Duration::from_secs(1))]);
        let client = server
            .in_memory()
            .keepalive_timeout(longest)
            .build()
            .unwrap();
        burst(&client, 20).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        burst(&client, 20).await;
        assert_eq!(server.counts(), (connections, 40));
    }
}

#[tokio::test]
async fn http2_is_spoken_only_when_asked_for_and_agreed() {
    let certificates = Certificates::new("localhost");
    let server = Server::script([ok()]);
    let offers_both = tls::listen(&server, certificates.config(&["http/1.1"], false)).await;
    let client = trusting(&offers_both, &certificates)
        .http2(true)
        .build()
        .unwrap();
    let responses = join_all((0..20).map(|_| client.get("/x/").send())).await;
    assert!(
        responses
            .iter()
            .all(|response| response.as_ref().unwrap().http_version() == Version::HTTP_11)
    );
    let plain = server.listen().await;
    let client = ServiceClient::builder(&plain).http2(true).build().unwrap();
    assert_eq!(
        client.get("/x/").await.unwrap().http_version(),
        Version::HTTP_11
    );
    let http2 = Http2Server::new([Act::Answer]);
    let tls = TlsAcceptor::from(Arc::new(certificates.config(&["h2"], false)));
    let base = http2.listen(Some(tls)).await;
    let client = trusting(&base, &certificates)
        .max_retries(0)
        .build()
        .unwrap();
    client.get("/x/").await.unwrap_err();
    assert_eq!(http2.counts().1, 0);
}

#[tokio::test]
async fn a_burst_to_a_server_that_is_not_there_fails_together() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = ServiceClient::builder(&format!("https://localhost:{port}"))
        .verify_ssl(false)
        .http2(true)
        .max_retries(0)
        .build()
        .unwrap();
    for result in join_all((0..20).map(|_| client.get("/x/").send())).await {
        assert!(result.unwrap_err().is_connect());
    }
}

#[tokio::test]
async fn prior_knowledge_needs_no_tls() {
    let server = Http2Server::new([Act::Answer]);
    let base = server.listen(None).await;
    let client = ServiceClient::builder(&base)
        .http2_prior_knowledge(true)
        .build()
        .unwrap();
    let responses = join_all((0..100).map(|_| client.get("/x/").send())).await;
    assert!(
        responses
            .iter()
            .all(|response| response.as_ref().unwrap().http_version() == Version::HTTP_2)
    );
    assert_eq!(server.counts(), (1, 100));
}

#[tokio::test]
async fn a_refused_stream_is_resent_also_for_a_write() {
    for act in [Act::Reset(Reason::REFUSED_STREAM), Act::GoAway] {
        let server = Http2Server::new([act, act, Act::Answer]);
        let base = server.listen(None).await;
        let client = ServiceClient::builder(&base)
            .http2_prior_knowledge(true)
            .build()
            .unwrap();
        let response = client.post("/x/", &1).await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{act:?}");
        assert_eq!(server.counts().1, 3, "{act:?}");
    }
}

#[tokio::test]
async fn any_other_reset_leaves_a_write_unknown() {
    for reason in [
        Reason::INTERNAL_ERROR,
        Reason::CANCEL,
        Reason::ENHANCE_YOUR_CALM,
    ] {
        let server = Http2Server::new([Act::Reset(reason), Act::Answer]);
        let base = server.listen(None).await;
        let client = ServiceClient::builder(&base)
            .http2_prior_knowledge(true)
            .build()
            .unwrap();
        let error = client.post("/x/", &1).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::OutcomeUnknown,
            "{reason}: {error:?}"
        );
        assert_eq!(server.counts().1, 1, "{reason}");
        client.get("/x/").await.unwrap();
    }
}

#[tokio::test]
async fn streams_above_the_last_one_of_a_goodbye_are_resent() {
    // A raw server: it reads two requests, answers none, and says goodbye for the second one only.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let posts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&posts);
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        read_headers(&mut stream, 2).await;
        // GOAWAY, last stream 1, NO_ERROR.
        stream
            .write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
            .await
            .unwrap();
        let (second, _) = listener.accept().await.unwrap();
        drop(stream);
        let mut connection = h2::server::handshake(second).await.unwrap();
        while let Some(Ok((_, respond))) = connection.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            answer(respond);
        }
    });
    let base = format!("http://127.0.0.1:{port}");
    let client = ServiceClient::builder(&base)
        .http2_prior_knowledge(true)
        .build()
        .unwrap();
    let results = join_all((0..2).map(|_| client.post("/x/", &1).send())).await;
    let unknown = results.iter().filter(|result| {
        result
            .as_ref()
            .is_err_and(django_api_orm::client::Error::is_outcome_unknown)
    });
    assert_eq!(
        unknown.count(),
        1,
        "stream 1 may have been processed: {results:?}"
    );
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        1,
        "stream 3 was not: {results:?}"
    );
    assert_eq!(posts.load(Ordering::SeqCst), 1);
}

/// Reads frames until `count` HEADERS frames have come.
async fn read_headers(stream: &mut tokio::net::TcpStream, mut count: usize) {
    use tokio::io::AsyncReadExt;
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    while count > 0 {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        if head[3] == 1 {
            count -= 1;
        }
    }
}
