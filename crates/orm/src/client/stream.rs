//! The byte stream under a connection: TCP, TLS over TCP or a tunnel, or whatever a test plugs in.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use super::idle::Idleness;
use super::rest::{Expected, Kept, Rest, Shared};
use super::stats::OpenConnections;

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// Any byte stream, with what the HTTP library wants to know of it.
pub(super) struct Stream {
    bytes: Box<dyn Bytes>,
    is_http2: bool,
    is_proxied: bool,
    tracked: Option<Tracked>,
    expected: Expected,
    rest: Option<Rest>,
    idleness: Option<Idleness>,
}

/// Keeps the books of the open connections while the stream lives.
struct Tracked {
    open: Arc<OpenConnections>,
    is_http2: bool,
    _place: OwnedSemaphorePermit,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.open.closed(self.is_http2);
    }
}

impl Stream {
    pub(super) fn new(bytes: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self {
            bytes: Box::new(bytes),
            is_http2: false,
            is_proxied: false,
            tracked: None,
            expected: Expected::default(),
            rest: None,
            idleness: None,
        }
    }

    /// Who says whether a request may be about to be written.
    pub(super) fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    pub(super) fn expected(&self) -> &Expected {
        &self.expected
    }

    /// HTTP/2 was agreed upon.
    pub(super) fn http2(mut self, is_http2: bool) -> Self {
        self.is_http2 = is_http2;
        self
    }

    /// The other end is a proxy that wants to see whole URLs.
    pub(super) fn proxied(mut self) -> Self {
        self.is_proxied = true;
        self
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2
    }

    /// Counts the stream as open until it is dropped, and keeps its place among the allowed connections.
    pub(super) fn tracked(
        mut self,
        open: Arc<OpenConnections>,
        is_http2: bool,
        place: OwnedSemaphorePermit,
    ) -> Self {
        open.opened(is_http2);
        self.tracked = Some(Tracked {
            open,
            is_http2,
            _place: place,
        });
        self
    }

    /// Says to `rest` when it is used, and ends when that is over.
    pub(super) fn resting(mut self, rest: Rest) -> Self {
        self.rest = Some(rest);
        self
    }

    /// Ends when it has been idle for too long.
    pub(super) fn ending(mut self, idleness: Option<Idleness>) -> Self {
        self.idleness = idleness;
        self
    }

    /// Whether it ends before anything else is sent.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let idleness = self.idleness.as_mut();
        self.rest.as_ref().is_some_and(Rest::is_over)
            || idleness.is_some_and(|idleness| idleness.is_over(cx))
    }

    fn written(&self) {
        if let Some(rest) = &self.rest {
            rest.write();
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.is_proxied);
        let connected = match &self.rest {
            Some(rest) => connected.extra(Kept::new(rest)),
            None => connected.extra(Shared),
        };
        if self.is_http2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over(cx) {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.bytes).poll_read(cx, buf);
        let Poll::Ready(result) = polled else {
            return Poll::Pending;
        };
        let Some(rest) = &self.rest else {
            return Poll::Ready(result);
        };
        if result.is_ok() && buf.filled().len() > before {
            rest.answer();
            return Poll::Ready(result);
        }
        match rest.close() {
            Some(lost) => Poll::Ready(Err(lost)),
            None => Poll::Ready(result),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written();
        Pin::new(&mut self.bytes).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.written();
        Pin::new(&mut self.bytes).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.bytes.is_write_vectored()
    }
}
