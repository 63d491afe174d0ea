//! The handle of a running server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::builder::TestServerBuilder;
use crate::error::{Error, Result};
use crate::faults::{Fault, Faults, Gate};
use crate::record::{Record, RecordedRequest};
use crate::reference;
use crate::serve::{Shared, serve};
use crate::tls::{self, PemFile, Tls};

/// A running server; dropping it stops it.
///
/// ```
/// use django_api_orm_testserver::{Resource, TestServer};
/// use serde_json::json;
///
/// # fn main() -> Result<(), django_api_orm_testserver::Error> {
/// let server = TestServer::builder()
///     .resource(Resource::from_json("books", json!([{"title": "Emma"}])))
///     .start_blocking()?;
/// assert!(server.base_url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
pub struct TestServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    base_url: String,
    token: Option<String>,
    ca: Option<(String, PemFile)>,
    client_identity: Option<String>,
    /// Dropped to stop the thread; the receiver answers when it has ended.
    stop: Option<oneshot::Sender<()>>,
    ended: Option<oneshot::Receiver<()>>,
}

impl TestServer {
    /// A server without any endpoint yet.
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::new()
    }

    /// The reference site: users, posts, comments, teams, articles, labels and items with the
    /// rows that the project's tests are written for. Its token is `test-token`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn reference() -> Result<Self> {
        Self::reference_builder().start().await
    }

    /// The reference site, to be changed before it is started.
    pub fn reference_builder() -> TestServerBuilder {
        reference::builder()
    }

    /// Starts the reference site from code that is not async.
    ///
    /// # Errors
    /// When no port is free, and inside an async runtime.
    pub fn start_blocking() -> Result<Self> {
        Self::reference_builder().start_blocking()
    }

    /// Starts the thread of a server; the receiver gets its handle.
    pub(crate) fn launch(
        mut builder: TestServerBuilder,
    ) -> Result<oneshot::Receiver<Result<Self>>> {
        let site = builder.build_site()?;
        let shared = Arc::new(Shared {
            site,
            record: Record::default(),
            faults: Faults::default(),
            connections: AtomicU64::new(0),
            closing: watch::Sender::new(0),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(builder.workers)
            .thread_name("testserver")
            .enable_all()
            .build()
            .map_err(|error| Error::because("cannot start a runtime", error))?;
        let (sender, receiver) = oneshot::channel();
        let run = move || {
            runtime.block_on(run(builder, shared, sender));
            runtime.shutdown_background();
        };
        std::thread::Builder::new()
            .name("testserver".to_owned())
            .spawn(run)
            .map_err(|error| Error::because("cannot start a thread", error))?;
        Ok(receiver)
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT` with TLS; no slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first token of the server, if it asks for one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The certificate of the authority that signed the server's, PEM; none without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca.as_ref().map(|(pem, _)| pem.as_str())
    }

    /// A file with [`ca_pem`](Self::ca_pem); deleted with the server.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca.as_ref().map(|(_, file)| file.path())
    }

    /// The certificate and private key of a client, PEM, that the server's authority has signed.
    pub fn client_identity_pem(&self) -> Option<&str> {
        self.client_identity.as_deref()
    }

    /// The requests so far, in the order in which they arrived.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.record.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.record.clear();
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Closes every open connection, as a server does with idle ones.
    pub fn close_connections(&self) {
        self.shared.closing.send_modify(|number| *number += 1);
    }

    /// Puts back the rows that the server began with; forgets requests, throttles and faults.
    ///
    /// # Errors
    /// When SQLite refuses, which it has no reason to.
    pub fn reset(&self) -> Result<()> {
        self.clear_requests();
        self.shared.faults.clear();
        self.shared
            .site
            .reset()
            .map_err(|error| Error::because("cannot reset the rows", error))
    }

    /// Lets the next request go wrong. Several faults wait in line.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.add(None, fault);
    }

    /// Lets the next request with this method and path go wrong.
    pub fn inject_on(&self, method: Method, path: &str, fault: Fault) {
        self.shared
            .faults
            .add(Some((method, path.to_owned())), fault);
    }

    /// Answers the next request with this, whatever it asks for. Headers that HTTP does not
    /// allow are left out.
    pub fn fail_next(&self, status: StatusCode, headers: &[(&str, &str)], body: impl Into<Bytes>) {
        let headers = headers.iter().filter_map(|(name, value)| {
            Some((name.parse::<http::HeaderName>().ok()?, value.parse().ok()?))
        });
        self.inject(Fault::Answer(
            status,
            HeaderMap::from_iter(headers),
            body.into(),
        ));
    }

    /// Handles the next request after this time.
    pub fn delay_next(&self, time: Duration) {
        self.inject(Fault::Delay(time));
    }

    /// Closes the connection of the next request when it was read, without an answer.
    pub fn drop_next(&self) {
        self.inject(Fault::CloseAfterReading);
    }

    /// Stops the next request inside the server until the gate is opened.
    pub fn hold_next(&self) -> Gate {
        let gate = Gate::new();
        self.inject(Fault::Hold(gate.clone()));
        gate
    }

    /// Stops the server and waits until its port is free.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        if let Some(ended) = self.ended.take() {
            // An error says that the thread has ended, too.
            let _ = ended.await;
        }
    }
}

impl std::fmt::Debug for TestServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TestServer")
            .field("base_url", &self.base_url)
            .finish()
    }
}

/// The life of a server's thread: listen, hand the handle over, serve until told to stop.
async fn run(
    builder: TestServerBuilder,
    shared: Arc<Shared>,
    sender: oneshot::Sender<Result<TestServer>>,
) {
    let prepared = prepare(&builder).await;
    let (listener, address, certificates) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            // Nobody waits any more: then there is nobody to tell.
            let _ = sender.send(Err(error));
            return;
        }
    };
    let acceptor = certificates
        .as_ref()
        .map(|certificates| certificates.acceptor.clone());
    let (ca, client_identity) = match certificates.map(|made| (made.authority, made.client)) {
        None => (None, None),
        Some((authority, client)) => match PemFile::write(&authority) {
            Ok(file) => (Some((authority, file)), Some(client)),
            Err(error) => {
                let _ = sender.send(Err(error));
                return;
            }
        },
    };
    let base_url = match builder.tls {
        Tls::Off => format!("http://{address}"),
        Tls::On | Tls::ClientCertificates => format!("https://localhost:{}", address.port()),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let (end, ended) = oneshot::channel::<()>();
    let server = TestServer {
        shared: Arc::clone(&shared),
        address,
        base_url,
        token: builder.first_token,
        ca,
        client_identity,
        stop: Some(stop),
        ended: Some(ended),
    };
    if sender.send(Ok(server)).is_err() {
        return;
    }
    let closing = Arc::clone(&shared);
    tokio::select! {
        () = serve(listener, shared, acceptor, builder.routes) => {}
        _ = stopped => {}
    }
    closing.closing.send_modify(|number| *number += 1);
    drop(end);
}

async fn prepare(
    builder: &TestServerBuilder,
) -> Result<(TcpListener, SocketAddr, Option<tls::Certificates>)> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, builder.port));
    let refused = |error| Error::because(format!("cannot listen on {wanted}"), error);
    let listener = TcpListener::bind(wanted).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let certificates = match builder.tls {
        Tls::Off => None,
        tls => Some(tls::certificates(tls)?),
    };
    Ok((listener, address, certificates))
}
