//! A TCP connection that is looked at before it is used again.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::rest::Expected;

/// A TCP connection. The runtime hears of what has come only when it gets round to asking; so where a read finds nothing
/// twice, and a request may be about to be written, the socket itself is asked, and a connection that was closed in the meantime
/// shows it before a request is lost on it.
pub(super) struct Tcp {
    stream: TcpStream,
    /// Whether something was written that is not answered.
    is_asked: bool,
    has_waited: bool,
    expected: Expected,
}

impl Tcp {
    pub(super) fn new(stream: TcpStream, expected: Expected) -> Self {
        Self {
            stream,
            is_asked: false,
            has_waited: false,
            expected,
        }
    }

    /// What the socket has, whatever the runtime knows.
    fn look(&self, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 128];
        let room = bytes.len().min(buf.remaining());
        let socket = SockRef::from(&self.stream);
        let Some(bytes) = bytes.get_mut(..room).filter(|bytes| !bytes.is_empty()) else {
            return Poll::Pending;
        };
        match (&*socket).read(bytes) {
            Ok(count) => {
                buf.put_slice(bytes.get(..count).unwrap_or_default());
                Poll::Ready(Ok(()))
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Poll::Pending,
                _ => Poll::Ready(Err(error)),
            },
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let is_due = self.has_waited && !self.is_asked && self.expected.is_expected();
        if polled.is_pending() && is_due {
            polled = self.look(buf);
        }
        self.has_waited = polled.is_pending();
        self.is_asked &= polled.is_pending();
        polled
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_asked = true;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_asked = true;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
