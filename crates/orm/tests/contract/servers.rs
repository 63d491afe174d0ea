//! The two servers of the suite. Each is started when its first case runs, and ends with the process.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use django_api_orm_testserver::TestServer;

use crate::drf::Drf;

/// A server to run cases on: the same site over plain http, and over TLS with HTTP/2.
pub(crate) struct Server {
    kind: Kind,
    plain: OnceLock<Result<Running, String>>,
    tls: OnceLock<Result<Running, String>>,
    /// Held by the cases that are running.
    rows: RwLock<()>,
}

#[derive(Clone, Copy)]
enum Kind {
    TestServer,
    Drf,
}

/// A server that is up.
pub(crate) struct Running {
    pub(crate) base_url: String,
    /// Of the authority that signed the certificate.
    pub(crate) ca_file: Option<PathBuf>,
    /// Dropped to stop it.
    _process: Process,
}

enum Process {
    TestServer { _server: Box<TestServer> },
    Drf { _site: Drf },
}

impl Server {
    pub(crate) fn testserver() -> Self {
        Self::new(Kind::TestServer)
    }

    pub(crate) fn drf() -> Self {
        Self::new(Kind::Drf)
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
            rows: RwLock::new(()),
        }
    }

    /// For a case that only reads: others read at the same time.
    pub(crate) fn share_the_rows(&self) -> RwLockReadGuard<'_, ()> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a case that writes: no other case runs on this server.
    pub(crate) fn own_the_rows(&self) -> RwLockWriteGuard<'_, ()> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is the real site, which takes long for an answer.
    pub(crate) fn is_django(&self) -> bool {
        matches!(self.kind, Kind::Drf)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::TestServer => "testserver",
            Kind::Drf => "DRF",
        }
    }

    /// Starts the plain server, once.
    pub(crate) fn start(&self) -> Result<&Running, String> {
        self.plain
            .get_or_init(|| self.kind.start(false))
            .as_ref()
            .map_err(Clone::clone)
    }

    pub(crate) fn plain(&self) -> &Running {
        self.start().expect("started before the case")
    }

    /// The server with TLS, started at the first use. Its rows are its own, and no case writes there.
    pub(crate) fn tls(&self) -> Result<&Running, String> {
        self.tls
            .get_or_init(|| self.kind.start(true))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Puts the rows of the fixture back. Written by hand, so that it works when the client does not.
    pub(crate) fn reset(&self) -> Result<(), String> {
        let running = self.start()?;
        let authority = running.base_url.trim_start_matches("http://");
        let mut answer = String::new();
        let mut exchange = || {
            let mut stream = TcpStream::connect(authority)?;
            write!(
                stream,
                "POST /reset/ HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )?;
            stream.read_to_string(&mut answer)
        };
        exchange().map_err(|error| format!("POST /reset/: {error}"))?;
        let status = answer.lines().next().unwrap_or_default();
        if status.contains(" 204") {
            Ok(())
        } else {
            Err(format!("POST /reset/: {status}"))
        }
    }
}

impl Kind {
    fn start(self, tls: bool) -> Result<Running, String> {
        match self {
            Self::TestServer => {
                let server = TestServer::reference_builder()
                    .tls(tls)
                    .start_on_a_thread()
                    .map_err(|error| error.to_string())?;
                Ok(Running {
                    base_url: server.base_url().to_owned(),
                    ca_file: server.ca_file().map(ToOwned::to_owned),
                    _process: Process::TestServer {
                        _server: Box::new(server),
                    },
                })
            }
            Self::Drf => {
                let site = if tls { Drf::start_tls() } else { Drf::start() }?;
                Ok(Running {
                    base_url: site.base_url().to_owned(),
                    ca_file: site.ca_file().map(ToOwned::to_owned),
                    _process: Process::Drf { _site: site },
                })
            }
        }
    }
}

/// `tls()` is asked for from async cases too, where a thread must not block on a runtime.
trait StartOnAThread {
    fn start_on_a_thread(self) -> django_api_orm_testserver::Result<TestServer>;
}

impl StartOnAThread for django_api_orm_testserver::TestServerBuilder {
    fn start_on_a_thread(self) -> django_api_orm_testserver::Result<TestServer> {
        std::thread::spawn(|| self.start_blocking())
            .join()
            .expect("no panic while starting")
    }
}
