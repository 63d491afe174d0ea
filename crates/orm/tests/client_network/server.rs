//! A server that does what a script says, byte by byte, and remembers what it saw.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use django_api_orm::client::{ServiceClient, ServiceClientBuilder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;

/// What the server does with one request, after reading it.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends these bytes and keeps the connection.
    Bytes(Vec<u8>),
    /// Sends these bytes and closes.
    Last(Vec<u8>),
    /// Sends each piece after a pause, and keeps the connection.
    Slowly(Duration, Vec<Vec<u8>>),
    /// Closes without a word.
    Close,
    /// Never answers.
    Hang,
}

/// What the server does with one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    Serve,
    /// The connection takes this long to be established.
    After(Duration),
    /// The connection is refused.
    Refuse,
    /// The connection is never established.
    Hang,
    /// The connection is closed before anything is read.
    CloseAtOnce,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

type Respond = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

#[derive(Clone)]
pub(crate) struct Server(Arc<Inner>);

struct Inner {
    respond: Box<Respond>,
    accept: Vec<Accept>,
    seen: Mutex<Vec<Seen>>,
    asked_for: Mutex<Vec<String>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    answering: AtomicUsize,
    most_answering: AtomicUsize,
}

impl Server {
    /// Answers the first request with the first reply and so on; the last reply is repeated.
    pub(crate) fn script(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        Self::new(move |_, index| replies[index.min(replies.len() - 1)].clone())
    }

    /// Answers by a function of the request and its number.
    pub(crate) fn new(respond: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_accept([Accept::Serve], respond)
    }

    /// As [`Server::new`], with a script for the connections; the last entry is repeated.
    pub(crate) fn with_accept(
        accept: impl IntoIterator<Item = Accept>,
        respond: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            respond: Box::new(respond),
            accept: accept.into_iter().collect(),
            seen: Mutex::default(),
            asked_for: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            answering: AtomicUsize::new(0),
            most_answering: AtomicUsize::new(0),
        }))
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().clone()
    }

    /// How many requests there were so far.
    pub(crate) fn count(&self) -> usize {
        self.0.seen.lock().unwrap().len()
    }

    /// `METHOD target` of the requests so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|seen| format!("{} {}", seen.method, seen.target))
            .collect()
    }

    /// The origins that connections were asked for.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        self.0.asked_for.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.0.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    /// The most requests that were being answered at the same time.
    pub(crate) fn most_answering(&self) -> usize {
        self.0.most_answering.load(Ordering::SeqCst)
    }

    /// A builder whose connections end here, in memory, whatever the host is.
    pub(crate) fn builder(&self) -> ServiceClientBuilder {
        self.builder_for("http://api.test")
    }

    pub(crate) fn builder_for(&self, base_url: &str) -> ServiceClientBuilder {
        let server = self.clone();
        ServiceClient::builder(base_url).connector(move |uri| {
            let server = server.clone();
            async move {
                let origin = format!(
                    "{}://{}",
                    uri.scheme_str().unwrap(),
                    uri.authority().unwrap()
                );
                server.0.asked_for.lock().unwrap().push(origin);
                server.connect().await
            }
        })
    }

    pub(crate) fn client(&self) -> ServiceClient {
        self.builder().build().unwrap()
    }

    async fn connect(&self) -> io::Result<DuplexStream> {
        let number = self.0.connections.fetch_add(1, Ordering::SeqCst);
        match self.accept_of(number) {
            Accept::Refuse => return Err(io::ErrorKind::ConnectionRefused.into()),
            Accept::Hang => std::future::pending().await,
            Accept::After(pause) => tokio::time::sleep(pause).await,
            Accept::Serve | Accept::CloseAtOnce => {}
        }
        let (theirs, ours) = tokio::io::duplex(64 * 1024);
        let server = self.clone();
        tokio::spawn(async move { server.serve(ours, number).await });
        Ok(theirs)
    }

    fn accept_of(&self, number: usize) -> Accept {
        self.0.accept[number.min(self.0.accept.len() - 1)]
    }

    /// Listens on a free loopback port and returns the base URL.
    pub(crate) async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = server.0.connections.fetch_add(1, Ordering::SeqCst);
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream, number).await });
            }
        });
        format!("http://{address}")
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin, number: usize) {
        self.0.open.fetch_add(1, Ordering::SeqCst);
        if self.accept_of(number) != Accept::CloseAtOnce {
            // An error is a client that has gone, which is how most connections end.
            let _ = self.talk(stream).await;
        }
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }

    async fn talk(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(seen) = read_request(&mut stream, &mut buffer).await? {
            let index = {
                let mut all = self.0.seen.lock().unwrap();
                all.push(seen.clone());
                all.len() - 1
            };
            let answering = self.0.answering.fetch_add(1, Ordering::SeqCst) + 1;
            self.0.most_answering.fetch_max(answering, Ordering::SeqCst);
            let go_on = self
                .answer(&mut stream, (self.0.respond)(&seen, index))
                .await;
            self.0.answering.fetch_sub(1, Ordering::SeqCst);
            if !go_on? {
                break;
            }
        }
        Ok(())
    }

    async fn answer(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        reply: Reply,
    ) -> io::Result<bool> {
        match reply {
            Reply::Bytes(bytes) => {
                stream.write_all(&bytes).await?;
                Ok(true)
            }
            Reply::Last(bytes) => {
                stream.write_all(&bytes).await?;
                stream.shutdown().await?;
                Ok(false)
            }
            Reply::Slowly(pause, pieces) => {
                for piece in pieces {
                    tokio::time::sleep(pause).await;
                    stream.write_all(&piece).await?;
                }
                Ok(true)
            }
            Reply::Close => Ok(false),
            Reply::Hang => {
                // Until the client goes away.
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await?;
                Ok(false)
            }
        }
    }
}

async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Seen>> {
    let head_end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(str::to_owned);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut seen = Seen {
        method: first.next().unwrap_or_default(),
        target: first.next().unwrap_or_default(),
        headers,
        body: Vec::new(),
    };
    let length: usize = seen
        .header("content-length")
        .map_or(0, |value| value.parse().unwrap());
    while buffer.len() < head_end + 4 + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let rest = buffer.split_off(head_end + 4 + length);
    seen.body = buffer[head_end + 4..].to_vec();
    *buffer = rest;
    Ok(Some(seen))
}

/// A response with a status, header lines and a body of known length.
pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    out.extend_from_slice(body);
    out
}

/// `{"ok": true}` with this status.
pub(crate) fn status(status: u16) -> Reply {
    Reply::Bytes(response(
        status,
        &[("Content-Type", "application/json")],
        r#"{"ok": true}"#,
    ))
}

pub(crate) fn ok() -> Reply {
    status(200)
}

/// This status with header lines and an empty object.
pub(crate) fn with_headers(status: u16, headers: &[(&str, &str)]) -> Reply {
    Reply::Bytes(response(status, headers, "{}"))
}

/// A response whose body breaks off.
pub(crate) fn truncated(status: u16) -> Reply {
    Reply::Last(format!("HTTP/1.1 {status} X\r\nContent-Length: 100\r\n\r\n{{\"ok\":").into_bytes())
}
